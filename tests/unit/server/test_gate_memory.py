"""What the gate remembers between decisions is never older than what it stands for, and a long past costs nothing."""

import contextlib
import sqlite3
import uuid
from pathlib import Path

import mlflow
import pytest
from mlflow.exceptions import MlflowException

from aims_mlflow.gates import consents, replay
from aims_mlflow.server import decision_evidence, stored_evidence
from aims_mlflow.server.stored_rows import RegistryRows, logged_model_row
from aims_mlflow.settings import environment
from support import commands, trainings
from support.entries import entry_of
from support.gated_registry import refused


@pytest.fixture
def store(client):
    return client._get_registry_client().store


def counted(monkeypatch, owner, name):
    calls, real = [], getattr(owner, name)
    monkeypatch.setattr(owner, name, lambda *args, **more: calls.append(args) or real(*args, **more))
    return calls


def create(client, uri):
    """Register once more: another description makes it another call."""
    model_id = uri.removeprefix("models:/")
    return client.create_model_version("loans", uri, model_id=model_id, description=uuid.uuid4().hex)


def revoke(registry, owner):
    with environment(registry.office.environment()):
        commands.aims("keys", "revoke", owner, "--from", "2020-01-01")


def test_a_session_is_verified_once_for_a_keyring_and_its_bytes(registry, client, store, monkeypatch):
    run, uri = trainings.train("loans", frame=trainings.table(3000))
    client.create_registered_model("loans")
    checked = counted(monkeypatch, replay, "check_session")
    create(client, uri)
    create(client, uri)
    assert len(checked) == 1

    with environment(registry.office.environment()):
        key = registry.folder / "new.pem"
        commands.aims("keys", "new", str(key))
        public = key.with_suffix(".pub.pem")
        public.write_text(commands.aims("keys", "export", "--key", f"file:{key}"))
        commands.aims("keys", "add", str(public), "--owner", "new", "--role", "trainer")
    create(client, uri)
    assert len(checked) == 2, "another keyring"

    place = mlflow.get_run(run).info.artifact_uri.removeprefix("file://")
    (session,) = Path(place, "aims", "sessions").glob("*.jsonl")
    whole = session.read_bytes()
    session.write_bytes(whole.replace(b'"sig":"', b'"sig":"A', 1))
    assert "unverifiable" in refused(create, client, uri)
    session.write_bytes(whole)
    create(client, uri)
    assert len(checked) == 4, (
        "the changed bytes, and those that were sealed under this name; the bytes of before are known"
    )

    revoke(registry, "ana")
    assert "revoked" in refused(create, client, uri)
    assert len(store.search_model_versions("name = 'loans'")) == 4


def test_an_approval_is_verified_once_and_again_when_its_key_is_revoked(registry, client, use, monkeypatch):
    _, uri = use()
    read = counted(monkeypatch, consents, "read_consent")
    for _ in range(2):
        client.set_registered_model_alias("loans", "champion", create(client, uri).version)
    assert len(read) == 0
    revoke(registry, "olga")
    latest = create(client, uri).version
    assert "an approval by another person" in refused(client.set_registered_model_alias, "loans", "champion", latest)
    assert client.get_model_version_by_alias("loans", "champion").version == int(latest) - 1


def test_moving_back_verifies_again_only_when_the_keyring_changed(registry, client, use, monkeypatch):
    version, uri = use()
    read = counted(monkeypatch, decision_evidence, "read_record")

    def away_and_back():
        client.set_registered_model_alias("loans", "champion", create(client, uri).version)
        client.set_registered_model_alias("loans", "champion", version)
        return registry.leaves("decision")[-1].get("basis")

    assert away_and_back() == "restored"
    first = len(read)
    assert first >= 10
    assert away_and_back() == "restored"
    assert len(read) == first

    latest = create(client, uri).version
    client.set_registered_model_alias("loans", "champion", latest)
    revoke(registry, "ana")
    assert "revoked" in refused(client.set_registered_model_alias, "loans", "champion", version)
    assert len(read) > first


def test_an_envelope_that_was_exchanged_in_the_database_carries_no_authority(registry, client, use):
    """Another one with a good signature is no stand-in."""
    version, uri = use()
    client.set_registered_model_alias("loans", "champion", create(client, uri).version)
    with contextlib.closing(sqlite3.connect(registry.folder / "mlflow.db.aims.db")) as database, database:
        names = registry.leaves("decision")[-1]["evidence"]
        (other,) = database.execute("SELECT envelope FROM aims_envelopes WHERE sha256 = ?", [names[0]]).fetchone()
        database.execute("UPDATE aims_envelopes SET envelope = ? WHERE sha256 = ?", [other, names[1]])
    client.set_registered_model_alias("loans", "champion", version)
    assert registry.leaves("decision")[-1]["basis"] == "evidence", "judged anew on the run's own evidence"


def test_where_a_runs_artifacts_lie_is_known_within_its_workspace_alone(registry, client, store, monkeypatch):
    run, uri = trainings.train("loans", frame=trainings.table(3000))
    client.create_registered_model("loans")
    asked = counted(monkeypatch, type(store.gate.evidence.stored._tracking_store()), "get_run")
    create(client, uri)
    create(client, uri)
    assert len(asked) == 1
    monkeypatch.setattr(stored_evidence, "active_workspace", lambda: "other")
    store.gate.evidence.stored.session_files(run, store.gate.policy.current().policy.policy.caps)
    assert len(asked) == 2


def test_rows_say_what_mlflow_says(registry, client, store, use):
    version, uri = use()
    whole = client.get_model_version("loans", version)
    rows = RegistryRows(store)
    row = rows.version("loans", version)
    assert (row.version, row.source, row.run_id, row.model_id) == (version, whole.source, whole.run_id, whole.model_id)
    assert rows.alias_holder("loans", "champion") == version
    assert rows.alias_holder("loans", "challenger") is None
    for name, number in (("loans", "9"), ("nobody", "1")):
        with pytest.raises(MlflowException) as caught:
            rows.version(name, number)
        assert caught.value.error_code == "RESOURCE_DOES_NOT_EXIST"

    model_id, tracking = uri.removeprefix("models:/"), store.gate.evidence.stored._tracking_store()
    model = client.get_logged_model(model_id)
    logged = logged_model_row(tracking, model_id)
    assert (logged.source_run_id, logged.artifact_location) == (model.source_run_id, model.artifact_location)
    client.delete_logged_model(model_id)
    assert "there is no logged model" in refused(store.create_model_version, "loans", uri)


def test_a_long_past_is_not_read_for_each_decision(registry, client, store, use, monkeypatch):
    version, uri = use()
    ledger, digest = store.gate.ledger, registry.leaves("outcome")[-1]["model_digest"]
    about = {"model_name": "loans", "version": version, "model_digest": digest}
    moved = {**about, "of": "decision", "stage": "deployment", "alias": "champion", "done": True}
    moved["would_refuse"] = True  # else the newest of them would be looked at, and be the answer
    for _ in range(3):
        approvals = [
            entry_of("approval", {**about, "model_digest": "0" * 64, "envelope": "0" * 64}) for _ in range(200)
        ]
        ledger.seal(*approvals, *(entry_of("outcome", moved, request=f"r{n}") for n in range(200)))
    store.get_registered_model("aims.status")
    ledger.of_model("loans")

    asked = counted(monkeypatch, type(ledger), "_page")
    rows, real = [], ledger._memory._names["loans"]._read
    ledger._memory._names["loans"]._read = lambda *args: rows.extend(found := list(real(*args))) or found
    create(client, uri)
    client.set_registered_model_alias("loans", "champion", version)
    assert len(rows) < 30, f"{len(rows)} leaves were read for two decisions on a past of 1,200"
    assert len(asked) < 10, f"{len(asked)} more questions to the ledger"
    assert ledger.newest()[0].sequence > 1200

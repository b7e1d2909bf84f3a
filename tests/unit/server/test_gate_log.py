"""The gate and its log: a checkpoint before each answer, deliveries that are late, a key that nobody knows."""

import json
import sqlite3
from contextlib import closing

import pytest

from aims_mlflow.errors import KeyUnavailable
from aims_mlflow.ledger import checkpoint
from aims_mlflow.settings import LOG_KEY
from aims_mlflow.signing.keys import SigningKey
from support import commands, trainings
from support.gated_registry import refused


def reconciled(registry):
    from click.testing import CliRunner

    from aims_mlflow.cli.main import cli

    database = f"sqlite:///{registry.folder}/mlflow.db"
    result = CliRunner().invoke(cli, ["gate", "reconcile", "--registry", database, "--json"], standalone_mode=False)
    return json.loads(result.stdout)


def test_the_checkpoint_is_there_before_the_answer_and_the_status_names_it(registry, client, use):
    use()
    head = registry.ledger.proofs.newest()
    assert head.size == registry.ledger.proofs.size(), "outcomes are covered too"
    told = client.get_registered_model("aims.status").tags
    assert told["aims.checkpoint"] == f"{head.size}:{head.root.hex()}"
    assert "aims.findings" not in told
    notes = [checkpoint.parse(note.encode(), "c") for _, note, _ in registry.ledger.proofs.checkpoints()]
    decisions = [leaf.sequence for leaf in registry.ledger.leaves(types=("decision",))]
    assert {n.size for n in notes} >= {sequence + 1 for sequence in decisions}


def test_a_log_key_that_does_not_sign_refuses(registry, client, monkeypatch):
    import mlflow

    _, uri = trainings.train("loans", frame=trainings.table(3000))
    assert client.get_registered_model("aims.status")

    def broken(*_):
        raise KeyUnavailable("the key did not sign", where="/srv/secret")

    with monkeypatch.context() as patch:
        patch.setattr(SigningKey, "sign", broken)
        text = refused(mlflow.register_model, uri, "loans")
    assert "/srv/secret" not in text
    assert not client.search_model_versions("name = 'loans'")
    assert mlflow.register_model(uri, "loans").version in (1, "1")


def test_a_log_key_that_the_keyring_does_not_know_is_a_finding(registry, client, monkeypatch, tmp_path):
    commands.aims("keys", "new", str(tmp_path / "other.pem"))
    monkeypatch.setenv(LOG_KEY, f"file:{tmp_path}/other.pem")
    assert "the keyring does not know the log's key" in client.get_registered_model("aims.status").tags["aims.findings"]


@pytest.fixture
def blocked(tmp_path, monkeypatch):
    place = tmp_path / "outside"
    place.write_text("a file where the folder belongs")
    monkeypatch.setenv("AIMS_ANCHORS", f"file://{place}")
    return place


def test_a_late_delivery_is_a_finding_until_it_is_there(blocked, registry, client, use):
    use()
    store = client._get_registry_client().store
    with closing(sqlite3.connect(f"{registry.folder}/mlflow.db.aims.db")) as connection, connection:
        connection.execute("UPDATE aims_deliveries SET queued = '2026-01-01T00:00:00.000000Z'")
    (found,) = reconciled(registry)["findings"]
    assert found["about"] == "late-delivery"
    assert "is not at file://" in found["text"]
    assert reconciled(registry)["new"] == 0, "opened once"
    blocked.unlink()
    with closing(sqlite3.connect(f"{registry.folder}/mlflow.db.aims.db")) as connection, connection:
        connection.execute("UPDATE aims_deliveries SET next_try = '2026-01-01T00:00:00.000000Z'")
    store.gate.ledger.proofs.deliverer.deliver_due()
    done = reconciled(registry)
    assert done["findings"] == []
    assert len(done["closed"]) == 1
    store.gate.ledger.proofs.deliverer.stop()
    assert len(list((blocked / "checkpoints").iterdir())) >= 5

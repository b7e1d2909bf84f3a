"""What a caller brings who has no known key enters the ledger as digests and counts alone, and within bounds."""

import json
import uuid
from pathlib import Path

import mlflow
import pytest

from aims_mlflow.errors import AimsError, PolicyRefused
from aims_mlflow.gates.replay import recorded, replay, same
from support import trainings
from support.gated_registry import refused

SECRET = "person0815@example.org"


def contents(registry):
    """Every byte of the ledger's database."""
    return b"".join(p.read_bytes() for p in registry.folder.glob("mlflow.db.aims.db*") if p.is_file())


def size(registry):
    return sum(p.stat().st_size for p in registry.folder.glob("mlflow.db.aims.db*") if p.is_file())


def create(client, uri):
    return client.create_model_version(
        "loans", uri, model_id=uri.removeprefix("models:/"), description=uuid.uuid4().hex
    )


@pytest.fixture
def bare(registry, client):
    """A model without evidence, and the folder where its run's evidence would be."""
    client.create_registered_model("loans")
    uri = trainings.plain_model()
    run = mlflow.get_run(mlflow.get_logged_model(uri.removeprefix("models:/")).source_run_id)
    folder = Path(run.info.artifact_uri.removeprefix("file://"), "aims", "sessions")
    folder.mkdir(parents=True)
    return uri, folder


@pytest.mark.parametrize(
    "content",
    [b"\n" * 2_000_000, SECRET.encode() + b"\n", json.dumps({"payload": SECRET}).encode() + b"\n" * 5_000],
    ids=["line breaks", "a text", "something like an envelope"],
)
def test_files_that_nobody_known_signed_leave_digests_and_counts(registry, client, bare, content):
    uri, folder = bare
    (folder / f"{SECRET}.jsonl").write_bytes(content)
    refused(create, client, uri)
    before = size(registry)
    assert "no known key signed" in refused(create, client, uri)
    assert size(registry) - before < 100_000
    assert SECRET.encode() not in contents(registry)
    request = registry.leaves("decision")[-1]["request"]
    assert same(recorded(registry.ledger, request), replay(registry.ledger, request))


def test_a_signed_line_counts_once_and_what_stands_around_it_is_taken_out(registry, client, bare):
    run, _ = trainings.train("loans", frame=trainings.table(3000))
    (signed,) = Path(mlflow.get_run(run).info.artifact_uri.removeprefix("file://"), "aims", "sessions").glob("*.jsonl")
    uri, folder = bare
    first = signed.read_bytes().split(b"\n")[0]
    (folder / signed.name).write_bytes(b"\n".join([first] * 5_000 + [SECRET.encode()] * 50) + b"\n")
    refused(create, client, uri)
    (lines,) = registry.leaves("decision")[-1]["sessions"].values()
    assert len(lines) == 3  # the record, the line that says what was taken out, the end
    assert SECRET.encode() not in contents(registry)


def test_an_unknown_key_is_still_named_with_the_commands_that_make_it_known(registry, client, tmp_path, monkeypatch):
    from support import commands

    commands.aims("keys", "new", str(tmp_path / "new.pem"))
    monkeypatch.setenv("AIMS_SIGNING_KEY", f"file:{tmp_path}/new.pem")
    client.create_registered_model("loans")
    _, uri = trainings.train("loans", frame=trainings.table(3000))
    text = refused(create, client, uri)
    assert "aims keys export" in text
    assert "aims keys add FILE --owner NAME --role trainer" in text


def test_refusals_beyond_the_bound_are_refused_and_not_sealed(registry, client, bare):
    registry.change_policy(lambda p: p.setdefault("caps", {}).update(max_refusals_per_hour=2))
    for _ in range(4):
        refused(create, client, bare[0])
    assert len(registry.leaves("decision")) == 2


def test_changes_beyond_the_bound_are_refused_and_what_takes_out_of_use_passes(registry, client, use):
    version, _ = use()  # two changes at least: a version, and an alias
    registry.change_policy(lambda p: p.setdefault("caps", {}).update(max_changes_per_hour=2))
    client.delete_registered_model_alias("loans", "champion")
    sealed = len(registry.leaves())
    text = refused(client.set_registered_model_alias, "loans", "champion", version)
    assert "the server itself asked for 2 changes of loans within an hour" in text
    assert "min, or the platform team raises caps.max_changes_per_hour" in text
    assert text.endswith("Unchanged: the alias or stage is where it was")
    text = refused(client.rename_registered_model, "loans", "credit")
    assert "changes of loans" in text
    assert text.endswith("Unchanged: the model keeps its name")
    text = refused(client.delete_model_version, "loans", version)
    assert "changes of loans" in text
    assert text.endswith("Unchanged: nothing was deleted")
    assert len(registry.leaves()) == sealed
    with pytest.raises(AimsError, match="changes of loans"):
        registry.say("approve", f"models:/loans/{version}", "--stage", "deployment", "--alias", "champion")
    registry.say("gate", "revoke", f"models:/loans/{version}", "--reason", "a leak")
    assert len(registry.leaves("revocation")) == 1


def test_a_caller_has_a_bound_over_all_models_and_others_have_their_own(monkeypatch):
    from aims_mlflow.records.policy import Caps
    from aims_mlflow.server import hourly_bounds

    clock, people, bounds, caps = [0.0], ["eve"], hourly_bounds.HourlyBounds(), Caps(max_changes_per_hour=2)
    monkeypatch.setattr(hourly_bounds, "monotonic", lambda: clock[0])
    monkeypatch.setattr(hourly_bounds, "caller_name", lambda: people[-1])
    for number in range(20):
        bounds.require_change(f"model-{number // 2}", caps)
    with pytest.raises(PolicyRefused, match="eve asked for 20 changes of all models within an hour"):
        bounds.require_change("model-10", caps)
    people.append("ana")
    bounds.require_change("model-0", caps)
    people.append("eve")
    clock[0] = 3601.0
    bounds.require_change("model-10", caps)


def test_no_name_enters_that_the_registry_does_not_hold(registry, client):
    from mlflow.exceptions import MlflowException

    uri = trainings.plain_model()
    store = client._get_registry_client().store
    with pytest.raises(MlflowException, match="not found"):
        store.create_model_version(SECRET, uri, model_id=uri.removeprefix("models:/"))
    with pytest.raises(MlflowException):
        store.create_model_version("loans", f"runs:/{SECRET}/model")
    assert SECRET.encode() not in contents(registry)


def test_of_a_deleted_version_the_ledger_keeps_no_text(registry, client):
    _, uri = trainings.train("loans", frame=trainings.table(3000))
    client.create_registered_model("loans")
    version = create(client, uri).version
    client.update_model_version("loans", version, SECRET)
    client.set_model_version_tag("loans", version, "owner", SECRET)
    client.delete_model_version("loans", version)
    assert registry.leaves("deleted")
    assert SECRET.encode() not in contents(registry)

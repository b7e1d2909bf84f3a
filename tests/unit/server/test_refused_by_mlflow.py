"""What MLflow refuses by itself leaves nothing behind that says that it took place."""

import pytest
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE
from mlflow.store.model_registry.sqlalchemy_store import SqlAlchemyStore
from sqlalchemy import Engine, event

from aims_mlflow.registers.findings import open_findings
from aims_mlflow.server.sources import Sources
from support import trainings
from support.gated_registry import refused
from support.plain_registry import reconcile


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_a_stage_that_mlflow_refuses_makes_no_retirement_due(registry, client, use):
    version, _ = use(alias="production")
    client.transition_model_version_stage("loans", version, "Production")
    before = len(registry.leaves())
    with pytest.raises(MlflowException, match="Invalid Model Version stage"):
        client.transition_model_version_stage("loans", version, "Foo")
    assert len(registry.leaves()) == before
    with pytest.raises(MlflowException, match="is not an Active stage"):
        client.transition_model_version_stage("loans", version, "Archived", archive_existing_versions=True)
    assert client.get_model_version("loans", version).current_stage == "Production"
    assert len(registry.leaves()) == before
    assert open_findings(registry.ledger, ["retirement-due"]) == {}


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_a_version_that_another_call_just_put_into_a_gated_stage_leaves_it_with_a_trace(
    registry, client, use, monkeypatch
):
    """The stage is read under the model's lock: what it was before says nothing."""
    version, _ = use(alias="production")
    client.transition_model_version_stage("loans", version, "Production")
    read, stages = SqlAlchemyStore.get_model_version, iter(["None"])

    def earlier(self, name, number):
        found = read(self, name, number)
        found._current_stage = next(stages, found.current_stage)
        return found

    monkeypatch.setattr(SqlAlchemyStore, "get_model_version", earlier)
    client.transition_model_version_stage("loans", version, "Staging")
    assert [(x["version"], x["mlflow_stage"]) for x in registry.leaves("withdrawn")] == [(version, "Production")]


def test_a_source_full_of_ids_costs_one_look_and_no_query(registry, client):
    _, uri = trainings.train("loans")
    client.create_registered_model("loans")
    ids = "/".join(f"{number:032x}" for number in range(20_000))
    asked = []

    def note(_connection, _cursor, _statement, parameters, *_):
        asked.append(str(parameters))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        assert "at most 500 fit" in refused(client.create_model_version, "loans", f"{uri}/{ids}")
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    assert asked
    assert [text[:200] for text in asked if f"{7:032x}" in text] == []


def test_a_copy_of_a_name_that_another_model_has_by_now_is_taken_back(registry, client, use, monkeypatch):
    """What is hashed is what the name is then; MLflow resolves it once more where it makes the row."""
    make = SqlAlchemyStore.create_model_version
    use()
    _, other = trainings.train("loans", frame=trainings.table(3000, seed=5))
    client.create_registered_model("copy")

    def exchanged(self, *args, **kwargs):
        SqlAlchemyStore.delete_registered_model(self, "loans")
        SqlAlchemyStore.create_registered_model(self, "loans")
        make(self, "loans", other)
        monkeypatch.setattr(SqlAlchemyStore, "create_model_version", make)
        return make(self, *args, **kwargs)

    monkeypatch.setattr(SqlAlchemyStore, "create_model_version", exchanged)
    monkeypatch.setattr(Sources, "sealed_place", lambda *_: None)  # as of a folder among a run's artifacts
    assert "files changed meanwhile" in refused(client.create_model_version, "copy", "models:/loans/1")
    assert client.search_model_versions("name='copy'") == []


CHANGES = {
    "alias": ("set_registered_model_alias", ("loans", "champion", "1")),
    "withdrawal": ("delete_registered_model_alias", ("loans", "champion")),
    "version": ("delete_model_version", ("loans", "2")),
    "model": ("delete_registered_model", ("loans",)),
    "name": ("rename_registered_model", ("loans", "credit")),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_that_is_sealed_and_that_mlflow_refuses_is_sealed_as_not_done_and_can_be_made_again(
    registry, client, use, monkeypatch, change
):
    for seed in (0, 1):
        use(seed=seed)
        registry.say("gate", "retire", "models:/loans@champion", "--reason", "replaced")
    method, arguments = CHANGES[change]
    if change == "alias":
        registry.say("approve", "models:/loans/1", "--stage", "deployment", "--alias", "champion")

    def refuses(*_, **__):
        raise MlflowException("MLflow refuses this", INVALID_PARAMETER_VALUE)

    before = client.get_registered_model("loans")
    with monkeypatch.context() as refusing:
        refusing.setattr(SqlAlchemyStore, method, refuses)
        with pytest.raises(MlflowException, match="MLflow refuses this"):
            getattr(client, method)(*arguments)
    assert registry.leaves("outcome")[-1]["done"] is False
    after = client.get_registered_model("loans")
    assert (after.aliases, after.latest_versions[0].version) == (before.aliases, before.latest_versions[0].version)
    assert open_changes(reconcile(registry)) == []
    getattr(client, method)(*arguments)
    assert registry.leaves("outcome")[-1]["done"] is True
    assert open_changes(reconcile(registry)) == []


def open_changes(reconciled):
    """Return what reconciling found, but that bytes which are retired are in use."""
    return [f for f in reconciled[1]["findings"] if f["about"] not in ("authority-ended", "retirement-due")]

"""Deleting a workspace would move its models under other rules, or delete them without a retirement record."""

import pytest
import requests

from support import trainings
from support.commands import command
from support.server_matrix import WORKSPACE, Row, approve_as_olga, reconcile, running
from support.trainings import train

pytestmark = pytest.mark.timeout(600)
SQLITE = Row(workspaces=True)
POSTGRESQL = pytest.param(Row("postgresql", 4, workspaces=True), marks=pytest.mark.full)


@pytest.fixture(params=[SQLITE, POSTGRESQL], ids=str)
def gate(request, tmp_path, clean_state):
    """A workspace with a model in use."""
    import mlflow

    with running(request.param, tmp_path, request) as gate, gate.as_trainer():
        _, uri = train("loans", frame=trainings.table(3000))
        version = str(mlflow.register_model(uri, "loans").version)
        approve_as_olga(gate, version)
        mlflow.MlflowClient().set_registered_model_alias("loans", "champion", version)
        yield gate


def delete(gate, mode):
    return requests.delete(f"{gate.url}/api/3.0/mlflow/workspaces/{WORKSPACE}", params={"mode": mode}, timeout=60)


def moved_past_the_gate(gate):
    """As on a server without our workspace store."""
    from mlflow.entities.workspace import WorkspaceDeletionMode
    from mlflow.store.workspace.sqlalchemy_store import SqlAlchemyStore

    SqlAlchemyStore(gate.server.database).delete_workspace(WORKSPACE, WorkspaceDeletionMode.SET_DEFAULT)


@pytest.mark.full
def test_a_workspace_takes_no_models_with_it_and_what_was_moved_is_named(gate):
    import mlflow

    client = mlflow.MlflowClient()
    for mode in ("SET_DEFAULT", "CASCADE"):
        answer = delete(gate, mode)
        assert (answer.status_code, answer.json()["error_code"]) == (403, "PERMISSION_DENIED"), answer.text
        assert "it has registered models (as loans)" in answer.json()["message"]
    assert client.get_registered_model("loans").aliases == {"champion": "1"}
    assert reconcile(gate)[1]["findings"] == []
    assert "workspace" not in command("gate", "status", gate.url)[1]

    moved_past_the_gate(gate)
    status, said = reconcile(gate)
    found = sorted((x["about"], x["model_name"], x["control"]) for x in said["findings"])
    assert (status, found) == (
        1,
        [
            ("lost-version", f"{WORKSPACE}/loans", "A.6.2.8"),
            ("ungated-alias", "loans", "A.6.2.5"),
            ("ungated-version", "loans", "A.6.2.5"),
            # MLflow moves the rows alone: from the default workspace the files cannot be asked for.
            ("unreadable-bytes", "loans", "A.6.2.5"),
        ],
    )

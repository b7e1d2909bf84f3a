"""The workspace store behind the gate, inside the test's own process."""

import pytest
from mlflow.entities.workspace import Workspace, WorkspaceDeletionMode
from mlflow.exceptions import MlflowException

from aims_mlflow.hooks.workspace_store import build
from aims_mlflow.server.workspaces import ungated
from support.fresh_database import fresh_database

DELETING = [WorkspaceDeletionMode.CASCADE, WorkspaceDeletionMode.SET_DEFAULT]


@pytest.fixture
def stores(tmp_path, monkeypatch):
    """Yields (the gated workspace store, the plain registry of the workspace `credit`)."""
    from mlflow.store.model_registry.sqlalchemy_workspace_store import WorkspaceAwareSqlAlchemyStore
    from mlflow.utils.workspace_context import WorkspaceContext

    monkeypatch.setenv("MLFLOW_ENABLE_WORKSPACES", "true")
    uri = fresh_database(tmp_path)
    workspaces = build(f"aims+{uri}")
    workspaces.create_workspace(Workspace(name="credit"))
    with WorkspaceContext("credit"):
        yield workspaces, WorkspaceAwareSqlAlchemyStore(uri)


def names(workspaces):
    return sorted(w.name for w in workspaces.list_workspaces())


@pytest.mark.parametrize("mode", DELETING)
def test_a_workspace_goes_when_its_models_are_gone(stores, mode):
    workspaces, registry = stores
    registry.create_registered_model("loans")
    registry.create_model_version("loans", "s3://somewhere/model")
    with pytest.raises(MlflowException, match="as loans") as caught:
        workspaces.delete_workspace("credit", mode=mode)
    assert caught.value.get_http_status_code() == 403
    assert "credit" in names(workspaces)
    registry.delete_registered_model("loans")
    workspaces.delete_workspace("credit", mode)
    assert names(workspaces) == ["default"]


def test_prompts_and_empty_models_hold_no_workspace_up(stores):
    workspaces, registry = stores
    registry.create_registered_model("empty")
    registry.create_registered_model("greeting")
    registry.create_model_version("greeting", "prompt-template")
    workspaces.delete_workspace("credit", mode=WorkspaceDeletionMode.CASCADE)
    assert names(workspaces) == ["default"]


def test_what_is_not_there_is_mlflows_own_answer_and_a_bug_is_a_403(stores, monkeypatch):
    workspaces, _ = stores
    with pytest.raises(MlflowException) as caught:
        workspaces.delete_workspace("other")
    assert caught.value.get_http_status_code() == 404

    def fail(*_):
        raise RuntimeError("bug")

    monkeypatch.setattr("aims_mlflow.server.workspaces.model_in", fail)
    with pytest.raises(MlflowException, match="incident") as caught:
        workspaces.delete_workspace("credit")
    assert caught.value.get_http_status_code() == 403


@pytest.mark.parametrize(
    ("enabled", "uri", "found"),
    [
        ("false", None, False),
        ("true", None, True),
        ("true", "sqlite:///x.db", True),
        ("true", "aims+sqlite:///x.db", False),
    ],
)
def test_the_status_names_the_door_that_is_open(monkeypatch, enabled, uri, found):
    monkeypatch.setenv("MLFLOW_ENABLE_WORKSPACES", enabled)
    monkeypatch.delenv("MLFLOW_WORKSPACE_STORE_URI", raising=False)
    if uri:
        monkeypatch.setenv("MLFLOW_WORKSPACE_STORE_URI", uri)
    assert bool(ungated()) == found

"""A reconciliation asks each workspace about its own models, and leaves the process where it was."""

import sys
from types import SimpleNamespace

import pytest
from mlflow import environment_variables
from mlflow.exceptions import RestException
from mlflow.utils.workspace_context import WorkspaceContext, get_request_workspace

from aims_mlflow.errors import ConfigError
from aims_mlflow.ledger.ledger import Ledger
from aims_mlflow.registry import reading, workspaces
from aims_mlflow.registry.reconcile import _without_model
from support.entries import entry_of


class Client:
    """A registry that has no models, and keeps where it was asked for which."""

    tracking_uri = "sqlite:///mlflow.db"

    def __init__(self):
        self.asked = []

    def list_workspaces(self):
        return [SimpleNamespace(name="default"), SimpleNamespace(name="credit")]

    def search_registered_models(self, *, filter_string, **_):
        if filter_string is None:  # else prompts
            self.asked.append((get_request_workspace(), None))
        return type("Page", (list,), {"token": None})()

    def _get_registry_client(self):
        return self

    def get_registered_model(self, name):
        self.asked.append((get_request_workspace(), name))
        raise RestException({"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "not found"})


@pytest.mark.parametrize(
    ("mine", "name", "asked"),
    [
        (None, None, None),
        (None, "default", None),
        (None, "credit", "credit"),
        ("credit", None, "default"),
        ("credit", "default", "default"),
        ("credit", "risk", "risk"),
    ],
)
def test_one_workspace_is_asked_and_the_callers_own_comes_back(mine, name, asked):
    with WorkspaceContext(mine):
        with workspaces.in_workspace(name):
            assert get_request_workspace() == asked
        with pytest.raises(ValueError, match="x"), workspaces.in_workspace(name):
            raise ValueError("x")
        assert get_request_workspace() == mine


def test_a_client_older_than_workspaces_reads_what_a_server_without_them_has(monkeypatch):
    monkeypatch.setitem(sys.modules, "mlflow.utils.workspace_context", None)
    monkeypatch.setitem(sys.modules, "mlflow.utils.workspace_utils", None)
    monkeypatch.delattr(environment_variables, "MLFLOW_ENABLE_WORKSPACES")
    client = Client()
    assert list(reading.models(client)) == []
    assert len(client.asked) == 1
    with pytest.raises(ConfigError, match=r"cannot ask for the workspace credit.*MLflow 3\.10"):
        workspaces.in_workspace("credit").__enter__()


def test_a_client_older_than_workspaces_says_what_a_server_with_them_needs(monkeypatch):
    monkeypatch.setenv("MLFLOW_ENABLE_WORKSPACES", "true")
    monkeypatch.delattr(Client, "list_workspaces")
    with pytest.raises(ConfigError, match=r"the server has workspaces.*MLflow 3\.10"):
        list(reading.models(Client()))


def test_each_workspace_is_listed_in_its_own_name(monkeypatch):
    monkeypatch.setenv("MLFLOW_ENABLE_WORKSPACES", "true")
    client = Client()
    with WorkspaceContext("risk"):
        assert list(reading.models(client)) == []
        assert get_request_workspace() == "risk"
    assert client.asked == [("default", None), ("credit", None)]


def test_a_model_that_is_gone_is_looked_for_in_its_own_workspace(tmp_path):
    ledger, client = Ledger(f"sqlite:///{tmp_path}/ledger.db"), Client()
    for name in ("credit/loans", "loans"):
        ledger.seal(entry_of("decision", {"model_name": name, "allowed": False}, request=name))
    with WorkspaceContext("risk"):
        _without_model(ledger, client, set())
    assert client.asked == [("credit", "loans"), ("default", "loans")]

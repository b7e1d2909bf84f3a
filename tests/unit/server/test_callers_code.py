"""What of MLflow runs a caller's commands as the server's account: a gated server closes it, or tells that it is open."""

import os
import subprocess
import sys
from types import ModuleType

import pytest

from aims_mlflow.server import after_import, callers_code


@pytest.fixture(autouse=True)
def gated_server(monkeypatch):
    """This process counts as a server with a gated registry."""
    monkeypatch.setenv(after_import.REGISTRY_URI, "aims+sqlite:///x.db")


@pytest.fixture
def api(monkeypatch):
    """A stand-in for MLflow's module, as this process would have it imported."""
    module = ModuleType(callers_code.API)
    setattr(module, callers_code.ON_HOST, lambda _: True)
    monkeypatch.setitem(sys.modules, callers_code.API, module)
    return module


@pytest.mark.parametrize(
    ("uri", "first"),
    [
        ("aims+sqlite:///x.db", "mlflow.server.fastapi_app"),
        ("aims+sqlite:///x.db", "mlflow.server.handlers"),
        pytest.param("sqlite:///x.db", "mlflow.server.handlers", marks=pytest.mark.full),
    ],
)
def test_a_gated_server_takes_nobody_for_a_caller_on_its_own_host(uri, first, tmp_path):
    """In a process of its own, in both orders of import: with MLflow's real module, whose names are not public."""
    code = (
        f"import {first}; import mlflow.server.handlers, mlflow.server.fastapi_app\n"
        "from types import SimpleNamespace as N; from mlflow.server.assistant import api\n"
        "print(api._is_localhost(N(client=N(host='127.0.0.1'))))"
    )
    env = {
        **os.environ,
        "_MLFLOW_SERVER_REGISTRY_STORE": uri,
        "_MLFLOW_SERVER_FILE_STORE": f"sqlite:///{tmp_path}/m.db",
    }
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(not uri.startswith("aims+"))


def test_an_assistant_that_is_not_closed_is_a_finding(api):
    assert "for whoever asks from its host" in callers_code.findings()[0]
    callers_code.close(api)
    assert callers_code.findings() == []


@pytest.mark.usefixtures("api")
def test_a_process_that_answers_no_caller_has_no_finding(monkeypatch):
    monkeypatch.delenv(after_import.REGISTRY_URI)
    assert callers_code.findings() == []


@pytest.mark.parametrize(("sandbox", "found"), [("true", False), ("false", True)])
def test_an_assistant_that_is_open_to_all_without_a_sandbox_is_a_finding(api, monkeypatch, sandbox, found):
    callers_code.close(api)
    monkeypatch.setenv(callers_code.REMOTE, "true")
    monkeypatch.setenv(callers_code.SANDBOX, sandbox)
    assert bool(callers_code.findings()) == found
    if found:
        assert "Next: unset MLFLOW_ENABLE_REMOTE_ASSISTANT" in callers_code.findings()[0]


def test_a_release_of_mlflow_without_that_name_is_a_finding(monkeypatch):
    module = ModuleType(callers_code.API)
    monkeypatch.setitem(sys.modules, callers_code.API, module)
    callers_code.close(module)
    assert callers_code.findings()


def test_custom_scorers_that_are_switched_on_are_a_finding(monkeypatch):
    monkeypatch.delitem(sys.modules, callers_code.API, raising=False)
    assert callers_code.findings() == []
    monkeypatch.setenv(callers_code.SCORERS, "true")
    assert "Next: unset MLFLOW_SERVER_ENABLE_CUSTOM_SCORERS" in callers_code.findings()[0]

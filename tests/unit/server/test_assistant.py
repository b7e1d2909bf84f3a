"""MLflow's assistant runs commands as the server's account: a gated server closes it, and tells where it is open."""

import os
import subprocess
import sys
from types import ModuleType

import pytest

from aims_mlflow.server import assistant


@pytest.fixture
def api(monkeypatch):
    """A stand-in for MLflow's module, as this process would have it imported."""
    module = ModuleType(assistant.API)
    setattr(module, assistant.ON_HOST, lambda _: True)
    monkeypatch.setitem(sys.modules, assistant.API, module)
    return module


@pytest.mark.parametrize("uri", ["aims+sqlite:///x.db", "sqlite:///x.db"])
@pytest.mark.parametrize("first", ["mlflow.server.fastapi_app", "mlflow.server.handlers"])
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
    assert "for whoever asks from its host" in str(assistant.finding())
    assistant.close(api)
    assert assistant.finding() is None


@pytest.mark.parametrize(("sandbox", "found"), [("true", False), ("false", True)])
def test_an_assistant_that_is_open_to_all_without_a_sandbox_is_a_finding(api, monkeypatch, sandbox, found):
    assistant.close(api)
    monkeypatch.setenv(assistant.REMOTE, "true")
    monkeypatch.setenv(assistant.SANDBOX, sandbox)
    assert (assistant.finding() is not None) == found
    if found:
        assert "Next: unset MLFLOW_ENABLE_REMOTE_ASSISTANT" in assistant.finding()


def test_a_release_of_mlflow_without_that_name_is_a_finding(monkeypatch):
    module = ModuleType(assistant.API)
    monkeypatch.setitem(sys.modules, assistant.API, module)
    assistant.close(module)
    assert assistant.finding() is not None

"""Who is logged in: the gate tells a server without logins from one that does not say who asks."""

import sys
from types import ModuleType, SimpleNamespace

import flask
import pytest

from aims_mlflow.errors import AimsError, Unreachable
from aims_mlflow.records.leaves.base import CallerBody
from aims_mlflow.server import caller as server_caller
from support import trainings


@pytest.fixture
def request_of():
    """A request to a Flask app, as the login that its app found."""
    app = flask.Flask("server")

    def enter(login):
        context = app.test_request_context(environ_base={"REMOTE_ADDR": "10.0.0.7"})
        context.push()
        if login is not None:
            flask.g.mlflow_authenticated_user = login
        entered.append(context)
        return server_caller.caller()

    entered = []
    yield enter
    for context in reversed(entered):
        context.pop()


def has_basic_auth(monkeypatch, enabled):
    monkeypatch.setitem(sys.modules, "mlflow.server.auth", SimpleNamespace(is_auth_enabled=lambda: enabled))


def test_without_logins_there_is_none(request_of, monkeypatch):
    assert server_caller.caller() == (CallerBody(), None)
    has_basic_auth(monkeypatch, enabled=False)  # imported by MLflow's search, and not in use
    assert request_of(None) == (CallerBody(login="", address="10.0.0.7"), None)


def test_the_login_is_what_mlflow_authenticated(request_of, monkeypatch):
    has_basic_auth(monkeypatch, enabled=True)
    assert request_of("olga") == (CallerBody(login="olga", address="10.0.0.7"), "olga")


def test_a_server_with_logins_that_does_not_tell_is_not_one_without(request_of, monkeypatch):
    has_basic_auth(monkeypatch, enabled=True)
    assert server_caller.caller() == (CallerBody(), "")
    assert request_of(None)[1] == ""


def test_another_app_than_mlflows_has_logins_too(request_of, monkeypatch):
    monkeypatch.setattr(
        server_caller,
        "entry_points",
        lambda group: [SimpleNamespace(module="mlflow.server.auth"), SimpleNamespace(module="company_login.app")],
    )
    server_caller._other_apps.cache_clear()
    try:
        assert request_of(None)[1] is None, "installed, and not in use"
        monkeypatch.setitem(sys.modules, "company_login.app", ModuleType("company_login.app"))
        assert request_of(None)[1] == ""
        assert request_of("olga")[1] == "olga"
    finally:
        server_caller._other_apps.cache_clear()


def test_an_approval_by_nobody_knows_whom_is_refused(registry, monkeypatch):
    import mlflow

    _, uri = trainings.train("loans", frame=trainings.table(3000))
    version = mlflow.register_model(uri, "loans").version
    has_basic_auth(monkeypatch, enabled=True)
    with pytest.raises(AimsError, match="has logins, and does not tell the gate which one this is"):
        registry.say("approve", f"models:/loans/{version}", "--stage", "deployment", "--alias", "champion")
    assert registry.leaves("approval") == []


def refusing(code):
    from mlflow.exceptions import RestException

    def get(_, name):
        raise RestException({"error_code": code, "message": "Permission denied"})

    return get


def test_a_status_that_may_not_be_read_is_not_that_of_a_plain_registry(registry, monkeypatch):
    import mlflow

    from aims_mlflow.evidence import registered_models

    monkeypatch.setattr(mlflow.MlflowClient, "get_registered_model", refusing("RESOURCE_DOES_NOT_EXIST"))
    assert registered_models.gate_status() == {}
    assert not registered_models.has_registered_model("loans")
    monkeypatch.setattr(mlflow.MlflowClient, "get_registered_model", refusing("PERMISSION_DENIED"))
    with pytest.raises(Unreachable, match="Permission denied"):
        registered_models.gate_status()
    assert registered_models.known_gate() == {}
    assert not registered_models.has_registered_model("loans")
    trainings.train("loans")  # who may not read the status may train all the same

"""PostgreSQL goes away between two calls: registry and ledger are gone, and every door says 403 until it is back."""

import re

import pytest

from support import trainings
from support.gated_registry import refused
from support.postgresql import new_database, running_server

INCIDENT = re.compile(r"incident [0-9a-f]{8}-[0-9a-f-]{27}")


@pytest.fixture
def own_server():
    """A PostgreSQL of this test's own, which it may stop."""
    with running_server() as server:
        yield server


@pytest.fixture(params=["registry and ledger", "ledger alone"])
def database(request, own_server, registry, monkeypatch):
    """The registry is on the server too, or in SQLite beside a ledger on the server."""
    import mlflow

    uri = new_database(own_server)
    if request.param == "ledger alone":
        monkeypatch.setenv("AIMS_LEDGER_URI", uri)
        uri = registry.url
    mlflow.set_tracking_uri(uri)
    mlflow.set_registry_uri(f"aims+{uri}")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    monkeypatch.setenv("MLFLOW_REGISTRY_URI", f"aims+{uri}")
    mlflow.set_experiment(experiment_id="0")
    return request.param


def test_a_server_that_stops_between_two_calls_refuses_until_it_is_back(database, own_server, registry):
    import mlflow
    from mlflow.entities.model_registry import RegisteredModelTag

    client = mlflow.MlflowClient()
    run, uri = trainings.train("loans", frame=trainings.table(3000))
    version = str(mlflow.register_model(uri, "loans").version)
    registry.say("approve", f"models:/loans/{version}", "--stage", "deployment", "--alias", "champion")
    store = client._get_registry_client().store
    consent = RegisteredModelTag(f"aims.approval.{'0' * 32}", "anything")
    calls = {
        "a version": lambda: store.create_model_version("loans", uri, run, description="again"),
        "an alias": lambda: store.set_registered_model_alias("loans", "champion", version),
        "a stage": lambda: store.transition_model_version_stage("loans", version, "Production", False),
        "a version deleted": lambda: store.delete_model_version("loans", version),
        "a model deleted": lambda: store.delete_registered_model("loans"),
        "a rename": lambda: store.rename_registered_model("loans", "credits"),
        "a consent": lambda: store.set_registered_model_tag("loans", consent),
        "the status": lambda: store.get_registered_model("aims.status"),
        "an explanation": lambda: store.get_model_version_by_alias("loans", f"aims.explain.registration.v{version}"),
    }
    if database == "registry and ledger":
        calls["a withdrawal"] = lambda: store.delete_registered_model_alias("loans", "champion")
    own_server.stop()
    try:
        for what, call in calls.items():
            assert INCIDENT.search(refused(call)), what
    finally:
        own_server.start()
    assert [v.version for v in store.plain.search_model_versions("name = 'loans'")] == [int(version)]
    calls["an alias"]()
    assert client.get_registered_model("loans").aliases == {"champion": int(version)}

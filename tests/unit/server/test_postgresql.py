"""The gate on PostgreSQL: registry and ledger in one database, the ledger in a schema of its own."""

import pytest

from support import trainings
from support.gated_registry import refused


@pytest.fixture
def on_postgresql(registry, postgres_uri, monkeypatch):
    import mlflow

    mlflow.set_tracking_uri(postgres_uri)
    mlflow.set_registry_uri(f"aims+{postgres_uri}")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", postgres_uri)
    monkeypatch.setenv("MLFLOW_REGISTRY_URI", f"aims+{postgres_uri}")
    mlflow.set_experiment(experiment_id="0")
    return postgres_uri


def test_a_model_is_registered_put_into_use_and_taken_away(on_postgresql, registry, client):
    import mlflow
    import sqlalchemy

    from aims_mlflow.ledger.ledger import Ledger

    _, uri = trainings.train("loans", frame=trainings.table(3000))
    version = str(mlflow.register_model(uri, "loans").version)
    refused(client.set_registered_model_alias, "loans", "champion", version)
    registry.say("approve", f"models:/loans/{version}", "--stage", "deployment", "--alias", "champion")
    client.set_registered_model_alias("loans", "champion", version)
    client.delete_registered_model_alias("loans", "champion")
    refused(client.delete_model_version, "loans", version)
    leaves = [leaf.content for leaf in Ledger(on_postgresql).leaves()]
    outcomes = [(x["of"], x["done"]) for x in leaves if x["type"] == "outcome"]
    assert outcomes == [("decision", True), ("decision", True), ("withdrawn", True)]
    engine = sqlalchemy.create_engine(on_postgresql)
    with engine.begin() as connection, pytest.raises(sqlalchemy.exc.DBAPIError, match="append-only"):
        connection.execute(sqlalchemy.text("UPDATE aims.aims_leaves SET type = 'x'"))

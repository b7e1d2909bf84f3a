"""An identical call within ten minutes returns the first outcome, as long as that outcome still stands."""

import mlflow
import pytest

from support import trainings
from support.long_runs import full_but


@pytest.fixture
def approved(registry, client):
    """Two versions with an approval for every gated place; returns the first one's model."""
    uris = [trainings.train("loans", frame=trainings.table(3000, seed=seed))[1] for seed in (1, 2)]
    for uri in uris:
        version = mlflow.register_model(uri, "loans").version
        registry.say("approve", f"models:/loans/{version}", "--stage", "deployment")
    return uris[0]


def decisions(registry):
    return len(registry.leaves("decision"))


def test_a_retry_makes_no_second_version(registry, client, approved):
    model_id = approved.removeprefix("models:/")
    first = client.create_model_version("loans", approved, model_id=model_id, description="once")
    made = decisions(registry)
    assert client.create_model_version("loans", approved, model_id=model_id, description="once").version == (
        first.version
    )
    assert decisions(registry) == made
    assert client.create_model_version("loans", approved, model_id=model_id, description="again").version != (
        first.version
    )


@pytest.mark.parametrize("written", full_but(["01"], ["1", "01", "+1"]))
def test_a_retry_of_an_alias_decides_once_however_the_version_is_written(registry, client, approved, written):
    client.set_registered_model_alias("loans", "champion", "1")
    made = decisions(registry)
    client.set_registered_model_alias("loans", "champion", written)
    assert decisions(registry) == made
    assert {leaf["version"] for leaf in registry.leaves("decision") if leaf.get("alias")} == {"1"}


def test_a_retry_of_a_transition_decides_once(registry, client, approved):
    for _ in range(2):
        moved = client.transition_model_version_stage("loans", "1", "Production")
        assert moved.current_stage == "Production"
    assert len([leaf for leaf in registry.leaves("decision") if leaf["stage"] == "deployment"]) == 1


@pytest.mark.parametrize("between", full_but(["past the gate"], ["another version", "withdrawn", "past the gate"]))
def test_what_came_in_between_needs_a_decision_again(registry, client, approved, between):
    plain = mlflow.MlflowClient(registry_uri=f"sqlite:///{registry.folder}/mlflow.db")
    client.set_registered_model_alias("loans", "champion", "1")
    if between == "withdrawn":
        client.delete_registered_model_alias("loans", "champion")
    else:
        client.set_registered_model_alias("loans", "champion", "2")
    if between == "past the gate":  # somebody with the database's password put it back
        plain.set_registered_model_alias("loans", "champion", "1")
    made = decisions(registry)
    client.set_registered_model_alias("loans", "champion", "1")
    assert decisions(registry) == made + 1
    assert str(client.get_model_version_by_alias("loans", "champion").version) == "1"

"""A gate that only observes lets changes pass; its own names, and changes while it fails itself, are refused all the same."""

import pytest
from mlflow.exceptions import MlflowException

from aims_mlflow.server import gate
from support import trainings
from support.faulty_gate import INCIDENT, SECRET, failing
from support.gated_registry import refused


@pytest.fixture
def register(registry, client):
    """A call that makes a version without evidence, where the gate only observes."""
    registry.change_policy(lambda p: p.update(enforcement=[{"models": "*", "stage": "*", "mode": "observe"}]))
    client.create_registered_model("loans")
    uri = trainings.plain_model()
    return lambda **more: client.create_model_version("loans", uri, model_id=uri.removeprefix("models:/"), **more)


def test_names_that_only_the_gate_writes_are_refused(registry, client, register):
    version = str(register().version)
    decisions = len(registry.leaves("decision"))
    for call, args in (
        (client.create_registered_model, ("aims.mine",)),
        (client.rename_registered_model, ("loans", "aims.mine")),
        (client.set_registered_model_tag, ("loans", "aims.note", "x")),
        (client.set_model_version_tag, ("loans", version, "aims.decision", "allowed")),
        (client.delete_model_version_tag, ("loans", version, "aims.decision")),
    ):
        assert "aims." in refused(call, *args)
    with pytest.raises(MlflowException, match="Invalid alias name"):  # MLflow itself takes none with a full stop
        client.set_registered_model_alias("loans", "aims.mine", version)
    assert client.get_model_version("loans", version).tags["aims.decision"] == "observed"
    assert client.get_registered_model("loans").aliases == {}
    assert len(registry.leaves("decision")) == decisions


def test_a_change_while_the_gate_itself_fails_is_refused(registry, client, register, monkeypatch):
    version = str(register().version)
    with monkeypatch.context() as broken:
        broken.setattr(gate, "decide_with_kept", failing(RuntimeError(SECRET)))
        for change in (
            lambda: client.set_registered_model_alias("loans", "champion", version),
            lambda: register(description="again"),
        ):
            text = refused(change)
            assert INCIDENT.search(text)
            assert SECRET not in text
    assert client.get_registered_model("loans").aliases == {}
    assert [v.version for v in client.search_model_versions()] == [1]
    client.set_registered_model_alias("loans", "champion", version)
    assert registry.leaves("decision")[-1]["would_refuse"]

"""Deleting the run that has a version's evidence, which any client may: out of view, until `mlflow gc` takes it."""

import subprocess
import sys

import pytest
from mlflow.exceptions import MlflowException

from support import trainings
from support.gated_registry import refused
from support.plain_registry import reconcile


def collect(registry, run):
    """Take a deleted run away for good, as the platform team does from time to time."""
    words = ["gc", "--backend-store-uri", registry.url, "--run-ids", run, "--older-than", "0d0h0m0s"]
    subprocess.run([sys.executable, "-m", "mlflow", *words], check=True, cwd=registry.folder, capture_output=True)


def test_a_deleted_run_still_has_its_evidence_until_it_is_collected(registry, client):
    import mlflow

    run, uri = trainings.train("loans", frame=trainings.table(3000))
    version = str(mlflow.register_model(uri, "loans").version)
    registry.say("approve", f"models:/loans/{version}", "--stage", "deployment")
    client.delete_run(run)
    client.set_registered_model_alias("loans", "champion", version)
    assert registry.leaves("decision")[-1]["allowed"] is True
    assert len(registry.leaves("decision")[-1]["evidence"]) > 5
    assert reconcile(registry) == (0, {"checked": 1, "findings": [], "new": 0, "closed": [], "settled": []})

    collect(registry, run)
    with pytest.raises(MlflowException, match="not found"):
        client.get_run(run)
    own = client._get_registry_client().store.gate
    for forget in (False, True):  # as in a worker that knows where the run's files were, and in one that starts
        if forget:
            own.evidence.stored.forget()
        text = refused(client.set_registered_model_alias, "loans", "production", version)
        assert "there is no evidence at all about these bytes" in text
        assert registry.leaves("decision")[-1]["allowed"] is False
    client.delete_registered_model_alias("loans", "champion")
    client.set_registered_model_alias("loans", "champion", version)
    assert registry.leaves("decision")[-1]["basis"] == "restored"

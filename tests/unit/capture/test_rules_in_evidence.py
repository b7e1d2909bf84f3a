"""Evidence of a training names the policy in force and the ledger's head, where the registry has a gate."""

from pathlib import Path

import mlflow

from aims_mlflow.evidence.statement import read
from support import trainings


def bodies(run):
    folder = Path(mlflow.get_run(run).info.artifact_uri.removeprefix("file://"), "aims", "sessions")
    lines = [line for file in folder.glob("*.jsonl") for line in file.read_bytes().splitlines()]
    return [read(line, "line").evidence for line in lines]


def test_every_record_names_the_policy_that_was_in_force_when_the_training_began(registry, client):
    named = []
    for seed in (1, 2):
        client.get_registered_model("aims.status")  # puts the rules of the folder in force
        told = client.get_registered_model("aims.status").tags
        run, _ = trainings.train("loans", frame=trainings.table(800, seed=seed))
        made = bodies(run)
        assert len(made) > 5
        assert {body.policy_digest for body in made} == {told["aims.policy_digest"]}
        assert {body.checkpoint for body in made} == {told["aims.checkpoint"]}
        named.append(told["aims.policy_digest"])
        registry.change_policy(lambda p: p["stages"]["deployment"].update(max_age_days=60))
    assert len(set(named)) == 2


def test_without_a_gate_none_is_named(tracking):
    run, _ = trainings.train("loans")
    assert {(body.policy_digest, body.checkpoint) for body in bodies(run)} == {(None, None)}

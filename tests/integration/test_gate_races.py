"""Eight processes race for one alias and register versions on PostgreSQL with several workers: nothing is lost or doubled."""

import itertools
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from support import commands, race_client, trainings
from support.commands import command
from support.server_matrix import Row, running
from support.trainings import train

pytestmark = pytest.mark.timeout(600)
CLIENTS = 8


@pytest.mark.parametrize(("seconds", "workers"), [(8, 2), pytest.param(60, 4, marks=pytest.mark.full)])
def test_racing_clients_lose_nothing(seconds, workers, request, tmp_path, clean_state):
    with running(Row("postgresql", workers), tmp_path, request) as gate, gate.as_trainer():
        uri = prepare(gate)
        answers = race(gate, uri, seconds)
        assert Counter(a["status"] for a in answers) == {200: len(answers)}, [a for a in answers if a["said"]][:5]
        assert len({(a["client"], a["what"]) for a in answers}) == 2 * CLIENTS
        leaves = [leaf.content for leaf in gate.ledger.leaves(model_name="loans")]
        every_change_is_whole(leaves)
        versions_are_those_of_the_registry(leaves, answers)
        alias_went_from_hand_to_hand(leaves)
        status, said = command("gate", "reconcile", "--json", "--ledger", gate.ledger_uri)
        said = json.loads(said)
        assert (status, said["findings"], said["settled"]) == (0, [], [])
        log = (gate.server.folder / "server.log").read_text()
        assert '" 500' not in log
        assert "incident" not in log


def prepare(gate):
    """Register versions 1 and 2 of a model whose bytes are approved for champion."""
    import mlflow

    gate.take_any_number_of_changes()
    _, uri = train("loans", frame=trainings.table(3000))
    client = mlflow.MlflowClient()
    mlflow.register_model(uri, "loans")
    client.create_model_version("loans", uri, model_id=uri.removeprefix("models:/"), tags={"call": "second"})
    with gate.as_approver():
        commands.aims("approve", "models:/loans/1", "--stage", "deployment", "--alias", "champion")
    return uri


def race(gate, uri, seconds):
    """Return every answer that the clients got; each says which client it was."""
    command = [
        sys.executable,
        "-S",
        "-E",
        str(Path(race_client.__file__)),
        str(gate.server.port),
        "loans",
        uri,
        str(seconds),
    ]
    clients = [
        subprocess.Popen([*command, str(seed)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for seed in range(CLIENTS)
    ]
    answers = []
    for number, client in enumerate(clients):
        printed, failed = client.communicate(timeout=seconds + 180)
        assert client.returncode == 0, failed
        answers += [{"client": number, **json.loads(line)} for line in printed.splitlines()]
    return answers


def every_change_is_whole(leaves):
    """Each allowed decision is followed at once by its own outcome, which says that it took place: one at a time."""
    changes = [x for x in leaves if x["type"] in ("decision", "outcome")]
    assert all(x["allowed"] for x in changes if x["type"] == "decision")
    pairs = list(zip(changes[::2], changes[1::2], strict=True))
    assert {(a["type"], b["type"]) for a, b in pairs} == {("decision", "outcome")}
    assert [a["request"] for a, _ in pairs] == [b["request"] for _, b in pairs]
    assert len({a["request"] for a, _ in pairs}) == len(pairs)
    assert all(b["done"] for _, b in pairs)


def versions_are_those_of_the_registry(leaves, answers):
    from aims_mlflow.registry.reading import model

    made = {x["version"]: x["request"] for x in outcomes(leaves, "registration")}
    assert len(made) == len(outcomes(leaves, "registration"))
    told = [a["version"] for a in answers if a["what"] == "create"]
    assert sorted([*told, "1", "2"]) == sorted(made)
    import mlflow

    found = model(mlflow.MlflowClient(), "loans")
    assert {number: v.tags["aims.request"] for number, v in found.versions.items()} == made
    assert found.aliases == {"champion": outcomes(leaves, "deployment")[-1]["version"]}


def alias_went_from_hand_to_hand(leaves):
    """Who lost the alias is who had it before: no change was decided on a view that another one had overtaken."""
    held = [x["version"] for x in outcomes(leaves, "deployment")]
    moves = [(x["version"], x["by"]) for x in leaves if x["type"] == "superseded"]
    assert moves == list(itertools.pairwise(held))
    assert all(before != after for before, after in moves)
    assert len(moves) >= CLIENTS


def outcomes(leaves, stage):
    return [x for x in leaves if x["type"] == "outcome" and x["stage"] == stage]

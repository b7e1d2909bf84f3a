"""Four workers go by one policy: a change of the folder reaches all of them without a restart."""

import json
import time
import urllib.error
import urllib.request
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from support.server_matrix import Row, running, workers_of
from support.trainings import plain_model

pytestmark = pytest.mark.timeout(600)
AT_ONCE, CALLS = 8, 32


def ask(gate, source):
    """Register a model over a connection of its own; returns (status, digest of the policy that decided, or None)."""
    body = {"name": "loans", "source": source, "model_id": source.removeprefix("models:/")}
    body["tags"] = [{"key": "call", "value": uuid.uuid4().hex}]
    request = urllib.request.Request(
        f"{gate.url}/api/2.0/mlflow/model-versions/create",
        json.dumps(body).encode(),
        {"Content-Type": "application/json", "Connection": "close"},
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            tags = {t["key"]: t["value"] for t in json.load(answer)["model_version"]["tags"]}
            return answer.status, tags["aims.policy_digest"]
    except urllib.error.HTTPError as exc:
        return exc.code, None


def ask_all(gate, source):
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return set(pool.map(lambda _: ask(gate, source), range(CALLS)))


def agreed(gate, source, status):
    """Ask until every answer of a round has this status; returns the digests under which they decided."""
    ends = time.monotonic() + 60
    answers = ask_all(gate, source)
    while {s for s, _ in answers} != {status}:
        assert time.monotonic() < ends, answers
        answers = ask_all(gate, source)
    # Whoever has taken the new policy does not go back to the old one.
    assert {s for s, _ in ask_all(gate, source)} == {status}
    return {digest for _, digest in answers}


@pytest.mark.full
@pytest.mark.parametrize("row", [Row("sqlite", 4), Row("postgresql", 4)], ids=str)
def test_a_new_policy_reaches_every_worker(tmp_path, request, clean_state, row):
    import mlflow

    from aims_mlflow.registry import channel

    def mode(word):
        gate.change_policy(lambda p: p.update(enforcement=[{"models": "*", "stage": "*", "mode": word}]))

    with running(row, tmp_path, request) as gate, gate.as_trainer():
        source = plain_model()
        mlflow.MlflowClient().create_registered_model("loans")
        workers = set(workers_of(gate.server))
        assert len(workers) == 4
        agreed(gate, source, 403)
        for _ in range(2):
            mode("observe")
            assert agreed(gate, source, 200) == {channel.status()["policy_digest"]}
            mode("enforce")
            agreed(gate, source, 403)
        assert set(workers_of(gate.server)) == workers
        decided = {x["policy_digest"] for x in gate.leaves("decision")}
        assert len(decided) == 2  # a digest is of what a file says: enforcing again is the first policy

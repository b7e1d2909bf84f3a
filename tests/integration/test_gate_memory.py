"""A server whose memory is used up: it answers, refuses what it could not decide, seals no refusal and keeps no lock."""

import contextlib
import json
import resource
import time
import urllib.error
import urllib.request
import uuid
from pathlib import Path

import pytest

from support import commands, gated_registry, trainings

pytestmark = [
    pytest.mark.full,
    pytest.mark.timeout(900),
    pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="limits of another process are Linux's"),
]
MIB = 1024 * 1024
LEFT = 48 * MIB  # what the server may still take: enough for a small decision, too little for the large one
LARGE = 60 * MIB  # under the policy's bound on evidence (64 MiB)


def post(gate, method, **body):
    """Return (status, what the server says, seconds)."""
    request = urllib.request.Request(
        f"{gate.url}/api/2.0/mlflow/{method}", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    begun = time.monotonic()
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:
            return answer.status, answer.read().decode(), time.monotonic() - begun
    except urllib.error.HTTPError as exc:
        return exc.code, exc.read().decode(), time.monotonic() - begun


def registration(gate, uri, run):
    tag = {"key": "call", "value": uuid.uuid4().hex}
    body = {"source": uri, "run_id": run, "model_id": uri.removeprefix("models:/"), "tags": [tag]}
    return post(gate, "model-versions/create", name="loans", **body)


def process_of(gate):
    """Return the process that answers requests."""
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (place / "cmdline").read_bytes().split(b"\0")
            if b"uvicorn" in words and str(gate.server.port).encode() in words:
                return int(place.name)
    raise AssertionError("no process answers at this port")


def address_space(process):
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmSize"))


@contextlib.contextmanager
def little_memory(process):
    """Let a process take only a little more than it has."""
    before = resource.prlimit(process, resource.RLIMIT_AS)
    resource.prlimit(process, resource.RLIMIT_AS, (address_space(process) + LEFT, before[1]))
    try:
        yield
    finally:
        resource.prlimit(process, resource.RLIMIT_AS, before)


def test_a_server_without_memory_refuses_and_goes_on(tmp_path, clean_state):
    import mlflow

    with gated_registry.gated_server(tmp_path) as gate, gate.as_trainer():
        _, small = trainings.train("loans", frame=trainings.table(3000))
        run, large = trainings.train("loans", frame=trainings.table(3000, seed=1))
        mlflow.register_model(small, "loans")
        with gate.as_approver():
            commands.aims("approve", "models:/loans/1", "--stage", "deployment", "--alias", "champion")
        alias = {"name": "loans", "alias": "champion", "version": "1"}
        assert post(gate, "registered-models/alias", **alias)[0] == 200
        sessions = next(gate.server.folder.glob(f"**/{run}/artifacts/aims/sessions"))
        more = sessions / f"{uuid.uuid4()}.jsonl"
        more.write_bytes(b'{"payload": "' + b"A" * (LARGE - 1 * MIB) + b'"}\n')
        decided = len(gate_leaves(gate, "decision"))
        process = process_of(gate)
        with little_memory(process):
            for _ in range(3):
                status, said, seconds = registration(gate, large, run)
                assert (status, "incident" in said) == (403, True), said
                assert seconds < 60
            # The model's lock is free, and what needs little is decided meanwhile.
            status, said, seconds = post(gate, "registered-models/alias", **alias)
            assert (status, seconds < 60) == (200, True), said
        assert not [x for x in gate_leaves(gate, "decision")[decided:] if not x["allowed"]]
        assert process_of(gate) == process
        assert registration(gate, small, None)[0] == 200
        # With memory it is decided, and refused for what it is; without the file nothing of that stands in the way.
        status, said, _ = registration(gate, large, run)
        assert (status, "that no known key signed" in said) == (403, True), said
        more.unlink()
        assert registration(gate, large, run)[0] == 200
        where = ("--ledger", f"sqlite:///{gate.server.folder}/mlflow.db.aims.db")
        assert commands.command("gate", "reconcile", *where)[0] == 0
        assert commands.command("ledger", "verify", *where)[0] == 0


def gate_leaves(gate, *types):
    from aims_mlflow.ledger.ledger import Ledger

    ledger = Ledger(f"sqlite:///{gate.server.folder}/mlflow.db.aims.db")
    return [leaf.content for leaf in ledger.leaves(types=types)]

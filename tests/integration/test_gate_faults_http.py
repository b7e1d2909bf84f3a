"""Faults inside the gate of a real server: HTTP 403 on the wire, which no client tries again, and never a 500."""

import json
import re
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from support import gated_registry, trainings

pytestmark = pytest.mark.timeout(300)
INCIDENT = re.compile(r"incident ([0-9a-f]{8}-[0-9a-f-]{27})")


def post(gate, method, **body):
    """Return (status, what the server says), without the client's own retries."""
    request = urllib.request.Request(
        f"{gate.url}/api/2.0/mlflow/{method}", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=90) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as exc:
        return exc.code, json.loads(exc.read())


def refused(gate, *args, incident=True, **body):
    status, said = post(gate, *args, **body)
    assert (status, said.get("error_code")) == (403, "PERMISSION_DENIED"), said
    assert str(gate.server.folder) not in said["message"]
    if incident:
        found = INCIDENT.search(said["message"])
        assert found, said
        assert found[1] in (gate.server.folder / "server.log").read_text()
    return said["message"]


def test_faults_inside_the_gate_are_403_on_the_wire(tmp_path, clean_state):
    with gated_registry.gated_server(tmp_path) as gate, gate.as_trainer():
        run, uri = trainings.train("loans")
        assert post(gate, "registered-models/create", name="loans")[0] == 200
        create = ("model-versions/create",)
        body = {"name": "loans", "source": uri, "run_id": run, "model_id": uri.removeprefix("models:/")}

        session = next(gate.server.folder.glob(f"**/{run}/artifacts/aims/sessions/*.jsonl"))
        kept = session.rename(tmp_path / "session.kept")
        session.mkdir()
        assert f"{session.name} is a folder" in refused(gate, *create, incident=False, **body)
        session.rmdir()
        kept.rename(session)

        ledger = gate.server.folder / "mlflow.db.aims.db"
        files = [p for p in (ledger, Path(f"{ledger}-wal"), Path(f"{ledger}-shm")) if p.exists()]
        for replace in (Path.mkdir, lambda p: p.write_bytes(b"garbage " * 4096), lambda p: None):
            for file in files:
                file.rename(f"{file}.kept")
            replace(ledger)
            assert "the ledger could not be" in refused(gate, *create, **body)
            alias = {"name": "loans", "alias": "champion", "version": "1"}
            assert "the ledger could not be" in refused(gate, "registered-models/alias", **alias)
            ledger.rmdir() if ledger.is_dir() else ledger.unlink(missing_ok=True)
            for tail in ("-wal", "-shm"):
                Path(f"{ledger}{tail}").unlink(missing_ok=True)
            for file in files:
                Path(f"{file}.kept").rename(file)

        # Nothing was made, and the same call goes through once the fault is over.
        status, said = post(gate, *create, **body)
        assert (status, said["model_version"]["version"]) == (200, "1"), said

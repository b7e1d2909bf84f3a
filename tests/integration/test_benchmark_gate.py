"""benchmarks/gate.py runs, both of its servers do the work, and its lines have the keys that readers rely on."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "gate.py"
KEYS = {"backend", "clients", "operation", "plain_ms", "gated_ms", "plain_rps", "gated_rps", "evidence_records"}


@pytest.mark.full
@pytest.mark.timeout(900)
def test_it_compares_two_servers_that_both_did_the_work(tmp_path):
    """The script itself counts versions, aliases and sealed decisions, and fails where a server did less."""
    args = ["--quick", "--json", "--backend", "sqlite", "--clients", "1", "--workers", "1"]
    done = subprocess.run(
        [sys.executable, str(SCRIPT), *args],
        check=False,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stderr == "", "progress is for a terminal"
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(o["backend"], o["clients"], o["operation"]) for o in found] == [
        ("sqlite", 1, "create_model_version"),
        ("sqlite", 1, "set_registered_model_alias"),
    ]
    for one in found:
        assert set(one) >= KEYS
        assert one["evidence_records"] >= 10
        assert one["plain_calls"] == one["gated_calls"] == 6
        assert min(one[key] for key in ("plain_ms", "gated_ms", "plain_rps", "gated_rps")) > 0
    assert not list(tmp_path.glob("aims-benchmark-*")), "servers, keys and databases are left behind"


def test_a_server_that_did_less_than_it_was_asked_is_told(monkeypatch):
    """Else a gate that refuses fast would look fast."""
    from types import SimpleNamespace

    import mlflow

    monkeypatch.syspath_prepend(str(SCRIPT.parent))
    import gate

    versions = [SimpleNamespace(name="model-0", version=str(n)) for n in (1, 2, 3)]
    client = SimpleNamespace(
        search_model_versions=lambda *_: versions,
        get_registered_model=lambda _: SimpleNamespace(aliases={"champion": "3"}),
    )
    monkeypatch.setattr(mlflow, "MlflowClient", lambda _: client)
    side = gate.Side(SimpleNamespace(url="http://here", gated=False), asked={gate.CREATE: 3, gate.MOVE: 2})
    gate.check_work(side, 1)
    side.asked[gate.CREATE] = 4
    with pytest.raises(SystemExit, match="did not do what was asked"):
        gate.check_work(side, 1)
    side.asked[gate.CREATE] = 3
    client.get_registered_model = lambda _: SimpleNamespace(aliases={"champion": "2"})
    with pytest.raises(SystemExit, match="did not do what was asked"):
        gate.check_work(side, 1)

    side.server.gated = True
    client.get_registered_model = lambda _: SimpleNamespace(aliases={"champion": "3"})
    monkeypatch.setattr(gate, "decisions", lambda _: {gate.CREATE: 3, gate.MOVE: 1})
    with pytest.raises(SystemExit, match="the ledger has"):
        gate.check_work(side, 1)

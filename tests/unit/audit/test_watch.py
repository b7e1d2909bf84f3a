"""`aims ledger checkpoint` delivers what is due, and `aims ledger watch` tells what is late or does not go on."""

import json
import shutil
import sqlite3
from contextlib import closing

import pytest

from aims_mlflow.ledger.ledger import Ledger
from aims_mlflow.ledger.log import configured_log
from support.commands import run
from support.entries import entry_of


def seal(uri, *names):
    """Add leaves as a server does that died before it delivered their checkpoints."""
    ledger = Ledger(uri, configured_log())
    for name in names:
        ledger.seal(entry_of("finding", {"about": name}))
    return ledger.proofs.size()


def test_a_checkpoint_is_delivered_by_the_command_and_a_late_one_is_no_success(life, tmp_path, monkeypatch):
    place = tmp_path / "anchor"
    monkeypatch.setenv("AIMS_ANCHORS", f"file://{place}")
    size = seal(life.uri, "x")
    assert not place.exists()
    at = ("--ledger", life.uri)
    run("ledger", "checkpoint", *at)
    assert [p.name for p in (place / "checkpoints").iterdir()] == [f"{size:012d}.txt"]
    assert run("ledger", "watch", *at).endswith(f"{size:,} leaves, checkpoint over {size:,}\n")

    blocked = tmp_path / "blocked"
    blocked.write_text("a file where the folder belongs")
    monkeypatch.setenv("AIMS_ANCHORS", f"file://{blocked}")
    size = seal(life.uri, "y")
    run("ledger", "checkpoint", *at)  # not there, and not late yet
    with closing(sqlite3.connect(life.copy)) as connection, connection:
        connection.execute("UPDATE aims_deliveries SET queued = '2026-01-01T00:00:00.000000Z' WHERE delivered IS NULL")
    (late,) = json.loads(run("ledger", "checkpoint", *at, "--json", status=1))["late"]
    assert (late["size"], late["anchor"]) == (size, f"file://{blocked}")
    assert f"is not at file://{blocked}" in run("ledger", "watch", *at, status=1)


@pytest.mark.parametrize(
    ("others", "why"),
    [((), "leaves are there now"), (("other", "more", "most"), "leaves below it were rewritten, deleted, moved")],
    ids=["cut off", "rewritten"],
)
def test_a_ledger_that_does_not_continue_the_file_is_told_each_time(life, tmp_path, others, why):
    copy, state = tmp_path / "other.db", tmp_path / "seen.txt"
    shutil.copy(life.copy, copy)
    size = seal(life.uri, "x", "y")
    assert f"checkpoint over {size:,}" in run("ledger", "watch", "--ledger", life.uri, "--state", state)
    seen = state.read_text()
    seal(f"sqlite:///{copy}", *others)
    for _ in range(2):
        text = run("ledger", "watch", "--ledger", f"sqlite:///{copy}", "--state", state, status=1)
        assert f"does not continue the checkpoint over {size:,} leaves that was seen before: " in text
        assert why in text
        assert state.read_text() == seen

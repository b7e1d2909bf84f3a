"""Parts of a ledger in worker processes: what they find, this process finds, in the same order and words."""

import os
import signal
import sqlite3
import threading
from contextlib import closing

import pytest

from aims_mlflow.audit.part_workers import PartWorkers, cores_for_workers
from aims_mlflow.audit.parts import PART_BYTES, Part, PartResult
from aims_mlflow.audit.whole_ledger import verify_ledger
from aims_mlflow.evidence.verify import check_session
from aims_mlflow.ledger.leaves import Leaf
from aims_mlflow.ledger.ledger import Ledger
from aims_mlflow.lifecycle.ingest import ingest, keyring_now
from aims_mlflow.signing.keys import ephemeral_key
from support import signed_sessions
from support.entries import entry_of
from support.long_runs import full_but
from support.small_bundle import small_ledger

SESSIONS = 6
# A finding this long between two sessions puts each into a part of its own.
FILLING = {"about": "a test", "state": "open", "filling": "x" * PART_BYTES}


@pytest.fixture(scope="module")
def ledger(tmp_path_factory):
    """A ledger of as many parts as sessions, so that each worker gets several."""
    trainer = ephemeral_key()
    made = small_ledger(f"sqlite:///{tmp_path_factory.mktemp('ledger')}/ledger.db", trainer)
    for number in range(SESSIONS):
        writer = signed_sessions.session(trainer, kinds=("session-start", "dataset-record", "model-card"))
        session = check_session(writer.jsonl(), f"aims/sessions/{writer.id}.jsonl", keyring_now(made).find)
        ingest(made, [session], "test", "a test")
        made.seal(entry_of("finding", FILLING, {"text": f"body {number}"}, f"request-{number}"))
    return made


def told(uri, processes):
    """The whole report of a verification; its problems must be there once the ledger was spoilt."""
    return verify_ledger(Ledger(uri), "ledger", processes=processes).as_json()


SPOILT = {
    "an envelope is cut": "UPDATE aims_envelopes SET envelope = substr(envelope, 2)",
    "an envelope is gone": "DELETE FROM aims_envelopes",
    "a body is changed": "UPDATE aims_bodies SET body = x'7b7d20'",
    "a body is gone": "DELETE FROM aims_bodies",
    "a leaf is no leaf": "UPDATE aims_leaves SET leaf = x'7b7d'",
    "a leaf is gone": "DELETE FROM aims_leaves",
}


@pytest.mark.parametrize("what", full_but(["an envelope is cut", "a leaf is no leaf"], list(SPOILT)))
def test_workers_tell_of_every_spoilt_row_what_one_process_tells(ledger, what):
    """A row at the beginning, in the middle and at the end of a table: the report of three processes is that of one, and says what is wrong."""
    path, statement = ledger.uri.removeprefix("sqlite:///"), SPOILT[what]
    table = next(name for name in ("aims_envelopes", "aims_bodies", "aims_leaves") if name in statement)
    with closing(sqlite3.connect(path)) as live, closing(sqlite3.connect(":memory:")) as kept:
        live.backup(kept)
        rows = [row for (row,) in live.execute(f"SELECT rowid FROM {table} ORDER BY rowid")]
        triggers = live.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for row in (rows[2], rows[len(rows) // 2], rows[-1]):
            for (trigger,) in triggers:
                live.execute(f"DROP TRIGGER {trigger}")
            live.execute(f"{statement} WHERE rowid = {row}")
            live.commit()
            alone = told(ledger.uri, 0)
            assert told(ledger.uri, 3) == alone
            assert not alone["verified"]
            kept.backup(live)


def test_a_sound_ledger_verifies_with_workers(ledger):
    alone = told(ledger.uri, 0)
    assert alone["verified"]
    assert told(ledger.uri, 2) == alone


def part(number):
    return Part([Leaf(number, b"{}", "")], "")


def numbered(given):
    """A check whose result tells which part it was of."""
    return PartResult(erased=[given.leaves[0].sequence])


def order_of(workers, count):
    done = [result for number in range(count) for result in workers.results(part(number))]
    return [result.erased[0] for result in [*done, *workers.rest()]]


@pytest.mark.parametrize("count", [0, 1, 3])
def test_results_come_in_the_order_of_the_parts(count):
    assert order_of(PartWorkers(numbered, count), 20) == list(range(20))


@pytest.mark.parametrize("fate", ["killed", "out of memory"])
def test_the_part_of_a_worker_that_dies_is_checked_here(fate):
    first = os.getpid()

    def check(given):
        if os.getpid() != first and given.leaves[0].sequence in (3, 4, 9):
            if fate == "killed":
                os.kill(os.getpid(), signal.SIGKILL)
            raise MemoryError
        return numbered(given)

    assert order_of(PartWorkers(check, 2), 12) == list(range(12))


def test_what_fails_in_a_worker_is_raised_here():
    def check(given):
        raise RuntimeError("the database is gone")

    with pytest.raises(RuntimeError, match="database is gone"):
        order_of(PartWorkers(check, 2), 3)


def test_a_process_with_a_second_thread_forks_no_workers():
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait)
    thread.start()
    try:
        assert cores_for_workers() == 0
    finally:
        stop.set()
        thread.join()

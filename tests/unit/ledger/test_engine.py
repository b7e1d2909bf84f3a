"""Waits for the ledger's database are bounded, and told; connections that a restart cut are replaced."""

import contextlib
import os
import re
import signal
import sqlite3
import threading
import time

import pytest
import sqlalchemy as sa

from aims_mlflow.errors import ConfigError, EvidenceError, Unreachable
from aims_mlflow.ledger import engine
from aims_mlflow.ledger.database import on_disk
from aims_mlflow.ledger.ledger import Ledger
from aims_mlflow.ledger.log import Log
from aims_mlflow.ledger.model_locks import MAX_WAITING
from aims_mlflow.signing.keys import ephemeral_key
from support.entries import entry_of
from support.postgresql import new_database, running_server


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setenv("AIMS_WAIT_SECONDS", "0.5")


def finding():
    return entry_of("finding", {"about": "x", "state": "closed"})


def test_a_table_that_another_session_locks_is_told_after_a_bounded_wait(impatient, postgres_uri):
    ledger = Ledger(postgres_uri)
    with sa.create_engine(postgres_uri).connect() as other:
        other.execute(sa.text("LOCK TABLE aims.aims_leaves IN ACCESS EXCLUSIVE MODE"))
        began = time.monotonic()
        for call in (lambda: list(ledger.leaves()), lambda: ledger.seal(finding())):
            with pytest.raises(Unreachable, match="a lock on it was not released in time"):
                call()
        assert time.monotonic() - began < 10
    ledger.seal(finding())


def test_a_statement_that_takes_too_long_is_given_up(impatient, postgres_uri):
    made = engine.make_engine(postgres_uri)
    with made.connect() as connection, pytest.raises(sa.exc.DBAPIError) as caught:
        connection.execute(sa.text("SELECT pg_sleep(30)"))
    assert engine.why(caught.value) == "a statement took too long"


def test_the_bounds_outlast_a_transaction_that_is_rolled_back(impatient, postgres_uri):
    made = engine.make_engine(postgres_uri)
    for _ in range(2):
        with made.connect() as connection:
            assert connection.execute(sa.text("SHOW lock_timeout")).scalar() == "500ms"
            connection.rollback()


def test_connections_that_a_restart_cut_are_replaced(monkeypatch):
    monkeypatch.setattr(engine, "RESTED_SECONDS", 0.0)
    with running_server() as server:
        ledger = Ledger(new_database(server))
        ledger.seal(finding())
        server.stop()
        server.start()
        ledger.seal(finding())
        assert len(list(ledger.leaves())) == 2
        with ledger.lock("loans"):
            pass


def test_what_was_sealed_or_confirmed_is_there_after_a_crash():
    """PostgreSQL's own thread, which writes its log to disk now and then, sleeps for ten seconds here."""
    with running_server() as server:
        server.psql("ALTER SYSTEM SET wal_writer_delay = '10s';")
        server.psql("SELECT pg_reload_conf();")
        ledger = Ledger(new_database(server))
        for number in range(3):
            ledger.seal(finding())
            os.kill(server.get_pid(), signal.SIGQUIT)  # at once: nothing is written first
            server.get_postmaster_info().process.wait(20)
            server.start()
            assert len(list(ledger.leaves())) == number + 1


def test_an_append_makes_two_trips_to_postgresql_whoever_wrote_before(postgres_uri, tmp_path):
    """Lock and state go together; the rows, the commit, and the wait for the disk that holds up nobody else."""
    log = Log(ephemeral_key(), "ai.example.org/w")
    workers, path, traced = [Ledger(postgres_uri, log) for _ in range(2)], tmp_path / "trace", []
    for number in range(11):
        workers[number % 2].seal(finding())
    with path.open("w") as trace:

        def begin(connection, *_):
            connection.pgconn.trace(trace.fileno())
            traced.append(connection.pgconn)

        listen = (sa.pool.Pool, "checkout", begin)
        sa.event.listen(*listen)
        try:
            workers[1].seal(finding())
        finally:
            sa.event.remove(*listen)
            for connection in traced:  # else it writes on into whatever gets the number of the closed file
                connection.untrace()
    assert len(re.findall(r"\tF\t\d+\t(?:Sync|Query)\b", path.read_text())) == 2, path.read_text()
    assert all(workers[0].proofs.inclusion(number).holds() for number in range(12))


def test_the_other_driver_writes_and_reads_the_same_ledger(postgres_uri):
    """psycopg2 sends no statements together, and reads JSON by itself; servers name it by `aims+postgresql+psycopg2`."""
    log = Log(ephemeral_key(), "ai.example.org/w")
    drivers = [Ledger(uri, log) for uri in (postgres_uri, postgres_uri.replace("+psycopg:", "+psycopg2:"))]
    for number in range(6):
        drivers[number % 2].seal(finding())
    with pytest.raises(EvidenceError, match="has no body"):
        drivers[1].erase(99, finding())
    drivers[1].seal(finding())
    assert all(drivers[0].proofs.inclusion(number).holds() for number in range(7))


def test_a_reader_that_may_not_write_can_still_confirm(postgres_uri):
    """Somebody who makes a bundle may read the ledger only."""
    ledger = Ledger(postgres_uri)
    ledger.seal(finding())
    made = sa.create_engine(postgres_uri, connect_args={"options": "-c default_transaction_read_only=on"})
    on_disk(made)


def test_a_sqlite_ledger_that_is_locked_or_read_only_says_so(impatient, tmp_path):
    path = tmp_path / "ledger.db"
    ledger = Ledger(f"sqlite:///{path}")
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unreachable, match="database is locked"):
            ledger.seal(finding())
    ledger.seal(finding())


def test_many_that_wait_for_one_model_are_refused_at_once_and_other_models_are_not(tmp_path):
    ledger = Ledger(f"sqlite:///{tmp_path}/ledger.db")
    refusals = []

    def wait():
        try:
            with ledger.lock("loans", 20):
                pass
        except Unreachable as exc:
            refusals.append(exc)

    with ledger.lock("loans"):
        threads = [threading.Thread(target=wait) for _ in range(MAX_WAITING)]
        for thread in threads:
            thread.start()
        deadline = time.monotonic() + 10
        while not refusals and time.monotonic() < deadline:
            wait_for_one_more = threading.Thread(target=wait)
            wait_for_one_more.start()
            wait_for_one_more.join(0.1)
        assert "wait already" in refusals[0].what
        with ledger.lock("other", 5):
            pass
    for thread in threads:
        thread.join(30)
    with ledger.lock("loans", 5):
        pass


@pytest.mark.parametrize("text", ["soon", "0", "-3", "nan", "inf", "1e9"])
def test_a_wait_that_is_no_number_of_seconds_is_refused(monkeypatch, tmp_path, text):
    monkeypatch.setenv("AIMS_WAIT_SECONDS", text)
    with pytest.raises(ConfigError, match="AIMS_WAIT_SECONDS"):
        Ledger(f"sqlite:///{tmp_path}/ledger.db")

"""The ledger as the gate uses it: appends with tree and checkpoint, in one transaction; proofs; the log's key."""

import sqlite3
import threading

import pytest
import sqlalchemy as sa

from aims_mlflow.errors import ConfigError, EvidenceError, KeyUnavailable
from aims_mlflow.ledger import log as logs
from aims_mlflow.ledger import merkle
from aims_mlflow.ledger.ledger import Ledger
from aims_mlflow.ledger.log import Log
from aims_mlflow.signing.keys import SigningKey, ephemeral_key
from support.entries import entry_of

KEY = ephemeral_key()


def opened(uri, **more):
    return Ledger(uri, Log(KEY, "ai.example.org/ledger", **more))


def entry(number=0):
    return entry_of("finding", {"about": "x", "n": str(number)}, {"text": f"text {number}"}, f"request-{number}")


class Remote(SigningKey):
    """A key as a key service holds it: it signs after the append, outside of its lock."""

    in_memory = False
    broken = False

    def sign(self, data):
        if self.broken:
            raise KeyUnavailable("the key did not sign")
        return super().sign(data)


def remote():
    return Remote(KEY._signer, KEY.public, "service")


def test_every_append_is_covered_by_a_checkpoint_and_proved(database_uri):
    ledger = opened(database_uri)
    for number in range(7):
        ledger.seal(entry(number), entry(100 + number))
    head = ledger.proofs.newest()
    assert (head.size, head.origin) == (14, "ai.example.org/ledger")
    assert head.verify([KEY.public]) == KEY.public
    assert [size for size, _, _ in ledger.proofs.checkpoints()] == list(range(2, 15, 2))
    for leaf in ledger.leaves():
        proof = ledger.proofs.inclusion(leaf.sequence)
        assert proof.holds()
        assert proof.checkpoint.size == leaf.sequence // 2 * 2 + 2
        assert ledger.proofs.inclusion(leaf.sequence, head).holds()
    old = ledger.proofs.covering(6)
    path = ledger.proofs.consistency(6, 14)
    assert merkle.verify_consistency(6, 14, old.root, head.root, path)
    with pytest.raises(EvidenceError, match="no checkpoint covers leaf 14"):
        ledger.proofs.inclusion(14)


def test_a_ledger_without_a_log_leaves_its_head_to_the_next_that_has_one(database_uri):
    plain = Ledger(database_uri)
    plain.seal(entry())
    assert plain.proofs.newest() is None
    with pytest.raises(KeyUnavailable, match="without a log key"):
        plain.proofs.make()
    ledger = opened(database_uri)
    assert ledger.proofs.make().size == 1
    assert ledger.proofs.make() is None
    plain.seal(entry())
    ledger.seal(entry())
    assert ledger.proofs.newest().size == 3


def test_a_key_service_signs_after_the_append(database_uri):
    key = remote()
    ledger = Ledger(database_uri, Log(key, "ai.example.org/ledger"))
    ledger.seal(entry())
    assert ledger.proofs.newest().size == 1
    key.broken = True
    with pytest.raises(KeyUnavailable):
        ledger.seal(entry())
    assert ledger.proofs.size() == 2, "the leaf stands, and the next checkpoint covers it"
    key.broken = False
    ledger.seal(entry())
    assert ledger.proofs.newest().size == 3


def test_nothing_is_appended_to_leaves_that_do_not_continue_the_checkpoint(tmp_path):
    ledger = opened(f"sqlite:///{tmp_path}/l.db")
    ledger.seal(*[entry(n) for n in range(5)])
    with ledger._engine.begin() as connection:
        connection.exec_driver_sql("DROP TRIGGER aims_leaves_no_update")
        connection.execute(sa.text("UPDATE aims_leaves SET leaf_hash = :h WHERE sequence = 4"), {"h": "0" * 64})
    with pytest.raises(EvidenceError, match="do not continue its checkpoint over 5: nothing is signed"):
        ledger.seal(entry())
    assert ledger.proofs.size() == 5


def test_writers_in_threads_leave_one_sound_tree(database_uri):
    opened(database_uri)
    failed = []

    def write(worker):
        try:
            ledger = opened(database_uri)
            for number in range(10):
                ledger.seal(entry(f"{worker}-{number}"))
        except Exception as exc:
            failed.append(exc)

    threads = [threading.Thread(target=write, args=(w,)) for w in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    ledger, edge = opened(database_uri), merkle.Frontier()
    for leaf in ledger.leaves():
        edge.append(bytes.fromhex(leaf.leaf_hash))
    head = ledger.proofs.newest()
    assert (head.size, head.root) == (40, edge.root())
    assert len(list(ledger.proofs.checkpoints())) == 40


def test_what_is_in_force_and_its_leaf_stand_or_fall_together(database_uri):
    ledger = opened(database_uri)
    leaf = entry_of("policy", {"policy_digest": "a" * 64}, request="r")
    assert ledger.put_in_force("policy", "a" * 64, "text", leaf)
    assert not ledger.put_in_force("policy", "a" * 64, "text", leaf)
    assert ledger.state.active() == {"policy": "a" * 64}
    assert ledger.proofs.size() == 1
    with pytest.raises(EvidenceError):
        ledger.put_in_force("policy", "b" * 64, "text", entry_of("no-such-type", {}))
    broken = Ledger(database_uri, Log(KEY, "another name"))
    with pytest.raises(EvidenceError, match="a log"):
        broken.put_in_force("policy", "b" * 64, "text", leaf)
    assert ledger.state.active() == {"policy": "a" * 64}
    assert ledger.proofs.size() == 1


def test_the_log_key_is_made_once_and_shared(own_home, monkeypatch):
    made = []
    threads = [threading.Thread(target=lambda: made.append(logs.log_key().key_id)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 8
    assert len(set(made)) == 1
    assert [p.name for p in (own_home / "keys").iterdir()] == ["log.pem"]
    assert (own_home / "keys" / "log.pem").stat().st_mode & 0o077 == 0
    monkeypatch.setenv("AIMS_LOG_KEY", f"file:{own_home}/keys/log.pem")
    monkeypatch.setenv("AIMS_ANCHORS", f"file://{own_home}/outside")
    log = logs.configured_log()
    assert log.key.key_id == made[0]
    assert [p.name for p in log.anchors] == [f"file://{own_home}/outside"]


def test_a_log_key_that_is_not_there_is_named(own_home, monkeypatch):
    with pytest.raises(KeyUnavailable, match=r"no log key, and none is made because there is none at .*log\.pem"):
        logs.log_key(make=False)
    monkeypatch.delenv("AIMS_HOME")
    monkeypatch.setenv("HOME", str(own_home))
    monkeypatch.setenv("CI", "true")
    with pytest.raises(KeyUnavailable, match=r"CI is set\. Next: set AIMS_LOG_KEY to the address of the key"):
        logs.log_key()
    monkeypatch.setenv("AIMS_LOG_KEY", "-----BEGIN PRIVATE KEY-----")
    with pytest.raises(KeyUnavailable, match="holds a key itself"):
        logs.log_key()
    monkeypatch.setenv("AIMS_ANCHORS", "ftp://x")
    with pytest.raises(ConfigError, match="AIMS_ANCHORS names an anchor"):
        logs.configured_log()


def test_leaves_of_a_request_are_found_without_reading_those_of_their_types(tmp_path):
    """SQLite took the index of the types: each look at a decision read the numbers of all decisions."""
    ledger, asked = opened(f"sqlite:///{tmp_path}/ledger.db"), []
    ledger.seal(entry())

    def noted(_connection, _cursor, statement, values, *_):
        asked.append((statement, values))

    sa.event.listen(sa.engine.Engine, "before_cursor_execute", noted)
    try:
        assert [leaf.sequence for leaf in ledger.leaves(types=("finding",), request="request-0")] == [0]
        assert ledger.newest(types=("finding",), request="request-1") == []
    finally:
        sa.event.remove(sa.engine.Engine, "before_cursor_execute", noted)
    with sqlite3.connect(tmp_path / "ledger.db") as database:
        plans = [
            database.execute(f"EXPLAIN QUERY PLAN {sql}", given).fetchall() for sql, given in asked if "WHERE" in sql
        ]
    assert len(plans) == 2
    assert all("ix_aims_leaves_request" in plan[0][3] for plan in plans), plans


def test_where_erased_bytes_stay_is_told_while_somebody_reads(tmp_path, monkeypatch):
    """SQLite empties its write-ahead log only when nobody reads what is before it."""
    monkeypatch.setenv("AIMS_WAIT_SECONDS", "1")
    ledger = opened(f"sqlite:///{tmp_path}/l.db")
    ledger.seal(entry())
    reader = sqlite3.connect(tmp_path / "l.db", isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM aims_leaves").fetchall()
    ledger.seal(entry(1))
    assert "stay in the file that ends in -wal" in str(ledger.forget())
    reader.close()
    assert ledger.forget() is None

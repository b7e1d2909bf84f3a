"""Values that a hand with the database's password puts where others belong: one sentence names the row, and no traceback."""

import contextlib
import shutil
import sqlite3
from contextlib import closing
from types import SimpleNamespace

import pytest

from aims_mlflow.audit.whole_ledger import verify_ledger
from aims_mlflow.errors import AimsError, EvidenceError
from aims_mlflow.ledger import stored_values
from aims_mlflow.ledger.database import Tables
from aims_mlflow.ledger.leaves import Entry
from aims_mlflow.ledger.ledger import Ledger
from aims_mlflow.records.leaves.others import FindingBody, FindingLeaf
from support.ledger_with_decisions import decided_ledger

COLUMNS = [(table.name, column.name) for table in Tables(None).metadata.sorted_tables for column in table.columns]
# What SQLite and an altered PostgreSQL can hold instead, as SQL; the last text is not UTF-8.
VALUES = {"nothing": "NULL", "a fraction": "1.5", "text": "'é'", "bytes": "x'ff00'", "huge": str(2**62),
          "negative": "-5", "no UTF-8": "CAST(x'ff' AS TEXT)"}  # fmt: skip
ONE_CALL = "INSERT INTO aims_calls VALUES ('c', 'r', 4000000000)"
ONE_DELIVERY = (
    "INSERT INTO aims_deliveries SELECT size, 'file:///x', time, time, 1, time, '', x'00' FROM aims_checkpoints"
)


@pytest.fixture(scope="module")
def decided(tmp_path_factory):
    """A ledger with decisions, without the constraints of its tables."""
    folder = tmp_path_factory.mktemp("decided")
    path = folder / "copy.db"
    decided_ledger(f"sqlite:///{folder}/l.db")
    with closing(sqlite3.connect(folder / "l.db")) as made, closing(sqlite3.connect(path)) as copy:
        made.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")
    with closing(sqlite3.connect(path)) as connection, connection:
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute(ONE_CALL)
        connection.execute(f"{ONE_DELIVERY} WHERE size = 3")
        for table in sorted({table for table, _ in COLUMNS}):
            names = ", ".join(column for of, column in COLUMNS if of == table)
            connection.execute(f"CREATE TABLE kept AS SELECT {names} FROM {table}")
            connection.execute(f"DROP TABLE {table}")
            connection.execute(f"CREATE TABLE {table} ({names})")
            connection.execute(f"INSERT INTO {table} SELECT * FROM kept")
            connection.execute("DROP TABLE kept")
    return path


@pytest.fixture
def exchanged(decided, tmp_path):
    """Returns a function that puts a value into one row of a table, in a fresh copy, and opens that ledger."""

    def put(table, column, value, row=2):
        for old in tmp_path.glob("l.db*"):
            old.unlink()
        shutil.copy(decided, tmp_path / "l.db")
        with closing(sqlite3.connect(tmp_path / "l.db")) as connection, connection:
            (count,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
            one = f"(SELECT rowid FROM {table} ORDER BY rowid LIMIT 1 OFFSET {min(row, count - 1)})"
            connection.execute(f"UPDATE {table} SET {column} = {value} WHERE rowid = {one}")
        return Ledger(f"sqlite:///{tmp_path}/l.db")

    return put


def read_all(ledger):
    """Read as gate, pages and commands do."""
    ledger.in_force()
    ledger.of_model("income")
    leaves = list(ledger.leaves())
    ledger.newest()
    ledger.columns([leaf.sequence for leaf in leaves])
    for leaf in leaves:
        ledger.body(leaf.sequence)
        ledger.envelopes(leaf.fact.envelopes())
    ledger.state.active()
    ledger.now("income", "c")
    for digest in ledger.in_force().values():
        ledger.state.stored(digest)
    ledger.proofs.newest()
    ledger.proofs.late()
    ledger.proofs.receipts()
    ledger.proofs.inclusion(2)
    ledger.seal(Entry(FindingLeaf(about="policy", state="open", request="f" * 32), FindingBody(text="x")))


@pytest.mark.parametrize(
    ("table", "column"), [pytest.param(*at, marks=pytest.mark.full if n % 2 else ()) for n, at in enumerate(COLUMNS)]
)
def test_no_value_in_any_column_ends_in_a_traceback(exchanged, table, column):
    for value in VALUES.values():
        with contextlib.suppress(AimsError):  # any other error fails the test
            read_all(exchanged(table, column, value))


@pytest.mark.parametrize(
    ("table", "column", "named"),
    [
        ("aims_leaves", "leaf", "leaf 2: aims_leaves.leaf holds text where bytes belong"),
        ("aims_leaves", "leaf_hash", "leaf 2: aims_leaves.leaf_hash holds a text that is no hash"),
        ("aims_bodies", "body", "the body of leaf 2: aims_bodies.body holds text where bytes belong"),
        ("aims_bodies", "salt", "the body of leaf 2: aims_bodies.salt holds text where bytes belong"),
        ("aims_envelopes", "envelope", "aims_envelopes.envelope holds text where bytes belong"),
        ("aims_nodes", "hash", "tree node 1 2: aims_nodes.hash holds text where bytes belong"),
        ("aims_leaves", "sequence", "aims_leaves.sequence holds text where a whole number belongs"),
    ],
)
def test_a_verification_names_the_row(exchanged, table, column, named):
    with pytest.raises(EvidenceError) as told:
        verify_ledger(exchanged(table, column, "'text'"), "ledger", processes=0)
    assert named in told.value.sentence()
    assert "text'" not in told.value.sentence(), "what stands there is not repeated: it may be about people"


def test_a_text_of_any_bytes_is_told_as_such(exchanged):
    with pytest.raises(EvidenceError, match="leaf holds text that is not UTF-8"):
        list(exchanged("aims_leaves", "leaf", VALUES["no UTF-8"]).leaves())


def test_what_is_too_large_is_neither_written_nor_read(exchanged, monkeypatch):
    ledger = exchanged("aims_bodies", "body", "zeroblob(4000000)")
    monkeypatch.setattr(stored_values, "MAX_BYTES", 3_000_000)
    with pytest.raises(EvidenceError, match=r"the body of leaf 2: .* holds 4,000,000 bytes, more than any"):
        Ledger(ledger.uri).body(2)
    large = FindingLeaf(about="policy", state="open", request="f" * 32)
    with pytest.raises(EvidenceError, match="keeps no entry of"):
        ledger.seal(Entry(large, FindingBody(text="x" * 3_000_000)))


@pytest.mark.parametrize("column", ["model_name", "request", "type", "version"])
def test_a_leaf_that_is_filed_as_another_is_told(exchanged, column):
    row = 6  # the first decision about a version
    report = verify_ledger(exchanged("aims_leaves", column, "'finding'", row), "ledger", processes=0)
    texts = [problem.what for problem in report["completeness"].problems]
    assert f"the database files it under another {column}" in texts


def test_a_leaf_that_is_filed_under_another_model_closes_the_gate_there_every_time(exchanged):
    ledger = exchanged("aims_leaves", "model_name", "'credit'", row=4)
    ledger.of_model("income")
    for _ in range(2):
        with pytest.raises(EvidenceError, match=r"leaf 4: .*the leaf says something else"):
            ledger.of_model("credit")


def test_a_leaf_that_is_not_the_one_of_its_hash_closes_the_gate_there_every_time(exchanged):
    ledger = exchanged(
        "aims_leaves", "leaf", 'CAST(replace(CAST(leaf AS TEXT), \'"time":"2\', \'"time":"1\') AS BLOB)', 4
    )
    for _ in range(2):
        with pytest.raises(EvidenceError, match="leaf 4: its content and its hash in the ledger's database differ"):
            ledger.of_model("income")


def test_an_exchanged_row_is_named_within_a_transaction_too(exchanged):
    ledger = exchanged("aims_checkpoints", "note", "x'00'", row=1000)
    finding = SimpleNamespace(entry=Entry(FindingLeaf(about="policy", state="open", request="f" * 32)))
    with pytest.raises(EvidenceError, match=r"checkpoint \d+: aims_checkpoints.note holds bytes where text belongs"):
        ledger.seal(finding.entry)

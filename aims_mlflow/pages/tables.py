"""Tables of the index: a SQLite file that can be thrown away and made again from the ledger.

It keeps nothing that can be erased from the ledger, but the reasons of control states, which are dropped with each
erasure. Texts in bodies are read from the ledger when a page shows them.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

FORMAT = "5"  # another one is made again
_TABLES = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE leaf (sequence INTEGER PRIMARY KEY, type TEXT, time TEXT, request TEXT, model TEXT, version TEXT,
    what TEXT, hash TEXT);
CREATE INDEX leaf_model ON leaf (model, sequence);
CREATE INDEX leaf_request ON leaf (request);
CREATE INDEX leaf_type ON leaf (type, sequence);
CREATE TABLE decision (sequence INTEGER PRIMARY KEY, request TEXT, time TEXT, model TEXT, version TEXT, stage TEXT,
    alias TEXT, basis TEXT, mode TEXT, allowed INTEGER, would_refuse INTEGER, digest TEXT, system TEXT, run_id TEXT,
    policy TEXT, keyring TEXT, unmet TEXT, waivers INTEGER, waived_until TEXT, done INTEGER);
CREATE INDEX decision_request ON decision (request);
CREATE INDEX decision_model ON decision (model, version);
CREATE INDEX decision_digest ON decision (digest);
CREATE TABLE version (model TEXT, version TEXT, digest TEXT, time TEXT, sequence INTEGER, request TEXT, system TEXT,
    run_id TEXT, basis TEXT, gone TEXT, PRIMARY KEY (model, version));
CREATE INDEX version_digest ON version (digest);
CREATE INDEX version_system ON version (system, model);
CREATE INDEX version_sequence ON version (sequence);
CREATE TABLE tenure (model TEXT, place TEXT, version TEXT, since TEXT, until TEXT, ended_by TEXT, request TEXT,
    digest TEXT);
CREATE INDEX tenure_model ON tenure (model, version);
CREATE INDEX tenure_since ON tenure (since);
CREATE INDEX tenure_until ON tenure (until);
CREATE TABLE consent (sequence INTEGER PRIMARY KEY, time TEXT, model TEXT, type TEXT, stage TEXT, alias TEXT,
    digest TEXT, control TEXT, expires TEXT, measure_due TEXT, break_glass INTEGER, envelope TEXT, record TEXT,
    key_id TEXT);
CREATE INDEX consent_digest ON consent (digest);
CREATE INDEX consent_expires ON consent (type, expires);
CREATE TABLE waiver_use (waiver TEXT, sequence INTEGER, PRIMARY KEY (waiver, sequence)) WITHOUT ROWID;
CREATE TABLE finding (key TEXT, opened INTEGER PRIMARY KEY, closed INTEGER, type TEXT, about TEXT, control TEXT,
    model TEXT, version TEXT, alias TEXT, time TEXT, closed_time TEXT);
CREATE INDEX finding_key ON finding (key);
CREATE INDEX finding_open ON finding (closed, type);
CREATE TABLE record (sha256 TEXT PRIMARY KEY, id TEXT, kind TEXT, result TEXT, time TEXT, system TEXT, session TEXT,
    actor TEXT, key_id TEXT, run_id TEXT, claims INTEGER, size INTEGER, digest TEXT, warned INTEGER, supersedes TEXT,
    leaf INTEGER);
CREATE INDEX record_id ON record (id);
CREATE INDEX record_kind ON record (kind, leaf, time);
CREATE INDEX record_system ON record (system, leaf, time);
CREATE INDEX record_alike ON record (kind, system, time);
CREATE INDEX record_leaf ON record (leaf, time);
CREATE INDEX record_digest ON record (digest, kind);
CREATE INDEX record_undone ON record (supersedes) WHERE supersedes IS NOT NULL;
CREATE TABLE record_model (sha256 TEXT, model TEXT, PRIMARY KEY (sha256, model)) WITHOUT ROWID;
CREATE INDEX record_of_model ON record_model (model);
CREATE TABLE ingested (sequence INTEGER, digest TEXT, PRIMARY KEY (digest, sequence)) WITHOUT ROWID;
CREATE TABLE status (model TEXT, version TEXT, control TEXT, state TEXT, reason TEXT, since TEXT, next_change TEXT,
    next_time TEXT, position INTEGER, PRIMARY KEY (model, version, control)) WITHOUT ROWID;
CREATE INDEX status_control ON status (control, state);
CREATE INDEX status_ends ON status (next_time);
CREATE TABLE judged (model TEXT, version TEXT, at TEXT, until TEXT, coverage TEXT, PRIMARY KEY (model, version))
    WITHOUT ROWID;
CREATE VIRTUAL TABLE words USING fts5 (kind UNINDEXED, address UNINDEXED, model UNINDEXED, title, text,
    tokenize = "unicode61 remove_diacritics 2");
"""


def connect(path: Path) -> sqlite3.Connection:
    """Open the index. One that another release made is emptied; a file that is no database is put aside.

    A file is never deleted here: another thread or process may have it open, and SQLite takes that badly.
    """
    try:
        return _opened(path)
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError:
        path.replace(path.with_name(f"{path.name}.broken"))
        for ending in ("-wal", "-shm"):
            path.with_name(f"{path.name}{ending}").unlink(missing_ok=True)
        return _opened(path)


def _opened(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=30, isolation_level=None)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")  # it can be made again
    connection.execute("PRAGMA secure_delete=ON")
    connection.execute("PRAGMA cache_size=-2000")  # KiB, for each thread of the server
    if _format(connection) != FORMAT:
        connection.execute("BEGIN IMMEDIATE")
        if _format(connection) != FORMAT:
            empty(connection)
        connection.execute("COMMIT")
    return connection


def _format(connection: sqlite3.Connection) -> str | None:
    if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'meta'").fetchone() is None:
        return None
    found = connection.execute("SELECT value FROM meta WHERE name = 'format'").fetchone()
    return found[0] if found else None


def empty(connection: sqlite3.Connection) -> None:
    """Drop all tables and make them anew, in a transaction that the caller holds."""
    names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    for name in sorted(names, key=lambda each: each != "words"):
        if not name.startswith("words_"):  # they go with `words`
            connection.execute(f"DROP TABLE IF EXISTS {name}")
    for statement in filter(None, map(str.strip, _TABLES.split(";\n"))):
        connection.execute(statement)
    connection.execute("INSERT INTO meta VALUES ('format', ?)", (FORMAT,))

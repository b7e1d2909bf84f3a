"""The ledger's tables, and transactions on them."""

from __future__ import annotations

import contextlib
import functools
import sqlite3
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from aims_mlflow.errors import ConfigError, Unreachable
from aims_mlflow.ledger.engine import CHECK, READ_ONLY, make_engine, why
from aims_mlflow.ledger.stored_values import HASH, located, look_at_all
from aims_mlflow.ledger.tree import TreeTables
from aims_mlflow.ledger.trips import APPEND_LOCK, TO_DISK, lock, transaction
from aims_mlflow.ledger.upgrade import migrate

if TYPE_CHECKING:
    from collections.abc import Iterator

SCHEMA = "aims"
DIALECTS = ("sqlite", "postgresql")
NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
# How long an upgrade of the tables may take, and a worker wait for another's: a ledger of a million leaves takes one.
UPGRADE_SECONDS = 600
# Where the bytes of what was erased may still be.
LEFT_BY_POSTGRESQL = (
    "the bytes stay in the database's files until `VACUUM FULL aims.aims_bodies, aims.aims_envelopes`, and in its "
    "write-ahead log until that is used again (docs/gate.md, Erasure)"
)
LEFT_BY_SQLITE = (
    "the bytes stay in the file that ends in -wal, since another process was reading the ledger: "
    "`sqlite3 FILE 'PRAGMA wal_checkpoint(TRUNCATE)'` has removed them once it prints 0|0|0"
)


class Tables:
    """The tables, in the schema `aims` where the database knows schemas."""

    def __init__(self, schema: str | None) -> None:
        self.metadata = sa.MetaData(schema=schema)
        self._add_leaves()
        self._add_shared_state()
        self.tree = TreeTables(self.metadata)
        look_at_all(self.metadata)

    def _add_leaves(self) -> None:
        """Add the leaves, the erasable bodies beside them, the envelopes that they name, and where sessions are."""
        self.leaves = sa.Table(
            "aims_leaves",
            self.metadata,
            sa.Column("sequence", NUMBER, primary_key=True, autoincrement=False),
            sa.Column("leaf", sa.LargeBinary, nullable=False),
            sa.Column("leaf_hash", sa.String(64), nullable=False, info={"form": HASH}),
            sa.Column("request", sa.String(64), index=True),
            sa.Column("type", sa.String(20), nullable=False, index=True),
            sa.Column("model_name", sa.String(512)),
            sa.Column("version", sa.String(32)),
            sa.Index("aims_leaves_of_model", "model_name", "sequence"),
            sa.Index("aims_leaves_of_version", "model_name", "version"),
        )
        self.bodies = sa.Table(
            "aims_bodies",
            self.metadata,
            sa.Column("sequence", NUMBER, primary_key=True, autoincrement=False),
            sa.Column("salt", sa.LargeBinary, nullable=False),
            sa.Column("body", sa.LargeBinary, nullable=False),
        )
        self.envelopes = sa.Table(
            "aims_envelopes",
            self.metadata,
            sa.Column("sha256", sa.String(64), primary_key=True),
            sa.Column("envelope", sa.LargeBinary, nullable=False),
        )
        self.sessions = sa.Table(
            "aims_sessions",
            self.metadata,
            sa.Column("model_digest", sa.String(64), primary_key=True),
            sa.Column("session", sa.String(64), primary_key=True),
            sa.Column("name", sa.Text, nullable=False),
            sa.Column("sequence", NUMBER, nullable=False),
        )

    def _add_shared_state(self) -> None:
        """Add what the workers of a registry share: rules in force, recent calls."""
        self.policies = sa.Table(
            "aims_policies",
            self.metadata,
            sa.Column("digest", sa.String(64), primary_key=True),
            sa.Column("kind", sa.String(20), nullable=False),
            sa.Column("content", sa.Text, nullable=False),
        )
        self.active = sa.Table(
            "aims_active",
            self.metadata,
            sa.Column("kind", sa.String(20), primary_key=True),
            sa.Column("digest", sa.String(64), nullable=False),
        )
        self.calls = sa.Table(
            "aims_calls",
            self.metadata,
            sa.Column("call", sa.String(64), primary_key=True),
            sa.Column("request", sa.String(64), nullable=False),
            sa.Column("seconds", NUMBER, nullable=False, index=True),
        )


def open_database(uri: str) -> tuple[sa.Engine, Tables]:
    """Connect, and upgrade the tables to this release.

    Raises:
        ConfigError: the ledger does not run on this kind of database, or a newer release made it.
        EvidenceError: it is of an earlier release, and its leaves are not whole.
        Unreachable: it cannot be opened.
    """
    try:
        engine = make_engine(uri)
        if engine.dialect.name not in DIALECTS:
            raise ConfigError(
                f"the ledger runs on SQLite and PostgreSQL, not on {engine.dialect.name}",
                next="set AIMS_LEDGER_URI to a database of its own",
            )
        tables = Tables(None if engine.dialect.name == "sqlite" else SCHEMA)
        with engine.begin() as connection:
            if engine.dialect.name == "postgresql":
                connection.execute(sa.text(f"SET LOCAL lock_timeout = '{UPGRADE_SECONDS}s'"))
                connection.execute(sa.text(f"SET LOCAL statement_timeout = '{UPGRADE_SECONDS}s'"))
                # Several workers start at once, and PostgreSQL's IF NOT EXISTS does not stand a race; it also refuses a
                # role that only reads, where the schema is there.
                connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": APPEND_LOCK})
                if not sa.inspect(connection).has_schema(SCHEMA):
                    connection.execute(sa.text(f"CREATE SCHEMA {SCHEMA}"))
            migrate(connection, tables.metadata.schema)
    except (sa.exc.SQLAlchemyError, ImportError) as exc:
        reason = str(getattr(exc, "orig", None) or exc).splitlines()[0]
        raise Unreachable(f"the ledger cannot be opened ({reason})", next="check AIMS_LEDGER_URI") from None
    return engine, tables


@contextlib.contextmanager
def writing(engine: sa.Engine, *, locked: bool = True) -> Iterator[sa.Connection]:
    """Open a writing transaction; over all workers, one is open at a time. What it wrote is on disk afterwards.

    `locked` False leaves PostgreSQL's lock to `heads.tree_state`, which takes it and asks in one trip.

    On PostgreSQL the transaction itself does not wait for the disk: writers would wait for each other's writes. The
    next writer goes on at once, and one write to the disk serves all that wait for it.

    Raises:
        EvidenceError: a value that is there is not of its column's type.
        Unreachable: the database did not take it.
    """
    is_postgresql = engine.dialect.name == "postgresql"
    try:
        with transaction(engine) if is_postgresql else engine.begin() as connection, located(connection):
            if locked and is_postgresql:
                lock(connection)
            yield connection
    except sa.exc.SQLAlchemyError as exc:
        if getattr(exc, "statement", None) == TO_DISK:
            raise _unconfirmed(exc) from exc
        raise Unreachable(f"the ledger could not be written ({why(exc)})", next=CHECK) from exc


# A replica shows only what its primary has on disk.
_CONFIRM = sa.text(TO_DISK.replace("SELECT ", "SELECT CASE WHEN pg_is_in_recovery() THEN NULL ELSE ") + " END")


def on_disk(engine: sa.Engine) -> None:
    """Wait until everything that can be read now is on disk: what leaves the ledger must be there after a crash.

    Raises:
        Unreachable: the database did not confirm it.
    """
    if engine.dialect.name != "postgresql":  # SQLite shows nothing before it is on disk
        return
    try:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(_CONFIRM)
    except sa.exc.SQLAlchemyError as exc:
        raise _unconfirmed(exc) from exc


def _unconfirmed(exc: Exception) -> Unreachable:
    return Unreachable(f"the ledger did not confirm what was written ({why(exc)})", next=CHECK)


@contextlib.contextmanager
def reading(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Open a connection for one reading statement.

    Raises:
        EvidenceError: a value is not of its column's type.
        Unreachable: the database does not answer.
    """
    try:
        with _for_reading(engine).connect() as connection, located(connection):
            yield connection
    except sa.exc.SQLAlchemyError as exc:
        raise Unreachable(f"the ledger could not be read ({why(exc)})", next=CHECK) from exc


@functools.lru_cache(maxsize=16)
def _for_reading(engine: sa.Engine) -> sa.Engine:
    options: dict[str, Any] = {READ_ONLY: True}
    if engine.dialect.name == "postgresql":  # one statement is its own transaction, and saves BEGIN and ROLLBACK
        options["isolation_level"] = "AUTOCOMMIT"
    return engine.execution_options(**options)


def forget(engine: sa.Engine) -> str | None:
    """Truncate SQLite's write-ahead log, which still contains deleted bytes; return where they stay, None if nowhere.

    Raises:
        Unreachable: the database did not take it.
    """
    if engine.dialect.name != "sqlite":
        return LEFT_BY_POSTGRESQL
    try:
        with contextlib.closing(engine.raw_connection()) as connection:  # outside of any transaction
            busy, *_ = connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            return LEFT_BY_SQLITE if busy else None
    except (sa.exc.SQLAlchemyError, sqlite3.Error) as exc:
        raise Unreachable(f"deleted bytes may stay in the ledger's write-ahead log ({why(exc)})", next=CHECK) from exc

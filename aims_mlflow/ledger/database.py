"""The ledger's tables, its engine on SQLite and PostgreSQL, and the lock of one model name."""

from __future__ import annotations

import contextlib
import functools
import logging
import threading
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from aims_mlflow.canonical import sha256_hex
from aims_mlflow.errors import ConfigError, Unreachable
from aims_mlflow.ledger.tree import TreeTables
from aims_mlflow.ledger.upgrade import migrate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LOCK_SECONDS = 60
SCHEMA = "aims"
DIALECTS = ("sqlite", "postgresql")
# Any number will do, as long as nothing else on the database uses it as an advisory lock.
APPEND_LOCK = 4200100001
# SQLAlchemy's execution option that marks a transaction as one that only reads.
READ_ONLY = "aims_read_only"
NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
CHECK = "check its database"
_log = logging.getLogger(__name__)


class Tables:
    """The tables, in the schema `aims` where the database knows schemas."""

    def __init__(self, schema: str | None) -> None:
        self.metadata = sa.MetaData(schema=schema)
        self._add_leaves()
        self._add_shared_state()
        self.tree = TreeTables(self.metadata)

    def _add_leaves(self) -> None:
        """Add the leaves, the erasable bodies beside them, and the envelopes that they name."""
        self.leaves = sa.Table(
            "aims_leaves",
            self.metadata,
            sa.Column("sequence", NUMBER, primary_key=True, autoincrement=False),
            sa.Column("leaf", sa.LargeBinary, nullable=False),
            sa.Column("leaf_hash", sa.String(64), nullable=False),
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

    def _add_shared_state(self) -> None:
        """Add what the workers of a registry share: rules in force, digests of hashed files, recent calls."""
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
        self.hashes = sa.Table(
            "aims_hashes",
            self.metadata,
            sa.Column("fingerprint", sa.String(64), primary_key=True),
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
        engine = _engine(uri)
        if engine.dialect.name not in DIALECTS:
            raise ConfigError(
                f"the ledger runs on SQLite and PostgreSQL, not on {engine.dialect.name}",
                next="set AIMS_LEDGER_URI to a database of its own",
            )
        tables = Tables(None if engine.dialect.name == "sqlite" else SCHEMA)
        with engine.begin() as connection:
            if engine.dialect.name == "postgresql":
                # Several workers start at once, and PostgreSQL's IF NOT EXISTS does not stand a race.
                connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": APPEND_LOCK})
                connection.execute(sa.text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
            migrate(connection, tables.metadata.schema)
    except (sa.exc.SQLAlchemyError, ImportError) as exc:
        reason = str(getattr(exc, "orig", None) or exc).splitlines()[0]
        raise Unreachable(f"the ledger cannot be opened ({reason})", next="check AIMS_LEDGER_URI") from None
    return engine, tables


def _engine(uri: str) -> sa.Engine:
    engine = sa.create_engine(uri, connect_args={"timeout": 30} if uri.startswith("sqlite") else {}, pool_size=10)
    if engine.dialect.name == "sqlite":

        @sa.event.listens_for(engine, "connect")  # type: ignore[untyped-decorator]  # SQLAlchemy's
        def durable(connection: Any, record: Any) -> None:
            record.info["file"] = _file_id(engine.url.database)
            connection.isolation_level = None  # the begin event below starts transactions itself
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("PRAGMA secure_delete=ON")  # what is erased is written over with zeros

        @sa.event.listens_for(engine, "checkout")  # type: ignore[untyped-decorator]  # SQLAlchemy's
        def still_there(_: Any, record: Any, __: Any) -> None:
            # SQLite goes on writing to a file that was deleted or moved: what is sealed there is lost.
            if record.info["file"] != _file_id(engine.url.database):
                raise sa.exc.DisconnectionError

        @sa.event.listens_for(engine, "begin")  # type: ignore[untyped-decorator]  # SQLAlchemy's
        def begin(connection: sa.Connection) -> None:
            reads = connection.get_execution_options().get(READ_ONLY)
            connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")

    return engine


def _file_id(path: str | None) -> tuple[int, int] | None:
    try:
        stat = Path(path or "").stat()
    except OSError:
        return None
    return (stat.st_dev, stat.st_ino)


@contextlib.contextmanager
def writing(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Open a writing transaction; over all workers, one is open at a time.

    Raises:
        Unreachable: the database did not take it.
    """
    try:
        with engine.begin() as connection:
            if engine.dialect.name == "postgresql":
                connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": APPEND_LOCK})
            yield connection
    except sa.exc.SQLAlchemyError as exc:
        raise Unreachable(f"the ledger could not be written ({type(exc).__name__})", next=CHECK) from exc


@contextlib.contextmanager
def reading(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Open a connection for one reading statement.

    Raises:
        Unreachable: the database does not answer.
    """
    options: dict[str, Any] = {READ_ONLY: True}
    if (
        engine.dialect.name == "postgresql"
    ):  # one statement is its own transaction: BEGIN and ROLLBACK are two trips more
        options["isolation_level"] = "AUTOCOMMIT"
    try:
        with engine.connect().execution_options(**options) as connection:
            yield connection
    except sa.exc.SQLAlchemyError as exc:
        raise Unreachable(f"the ledger could not be read ({type(exc).__name__})", next=CHECK) from exc


def forget(engine: sa.Engine) -> None:
    """Truncate SQLite's write-ahead log, which still contains deleted bytes; other readers can delay this."""
    if engine.dialect.name == "sqlite":
        with contextlib.closing(engine.raw_connection()) as connection:  # outside of any transaction
            connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")


class ModelLocks:
    """One lock for each model name, across threads and worker processes; a process that dies releases it."""

    def __init__(self, engine: sa.Engine) -> None:
        self._threads: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self._hold: Callable[[str, float], contextlib.AbstractContextManager[None]]
        if engine.dialect.name == "sqlite":
            self._hold = functools.partial(_in_file, Path(f"{engine.url.database}.locks"))
        else:
            # Connections of their own: whoever holds a lock must never wait for a connection of those who wait.
            self._hold = functools.partial(_in_database, sa.create_engine(engine.url, pool_size=10, max_overflow=100))

    @contextlib.contextmanager
    def hold(self, name: str, seconds: float = LOCK_SECONDS) -> Iterator[None]:
        """Hold the lock of one name. An error while releasing it does not undo the work under the lock.

        Raises:
            Unreachable: another change held it for `seconds`, or the database is gone.
        """
        key = sha256_hex(name.encode())
        lock = self._threads[key]
        if not lock.acquire(timeout=seconds):
            raise _busy()
        held = contextlib.ExitStack()
        try:
            held.enter_context(self._hold(key, seconds))
            yield
        finally:
            try:
                held.close()
            except Exception:  # noqa: BLE001 - whatever it is, it must not undo what was done
                _log.exception("aims: the lock of a model could not be let go; it ends with its connection or process")
            lock.release()


@contextlib.contextmanager
def _in_file(folder: Path, key: str, seconds: float) -> Iterator[None]:
    from filelock import FileLock, Timeout

    try:
        folder.mkdir(exist_ok=True)
        held = FileLock(folder / key[:16], timeout=seconds, poll_interval=0.002)
        held.acquire()
    except Timeout:
        raise _busy() from None
    except OSError as exc:
        raise Unreachable(f"the ledger's lock cannot be taken ({exc.strerror})", next="check the disk") from None
    try:
        yield
    finally:
        held.release()


# The columns of a row are computed from left to right: the wait is bounded before the lock is asked for.
_WAIT_AND_LOCK = sa.text("SELECT set_config('lock_timeout', :wait, true), pg_advisory_xact_lock(:key)")


@contextlib.contextmanager
def _in_database(engine: sa.Engine, key: str, seconds: float) -> Iterator[None]:
    with contextlib.ExitStack() as held:
        try:
            connection = held.enter_context(engine.begin())
            asked = {"key": int(key[:15], 16), "wait": f"{int(seconds * 1000)}ms"}
            connection.execute(_WAIT_AND_LOCK, asked)
        except sa.exc.SQLAlchemyError as exc:
            if "lock timeout" in str(exc):
                raise _busy() from None
            raise Unreachable(f"the ledger's lock cannot be taken ({type(exc).__name__})", next=CHECK) from exc
        yield


def _busy() -> Unreachable:
    return Unreachable("another change of this model takes too long", next="try again")

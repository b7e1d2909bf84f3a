"""The engine of a ledger's database: SQLite's transactions and safety, PostgreSQL's bounded waits."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from aims_mlflow.settings import wait_seconds

if TYPE_CHECKING:
    from collections.abc import Mapping

# SQLAlchemy's execution option that marks a transaction as one that only reads.
READ_ONLY = "aims_read_only"
CHECK = "check its database"
# A connection that rested longer is tried before it is used: the database may have restarted.
RESTED_SECONDS = 1.0
# libpq gives up a peer that is gone without a word after a minute, and a lost packet after `tcp_user_timeout` (ms).
KEEPALIVE = {"keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}
LIBPQ_DRIVERS = ("psycopg", "psycopg2")
# PostgreSQL's codes for the waits that are bounded here.
CODES = {
    "55P03": "a lock on it was not released in time: a dump or an open session of its administrator may have it",
    "57014": "a statement took too long",
    "53100": "its disk is full",
    "53300": "it has too many connections",
    "25006": "it is read-only",
}


def make_engine(uri: str | sa.URL, statement_seconds: float | None = None, **options: Any) -> sa.Engine:
    """Return an engine whose waits for a connection, a lock or a statement are bounded by `AIMS_WAIT_SECONDS`.

    A statement, with its waits for locks, may take `statement_seconds`, or twice that setting. `options` are
    SQLAlchemy's, such as `max_overflow`.

    Raises:
        ConfigError: the setting is no number of seconds.
        SQLAlchemyError, ImportError: the address is none, or its driver is not installed.
    """
    seconds = wait_seconds()
    url = sa.make_url(uri)
    arguments = _arguments(url, seconds)
    engine = sa.create_engine(url, connect_args=arguments, pool_size=10, pool_timeout=seconds, **options)
    if engine.dialect.name == "sqlite":
        _prepare_sqlite(engine)
    elif engine.dialect.name == "postgresql":
        bound_waits(engine, seconds, statement_seconds or 2 * seconds)
        _try_rested(engine)
    return engine


def _arguments(url: sa.URL, seconds: float) -> Mapping[str, Any]:
    if url.get_backend_name() == "sqlite":
        return {"timeout": seconds}
    if url.get_backend_name() == "postgresql" and url.get_driver_name() in LIBPQ_DRIVERS:
        limits = {"connect_timeout": max(2, round(seconds)), "tcp_user_timeout": round(seconds * 1000)}
        return {k: v for k, v in {**KEEPALIVE, **limits}.items() if k not in url.query}
    return {}


def bound_waits(engine: sa.Engine, lock_seconds: float, statement_seconds: float | None = None) -> None:
    """Bound how long a statement waits for a lock, and takes as a whole, on each new connection to PostgreSQL."""
    limits = {"lock_timeout": lock_seconds}
    if statement_seconds is not None:
        limits["statement_timeout"] = statement_seconds

    def bound(connection: Any, _: Any) -> None:
        with connection.cursor() as cursor:
            for name, seconds in limits.items():
                cursor.execute(f"SET {name} = {round(seconds * 1000)}")
        connection.commit()  # else they end with the first transaction that is rolled back

    sa.event.listen(engine, "connect", bound)


def _try_rested(engine: sa.Engine) -> None:
    """Try a connection that rested before it is used; `pool_pre_ping` costs a trip at each use."""

    def rests(_: Any, record: Any) -> None:
        record.info["rests"] = time.monotonic()

    sa.event.listen(engine, "checkin", rests)

    def still_there(connection: Any, record: Any, _: Any) -> None:
        if time.monotonic() - record.info.get("rests", time.monotonic()) < RESTED_SECONDS:
            return
        try:
            answers = engine.dialect.do_ping(connection)
        except Exception as exc:
            raise sa.exc.DisconnectionError from exc
        if not answers:
            raise sa.exc.DisconnectionError

    sa.event.listen(engine, "checkout", still_there)


def _prepare_sqlite(engine: sa.Engine) -> None:
    def durable(connection: Any, record: Any) -> None:
        record.info["file"] = _file_id(engine.url.database)
        connection.isolation_level = None  # the begin event below starts transactions itself
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA secure_delete=ON")  # what is erased is written over with zeros

    sa.event.listen(engine, "connect", durable)

    def still_there(_: Any, record: Any, __: Any) -> None:
        # SQLite goes on writing to a file that was deleted or moved: what is sealed there is lost.
        if record.info["file"] != _file_id(engine.url.database):
            raise sa.exc.DisconnectionError

    sa.event.listen(engine, "checkout", still_there)

    def begin(connection: sa.Connection) -> None:
        if not connection.get_execution_options().get(READ_ONLY):  # one statement is its own transaction
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    sa.event.listen(engine, "begin", begin)


def _file_id(path: str | None) -> tuple[int, int] | None:
    try:
        stat = Path(path or "").stat()
    except OSError:
        return None
    return (stat.st_dev, stat.st_ino)


def why(exc: Exception) -> str:
    """Return why a database failed, in words that name no path and no address."""
    cause = getattr(exc, "orig", None) or exc
    code = getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None)
    if code in CODES:
        return CODES[code]
    if isinstance(cause, sqlite3.Error) and getattr(cause, "sqlite_errorname", None):  # SQLite's texts name no file
        return str(cause)
    return "no connection became free" if isinstance(exc, sa.exc.TimeoutError) else type(exc).__name__

"""A writing transaction on PostgreSQL in two trips, where the driver is psycopg: other writers wait for each trip.

The first trip begins it, takes the lock and reads the tree's state. The second one writes the rows, commits, and then
writes the server's log to the disk, with the lock released. psycopg would commit in a trip of its own: its connection
is in autocommit mode here, and BEGIN and COMMIT are statements like others.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, Engine

# Any number will do, as long as nothing else on the database uses it as an advisory lock.
APPEND_LOCK = 4200100001
# Before the rest of a transaction that appends; may come twice in it.
LOCK = f"SELECT set_config('synchronous_commit', 'off', true), pg_advisory_xact_lock({APPEND_LOCK})"
# A commit with the server's own durability writes all of the log before it to disk too.
TO_DISK = "SELECT pg_logical_emit_message(true, 'aims', '')"
# SQLAlchemy's execution option with the stack that closes the last trip.
LAST_TRIP = "aims_last_trip"


@contextlib.contextmanager
def transaction(engine: Engine) -> Iterator[Connection]:
    """Open a writing transaction on PostgreSQL; what it wrote is on disk at its end. An exception undoes it.

    Raises:
        SQLAlchemyError: the database did not take it. Its statement is `TO_DISK` where all is written, and only the
            disk's answer is missing.
    """
    with engine.connect() as opened, contextlib.ExitStack() as trip:
        connection = opened.execution_options(**{LAST_TRIP: trip}, isolation_level="AUTOCOMMIT")
        if not can_join(connection):
            connection.exec_driver_sql("BEGIN")
        yield connection
        _commit(connection, trip)


def lock(connection: Connection) -> None:
    """Take the append lock in a `transaction`."""
    if can_join(connection):
        last_row(connection, LOCK)
    else:
        connection.exec_driver_sql(LOCK)


def can_join(connection: Connection) -> bool:
    """Return whether the driver can send several statements before it reads an answer: psycopg, libpq 14 or newer."""
    if connection.dialect.driver != "psycopg":
        return False
    import psycopg

    return bool(psycopg.Pipeline.is_supported())


def last_row(connection: Connection, *statements: str) -> tuple[Any, ...]:
    """Send statements without parameters at once, and return the row of the last; each sees what is there when it runs.

    The first ones of a `transaction` begin it.

    Raises:
        SQLAlchemyError: the database did not answer one of them.
    """
    import psycopg

    raw: Any = connection.connection.driver_connection
    try:
        with raw.pipeline():
            if raw.info.transaction_status == psycopg.pq.TransactionStatus.IDLE:
                raw.execute("BEGIN", prepare=False)
            *_, cursor = [raw.execute(statement) for statement in statements]
        row: tuple[Any, ...] = cursor.fetchone()
    except psycopg.Error as exc:
        raise _failed(connection, exc, statements[-1]) from exc
    return row


def join_the_commit(connection: Connection) -> None:
    """Let the next statement, whose answer nobody reads, go with the commit; its error comes from the commit then."""
    stack = connection.get_execution_options().get(LAST_TRIP)
    if isinstance(stack, contextlib.ExitStack) and can_join(connection):
        raw: Any = connection.connection.driver_connection
        stack.enter_context(raw.pipeline())


def _commit(connection: Connection, trip: contextlib.ExitStack) -> None:
    if not can_join(connection):
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql(TO_DISK)
        return
    import psycopg

    raw: Any = connection.connection.driver_connection
    try:
        with trip.pop_all() if _is_open(raw) else raw.pipeline():
            raw.execute("COMMIT", prepare=False)
            raw.execute(TO_DISK)
    except psycopg.Error as exc:
        committed = raw.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
        raise _failed(connection, exc, TO_DISK if committed else "COMMIT") from exc


def _is_open(raw: Any) -> bool:
    import psycopg

    return bool(raw.info.pipeline_status != psycopg.pq.PipelineStatus.OFF)


def _failed(connection: Connection, exc: Any, statement: str) -> sa.exc.OperationalError:
    if connection.dialect.is_disconnect(exc, connection.connection.driver_connection, None):
        connection.invalidate(exc)
    return sa.exc.OperationalError(statement, None, exc)

"""Statements that go to PostgreSQL in one trip, where the driver is psycopg: other writers wait for each trip."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

if TYPE_CHECKING:
    from sqlalchemy import Connection

# Any number will do, as long as nothing else on the database uses it as an advisory lock.
APPEND_LOCK = 4200100001
# Before the rest of a transaction that appends; may come twice in it.
LOCK = f"SELECT set_config('synchronous_commit', 'off', true), pg_advisory_xact_lock({APPEND_LOCK})"
# SQLAlchemy's execution option with the stack that closes a pipeline after the commit.
LAST_TRIP = "aims_last_trip"


def can_join(connection: Connection) -> bool:
    """Return whether the driver can send several statements before it reads an answer: psycopg, libpq 14 or newer."""
    if connection.dialect.driver != "psycopg":
        return False
    import psycopg

    return bool(psycopg.Pipeline.is_supported())


def last_row(connection: Connection, *statements: str) -> tuple[Any, ...]:
    """Send statements without parameters at once, and return the row of the last; each sees what is there when it runs.

    Raises:
        SQLAlchemyError: the database did not answer one of them.
    """
    import psycopg

    raw: Any = connection.connection.driver_connection
    try:
        with raw.pipeline():
            *_, cursor = [raw.execute(statement) for statement in statements]
        row: tuple[Any, ...] = cursor.fetchone()
    except psycopg.Error as exc:
        if connection.dialect.is_disconnect(exc, raw, None):
            connection.invalidate(exc)
        raise sa.exc.OperationalError(statements[-1], None, exc) from exc
    return row


def join_the_commit(connection: Connection) -> None:
    """Let the next statement, whose answer nobody reads, go with the commit; its error comes from the commit then."""
    stack = connection.get_execution_options().get(LAST_TRIP)
    if isinstance(stack, contextlib.ExitStack) and can_join(connection):
        raw: Any = connection.connection.driver_connection
        stack.enter_context(raw.pipeline())

"""Writing rows of several tables together: on PostgreSQL in one statement, to save round trips to the server.

An append writes leaf, body, call, nodes and checkpoint. PostgreSQL gets one statement of data-modifying common table
expressions over arrays. SQLite supports no such statement, and needs no round trips.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from aims_mlflow.ledger.stored_values import StoredValue
from aims_mlflow.ledger.trips import join_the_commit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection

    Rows = tuple[sa.Table, Sequence[Mapping[str, Any]]]

# A call that is made once more keeps its latest request; an envelope is named by its digest. Both databases can do it.
CONFLICTS = {
    "aims_envelopes": " ON CONFLICT (sha256) DO NOTHING",
    "aims_sessions": " ON CONFLICT (model_digest, session) DO NOTHING",
    "aims_calls": " ON CONFLICT (call) DO UPDATE SET request = excluded.request, seconds = excluded.seconds",
}


def write(connection: Connection, *some: Rows) -> None:
    """Insert the rows of each table; all rows of a table have the same columns; skip tables without rows.

    It is the last statement of its transaction: on PostgreSQL it goes with the commit.

    Raises:
        SQLAlchemyError: the database did not take them; the transaction writes none of them.
    """
    given = [(table, rows) for table, rows in some if rows]
    shapes = tuple((table, tuple(rows[0])) for table, rows in given)
    if connection.dialect.name != "postgresql":
        for shape, (_, rows) in zip(shapes, given, strict=True):
            connection.exec_driver_sql(_row_by_row(*shape), [tuple(row.values()) for row in rows])
    elif given:
        columns = {
            _name(at, i): [row[column] for row in given[at][1]]
            for at, (_, names) in enumerate(shapes)
            for i, column in enumerate(names)
        }
        join_the_commit(connection)
        connection.execute(_at_once(shapes), columns)


def _name(table: int, column: int) -> str:
    return f"t{table}_{column}"


@functools.lru_cache(maxsize=64)
def _row_by_row(table: sa.Table, columns: tuple[str, ...]) -> str:
    """Return SQLite's statement, with its driver's placeholders: SQLAlchemy's take as long as the insert."""
    return _insert(table, columns, f"VALUES ({', '.join('?' * len(columns))})")


@functools.lru_cache(maxsize=64)
def _at_once(shapes: tuple[tuple[sa.Table, tuple[str, ...]], ...]) -> sa.TextClause:
    parts = []
    for at, (table, columns) in enumerate(shapes):
        arrays = ", ".join(f"CAST(:{_name(at, i)} AS {_array(table.c[c])})" for i, c in enumerate(columns))
        parts.append(_insert(table, columns, f"SELECT * FROM unnest({arrays})"))  # noqa: S608 - names of ours
    rest = ", ".join(f"w{at} AS ({part})" for at, part in enumerate(parts[:-1]))
    return sa.text(f"WITH {rest} {parts[-1]}" if rest else parts[-1])


def _insert(table: sa.Table, columns: tuple[str, ...], source: str) -> str:
    return f"INSERT INTO {table} ({', '.join(columns)}) {source}{CONFLICTS.get(table.name, '')}"


def _array(column: sa.Column[Any]) -> str:
    """Return the array type of a column; texts without a length, because a cast would truncate them silently."""
    from sqlalchemy.dialects import postgresql

    kind = column.type.impl if isinstance(column.type, StoredValue) else column.type
    kind = sa.Text() if isinstance(kind, sa.String) else kind
    return f"{kind.compile(postgresql.dialect())}[]"

"""Values as the ledger's database holds them: each is of its column's type, or one sentence names the row.

SQLite keeps any value in any column, and whoever owns a database can change the types of its columns. So each value is
looked at where it is read, before code that expects bytes gets a text.
"""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.types import NullType, TypeDecorator

from aims_mlflow.errors import EvidenceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection, Dialect

# No tree has more leaves: a checkpoint's size has at most 18 digits, and databases keep 63 bits.
MAX_NUMBER = 10**18
# Many times the largest leaf, body, envelope, text or receipt that is written.
MAX_BYTES = 64 * 1024 * 1024
SHOWN = 80
NO_UTF8 = re.compile(r"Could not decode to UTF-8 column '(\w+)'")
HASH = re.compile(r"[0-9a-f]{64}", re.ASCII)
CHANGED = "someone changed the ledger's database: restore it from a copy, then `aims ledger verify`"


class ForeignValue(EvidenceError):
    """A value that no release of this package wrote, and the column that holds it."""

    def __init__(self, column: sa.Column[Any], why: str, where: str | None = None) -> None:
        super().__init__(f"{column.table.name}.{column.name} holds {why}", where=where, next=CHANGED)
        self.column, self.why = column, why

    def located(self, connection: Connection) -> ForeignValue:
        """Return the same with the name of its row, the first of the table whose value is foreign."""
        table, kind = self.column.table, self.column.type
        if self.column.primary_key:
            return self
        keys = [sa.cast(sa.type_coerce(key, NullType()), sa.Text) for key in table.primary_key]
        found = sa.select(sa.type_coerce(self.column, NullType()), *keys).order_by(*table.primary_key)
        for value, *key in connection.execute(found):
            why = kind.why_not(value) if isinstance(kind, StoredValue) else None
            if why:
                row = " ".join(str(part)[:SHOWN] for part in key)
                return ForeignValue(self.column, why, f"{_ROW.get(table.name, table.name)} {row}")
        return self


_ROW = {"aims_leaves": "leaf", "aims_bodies": "the body of leaf", "aims_envelopes": "envelope",
        "aims_nodes": "tree node", "aims_checkpoints": "checkpoint", "aims_policies": "rules"}  # fmt: skip


class StoredValue(TypeDecorator[Any]):  # type: ignore[misc]  # SQLAlchemy exports it untyped
    """The type of a column, which refuses a value that the column cannot hold."""

    impl = NullType
    cache_ok = True

    def __init__(self, column: sa.Column[Any], *, optional: bool = False) -> None:
        """`optional` lets NULL pass, as from an aggregate over no rows."""
        super().__init__()
        self.column, self.optional = column, optional or bool(column.nullable)
        self.impl = column.type.impl if isinstance(column.type, StoredValue) else column.type

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any]:  # noqa: ARG002
        """Return the function that looks at each value, in place of the database driver's conversions."""
        wanted, form = self._wanted[0], self.column.info.get("form")
        at_most = MAX_NUMBER if wanted is int else MAX_BYTES
        size: Callable[[Any], int] = abs if wanted is int else len

        def looked_at(value: Any) -> Any:
            # Nearly every value is right: the reason is looked for where one is not.
            if type(value) is wanted and form is None and size(value) < at_most:
                return value
            why = self.why_not(value)
            if why:
                raise ForeignValue(self.column, why)
            return bytes(value) if isinstance(value, memoryview) else value

        return looked_at

    @property
    def _wanted(self) -> tuple[type, str]:
        if isinstance(self.impl, sa.LargeBinary):
            return bytes, "bytes belong"
        return (str, "text belongs") if isinstance(self.impl, sa.String) else (int, "a whole number belongs")

    def why_not(self, value: Any) -> str | None:
        """Return why the column cannot hold a value, in words without the value; None if it can."""
        wanted, name = self._wanted
        if value is None:
            return None if self.optional else f"nothing where {name}"
        given = bytes if isinstance(value, memoryview) else type(value)
        if given is not wanted:
            return f"{_WORDS.get(given, given.__name__)} where {name}"
        if wanted is int:
            return None if -MAX_NUMBER < value < MAX_NUMBER else "a number of more than 18 digits"
        if len(value) >= MAX_BYTES:
            return f"{len(value):,} {'bytes' if wanted is bytes else 'letters'}, more than any that is written"
        form = self.column.info.get("form")
        return None if form is None or form.fullmatch(value) else "a text that is no hash"


_WORDS = {bytes: "bytes", str: "text", int: "a number", float: "a fraction"}


def look_at_all(metadata: sa.MetaData) -> None:
    """Let every column of the tables refuse what it cannot hold."""
    for table in metadata.tables.values():
        for column in table.columns:
            column.type = StoredValue(column)


def optional(found: sa.ColumnElement[Any], column: sa.Column[Any]) -> sa.ColumnElement[Any]:
    """Return an expression over a column that is NULL where there are no rows."""
    return sa.type_coerce(found, StoredValue(column, optional=True))


@contextlib.contextmanager
def located(connection: Connection) -> Iterator[None]:
    """Let a foreign value that is read inside the block name its row.

    Raises:
        EvidenceError: there is one.
    """
    try:
        yield
    except ForeignValue as exc:
        raise exc.located(connection) from None
    except sa.exc.OperationalError as exc:  # SQLite keeps any bytes as text
        column = NO_UTF8.match(str(exc.orig))
        if column is None:
            raise
        what = f"{column[1]} holds text that is not UTF-8"
        raise EvidenceError(what, where="a row of the ledger", next=CHANGED) from None


def fit(data: bytes | str) -> None:
    """Refuse to write what could not be read again.

    Raises:
        EvidenceError: it is larger than `MAX_BYTES`.
    """
    if len(data) >= MAX_BYTES:
        raise EvidenceError(f"the ledger keeps no entry of {len(data):,} bytes, at most {MAX_BYTES:,}")

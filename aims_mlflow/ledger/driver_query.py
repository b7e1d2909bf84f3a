"""A query that is compiled once and goes to the driver as it is, for the few that every change of a registry makes.

SQLAlchemy looks for its compiled form at each execution, which takes longer than SQLite's own work.
"""

from __future__ import annotations

from collections import namedtuple
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import sqlalchemy as sa


class DriverQuery:
    """A query for one kind of database, whose rows have its columns by name."""

    def __init__(self, query: sa.Select[Any] | sa.CompoundSelect[Any], dialect: sa.Dialect) -> None:
        """`query` has no list of values whose length only its execution knows (`in_`)."""
        compiled: Any = query.compile(dialect=dialect)
        columns = list(query.selected_columns)
        self._text = str(compiled)
        self._order: list[str] | None = compiled.positiontup
        self._fixed = compiled.params
        self._looks = [column.type.dialect_impl(dialect).result_processor(dialect, None) for column in columns]
        self._row = _row_type(column.key for column in columns)

    def rows(self, connection: sa.Connection, asked: Mapping[str, Any]) -> list[Any]:
        """Return the rows for these values of the query's parameters, each value looked at as its column's type does.

        Raises:
            SQLAlchemyError: the database does not answer.
        """
        values = {**self._fixed, **asked}
        given = values if self._order is None else tuple(values[name] for name in self._order)
        found = connection.exec_driver_sql(self._text, given).all()
        looks = self._looks
        return [self._row(*(v if f is None else f(v) for f, v in zip(looks, row, strict=True))) for row in found]


def _row_type(names: Iterable[str]) -> Any:
    return namedtuple("Row", list(names))  # noqa: PYI024 - the names are known when it runs

"""Reading on: the queries for the leaves of a model, and for those that hold for every model, from a sequence on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from aims_mlflow.ledger.database import reading
from aims_mlflow.ledger.driver_query import DriverQuery
from aims_mlflow.ledger.leaves import PAGE, Leaf
from aims_mlflow.ledger.model_leaves import FOR_ALL
from aims_mlflow.ledger.state import asked_call, called_query
from aims_mlflow.ledger.stored_values import optional

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aims_mlflow.ledger.database import Tables
    from aims_mlflow.ledger.model_leaves import FiledLeaf


@dataclass
class FoundLeaves:
    """The leaves that one statement found, the sequence of the ledger's last leaf then, and the request of a call."""

    last: int
    called: str | None = None
    mine: list[FiledLeaf] = field(default_factory=list)
    for_all: list[FiledLeaf] = field(default_factory=list)


class LeafReader:
    """Reads leaves of one ledger with the type and the version under which its database files them."""

    def __init__(self, engine: sa.Engine, tables: Tables) -> None:
        self._engine = engine
        table = self._table = tables.leaves
        self._of_model = self._from(sa.bindparam("start"), table.c.model_name == sa.bindparam("name"))
        self._holds_for_all = sa.or_(*(table.c.type == kind for kind in FOR_ALL))
        self._for_all = self._from(sa.bindparam("start"), self._holds_for_all)
        self._called = called_query(tables)
        called = optional(self._called.scalar_subquery(), tables.calls.c.request)
        self._both = DriverQuery(self._together(called), engine.dialect)

    def of_model(self, name: str, start: int) -> Iterator[FiledLeaf]:
        """Yield the leaves of a model from `start` on."""
        return self._pages(self._of_model, {"name": name}, start)

    def for_all(self, _: str, start: int) -> Iterator[FiledLeaf]:
        """Yield the leaves that hold for every model from `start` on."""
        return self._pages(self._for_all, {}, start)

    def called(self, call: str) -> str | None:
        """Return the request id of the same call within the last ten minutes."""
        with reading(self._engine) as connection:
            found: str | None = connection.execute(self._called, asked_call(call)).scalar()
        return found

    def both(self, name: str, start: int, start_for_all: int, call: str | None) -> FoundLeaves | None:
        """Return both in one statement; None where there are more than a page of either, or none at all."""
        asked = {"name": name, "start": start, "start_for_all": start_for_all, **asked_call(call)}
        with reading(self._engine) as connection:
            rows = self._both.rows(connection, asked)
        if not rows:
            return None
        found = FoundLeaves(rows[0].last, rows[0].called)
        for row in sorted(rows, key=lambda row: row.sequence):  # the database may give the parts as it likes
            (found.mine if row.is_mine else found.for_all).append(_filed(row))
        return found if max(len(found.mine), len(found.for_all)) < PAGE else None

    def _from(self, start: sa.BindParameter[int], which: sa.ColumnElement[bool], *more: Any) -> sa.Select[Any]:
        """Return the query for a page of leaves from `start` on."""
        table = self._table
        columns = (table.c.sequence, table.c.leaf, table.c.leaf_hash, table.c.type, table.c.version)
        found = sa.select(*columns, *more).where(table.c.sequence >= start, which)
        return found.order_by(table.c.sequence).limit(PAGE)

    def _together(self, called: sa.ColumnElement[Any]) -> sa.CompoundSelect[Any]:
        table = self._table
        more = (sa.select(sa.func.max(table.c.sequence)).scalar_subquery().label("last"), called.label("called"))
        parts = (
            ("start", table.c.model_name == sa.bindparam("name"), 1),
            ("start_for_all", self._holds_for_all, 0),
        )
        pages = [
            self._from(sa.bindparam(start), which, *more, sa.literal_column(str(is_mine)).label("is_mine")).subquery()
            for start, which, is_mine in parts
        ]
        return sa.union_all(*(sa.select(page) for page in pages))

    def _pages(self, query: sa.Select[Any], where: dict[str, str], start: int) -> Iterator[FiledLeaf]:
        while True:
            with reading(self._engine) as connection:
                rows = connection.execute(query, {**where, "start": start}).all()
            yield from map(_filed, rows)
            if len(rows) < PAGE:
                return
            start = rows[-1].sequence + 1


def _filed(row: Any) -> FiledLeaf:
    return Leaf(row.sequence, bytes(row.leaf), row.leaf_hash), row.type, row.version

"""Rows of the index as its writer adds and drops them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import sqlite3


class IndexRows:
    """Statements on the tables of the index, in one transaction that its caller holds."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._to = connection

    @property
    def changes(self) -> int:
        """How many rows were changed so far."""
        return self._to.total_changes

    def run(self, sql: str, *values: Any) -> sqlite3.Cursor:
        """Run one statement."""
        return self._to.execute(sql, values)

    def insert(self, table: str, *values: Any, orders: str = "INSERT OR IGNORE") -> None:
        """Add a row; one that is there stays, by default."""
        self.run(f"{orders} INTO {table} VALUES ({','.join('?' * len(values))})", *values)

    def word(self, kind: str, address: str, model: str, title: str, text: str) -> None:
        """Add what the search finds."""
        self.insert("words", kind, address, model, title, text, orders="INSERT")

    def unjudge(self, model: str | None) -> None:
        """Drop the states of a model's controls, which may have changed; None: those of all models."""
        for table in ("status", "judged"):
            self.run(f"DELETE FROM {table}" + (" WHERE model = ?" if model else ""), *([model] if model else []))

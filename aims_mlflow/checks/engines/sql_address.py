"""Addresses of tables in databases: an SQLAlchemy URL, `#`, schema and table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from aims_mlflow.errors import ConfigError


@dataclass(frozen=True)
class SqlAddress:
    """Where a table is: an SQLAlchemy URL (it may hold a password), schema and table."""

    url: Any
    schema: str | None
    table: str

    @property
    def name(self) -> str:
        """What to call it: the address without its password."""
        return f"{self.url.set(password=None).render_as_string()}#{self.table}"


def address_of(address: str) -> SqlAddress:
    """Return where `URL#[SCHEMA.]TABLE` is.

    Raises:
        ConfigError: it is no such address.
    """
    import sqlalchemy as sa

    url, _, table = address.partition("#")
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError:
        parsed = None
    if parsed is None or not table:
        shown = parsed.render_as_string() if parsed is not None else "the address"
        raise ConfigError(f"{shown} names no table of a database", next="write it as sqlite:///loans.db#applications")
    if parsed.drivername == "postgresql":
        parsed = parsed.set(drivername="postgresql+psycopg")
    schema, _, name = table.rpartition(".")
    return SqlAddress(parsed, schema or None, name)

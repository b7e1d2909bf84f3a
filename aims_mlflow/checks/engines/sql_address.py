"""Addresses of tables in databases: an SQLAlchemy URL, `#`, schema and table; a name with a dot stands in quotes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from aims_mlflow.errors import ConfigError

# An optional schema and a dot, and a table; each in quotation marks or without.
NAMES = re.compile(r'(?:(?:"((?:[^"]|"")+)"|([^"]+))\.)?(?:"((?:[^"]|"")+)"|([^".]+))')


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
    """Return where `URL#[SCHEMA.]TABLE` is; names may be in quotation marks: `#"my schema"."loans.2024"`.

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
    names = NAMES.fullmatch(table)
    if names is None:
        shown = parsed.render_as_string()
        raise ConfigError(f"{table!r} is no name of a table of {shown}", next='quote it: "my schema"."my table"')
    schema, name = (text and text.replace('""', '"') for text in (names[1] or names[2], names[3] or names[4]))
    return SqlAddress(parsed, schema, str(name))

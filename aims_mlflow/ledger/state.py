"""State that the workers of a registry share: digests in force, recent calls."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from aims_mlflow.canonical import parse_json
from aims_mlflow.ledger.database import reading
from aims_mlflow.ledger.stored_values import fit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aims_mlflow.ledger.database import Tables

CALL_SECONDS = 600
FORGET_EVERY = 50


class LedgerState:
    """Tables of the ledger's database without evidence: all of their content can be computed again."""

    def __init__(self, engine: sa.Engine, tables: Tables) -> None:
        self._engine, self._tables = engine, tables
        active = tables.active
        self._active = sa.select(active.c.kind, active.c.digest)

    def active(self) -> dict[str, str]:
        """Return the digests that the database's row says are in force, by kind; `Ledger.in_force` is what counts."""
        with reading(self._engine) as connection:
            return {row.kind: row.digest for row in connection.execute(self._active)}

    def stored(self, digest: str) -> str | None:
        """Return the text of a policy or keyring that was ever in force."""
        policies = self._tables.policies
        with reading(self._engine) as connection:
            return _text(connection.execute(sa.select(policies.c.content).where(policies.c.digest == digest)))


def _text(found: sa.Result[Any]) -> str | None:
    value: str | None = found.scalar()
    return value


def called_query(tables: Tables) -> sa.Select[Any]:
    """Return the query for the request id of a call within the last ten minutes; `asked_call` has its values."""
    # A clock that went back leaves calls from the future: they are not lately either.
    lately = tables.calls.c.seconds.between(sa.bindparam("since"), sa.bindparam("until"))
    return sa.select(tables.calls.c.request).where(tables.calls.c.call == sa.bindparam("call"), lately)


def asked_call(call: str | None) -> dict[str, object]:
    """Return the values for the query of a call."""
    now = int(time.time())
    return {"call": call, "since": now - CALL_SECONDS, "until": now + CALL_SECONDS}


def calls(connection: sa.Connection, tables: Tables, made: Sequence[tuple[str, str]]) -> list[dict[str, object]]:
    """Return the rows that keep the request ids of calls; from time to time, delete outdated rows."""
    table, now = tables.calls, int(time.time())
    if made and secrets.randbelow(FORGET_EVERY) == 0:
        lately = table.c.seconds.between(now - CALL_SECONDS, now + CALL_SECONDS)
        connection.execute(sa.delete(table).where(sa.not_(lately)))
    return [{"call": call, "request": request, "seconds": now} for call, request in made]


def activate(connection: sa.Connection, tables: Tables, kind: str, digest: str, content: str) -> bool:
    """Store a policy or keyring by digest and activate it; return whether that was a change.

    The newest sealed leaf of the kind says what is in force, and not the row: one that says otherwise is put right.
    """
    active, policies = tables.active, tables.policies
    fit(content)
    current = connection.execute(sa.select(active.c.digest).where(active.c.kind == kind)).scalar()
    sealed = _sealed(connection, tables, kind)
    if current == sealed == digest:
        return False
    known = sa.select(policies.c.digest).where(policies.c.digest == digest)
    if connection.execute(known).first() is None:
        connection.execute(policies.insert().values(digest=digest, kind=kind, content=content))
    connection.execute(sa.delete(active).where(active.c.kind == kind))
    connection.execute(active.insert().values(kind=kind, digest=digest))
    return sealed != digest


def _sealed(connection: sa.Connection, tables: Tables, kind: str) -> str | None:
    """Return the digest that the newest leaf of a kind puts in force."""
    leaves = tables.leaves
    newest = sa.select(leaves.c.leaf).where(leaves.c.type == kind).order_by(leaves.c.sequence.desc()).limit(1)
    found = connection.execute(newest).scalar()
    return parse_json(bytes(found), kind).get(f"{kind}_digest") if found is not None else None

"""Writing to a ledger: leaves, bodies, envelopes, the tree's nodes and a checkpoint, in one transaction."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from aims_mlflow.canonical import canonical, sha256_hex
from aims_mlflow.errors import EvidenceError
from aims_mlflow.ledger import heads
from aims_mlflow.ledger.database import writing
from aims_mlflow.ledger.leaves import TYPES, Leaf, SearchColumns, leaf_hash
from aims_mlflow.ledger.merkle import Frontier
from aims_mlflow.ledger.sealed_sessions import session_rows
from aims_mlflow.ledger.state import activate, calls
from aims_mlflow.ledger.stored_values import fit
from aims_mlflow.ledger.tree import extend, frontier
from aims_mlflow.ledger.write import write
from aims_mlflow.records.base import utc_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection, Engine

    from aims_mlflow.ledger.database import Tables
    from aims_mlflow.ledger.heads import TreeState
    from aims_mlflow.ledger.leaves import Entry
    from aims_mlflow.ledger.proofs import LedgerProofs

LEAF_VERSION = 1
MAX_REMEMBERED = 100_000


@dataclass(frozen=True)
class Written:
    """What a transaction wrote: leaves, the names of envelopes and sessions that are there now, and the tree's edge."""

    leaves: list[Leaf]
    names: set[str]
    edge: Frontier


class Appender:
    """Appends leaves to one ledger; over all workers, one transaction runs at a time."""

    def __init__(self, engine: Engine, tables: Tables, proofs: LedgerProofs) -> None:
        self._engine, self._tables, self._proofs = engine, tables, proofs
        self._kept: set[str] = set()
        self._left: tuple[Frontier, bytes | None] = Frontier(), None

    def append(self, entries: Sequence[Entry]) -> list[Leaf]:
        """Append leaves; see `Ledger.seal`."""
        made = [_leaf(entry) for entry in entries]
        with writing(self._engine, locked=False) as connection:
            written = self._write(connection, entries, made)
        self._committed(written)
        return written.leaves

    def put_in_force(self, kind: str, digest: str, content: str, entry: Entry) -> bool:
        """Activate a policy or keyring and append the leaf that says so; see `Ledger.put_in_force`."""
        made = [_leaf(entry)]
        with writing(self._engine) as connection:
            if not activate(connection, self._tables, kind, digest, content):
                return False
            written = self._write(connection, [entry], made)
        self._committed(written)
        return True

    def erase(self, sequence: int, entry: Entry) -> None:
        """Delete a body and append the leaf that says so; see `Ledger.erase`."""
        made, bodies = [_leaf(entry)], self._tables.bodies
        with writing(self._engine) as connection:
            gone = connection.execute(sa.delete(bodies).where(bodies.c.sequence == sequence)).rowcount
            if gone != 1:
                raise EvidenceError(f"leaf {sequence} has no body (any more)", next="`aims ledger prove` shows leaves")
            written = self._write(connection, [entry], made)
        self._committed(written)

    def erase_envelope(self, sha256: str, entry: Entry) -> None:
        """Empty an envelope's row and append the leaf that says so; see `Ledger.erase_envelope`."""
        made, table = [_leaf(entry)], self._tables.envelopes
        with writing(self._engine) as connection:
            there = sa.update(table).where(table.c.sha256 == sha256, sa.func.length(table.c.envelope) > 0)
            # The row stays, empty: a worker that reads the record in a run cannot write its bytes back.
            if connection.execute(there.values(envelope=b"")).rowcount != 1:
                raise EvidenceError(f"the ledger has no envelope {sha256} (any more)")
            written = self._write(connection, [entry], made)
        self._committed(written)

    def _committed(self, written: Written) -> None:
        self._kept = written.names if len(self._kept) > MAX_REMEMBERED else self._kept | written.names
        self._left = written.edge, bytes.fromhex(written.leaves[-1].leaf_hash)
        self._proofs.appended()

    def _write(
        self, connection: Connection, entries: Sequence[Entry], made: Sequence[tuple[bytes, bytes, bytes]]
    ) -> Written:
        """Write all rows of the new leaves, and the checkpoint if its key is in memory."""
        tables = self._tables
        before = heads.tree_state(connection, tables.tree, tables.leaves)
        out = [Leaf(before.size + at, data, leaf_hash(data)) for at, (data, _, _) in enumerate(made)]
        rows = [
            {
                "sequence": leaf.sequence,
                "leaf": leaf.data,
                "leaf_hash": leaf.leaf_hash,
                **SearchColumns.of(entry.content)._asdict(),
            }
            for leaf, entry in zip(out, entries, strict=True)
        ]
        salted = [
            {"sequence": leaf.sequence, "salt": salt, "body": body}
            for leaf, (_, salt, body) in zip(out, made, strict=True)
        ]
        envelopes, names = self._new_envelopes([raw for entry in entries for raw in entry.envelopes])
        sessions, filed = self._new_sessions(out, entries)
        edge = self._edge(connection, before)
        grown, nodes = extend(edge, [bytes.fromhex(leaf.leaf_hash) for leaf in out])
        write(
            connection,
            (tables.leaves, rows),
            (tables.bodies, salted),
            (tables.calls, calls(connection, tables, [(e.call, e.content.request) for e in entries if e.call])),
            (tables.envelopes, envelopes),
            (tables.sessions, sessions),
            (tables.tree.nodes, nodes),
            *self._proofs.grown(connection, grown, before.head),
        )
        return Written(out, names | filed, edge)

    def _edge(self, connection: Connection, before: TreeState) -> Frontier:
        """Return the tree's right edge before an append: from memory, if other workers appended nothing, or little."""
        edge, last = self._left
        if (edge.size, last) == (before.size, before.last_hash):
            return edge.copy()
        at = edge.size - 1 - (before.size - len(before.tail))  # where the last leaf that is known stands in the tail
        if last is not None and 0 <= at < len(before.tail) and before.tail[at] == last:
            grown = edge.copy()
            for value in before.tail[at + 1 :]:
                grown.append(value)
            return grown
        known = {(level, (before.size >> level) - 1): value for level, value in before.edge.items()}
        if before.last_hash is not None:
            known[0, before.size - 1] = before.last_hash
        return frontier(connection, self._tables.tree, self._tables.leaves, before.size, known)

    def _new_envelopes(self, envelopes: Iterable[bytes]) -> tuple[list[dict[str, object]], set[str]]:
        """Return (rows of the envelopes that this worker has not written, their names); one that is there stays."""
        named = {sha256_hex(raw): raw for raw in envelopes}
        for raw in named.values():
            fit(raw)
        asked = {name: raw for name, raw in named.items() if name not in self._kept}
        return [{"sha256": name, "envelope": raw} for name, raw in asked.items()], set(asked)

    def _new_sessions(
        self, leaves: Sequence[Leaf], entries: Sequence[Entry]
    ) -> tuple[list[dict[str, str | int]], set[str]]:
        """Return (rows of the sessions that this worker has not filed, their names); one that is there stays."""
        rows = {
            f"{row['model_digest']} {row['session']}": row
            for leaf, entry in zip(leaves, entries, strict=True)
            for row in session_rows(entry.content, leaf.sequence)
        }
        new = {name: row for name, row in rows.items() if name not in self._kept}
        return list(new.values()), set(new)


def _leaf(entry: Entry) -> tuple[bytes, bytes, bytes]:
    """Return (leaf bytes, salt, body bytes) of an entry."""
    content = entry.content
    if content.type not in TYPES:
        raise EvidenceError(f"the ledger has no leaf type {content.type!r}")
    salt, body = secrets.token_bytes(32), canonical(entry.body.plain())
    leaf = {
        "v": LEAF_VERSION,
        "type": content.type,
        "time": utc_text(),
        "request": content.request,
        "commitment": sha256_hex(salt + body),
        **{k: v for k, v in content.public().items() if v is not None},
    }
    data = canonical(leaf)
    fit(data)
    fit(body)
    return data, salt, body

"""The ledger as a log: its checkpoints, proofs against them, and the state of their delivery."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from aims_mlflow.errors import EvidenceError, KeyUnavailable
from aims_mlflow.ledger import delivery, heads, merkle
from aims_mlflow.ledger.database import on_disk, reading, writing
from aims_mlflow.ledger.delivery import Deliverer
from aims_mlflow.ledger.tree import fetch_nodes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sqlalchemy import Connection, Engine

    from aims_mlflow.ledger.checkpoint import Checkpoint
    from aims_mlflow.ledger.database import Tables
    from aims_mlflow.ledger.log import Log
    from aims_mlflow.ledger.tree import TreeGrowth
    from aims_mlflow.ledger.write import Rows


@dataclass(frozen=True)
class Proof:
    """Proof that a leaf is in the tree below a checkpoint: the audit path of RFC 6962, from the leaf up."""

    sequence: int
    leaf_hash: bytes
    path: tuple[bytes, ...]
    checkpoint: Checkpoint

    def holds(self) -> bool:
        """Tell whether the path leads from the leaf to the checkpoint's root."""
        head = self.checkpoint
        return merkle.verify_inclusion(self.leaf_hash, self.sequence, head.size, self.path, head.root)


class LedgerProofs:
    """Checkpoints and proofs of one ledger; without a log it only reads."""

    def __init__(self, engine: Engine, tables: Tables, log: Log | None) -> None:
        self._engine, self._tables, self._log = engine, tables, log
        anchors = log.anchors if log else ()
        self.deliverer = Deliverer(engine, tables.tree, tables.leaves, anchors)

    # -- making checkpoints -----------------------------------------------------------------

    def grown(self, connection: Connection, grown: TreeGrowth, before: Checkpoint | None) -> list[Rows]:
        """Sign the checkpoint over an append in its own transaction, where the key signs at once; returns its rows."""
        if self._log is None or not self._log.key.in_memory:
            return []
        tables = self._tables

        def fetch(nodes: Sequence[merkle.Node]) -> Mapping[merkle.Node, bytes]:
            return fetch_nodes(connection, tables.tree, tables.leaves, nodes)

        if before is not None:
            heads.must_be_ours(connection, tables.leaves, before.size, grown.size_before)
        head = heads.sign_grown(grown, before, fetch, self._log.key, self._log.origin)
        return heads.rows_of(tables.tree, head, [p.name for p in self._log.anchors])

    def appended(self) -> None:
        """Finish an append: have a key service sign the checkpoint, and queue its delivery."""
        if self._log is None:
            return
        if not self._log.key.in_memory:
            self.make()
        self.deliverer.wake()

    def make(self, *, accept: bool = False) -> Checkpoint | None:
        """Sign and store a checkpoint over all leaves; returns it, or None where the newest covers them.

        `accept` signs also over leaves that were written past a log that signs with each append.

        Raises:
            EvidenceError: the leaves do not continue those of the newest checkpoint, or are not this log's: nothing is
                signed then.
            KeyUnavailable: there is no log key, or it cannot sign.
            Unreachable: the database does not answer.
        """
        if self._log is None:
            raise KeyUnavailable("this ledger was opened without a log key", next="set AIMS_LOG_KEY")
        tables = self._tables
        with reading(self._engine) as connection:
            log, tree, leaves = self._log, tables.tree, tables.leaves
            head = heads.sign_head(connection, tree, leaves, log.key, log.origin, accept=accept)
        if head is None:
            return None
        with writing(self._engine) as connection:
            heads.store(connection, tables.tree, head, [p.name for p in self._log.anchors])
        self.deliverer.wake()
        return head

    # -- reading ----------------------------------------------------------------------------

    def newest(self) -> Checkpoint | None:
        """Return the checkpoint over the most leaves.

        Raises:
            EvidenceError: what is stored is none.
        """
        with reading(self._engine) as connection:
            found = heads.newest(connection, self._tables.tree)
        on_disk(self._engine)
        return found

    def covering(self, size: int) -> Checkpoint | None:
        """Return the smallest checkpoint over at least `size` leaves."""
        with reading(self._engine) as connection:
            found = heads.covering(connection, self._tables.tree, size)
        on_disk(self._engine)
        return found

    def checkpoints(self) -> Iterator[tuple[int, str, str]]:
        """Yield (size, note, time stored) of every checkpoint as it stands in the database, smallest first."""
        table, after = self._tables.tree.checkpoints, -1
        while True:
            query = sa.select(table).where(table.c.size > after).order_by(table.c.size).limit(heads.PAGE)
            with reading(self._engine) as connection:
                rows = connection.execute(query).all()
            yield from ((row.size, row.note, row.time) for row in rows)
            if len(rows) < heads.PAGE:
                return
            after = rows[-1].size

    def fetch(self, nodes: Sequence[merkle.Node]) -> dict[merkle.Node, bytes]:
        """Return the hashes of those nodes of the tree that the database has."""
        with reading(self._engine) as connection:
            return dict(fetch_nodes(connection, self._tables.tree, self._tables.leaves, nodes))

    def nodes(self, level: int, first: int, last: int) -> dict[int, bytes]:
        """Return the stored nodes of a level from position `first` to `last`."""
        table = self._tables.tree.nodes
        query = sa.select(table.c.position, table.c.hash).where(table.c.level == level)
        with reading(self._engine) as connection:
            rows = connection.execute(query.where(table.c.position.between(first, last)))
            return {row.position: bytes(row.hash) for row in rows}

    def size(self) -> int:
        """Return how many leaves there are, by the sequence of the last."""
        with reading(self._engine) as connection:
            last = connection.execute(heads.last_sequence(self._tables.leaves)).scalar()
        return 0 if last is None else int(last) + 1

    def inclusion(self, sequence: int, head: Checkpoint | None = None) -> Proof:
        """Return the proof that a leaf stands below a checkpoint: `head`, else the smallest that covers it.

        Raises:
            EvidenceError: no checkpoint covers it, there is no such leaf, or the tree lacks a node.
        """
        found = head or self.covering(sequence + 1)
        if found is None or found.size <= sequence:
            raise EvidenceError(f"no checkpoint covers leaf {sequence}", next="`aims ledger checkpoint` makes one")
        path = merkle.inclusion_proof(sequence, found.size, self.fetch)
        leaf = self.fetch([(0, sequence)]).get((0, sequence))
        if leaf is None:
            raise EvidenceError(f"the ledger has no leaf {sequence}", next="`aims ledger verify` says why")
        return Proof(sequence, leaf, tuple(path), found)

    def consistency(self, old: int, size: int) -> list[bytes]:
        """Return the proof that the first `old` leaves are the beginning of the first `size`.

        Raises:
            EvidenceError: they cannot be, or the tree lacks a node.
        """
        return merkle.consistency_proof(old, size, self.fetch)

    def late(self) -> list[delivery.LateDelivery]:
        """Return the deliveries that are more than a minute behind."""
        with reading(self._engine) as connection:
            return delivery.late(connection, self._tables.tree)

    def receipts(self) -> list[tuple[int, str, bytes]]:
        """Return (size, anchor, receipt) of every delivery that brought one, smallest first."""
        table = self._tables.tree.deliveries
        query = sa.select(table.c.size, table.c.place, table.c.receipt).where(table.c.receipt.is_not(None))
        with reading(self._engine) as connection:
            return [(r.size, r.place, bytes(r.receipt)) for r in connection.execute(query.order_by(table.c.size))]

"""The ledger's signed tree heads: signed with each append, stored beside the leaves, queued for the anchors.

A key in memory signs within the transaction of the append. A key service is slow, so it signs while no lock is held:
one transaction reads the head, another one stores the signed head. If another worker made a checkpoint over more leaves
meanwhile, that one is used.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from aims_mlflow.bounded_cache import BoundedCache
from aims_mlflow.errors import EvidenceError
from aims_mlflow.ledger import checkpoint, merkle
from aims_mlflow.ledger.driver_query import DriverQuery
from aims_mlflow.ledger.stored_values import HASH, optional
from aims_mlflow.ledger.tree import TreeTables, edge_query, fetch_nodes, tail_query
from aims_mlflow.ledger.trips import LOCK, can_join, last_row
from aims_mlflow.ledger.write import write
from aims_mlflow.records.base import utc_text, uuid7
from aims_mlflow.settings import LEDGER_ORIGIN

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sqlalchemy import Connection, Dialect

    from aims_mlflow.ledger.checkpoint import Checkpoint
    from aims_mlflow.ledger.tree import TreeGrowth
    from aims_mlflow.ledger.write import Rows
    from aims_mlflow.signing.keys import SigningKey

PAGE = 5000
# Checkpoints by size and text: the next append reads the one that this process signed last.
_KNOWN: BoundedCache[Checkpoint] = BoundedCache(64)
# Leaves that only a server writes, and a server has a log.
OF_THE_SERVER = ("policy", "keyring", "decision")


def newest(connection: Connection, tables: TreeTables) -> Checkpoint | None:
    """Return the checkpoint over the most leaves.

    Raises:
        EvidenceError: what is stored is none.
    """
    return _first(connection, sa.select(tables.checkpoints).order_by(tables.checkpoints.c.size.desc()))


@dataclass(frozen=True)
class TreeState:
    """The state that an append continues: number of leaves, hash of the last leaf, newest checkpoint.

    `edge` has hashes of the tree's right edge by level, where the same query could read them; `tail` those of the last
    leaves, in order, where it could read these.
    """

    size: int
    last_hash: bytes | None
    head: Checkpoint | None
    edge: Mapping[int, bytes] = field(default_factory=dict)
    tail: Sequence[bytes] = ()


def tree_state(connection: Connection, tables: TreeTables, leaves: sa.Table) -> TreeState:
    """Take the append lock, and return the state that an append continues, in one query: other writers wait meanwhile.

    Raises:
        EvidenceError: the stored checkpoint is none.
    """
    edge, tail, last, hashed, covered, note = _asked(connection, tables, leaves)
    head = None if note is None else _parsed(covered, note)
    if last is None:
        return TreeState(0, None, head)
    known = {int(level): bytes.fromhex(value) for level, value in (edge or {}).items()}
    return TreeState(int(last) + 1, bytes.fromhex(hashed), head, known, _tail(tail, hashed))


def _tail(listed: str | None, newest_hash: str) -> list[bytes]:
    """Return the hashes of the last leaves in order; none where the database does not list them as it should."""
    found = (listed or "").split()
    in_order = bool(found) and found[-1] == newest_hash and all(map(HASH.fullmatch, found))
    return [bytes.fromhex(value) for value in found] if in_order else []


def _asked(connection: Connection, tables: TreeTables, leaves: sa.Table) -> Sequence[Any]:
    """Return the row of `_tree_state`, on PostgreSQL under the append lock."""
    is_postgresql = connection.dialect.name == "postgresql"
    query = _tree_state(tables, leaves, with_edge=is_postgresql)
    if can_join(connection):
        edge, tail, *values = last_row(connection, LOCK, _as_text(query, connection.dialect))
        looks = [column.type.result_processor(connection.dialect, None) for column in list(query.selected_columns)[2:]]
        return [edge, tail, *(look(value) for look, value in zip(looks, values, strict=True))]
    if is_postgresql:
        connection.exec_driver_sql(LOCK)
    row: Sequence[Any]
    (row,) = _for_driver(query, connection.dialect).rows(connection, {})
    return row


@functools.lru_cache(maxsize=16)
def _for_driver(query: sa.Select[Any], dialect: Dialect) -> DriverQuery:
    return DriverQuery(query, dialect)


@functools.lru_cache(maxsize=16)
def _as_text(query: sa.Select[Any], dialect: Dialect) -> str:
    return str(query.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))


@functools.lru_cache(maxsize=16)
def _tree_state(tables: TreeTables, leaves: sa.Table, *, with_edge: bool) -> sa.Select[Any]:
    """The query of `tree_state`, built once for each ledger."""
    table = tables.checkpoints
    newest_hash = sa.select(leaves.c.leaf_hash).order_by(leaves.c.sequence.desc()).limit(1)
    note = sa.select(table.c.note).order_by(table.c.size.desc()).limit(1)
    return sa.select(
        (edge_query(tables, leaves) if with_edge else sa.null()).label("edge"),
        (sa.null() if with_edge else tail_query(leaves)).label("tail"),
        optional(sa.select(sa.func.max(leaves.c.sequence)).scalar_subquery(), leaves.c.sequence).label("last"),
        optional(newest_hash.scalar_subquery(), leaves.c.leaf_hash).label("hashed"),
        optional(sa.select(sa.func.max(table.c.size)).scalar_subquery(), table.c.size).label("size"),
        optional(note.scalar_subquery(), table.c.note).label("note"),
    )


def last_sequence(leaves: sa.Table) -> sa.Select[Any]:
    """Return the query for the sequence of the last leaf, which is NULL where there is none."""
    return sa.select(optional(sa.func.max(leaves.c.sequence), leaves.c.sequence))


def covering(connection: Connection, tables: TreeTables, size: int) -> Checkpoint | None:
    """Return the smallest checkpoint over at least `size` leaves."""
    table = tables.checkpoints
    query = sa.select(table).where(table.c.size >= size).order_by(table.c.size)
    return _first(connection, query)


def _first(connection: Connection, query: sa.Select[Any]) -> Checkpoint | None:
    row = connection.execute(query.limit(1)).first()
    return None if row is None else _parsed(row.size, row.note)


def _parsed(size: int, note: str) -> Checkpoint:
    head = _KNOWN.get((size, note), lambda: checkpoint.parse(note.encode(), f"stored checkpoint {size}"))
    if head.size != size:
        raise EvidenceError(f"it is over {head.size} leaves", where=f"stored checkpoint {size}")
    return head


def origin_of(before: Checkpoint | None, configured: str | None) -> str:
    """Return the log's name: that of its earlier checkpoints, else the configured one, else a new one.

    Raises:
        EvidenceError: another name is configured than the log has had, or no log can have it.
    """
    if before is None:
        return checkpoint.check_name(configured or f"aims-ledger/{uuid7()}")
    if configured and configured != before.origin:
        raise EvidenceError(
            f"{LEDGER_ORIGIN} is {configured!r}, and the ledger's checkpoints so far are of {before.origin!r}",
            next=f"set {LEDGER_ORIGIN} back: a log keeps its name, or its old checkpoints prove nothing about it",
        )
    return before.origin


def sign_head(
    connection: Connection,
    tables: TreeTables,
    leaves: sa.Table,
    key: SigningKey,
    configured: str | None,
    *,
    accept: bool = True,
) -> Checkpoint | None:
    """Return a signed checkpoint over all leaves; None where the newest covers them. Reads alone: `store` writes it.

    `accept` signs over leaves that this log did not sign when they were written.

    Raises:
        EvidenceError: the leaves do not continue those of the newest checkpoint, or one was written past the log:
            nothing is signed then.
        KeyUnavailable: the key cannot sign.
    """
    last = connection.execute(last_sequence(leaves)).scalar()
    size = 0 if last is None else int(last) + 1
    before = newest(connection, tables)
    if size == (before.size if before else 0):
        return None

    def fetch(nodes: Sequence[merkle.Node]) -> dict[merkle.Node, bytes]:
        return dict(fetch_nodes(connection, tables, leaves, nodes))

    if before is not None:
        _must_continue(before, size, fetch)
        if key.in_memory and not accept:
            must_be_ours(connection, leaves, before.size, size)
    return checkpoint.sign(origin_of(before, configured), size, merkle.root(size, fetch), key)


def sign_grown(
    grown: TreeGrowth, before: Checkpoint | None, fetch: merkle.Fetch, key: SigningKey, configured: str | None
) -> Checkpoint:
    """Return a signed checkpoint over the tree as an append leaves it, within the append's transaction.

    `before` is the newest checkpoint; it mostly covers all leaves before the append, and then needs no proof.

    Raises:
        EvidenceError: the leaves do not continue those of the newest checkpoint: nothing is signed then.
        KeyUnavailable: the key cannot sign.
    """
    if before is not None and (before.size, before.root) != (grown.size_before, grown.root_before):
        _must_continue(before, grown.size_before, fetch)
    return checkpoint.sign(origin_of(before, configured), grown.size, grown.root, key)


def must_be_ours(connection: Connection, leaves: sa.Table, begin: int, end: int) -> None:
    """Refuse to sign over leaves from `begin` to `end` of types that only a server with a log writes.

    Its key in memory signs each append within its transaction: such a leaf that no checkpoint covers is a stranger's.

    Raises:
        EvidenceError: there is one.
    """
    if begin >= end:
        return
    column = leaves.c.sequence
    query = sa.select(column, leaves.c.type).where(column >= begin, column < end, leaves.c.type.in_(OF_THE_SERVER))
    found = connection.execute(query.order_by(column).limit(1)).first()
    if found is not None:
        raise EvidenceError(
            f"leaf {found.sequence} ({found.type}) stands under no checkpoint, and this log signs each that it writes: "
            "someone wrote it past the log, and nothing is signed",
            next="look at it; then restore the database, or `aims ledger checkpoint --accept` signs over it",
        )


def _must_continue(before: Checkpoint, size: int, fetch: merkle.Fetch) -> None:
    broken = EvidenceError(
        f"the ledger has {size} leaves that do not continue its checkpoint over {before.size}: nothing is signed",
        next="someone changed the database: `aims ledger verify` says what changed",
    )
    if size < before.size:
        raise broken
    root = merkle.root(size, fetch)
    proof = merkle.consistency_proof(before.size, size, fetch) if before.size else []
    if not merkle.verify_consistency(before.size, size, before.root, root, proof):
        raise broken


def store(connection: Connection, tables: TreeTables, head: Checkpoint, anchors: Sequence[str]) -> bool:
    """Keep a checkpoint and queue it for `anchors`; tells whether it was new."""
    table = tables.checkpoints
    if connection.execute(sa.select(table.c.size).where(table.c.size == head.size)).first() is not None:
        return False
    write(connection, *rows_of(tables, head, anchors))
    return True


def rows_of(tables: TreeTables, head: Checkpoint, anchors: Sequence[str]) -> list[Rows]:
    """Return the rows that keep a new checkpoint, and queue it for `anchors`."""
    now = utc_text()
    _KNOWN.put((head.size, head.text), head)
    queued = [{"size": head.size, "place": p, "queued": now, "next_try": now, "attempts": 0} for p in anchors]
    return [(tables.checkpoints, [{"size": head.size, "note": head.text, "time": now}]), (tables.deliveries, queued)]


def leaf_hashes(connection: Connection, leaves: sa.Table, begin: int, end: int) -> Iterator[str]:
    """Yield the leaf hashes (hex) from `begin` to `end`, `end` not included.

    Raises:
        EvidenceError: a leaf in between is missing.
    """
    while begin < end:
        until = min(begin + PAGE, end)
        query = sa.select(leaves.c.sequence, leaves.c.leaf_hash)
        query = query.where(leaves.c.sequence >= begin, leaves.c.sequence < until).order_by(leaves.c.sequence)
        rows = connection.execute(query).all()
        if [row.sequence for row in rows] != list(range(begin, until)):
            raise EvidenceError(f"a leaf between {begin} and {until} is missing", next="`aims ledger verify`")
        yield from (row.leaf_hash for row in rows)
        begin = until

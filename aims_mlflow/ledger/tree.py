"""The Merkle tree beside the ledger's leaves: nodes are written in the transaction that appends the leaves.

Level 0 is the leaves' own `leaf_hash`; `aims_nodes` holds every complete node above it, one row for each leaf on
average. All functions take an open connection, so that leaf, nodes and checkpoint stand or fall together.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar

import sqlalchemy as sa

from aims_mlflow.errors import EvidenceError
from aims_mlflow.ledger import merkle

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy import Connection

NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
# Well under SQLite's limit for the variables of one statement (32,766), and quick to plan.
BATCH = 500
# Leaves whose hashes an append reads on SQLite: what another worker wrote since this one's last append is mostly among
# them, and the tree's nodes need not be read.
TAIL = 16
Item = TypeVar("Item")


@dataclass(frozen=True)
class TreeGrowth:
    """The growth of the tree by an append: sizes and roots before and after it."""

    size_before: int
    root_before: bytes
    size: int
    root: bytes


class TreeTables:
    """The tables of tree, checkpoints and deliveries, in the ledger's schema."""

    def __init__(self, metadata: sa.MetaData) -> None:
        self.nodes = sa.Table(
            "aims_nodes",
            metadata,
            sa.Column("level", sa.SmallInteger, primary_key=True, autoincrement=False),
            sa.Column("position", NUMBER, primary_key=True, autoincrement=False),
            sa.Column("hash", sa.LargeBinary(32), nullable=False),
            sqlite_with_rowid=False,
        )
        self.checkpoints = sa.Table(
            "aims_checkpoints",
            metadata,
            sa.Column("size", NUMBER, primary_key=True, autoincrement=False),
            sa.Column("note", sa.Text, nullable=False),
            sa.Column("time", sa.String(27), nullable=False),
        )
        self.deliveries = sa.Table(
            "aims_deliveries",
            metadata,
            sa.Column("size", NUMBER, primary_key=True, autoincrement=False),
            sa.Column("place", sa.String(500), primary_key=True),
            sa.Column("queued", sa.String(27), nullable=False),
            sa.Column("next_try", sa.String(27), nullable=False),
            sa.Column("attempts", sa.Integer, nullable=False),
            sa.Column("delivered", sa.String(27)),
            sa.Column("error", sa.Text),
            sa.Column("receipt", sa.LargeBinary),
            sa.Index("aims_deliveries_due", "delivered", "next_try"),
        )


def fetch_nodes(
    connection: Connection, tables: TreeTables, leaves: sa.Table, nodes: Iterable[merkle.Node]
) -> Mapping[merkle.Node, bytes]:
    """Return the hashes of those nodes that the database has."""
    wanted: defaultdict[int, set[int]] = defaultdict(set)
    for level, position in nodes:
        wanted[level].add(position)
    found: dict[merkle.Node, bytes] = {}
    for part in _batches(sorted(wanted.pop(0, ()))):
        query = sa.select(leaves.c.sequence, leaves.c.leaf_hash).where(leaves.c.sequence.in_(part))
        found |= {(0, row.sequence): bytes.fromhex(row.leaf_hash) for row in connection.execute(query)}
    table = tables.nodes
    for some in _batches([(level, position) for level, positions in wanted.items() for position in sorted(positions)]):
        # SQLite reads the whole table for pairs; for a level and a position each it uses the primary key.
        levels, positions = ({node[at] for node in some} for at in (0, 1))
        query = sa.select(table).where(table.c.level.in_(levels), table.c.position.in_(positions))
        asked = set(some)
        rows = connection.execute(query)
        found |= {(r.level, r.position): bytes(r.hash) for r in rows if (r.level, r.position) in asked}
    return found


def _batches(items: Sequence[Item]) -> Iterable[Sequence[Item]]:
    return (items[begin : begin + BATCH] for begin in range(0, len(items), BATCH))


def edge_query(tables: TreeTables, leaves: sa.Table) -> sa.ColumnElement[dict[str, str]]:
    """Return the query, on PostgreSQL, of the tree's right edge above its leaves: hashes in hex by level, as JSON."""
    return sa.literal_column(
        "(SELECT json_object_agg(n.level, encode(n.hash, 'hex')) "  # noqa: S608 - names of ours
        f"FROM (SELECT max(sequence) + 1 AS size FROM {leaves}) s CROSS JOIN generate_series(1, 62) AS up "
        f"JOIN {tables.nodes} n ON n.level = up AND n.position = (s.size >> up) - 1 WHERE (s.size >> up) & 1 = 1)",
        sa.JSON,
    )


def tail_query(leaves: sa.Table) -> sa.ColumnElement[str]:
    """Return the query, on SQLite, of the hashes of the last leaves in order, in one text with blanks between them."""
    return sa.literal_column(
        "(SELECT group_concat(leaf_hash, ' ') FROM (SELECT leaf_hash FROM "  # noqa: S608 - names of ours
        f"(SELECT sequence, leaf_hash FROM {leaves} ORDER BY sequence DESC LIMIT {TAIL}) ORDER BY sequence))",
        sa.Text,
    )


def frontier(
    connection: Connection,
    tables: TreeTables,
    leaves: sa.Table,
    size: int,
    known: Mapping[merkle.Node, bytes] = MappingProxyType({}),
) -> merkle.Frontier:
    """Return the right edge of the tree over the first `size` leaves; what is not `known` of it is read.

    Raises:
        EvidenceError: the tree lacks a node of it.
    """
    nodes = merkle.nodes_of(0, size)
    unknown = [node for node in nodes if node not in known]
    known = {**known, **fetch_nodes(connection, tables, leaves, unknown)}
    lacking = [node for node in nodes if node not in known]
    if lacking:
        raise EvidenceError(
            f"the ledger's tree has no node {lacking[0]}, which {size} leaves need",
            next="a row was deleted from the database: `aims ledger verify` says what is left",
        )
    return merkle.Frontier(size, [known[node] for node in nodes])


def extend(edge: merkle.Frontier, hashes: Sequence[bytes]) -> tuple[TreeGrowth, list[dict[str, object]]]:
    """Extend a tree's edge by leaf hashes; return the growth and the new rows of `aims_nodes`.

    The rows belong into the transaction of the leaves, under the append lock.
    """
    size, before = edge.size, edge.root()
    made = [node for value in hashes for node in edge.append(value)]
    rows: list[dict[str, object]] = [{"level": level, "position": at, "hash": value} for (level, at), value in made]
    return TreeGrowth(size, before, edge.size, edge.root()), rows

"""The Merkle tree over the leaves that are there, checkpoints, and the queue of their deliveries."""

import sqlalchemy as sa
from alembic import op

from aims_mlflow.errors import EvidenceError
from aims_mlflow.ledger import merkle
from aims_mlflow.ledger.upgrade import append_only

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None
PAGE = 5000


def upgrade() -> None:
    """Make the tables, and the nodes of the leaves that are there."""
    schema = op.get_context().version_table_schema
    number = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    nodes = op.create_table(
        "aims_nodes",
        sa.Column("level", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("position", number, primary_key=True, autoincrement=False),
        sa.Column("hash", sa.LargeBinary(32), nullable=False),
        schema=schema,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "aims_checkpoints",
        sa.Column("size", number, primary_key=True, autoincrement=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("time", sa.String(27), nullable=False),
        schema=schema,
    )
    op.create_table(
        "aims_deliveries",
        sa.Column("size", number, primary_key=True, autoincrement=False),
        sa.Column("place", sa.String(500), primary_key=True),
        sa.Column("queued", sa.String(27), nullable=False),
        sa.Column("next_try", sa.String(27), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("delivered", sa.String(27)),
        sa.Column("error", sa.Text),
        sa.Column("receipt", sa.LargeBinary),
        schema=schema,
    )
    op.create_index("aims_deliveries_due", "aims_deliveries", ["delivered", "next_try"], schema=schema)
    fill(op.get_bind(), schema, nodes)
    append_only(op.get_bind(), schema, "aims_nodes")
    append_only(op.get_bind(), schema, "aims_checkpoints")


def fill(connection: sa.Connection, schema: str | None, nodes: sa.Table) -> None:
    """Write the nodes over the existing leaves, page by page.

    Raises:
        EvidenceError: a leaf is missing or does not have its hash: there is no sound tree over such leaves.
    """
    leaves = sa.table("aims_leaves", sa.column("sequence"), sa.column("leaf"), sa.column("leaf_hash"), schema=schema)
    edge = merkle.Frontier()
    while True:
        query = sa.select(leaves).where(leaves.c.sequence >= edge.size).order_by(leaves.c.sequence).limit(PAGE)
        rows = connection.execute(query).all()
        made: list[tuple[merkle.Node, bytes]] = []
        for row in rows:
            if row.sequence != edge.size or merkle.leaf_hash(bytes(row.leaf)).hex() != row.leaf_hash:
                raise EvidenceError(
                    f"leaf {edge.size} is missing or was changed: the ledger is not upgraded",
                    next="restore the ledger's database from a backup that is whole",
                )
            made += edge.append(bytes.fromhex(row.leaf_hash))
        if made:
            values = [{"level": level, "position": at, "hash": value} for (level, at), value in made]
            connection.execute(nodes.insert(), values)
        if len(rows) < PAGE:
            return


def downgrade() -> None:
    """Refuse: a ledger is never taken back."""
    raise RuntimeError("a ledger is never downgraded: restore the database from before the upgrade")

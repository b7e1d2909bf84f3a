"""Sealed sessions are found by the digest of the model: those of the leaves that are there are filed."""

import sqlalchemy as sa
from alembic import op

from aims_mlflow.canonical import parse_json
from aims_mlflow.ledger.sealed_sessions import session_rows
from aims_mlflow.ledger.upgrade import append_only
from aims_mlflow.records.leaves import read_content

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None
PAGE = 1000


def upgrade() -> None:
    """Make the table, and the rows of the leaves that are there."""
    schema = op.get_context().version_table_schema
    sessions = op.create_table(
        "aims_sessions",
        sa.Column("model_digest", sa.String(64), primary_key=True),
        sa.Column("session", sa.String(64), primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("sequence", sa.BigInteger().with_variant(sa.Integer, "sqlite"), nullable=False),
        schema=schema,
    )
    fill(op.get_bind(), schema, sessions)
    append_only(op.get_bind(), schema, "aims_sessions")


def fill(connection: sa.Connection, schema: str | None, sessions: sa.Table) -> None:
    """Write the rows of the sealed sessions, page by page.

    Raises:
        EvidenceError: a leaf is none of this format.
    """
    columns = map(sa.column, ("sequence", "leaf", "type"))
    leaves = sa.table("aims_leaves", *columns, schema=schema)
    named, known, start = leaves.c.type.in_(("decision", "evidence")), set(), 0
    while True:
        query = sa.select(leaves).where(leaves.c.sequence >= start, named).order_by(leaves.c.sequence).limit(PAGE)
        rows = connection.execute(query).all()
        for sequence, leaf, _ in rows:
            where = f"leaf {sequence}"
            for row in session_rows(read_content(parse_json(bytes(leaf), where), where), sequence):
                if (row["model_digest"], row["session"]) not in known:
                    known.add((row["model_digest"], row["session"]))
                    connection.execute(sa.insert(sessions).values(row))
        if len(rows) < PAGE:
            return
        start = rows[-1].sequence + 1

"""The tables as `create_all` made them before there were migrations."""

import sqlalchemy as sa
from alembic import op

from aims_mlflow.ledger.upgrade import append_only

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the tables."""
    schema = op.get_context().version_table_schema
    _make_leaves(schema)
    _make_shared_state(schema)
    append_only(op.get_bind(), schema, "aims_leaves")


def _make_leaves(schema: str | None) -> None:
    op.create_table(
        "aims_leaves",
        sa.Column("sequence", NUMBER, primary_key=True, autoincrement=False),
        sa.Column("leaf", sa.LargeBinary, nullable=False),
        sa.Column("leaf_hash", sa.String(64), nullable=False),
        sa.Column("request", sa.String(64), index=True),
        sa.Column("type", sa.String(20), nullable=False, index=True),
        sa.Column("model_name", sa.String(512)),
        sa.Column("version", sa.String(32)),
        schema=schema,
    )
    op.create_index("aims_leaves_of_model", "aims_leaves", ["model_name", "sequence"], schema=schema)
    op.create_index("aims_leaves_of_version", "aims_leaves", ["model_name", "version"], schema=schema)
    op.create_table(
        "aims_bodies",
        sa.Column("sequence", NUMBER, primary_key=True, autoincrement=False),
        sa.Column("salt", sa.LargeBinary, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        schema=schema,
    )
    op.create_table(
        "aims_envelopes",
        sa.Column("sha256", sa.String(64), primary_key=True),
        sa.Column("envelope", sa.LargeBinary, nullable=False),
        schema=schema,
    )


def _make_shared_state(schema: str | None) -> None:
    op.create_table(
        "aims_policies",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("content", sa.Text, nullable=False),
        schema=schema,
    )
    op.create_table(
        "aims_active",
        sa.Column("kind", sa.String(20), primary_key=True),
        sa.Column("digest", sa.String(64), nullable=False),
        schema=schema,
    )
    op.create_table(
        "aims_hashes",
        sa.Column("fingerprint", sa.String(64), primary_key=True),
        sa.Column("digest", sa.String(64), nullable=False),
        schema=schema,
    )
    op.create_table(
        "aims_calls",
        sa.Column("call", sa.String(64), primary_key=True),
        sa.Column("request", sa.String(64), nullable=False),
        sa.Column("seconds", NUMBER, nullable=False, index=True),
        schema=schema,
    )


def downgrade() -> None:
    """Refuse: a ledger is never taken back."""
    raise RuntimeError("a ledger is never downgraded: restore the database from before the upgrade")

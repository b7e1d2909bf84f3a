"""PostgreSQL keeps no samples of envelopes either: they can be erased, and its statistics have values of their own."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Let ANALYZE, which autovacuum runs too, leave envelopes out."""
    if op.get_bind().dialect.name != "postgresql":
        return
    schema = op.get_context().version_table_schema
    table = f"{schema}.aims_envelopes" if schema else "aims_envelopes"
    op.execute(f"ALTER TABLE {table} ALTER COLUMN envelope SET STATISTICS 0")

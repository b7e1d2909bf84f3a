"""PostgreSQL keeps no samples of erasable bodies: its statistics have values of their own, which no VACUUM removes."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Let ANALYZE, which autovacuum runs too, leave bodies and salts out."""
    if op.get_bind().dialect.name != "postgresql":
        return
    schema = op.get_context().version_table_schema
    table = f"{schema}.aims_bodies" if schema else "aims_bodies"
    for column in ("salt", "body"):
        op.execute(f"ALTER TABLE {table} ALTER COLUMN {column} SET STATISTICS 0")

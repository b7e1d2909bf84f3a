"""No digests of files are kept in the database any more: whoever could write it could say what was hashed."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Drop the table of remembered digests, which nothing reads or writes."""
    op.drop_table("aims_hashes", schema=op.get_context().version_table_schema)

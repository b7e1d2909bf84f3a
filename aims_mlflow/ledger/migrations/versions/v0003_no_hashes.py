"""No digests of files are kept in the database any more: whoever could write it could say what was hashed."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Drop the table of remembered digests, which nothing reads or writes."""
    schema = op.get_context().version_table_schema
    if sa.inspect(op.get_bind()).has_table("aims_hashes", schema=schema):
        op.drop_table("aims_hashes", schema=schema)

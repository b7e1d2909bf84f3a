"""Alembic's environment: runs the migrations on the given connection, within its transaction."""

from alembic import context

from aims_mlflow.ledger.upgrade import VERSION_TABLE

options = context.config.attributes
context.configure(
    connection=options["connection"],
    target_metadata=None,
    version_table=VERSION_TABLE,
    version_table_schema=options["schema"],
)
context.run_migrations()

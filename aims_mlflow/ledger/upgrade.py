"""Upgrade of a ledger's database to the tables of this release: an empty one, an older one, or one without revision."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from aims_mlflow.errors import ConfigError

if TYPE_CHECKING:
    from sqlalchemy import Connection

VERSION_TABLE = "aims_alembic_version"
HEAD = "0006"
# What a database without a version was made by: `create_all`, with the tables of this revision.
BEFORE_MIGRATIONS = "0001"
_FIRST_TABLE = "aims_leaves"


def current_revision(connection: Connection, schema: str | None) -> str | None:
    """Return the revision that the database has; None where it was never migrated."""
    if not sa.inspect(connection).has_table(VERSION_TABLE, schema):
        return None
    table = sa.table(VERSION_TABLE, sa.column("version_num"), schema=schema)
    revision: str | None = connection.execute(sa.select(table.c.version_num)).scalar()
    return revision


def migrate(connection: Connection, schema: str | None) -> bool:
    """Upgrade the database to `HEAD` within the connection's transaction; return whether that was a change.

    The caller holds the append lock: several workers start at once.

    Raises:
        ConfigError: a newer release made the database.
        EvidenceError: its leaves are not whole.
    """
    revision = current_revision(connection, schema)
    if revision == HEAD:
        return False
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.attributes.update(connection=connection, schema=schema)
    known = [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()]
    if revision is not None and revision not in known:
        raise ConfigError(
            f"the ledger's database has revision {revision}, which this release does not know",
            next="a newer aims_mlflow made it: upgrade this one",
        )
    if revision is None and sa.inspect(connection).has_table(_FIRST_TABLE, schema):
        command.stamp(config, BEFORE_MIGRATIONS)
    command.upgrade(config, HEAD)
    return True


def append_only(connection: Connection, schema: str | None, table: str) -> None:
    """Make the database refuse changes of rows in `table`; its owner can bypass that, which verification finds."""
    if connection.dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            connection.exec_driver_sql(
                f"CREATE TRIGGER IF NOT EXISTS {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
                "BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END"
            )
        return
    place = f"{schema}." if schema else ""
    connection.exec_driver_sql(
        f"CREATE OR REPLACE FUNCTION {place}append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the ledger is append-only'; END $$"
    )
    connection.exec_driver_sql(
        f"CREATE OR REPLACE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {place}{table} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {place}append_only()"
    )

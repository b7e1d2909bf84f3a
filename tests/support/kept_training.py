"""Trainings that are made once for each test run: every test of a gate needs evidence, and few care how it came about.

A registry begins as a copy of one that was just set up, and a training of the same data under the same rules is copied
into it. Keys, policy and ledger are those of that registry, so that signatures and checkpoints fit. All of pytest's
workers share both by a folder.
"""

import contextlib
import functools
import hashlib
import os
import pickle
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from aims_mlflow.settings import environment
from support.fresh_database import fresh_database

LEDGER = "mlflow.db.aims.db"
_kept = {}
_shared = None
# The registry of the test that runs, and what was copied into it; None where trainings are really made.
_current = None


class _Current:
    def __init__(self, folder):
        self.folder, self.used = folder, set()

    def has_the_ledger(self):
        """Give a registry in which nothing was done yet the ledger that kept evidence names; tell whether it has it."""
        ledger = self.folder / LEDGER
        if not self.used and not ledger.exists() and not _count(self.folder, "registered_models"):
            _copy_database(_set_up() / LEDGER, ledger)
            return True
        return bool(self.used)


@pytest.fixture(scope="session", autouse=True)
def shared_folder(tmp_path_factory):
    """The folder of what is kept; pytest's own is that of all workers, and deleted after some more runs."""
    global _shared  # noqa: PLW0603 - one in a process
    base = tmp_path_factory.getbasetemp()
    _shared = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "kept"
    _shared.mkdir(exist_ok=True)


def _made_once(name, make):
    """Return the folder of this name among what is shared, and what `make(folder)` returned in the first worker."""
    import fcntl

    folder = _shared.resolve() / name
    result = folder / "result.pickle"
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not result.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            made = pickle.dumps(make(folder))
            result.write_bytes(made)
    return folder, pickle.loads(result.read_bytes())


def variables(office, folder):
    """Return what a data scientist's process has in a registry's folder."""
    return {
        "MLFLOW_TRACKING_URI": f"sqlite:///{folder}/mlflow.db",
        "MLFLOW_REGISTRY_URI": f"aims+sqlite:///{folder}/mlflow.db",
        "AIMS_SIGNING_KEY": f"file:{office.scientist}",
        "AIMS_HOME": str(folder / "ana"),
        "AIMS_POLICY": str(office.policy),
        "AIMS_LOG_KEY": f"file:{office.folder}/platform/keys/log.pem",
    }


@functools.cache
def _set_up():
    """Return the folder of a registry with keys, policy and an opened ledger."""
    return _made_once("set-up", _open_registry)[0]


def _open_registry(folder):
    import mlflow

    from aims_mlflow.cli.main import run_command
    from aims_mlflow.demo.people import Office, set_up

    office = Office(folder / "office")
    set_up(office, run_command)
    fresh_database(folder)
    with _inside(folder):
        mlflow.MlflowClient().get_registered_model("aims.status")


@contextlib.contextmanager
def _inside(folder):
    """Work in a registry's folder as its data scientist, and leave MLflow as it was."""
    import mlflow

    from aims_mlflow.demo.people import Office

    before = {name: os.environ.get(name) for name in ("MLFLOW_REGISTRY_URI", "MLFLOW_TRACKING_URI")}
    with contextlib.chdir(folder), environment(variables(Office(folder / "office"), folder)):
        mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
        mlflow.set_registry_uri(f"aims+sqlite:///{folder}/mlflow.db")
        mlflow.set_experiment(experiment_id="0")
        try:
            yield
        finally:
            mlflow.set_tracking_uri(before["MLFLOW_TRACKING_URI"])
            mlflow.set_registry_uri(before["MLFLOW_REGISTRY_URI"])


def copy_registry(folder):
    """Make a registry in an empty folder: keys, policy and MLflow's database; its gate was never opened."""
    template = _set_up()
    _copy(template, folder)


def _copy(template, folder):
    for name in ("office", "ana"):
        if (template / name).exists():
            shutil.copytree(template / name, folder / name)
    _copy_database(template / "mlflow.db", folder / "mlflow.db")
    with closing(sqlite3.connect(folder / "mlflow.db")) as database, database:
        for table, column in _columns_with_its_name(template):
            moved = f'UPDATE "{table}" SET "{column}" = replace("{column}", ?, ?)'
            database.execute(moved, (str(template), str(folder)))


@functools.cache
def _columns_with_its_name(template):
    """Return (table, column) of the columns of MLflow's database that name the folder it is in; one is never changed."""
    with closing(sqlite3.connect(template / "mlflow.db")) as database:
        columns = [(t, row[1]) for t in _tables(database) for row in database.execute(f'PRAGMA table_info("{t}")')]
        found = 'SELECT 1 FROM "{}" WHERE "{}" LIKE ? LIMIT 1'
        return [c for c in columns if database.execute(found.format(*c), (f"%{template}%",)).fetchone()]


def _copy_database(source, target):
    with closing(sqlite3.connect(source)) as one, closing(sqlite3.connect(target)) as other:
        one.backup(other)


@contextlib.contextmanager
def keeping(folder):
    """Let trainings in this registry be copies where they can."""
    global _current  # noqa: PLW0603 - one test at a time runs in a process
    _current = _Current(folder)
    try:
        yield
    finally:
        _current = None


def kept(frame, more, train):
    """Return what `train()` returns; a copy of its run where the same was made under the same rules before."""
    if _current is None or not _is_as_set_up(_current.folder):
        return train()
    key = (hashlib.sha256(frame.to_csv().encode()).hexdigest(), more)
    if key in _current.used or not _current.has_the_ledger():
        return train()
    _current.used.add(key)
    if key not in _kept:
        name = hashlib.sha256(repr(key).encode()).hexdigest()[:24]
        _kept[key] = _made_once(name, functools.partial(_trained, train))
    template, (rows, result) = _kept[key]
    _put(template, rows, _current.folder)
    return result


def _is_as_set_up(folder):
    """Tell whether settings and policy are those that a registry begins with."""
    from aims_mlflow.demo.people import Office

    template = _set_up()
    wanted = variables(Office(folder / "office"), folder)
    settings = {name: value for name, value in os.environ.items() if name.startswith("AIMS_")}
    same = settings == {name: value for name, value in wanted.items() if name.startswith("AIMS_")}
    same = same and os.environ.get("MLFLOW_TRACKING_URI") == wanted["MLFLOW_TRACKING_URI"] and Path.cwd() == folder
    files = [p.relative_to(template) for p in (template / "office" / "policy").rglob("*") if p.is_file()]
    same = same and all(
        (folder / p).is_file() and (folder / p).read_bytes() == (template / p).read_bytes() for p in files
    )
    return same and not (folder / "aims.yaml").exists() and _count(folder, "experiments") == 1


def _trained(train, folder):
    """Train in a registry of its own; return the rows that came into MLflow's database, and the result."""
    template = _set_up()
    _copy(template, folder)
    _copy_database(template / LEDGER, folder / LEDGER)
    before = _rows(folder)
    with _inside(folder):
        result = train()
    after = _rows(folder)
    return {table: [r for r in rows if r not in set(before[table])] for table, rows in after.items()}, result


def _put(template, rows, folder):
    left = ("office", "ana")
    for path in template.iterdir():
        if path.is_dir() and path.name not in left:
            shutil.copytree(path, folder / path.name, dirs_exist_ok=True)
    with closing(sqlite3.connect(folder / "mlflow.db", timeout=30)) as database, database:
        for table, new in rows.items():
            moved = [tuple(v.replace(str(template), str(folder)) if isinstance(v, str) else v for v in r) for r in new]
            if moved:
                places = ", ".join("?" * len(moved[0]))
                database.executemany(f'INSERT OR IGNORE INTO "{table}" VALUES ({places})', moved)


def _count(folder, table):
    with closing(sqlite3.connect(folder / "mlflow.db")) as database:
        return database.execute(f"SELECT count(*) FROM {table}").fetchone()[0]


def _tables(database):
    return [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]


def _rows(folder):
    with closing(sqlite3.connect(folder / "mlflow.db")) as database:
        left = ("alembic_version", "experiments", "workspaces")
        tables = [t for t in _tables(database) if t not in left and not t.startswith("sqlite_")]
        return {t: database.execute(f'SELECT * FROM "{t}"').fetchall() for t in tables}

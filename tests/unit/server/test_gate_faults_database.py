"""A policy or a ledger that is missing, broken, locked or full: a refusal with a reason, never a pass."""

import contextlib
import fcntl
import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa
from mlflow.store.model_registry.sqlalchemy_store import SqlAlchemyStore

from aims_mlflow.errors import Unreachable
from aims_mlflow.gates import rules_in_force
from aims_mlflow.server.stored_evidence import ServerEvidence
from support.entries import entry_of
from support.faulty_gate import BOTH, SECRET, failing, refused
from support.long_runs import full_but

# -- the policy -------------------------------------------------------------------------------


@pytest.fixture
def forgetful():
    """A worker that just started: it has parsed nothing yet."""
    rules_in_force.forget()


def in_ledger(world, statement):
    with contextlib.closing(sqlite3.connect(world.folder / "mlflow.db.aims.db")) as database, database:
        database.execute(statement)


@BOTH
@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM aims_policies WHERE kind = 'policy'",
        "DELETE FROM aims_policies WHERE kind = 'keyring'",
        "UPDATE aims_policies SET content = replace(content, 'enforce', 'observe') WHERE kind = 'policy'",
        "UPDATE aims_policies SET content = '[' WHERE kind = 'policy'",
        "UPDATE aims_policies SET content = '[' WHERE kind = 'keyring'",
        "UPDATE aims_policies SET content = '{}' WHERE kind = 'keyring'",
    ],
)
def test_a_policy_missing_or_altered_in_the_database_is_a_refusal(world, forgetful, what, statement):
    world.gate.policy.current()
    with altered_rules(world, statement):
        refused(world, what)


@contextlib.contextmanager
def altered_rules(world, statement):
    """What a statement changes in the tables of policies is put back at the end."""
    database_file = world.folder / "mlflow.db.aims.db"
    with contextlib.closing(sqlite3.connect(database_file)) as database:
        kept = {t: database.execute(f"SELECT * FROM {t}").fetchall() for t in ("aims_policies", "aims_active")}
    rules_in_force.forget()
    in_ledger(world, statement)
    try:
        yield
    finally:
        rules_in_force.forget()
        with contextlib.closing(sqlite3.connect(database_file)) as database, database:
            for table, rows in kept.items():
                database.execute(f"DELETE FROM {table}")
                for row in rows:
                    database.execute(f"INSERT INTO {table} VALUES ({','.join('?' * len(row))})", row)


@pytest.mark.parametrize(
    "statement", ["UPDATE aims_active SET digest = 'other' WHERE kind = 'policy'", "DELETE FROM aims_active"]
)
def test_the_newest_sealed_leaf_decides_what_is_in_force_and_no_row_of_the_database(world, forgetful, statement):
    before = world.gate.policy.current()
    with altered_rules(world, statement):
        after = world.gate.policy.current()
    assert (after.policy.digest, after.keyring) == (before.policy.digest, before.keyring)


BROKEN = {
    "not yaml": lambda p: p.write_text("stages: [\n"),
    "not text": lambda p: p.write_bytes(b"\xff\xfe\x00"),
    "empty": lambda p: p.write_text(""),
    "too deep": lambda p: p.write_text("[" * 5000),
    "a folder": lambda p: (p.unlink(), p.mkdir()),
    "gone": lambda p: p.unlink(),
    "a dangling link": lambda p: (p.unlink(), p.symlink_to("/nowhere/at/all")),
}


SOME_BROKEN = (
    ("not yaml", "policy.yaml"), ("empty", "keyring.yaml"), ("a folder", "policy.yaml"), ("gone", "keyring.yaml"),
)  # fmt: skip


@pytest.mark.parametrize(("how", "file"), full_but(SOME_BROKEN, BROKEN, ["policy.yaml", "keyring.yaml"]))
def test_a_policy_folder_broken_from_the_start_refuses_all(world, tmp_path, monkeypatch, how, file):
    """A registry of its own, whose first look finds the folder broken: it starts, and refuses."""
    import shutil

    from aims_mlflow.hooks.registry_store import build

    shutil.copytree(world.registry.office.policy, tmp_path / "policy")
    BROKEN[how](tmp_path / "policy" / file)
    monkeypatch.setenv("AIMS_POLICY", str(tmp_path / "policy"))
    store = build(f"aims+sqlite:///{tmp_path}/fresh.db", world.env["MLFLOW_TRACKING_URI"])
    store.create_registered_model("loans")
    world.calls["Registration"] = lambda: store.create_model_version("loans", world.uri, world.run)
    text = refused(world, "Registration")
    assert "no valid policy" in text
    assert str(tmp_path) not in text
    assert list(store.search_model_versions("name = 'loans'")) == []


@BOTH
@pytest.mark.parametrize("how", BROKEN)
def test_a_policy_that_breaks_later_leaves_the_last_good_one_in_force(world, monkeypatch, how, what):
    path = world.registry.office.policy / "policy.yaml"
    before = path.read_bytes()
    digest = world.gate.policy.current().policy.digest
    BROKEN[how](path)
    try:
        assert world.gate.policy.current().policy.digest == digest
        assert world.gate.policy.findings
        with monkeypatch.context() as bare:
            bare.setattr(ServerEvidence, "session_files", lambda *_: {})
            refused(world, what, incident=False)
    finally:
        path.rmdir() if path.is_dir() else path.unlink(missing_ok=True)
        path.write_bytes(before)
    world.gate.policy.current()
    assert not world.gate.policy.findings


def test_a_new_policy_is_taken_although_the_ledger_did_not_answer_at_first(world, monkeypatch):
    """Else a stricter policy is passed over until somebody touches its file again."""
    before = world.gate.policy.current().policy.digest
    world.registry.change_policy(lambda p: p["stages"]["deployment"].update(max_age_days=7))
    try:
        with monkeypatch.context() as broken:
            broken.setattr(world.gate.ledger, "put_in_force", failing(Unreachable("the ledger is locked")))
            with pytest.raises(Unreachable):
                world.gate.policy.current()
        assert world.gate.policy.current().policy.digest != before
        assert not world.gate.policy.findings
    finally:
        world.registry.change_policy(lambda p: p["stages"]["deployment"].update(max_age_days=90))
        world.gate.policy.current()


# -- the ledger -------------------------------------------------------------------------------


@contextlib.contextmanager
def connecting(world, *pragmas):
    """Every connection of the gate to its ledger begins with these."""
    engine = world.gate.ledger._engine

    def begin(connection, _):
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}")

    engine.dispose()
    sa.event.listen(engine, "connect", begin)
    try:
        yield
    finally:
        sa.event.remove(engine, "connect", begin)
        engine.dispose()


@contextlib.contextmanager
def moved(world, replace):
    """The ledger's files are elsewhere, and something else may be in their place; its connections stay open."""
    path = world.folder / "mlflow.db.aims.db"
    files = [p for p in (path, Path(f"{path}-wal"), Path(f"{path}-shm")) if p.exists()]
    for file in files:
        file.rename(f"{file}.kept")
    replace(path)
    try:
        yield
    finally:
        world.gate.ledger._engine.dispose()
        path.rmdir() if path.is_dir() else path.unlink(missing_ok=True)
        for tail in ("-wal", "-shm"):
            Path(f"{path}{tail}").unlink(missing_ok=True)
        for file in files:
            Path(f"{file}.kept").rename(file)


REPLACED = {
    "gone": lambda p: None,
    "a folder": lambda p: p.mkdir(),
    "garbage": lambda p: p.write_bytes(b"garbage " * 4096),
    "empty": lambda p: p.touch(),
    "cut off": lambda p: p.write_bytes(Path(f"{p}.kept").read_bytes()[:5000]),
}


@BOTH
@pytest.mark.parametrize("how", REPLACED)
def test_a_ledger_that_is_not_there_is_a_refusal(world, how, what):
    world.gate.policy.current()
    with moved(world, REPLACED[how]):
        assert "the ledger could not be" in refused(world, what)


@pytest.mark.parametrize("how", ["a folder", "garbage"])
def test_a_registry_that_is_opened_without_its_ledger_is_closed(world, how):
    """As in a worker that starts while the database is away."""
    from aims_mlflow.hooks.registry_store import build

    world.calls["The registry is closed"] = lambda: build(f"aims+sqlite:///{world.folder}/mlflow.db")
    with moved(world, REPLACED[how]):
        refused(world, "The registry is closed")


@pytest.mark.parametrize("what", ["the registry's database", "a module of ours", "the module that words refusals"])
def test_a_registry_that_cannot_be_opened_at_all_is_closed(world, monkeypatch, what):
    """Whoever asks is refused: an OperationalError or ImportError would be a 500, which clients try again."""
    import sys

    from aims_mlflow.hooks.registry_store import build

    world.calls["The registry is closed"] = lambda: build(f"aims+sqlite:///{world.folder}/mlflow.db")
    with monkeypatch.context() as broken:
        if what == "the registry's database":
            gone = sa.exc.OperationalError("SELECT 1", {}, Exception(SECRET))
            broken.setattr(SqlAlchemyStore, "__init__", failing(gone))
        else:
            name = "answers" if what == "a module of ours" else "failing_closed"
            for module in ("announced_change", "gated_store", "removals"):
                broken.delitem(sys.modules, f"aims_mlflow.server.{module}", raising=False)
            broken.setitem(sys.modules, f"aims_mlflow.server.{name}", None)
        refused(world, "The registry is closed")


@BOTH
def test_a_ledger_that_is_read_only_is_a_refusal(world, what):
    world.gate.policy.current()
    with connecting(world, "query_only=ON"):
        assert "the ledger could not be written" in refused(world, what)


@BOTH
def test_a_ledger_that_is_locked_is_a_refusal(world, what):
    world.gate.policy.current()
    with contextlib.closing(sqlite3.connect(world.folder / "mlflow.db.aims.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with connecting(world, "busy_timeout=50"):
            assert "the ledger could not be written" in refused(world, what)


@BOTH
def test_a_full_disk_is_a_refusal(world, what):
    world.gate.policy.current()
    with contextlib.closing(sqlite3.connect(world.folder / "mlflow.db.aims.db")) as database:
        pages = database.execute("PRAGMA page_count").fetchone()[0]
    with connecting(world, f"max_page_count={pages}"):
        for _ in range(200):  # what is free in the pages there are is filled first
            try:
                world.gate.ledger.seal(entry_of("finding", {"about": "x" * 3000, "state": "closed"}))
            except Unreachable:
                break
        else:
            pytest.fail("the database did not get full")
        assert "the ledger could not be written" in refused(world, what)


@BOTH
def test_a_model_lock_that_is_not_to_be_had_is_a_refusal(world, monkeypatch, what):

    lock = world.gate.ledger._locks
    monkeypatch.setattr(lock, "hold", lambda name, seconds=0.05: type(lock).hold(lock, name, 0.05))
    from aims_mlflow.ledger.ledger import Ledger

    with Ledger(world.gate.ledger.uri).lock("loans"):
        assert "another change of this model takes too long" in refused(world, what)
    folder = world.folder / "mlflow.db.aims.db.locks"
    folder.rename(f"{folder}.kept")
    folder.write_text("no folder")
    try:
        assert "lock cannot be taken" in refused(world, what)
    finally:
        folder.unlink()
        Path(f"{folder}.kept").rename(folder)
    with monkeypatch.context() as broken:
        broken.setattr(fcntl, "flock", failing(RuntimeError(SECRET)))
        refused(world, what)

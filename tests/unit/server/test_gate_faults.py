"""The gate failing at each step of a registration and of setting an alias: a refusal with a reason, never a pass."""

import contextlib
import re
import sqlite3
from pathlib import Path
from types import SimpleNamespace

import pytest
import sqlalchemy as sa
from mlflow.entities.model_registry import RegisteredModelTag
from mlflow.exceptions import MlflowException
from mlflow.store.model_registry.sqlalchemy_store import SqlAlchemyStore

from aims_mlflow.errors import Unreachable
from aims_mlflow.gates import replay, rules_in_force
from aims_mlflow.lifecycle.model_history import ModelHistory
from aims_mlflow.registry import names
from aims_mlflow.server import (
    announced_change,
    counters,
    decided_change,
    decision_evidence,
    deployments,
    gate,
    removals,
    reserved_names,
    stored_evidence,
)
from aims_mlflow.server.active_policy import ActivePolicy
from aims_mlflow.server.consent_intake import ConsentIntake
from aims_mlflow.server.gate import Gate
from aims_mlflow.server.model_bytes import ModelBytes
from aims_mlflow.server.stored_evidence import ServerEvidence
from aims_mlflow.server.stored_rows import RegistryRows
from support import gated_registry, trainings
from support.embedded_registry import Embedded
from support.fresh_database import fresh_database

SECRET = "/srv/storage/secret"  # no fault's own text may reach a client
INCIDENT = re.compile(r"incident ([0-9a-f]{8}-[0-9a-f-]{27})")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A registry with version 1 of `loans`, approved for champion, and a second compliant model to register."""
    import mlflow

    from aims_mlflow.cli.main import run_command
    from aims_mlflow.demo.people import Office, set_up

    folder = tmp_path_factory.mktemp("faults")
    office = Office(folder / "office")
    set_up(office, run_command)
    env = {
        "MLFLOW_TRACKING_URI": f"sqlite:///{folder}/mlflow.db",
        "MLFLOW_REGISTRY_URI": f"aims+sqlite:///{folder}/mlflow.db",
        "AIMS_SIGNING_KEY": f"file:{office.scientist}",
        "AIMS_HOME": str(folder / "ana"),
        "AIMS_POLICY": str(office.policy),
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for name, value in env.items():
            patch.setenv(name, value)
        mlflow.set_tracking_uri(fresh_database(folder))
        mlflow.set_registry_uri(env["MLFLOW_REGISTRY_URI"])
        mlflow.set_experiment(experiment_id="0")
        registry = Embedded(office, folder)
        first = trainings.train("loans", frame=trainings.table(3000, seed=1))
        mlflow.register_model(first[1], "loans")
        registry.say("approve", "models:/loans/1", "--stage", "deployment", "--alias", "champion")
        run, uri = trainings.train("loans", frame=trainings.table(3000, seed=2))
        yield SimpleNamespace(registry=registry, env=env, folder=folder, first=first, run=run, uri=uri)
        mlflow.set_registry_uri(None)


@pytest.fixture
def world(made, monkeypatch, caplog):
    """What was made, and the two calls; afterwards nothing may have changed, and both would still be allowed."""
    import mlflow

    monkeypatch.chdir(made.folder)
    for name, value in made.env.items():
        monkeypatch.setenv(name, value)
    mlflow.set_tracking_uri(made.env["MLFLOW_TRACKING_URI"])
    mlflow.set_registry_uri(made.env["MLFLOW_REGISTRY_URI"])
    client = mlflow.MlflowClient()
    store = client._get_registry_client().store
    store.gate.evidence.forget()  # as in a worker that just started: each step is really taken
    model_id = made.uri.removeprefix("models:/")
    consent = RegisteredModelTag(f"aims.approval.{'0' * 32}", "anything")
    calls = {
        "Registration": lambda: client.create_model_version("loans", made.uri, made.run, model_id=model_id),
        "Deployment": lambda: client.set_registered_model_alias("loans", "champion", "1"),
        "a stage": lambda: client.transition_model_version_stage("loans", "1", "Production"),
        "a version deleted": lambda: client.delete_model_version("loans", "1"),
        "a model deleted": lambda: store.delete_registered_model("loans"),
        "a rename": lambda: client.rename_registered_model("loans", "credits"),
        "a consent": lambda: store.set_registered_model_tag("loans", consent),
        "a new model": lambda: client.create_registered_model("credits"),
        "a version's tag": lambda: client.set_model_version_tag("loans", "1", "some", "thing"),
        "an explanation": lambda: client.get_model_version_by_alias("loans", "aims.explain.registration.v1"),
    }
    yield SimpleNamespace(**vars(made), client=client, store=store, gate=store.gate, calls=calls, caplog=caplog)
    untouched(client)


def untouched(client):
    plain = client._get_registry_client().store.plain
    assert [v.version for v in plain.search_model_versions("name = 'loans'")] == [1]
    assert plain.get_registered_model("loans").aliases == {}
    assert [m.name for m in plain.search_registered_models()] == ["loans"]


def refused(world, what, incident=True):
    """Try one call; returns the text of its refusal, which has a reason, an id that the log knows, and no path."""
    world.caplog.clear()
    with pytest.raises(MlflowException) as caught:
        world.calls[what]()
    text = str(caught.value)
    assert (caught.value.error_code, caught.value.get_http_status_code()) == ("PERMISSION_DENIED", 403), text
    assert text.removeprefix("PERMISSION_DENIED: ").startswith((SAYS.get(what, what), "The change")), text
    for path in (SECRET, str(world.folder), "/artifacts"):
        assert path not in text, text
    if incident:
        found = INCIDENT.search(text)
        assert found, text
        assert found[1] in world.caplog.text
    return text


SAYS = {
    "a stage": "Deployment",
    "a version deleted": "Deletion",
    "a model deleted": "Deletion",
    "a rename": "Renaming",
    "a consent": "The approval",
    "a new model": "The change",
    "a version's tag": "The tag",
    "an explanation": "The explanation",
}
BOTH = pytest.mark.parametrize("what", ["Registration", "Deployment"])
BUGS = {
    "runtime": RuntimeError(f"bug at {SECRET}"),
    "key": KeyError(SECRET),
    "recursion": RecursionError(SECRET),
    "memory": MemoryError(SECRET),
    "os": PermissionError(13, "Permission denied", SECRET),
    "mlflow": MlflowException(f"cannot read {SECRET}"),
    "store": Unreachable("the store is away", where=SECRET),
}
STEPS = {
    "what is in force": (ActivePolicy, "current"),
    "who asks": (decided_change, "caller"),
    "the call's digest": (decided_change, "digest_of"),
    "settling": (announced_change, "finish_open_change"),
    "owner_of": (ServerEvidence, "owner_of"),
    "digest": (ModelBytes, "digest"),
    "session_files": (ServerEvidence, "session_files"),
    "check_session": (replay, "check_session"),
    "consents": (decision_evidence, "sealed_consents"),
    "decide": (gate, "decide"),
    "the decision's entry": (decided_change, "decision_entry"),
    "sealing the decision": (decided_change, "seal_decision"),
    "who loses": (deployments, "nobody"),
    "the holder": (RegistryRows, "alias_holder"),
    "earlier authority": (ModelHistory, "prior_authority"),
}
ONLY = {"who loses": "Registration", "the holder": "Deployment", "earlier authority": "Deployment"}


def failing(error):
    def fail(*_, **__):
        raise error

    return fail


@pytest.mark.parametrize("bug", BUGS)
@pytest.mark.parametrize(
    ("step", "what"), [(s, w) for s in STEPS for w in ("Registration", "Deployment") if ONLY.get(s, w) == w]
)
def test_a_bug_at_any_step_is_a_refusal(world, monkeypatch, step, bug, what):
    with monkeypatch.context() as broken:
        broken.setattr(*STEPS[step], failing(BUGS[bug]))
        refused(world, what)


# What the other doors read before they decide: (door, where it is read).
READ_FIRST = {
    "the row of an alias's version": ("Deployment", RegistryRows, "version"),
    "whether an alias's version is a prompt": ("Deployment", deployments, "is_prompt"),
    "the version of a stage": ("a stage", SqlAlchemyStore, "get_model_version"),
    "the policy for a stage": ("a stage", ActivePolicy, "current"),
    "the version to delete": ("a version deleted", SqlAlchemyStore, "get_model_version"),
    "whether the version to delete is a prompt": ("a version deleted", removals, "is_prompt"),
    "the retirements for a version": ("a version deleted", removals, "ModelHistory"),
    "the model to delete": ("a model deleted", SqlAlchemyStore, "get_registered_model"),
    "the versions of the model to delete": ("a model deleted", RegistryRows, "versions"),
    "the retirements for a model": ("a model deleted", removals, "ModelHistory"),
    "the rules for a rename": ("a rename", Gate, "rules"),
    "the rename's entry": ("a rename", removals, "Entry"),
    "the model of a consent": ("a consent", SqlAlchemyStore, "get_registered_model"),
    "who consents": ("a consent", reserved_names, "caller"),
    "the consent itself": ("a consent", ConsentIntake, "take"),
    "the version to explain": ("an explanation", SqlAlchemyStore, "get_model_version"),
    "the decision to explain": ("an explanation", Gate, "decide"),
}


@pytest.mark.parametrize("bug", BUGS)
@pytest.mark.parametrize("step", READ_FIRST)
def test_a_bug_in_what_a_door_reads_first_is_a_refusal(world, monkeypatch, step, bug):
    what, *where = READ_FIRST[step]
    with monkeypatch.context() as broken:
        broken.setattr(*where, failing(BUGS[bug]))
        refused(world, what)


@pytest.mark.parametrize("what", ["Registration", "Deployment", "a rename", "a new model", "a version's tag"])
def test_a_bug_in_telling_reserved_names_is_a_refusal(world, monkeypatch, what):
    with monkeypatch.context() as broken:
        broken.setattr(names, "RESERVED", None)
        refused(world, what)


@pytest.mark.parametrize("what", ["Deployment", "a stage", "a version deleted", "a consent", "an explanation"])
def test_what_is_not_there_is_mlflows_own_answer(world, what):
    """No incident: a client's mistake is a 404 or a 400, as on a plain server."""
    client = world.client
    calls = {
        "Deployment": lambda version: client.set_registered_model_alias("loans", "champion", version),
        "a stage": lambda version: client.transition_model_version_stage("loans", version, "Production"),
        "a version deleted": lambda version: client.delete_model_version("loans", version),
        "a consent": lambda version: client.set_registered_model_tag(f"no-{version}", f"aims.approval.{'0' * 32}", "x"),
        "an explanation": lambda version: client.get_model_version_by_alias(
            "loans", f"aims.explain.registration.v{version}"
        ),
    }
    with pytest.raises(MlflowException) as caught:
        calls[what]("99")
    assert (caught.value.error_code, caught.value.get_http_status_code()) == ("RESOURCE_DOES_NOT_EXIST", 404)


@BOTH
def test_a_bug_in_finding_the_workspace_is_a_refusal(world, monkeypatch, what):
    with monkeypatch.context() as broken:
        broken.setattr(SqlAlchemyStore, "supports_workspaces", property(failing(RuntimeError(SECRET))), raising=False)
        refused(world, what)


@BOTH
def test_a_bug_in_the_wording_of_a_refusal_is_a_refusal(world, monkeypatch, what):
    with monkeypatch.context() as broken:
        broken.setattr(ServerEvidence, "session_files", lambda *_: {})
        broken.setattr(decided_change, "refusal", failing(KeyError(SECRET)))
        refused(world, what)


@pytest.mark.parametrize("code", ["INTERNAL_ERROR", "TEMPORARILY_UNAVAILABLE", "INVALID_PARAMETER_VALUE"])
@BOTH
def test_no_repository_for_the_location_is_a_refusal(world, monkeypatch, what, code):
    """MLflow says where it looked: that is the storage path."""
    import mlflow.store.artifact.artifact_repository_registry as repositories
    from mlflow.protos.databricks_pb2 import ErrorCode

    error = MlflowException(f"no repository for {SECRET}", error_code=ErrorCode.Value(code))
    with monkeypatch.context() as broken:
        broken.setattr(repositories, "get_artifact_repository", failing(error))
        refused(world, what)


@pytest.mark.parametrize("error", [MlflowException(f"disk {SECRET}"), sa.exc.OperationalError(SECRET, {}, Exception())])
@BOTH
def test_a_tracking_store_that_does_not_answer_is_not_a_missing_model(world, monkeypatch, what, error):
    with monkeypatch.context() as broken:
        broken.setattr(stored_evidence, "logged_model_row", failing(error))
        assert "there is no logged model" not in refused(world, what)


@pytest.mark.parametrize("error", [RuntimeError(SECRET), MlflowException(SECRET), sqlite3.OperationalError(SECRET)])
@pytest.mark.parametrize(
    ("what", "method"), [("Registration", "create_model_version"), ("Deployment", "set_registered_model_alias")]
)
def test_a_commit_that_fails_is_sealed_as_not_done(world, monkeypatch, what, method, error):
    with monkeypatch.context() as broken:
        broken.setattr(SqlAlchemyStore, method, failing(error))
        refused(world, what)
    last = world.registry.leaves("outcome")[-1]
    assert (last["of"], last["done"]) == ("decision", False)


def test_an_argument_that_has_no_canonical_bytes_is_a_refusal(world):
    """Half a surrogate pair passes through JSON."""
    world.calls["Registration"] = lambda: world.client.create_model_version("loans", world.uri, description="\ud800")
    refused(world, "Registration", incident=False)


# -- the policy -------------------------------------------------------------------------------


@pytest.fixture
def forgetful(monkeypatch):
    """A worker that just started: it has parsed nothing yet."""
    monkeypatch.setattr(rules_in_force, "_parsed", {})


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
        "UPDATE aims_active SET digest = 'other' WHERE kind = 'policy'",
        "DELETE FROM aims_active",
    ],
)
def test_a_policy_missing_or_altered_in_the_database_is_a_refusal(world, forgetful, what, statement):
    with contextlib.closing(sqlite3.connect(world.folder / "mlflow.db.aims.db")) as database:
        kept = {t: database.execute(f"SELECT * FROM {t}").fetchall() for t in ("aims_policies", "aims_active")}
    world.gate.policy.current()
    rules_in_force._parsed.clear()
    in_ledger(world, statement)
    try:
        refused(world, what)
    finally:
        rules_in_force._parsed.clear()
        with contextlib.closing(sqlite3.connect(world.folder / "mlflow.db.aims.db")) as database, database:
            for table, rows in kept.items():
                database.execute(f"DELETE FROM {table}")
                for row in rows:
                    database.execute(f"INSERT INTO {table} VALUES ({','.join('?' * len(row))})", row)


BROKEN = {
    "not yaml": lambda p: p.write_text("stages: [\n"),
    "not text": lambda p: p.write_bytes(b"\xff\xfe\x00"),
    "empty": lambda p: p.write_text(""),
    "too deep": lambda p: p.write_text("[" * 5000),
    "a folder": lambda p: (p.unlink(), p.mkdir()),
    "gone": lambda p: p.unlink(),
    "a dangling link": lambda p: (p.unlink(), p.symlink_to("/nowhere/at/all")),
}


@pytest.mark.parametrize("file", ["policy.yaml", "keyring.yaml"])
@pytest.mark.parametrize("how", BROKEN)
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
                world.gate.ledger.seal(announced_change.Entry("finding", {"about": "x" * 3000, "state": "closed"}))
            except Unreachable:
                break
        else:
            pytest.fail("the database did not get full")
        assert "the ledger could not be written" in refused(world, what)


@BOTH
def test_a_model_lock_that_is_not_to_be_had_is_a_refusal(world, monkeypatch, what):
    from aims_mlflow.ledger import database as ledger_database

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
        broken.setattr(ledger_database, "_busy", failing(RuntimeError(SECRET)))
        with Ledger(world.gate.ledger.uri).lock("loans"):
            refused(world, what)


# -- what is read -----------------------------------------------------------------------------


def files_of(world, what):
    """Return (folder of the model's files, session file of its run) of what a call is about."""
    run, uri = (world.run, world.uri) if what == "Registration" else world.first
    model = next(world.folder.glob(f"**/models/{uri.removeprefix('models:/')}/artifacts"))
    return model, next(world.folder.glob(f"**/{run}/artifacts/aims/sessions/*.jsonl"))


@contextlib.contextmanager
def replaced(path, how):
    kept = path.with_name(f"kept-{path.name}")
    elsewhere = path.parents[3] / kept.name
    path.rename(elsewhere)
    try:
        how(path)
        yield
    finally:
        if path.is_dir() and not path.is_symlink():
            path.rmdir()
        else:
            path.unlink(missing_ok=True)
        elsewhere.rename(path)


UNREADABLE = {
    "a folder": lambda p: p.mkdir(),
    "a dangling link": lambda p: p.symlink_to("/nowhere/at/all"),
    "a link": lambda p: p.symlink_to("/etc/hostname"),
    "a link to itself": lambda p: p.symlink_to(p),
    "gone": lambda p: None,
    "empty": lambda p: p.touch(),
    "garbage": lambda p: p.write_bytes(b"\xff\x00{[" * 500),
}


@BOTH
@pytest.mark.parametrize("which", ["model", "session"])
@pytest.mark.parametrize("how", UNREADABLE)
def test_what_cannot_be_read_is_a_refusal(world, how, which, what):
    model, session = files_of(world, what)
    with replaced(model / "MLmodel" if which == "model" else session, UNREADABLE[how]):
        refused(world, what, incident=False)
    assert world.registry.leaves("decision")[-1]["allowed"] is False


@BOTH
def test_an_artifact_that_fails_while_it_is_read_is_a_refusal_with_an_incident(world, monkeypatch, what):
    from mlflow.store.artifact.local_artifact_repo import LocalArtifactRepository

    for reader, method in ((LocalArtifactRepository, "list_artifacts"), (Path, "read_bytes")):
        with monkeypatch.context() as broken:
            broken.setattr(reader, method, failing(OSError(5, "Input/output error", SECRET)))
            assert "artifact store" in refused(world, what)


@BOTH
def test_a_session_that_became_a_folder_is_not_passed_over(world, what):
    """A second session is fine, and the one that failed is a folder now: it must not look as if it never was."""
    _, session = files_of(world, what)
    beside = session.with_name("0-became-a-folder.jsonl")
    beside.mkdir()
    try:
        assert "0-became-a-folder.jsonl" in refused(world, what, incident=False)
    finally:
        beside.rmdir()


@pytest.mark.parametrize("source", ["/nowhere/at/all", "runs:/0123/model", "models:/m-" + "0" * 32, "models:/loans/99"])
def test_a_source_that_cannot_be_resolved_is_refused(world, source):
    world.calls["Registration"] = lambda: world.store.create_model_version("loans", source)
    if source == "models:/loans/99":  # MLflow's own answer of what is not there
        with pytest.raises(MlflowException) as caught:
            world.calls["Registration"]()
        assert caught.value.error_code == "RESOURCE_DOES_NOT_EXIST"
    else:
        refused(world, "Registration", incident=False)


# -- after the commit, and beside it: a registry of its own, as these go through ---------------


def compliant():
    run, uri = trainings.train("loans", frame=trainings.table(3000, seed=1))
    return run, uri


def test_an_outcome_that_cannot_be_sealed_is_said_and_a_retry_finds_the_first(registry, client, monkeypatch, caplog):
    from aims_mlflow.ledger.ledger import Ledger
    from support.plain_registry import reconcile

    run, uri = compliant()
    client.create_registered_model("loans")
    append = Ledger.seal

    def fail_at_outcomes(self, *entries):
        if entries[0].type == "outcome":
            raise Unreachable("the ledger could not be written (OperationalError)")
        return append(self, *entries)

    def once(call):
        with monkeypatch.context() as broken:
            broken.setattr(Ledger, "seal", fail_at_outcomes)
            text = gated_registry.refused(call)
        assert "was carried out" in text
        assert INCIDENT.search(text)[1] in caplog.text
        return text

    def register():
        return client.create_model_version("loans", uri, run, model_id=uri.removeprefix("models:/"))

    assert "(version 1)" in once(register)
    assert register().version == 1
    assert len(client.search_model_versions("name = 'loans'")) == 1
    assert [(o["done"], o["closed_by"]) for o in registry.leaves("outcome")] == [(True, "the next change")]

    registry.say("approve", "models:/loans/1", "--stage", "deployment", "--alias", "champion")

    def put():
        return client.set_registered_model_alias("loans", "champion", "1")

    once(put)
    assert client.get_registered_model("loans").aliases == {"champion": 1}
    status, found = reconcile(registry)
    assert (status, [(s["of"], s["done"]) for s in found["settled"]]) == (0, [("decision", True)])
    decisions = len(registry.leaves("decision"))
    put()
    assert len(registry.leaves("decision")) == decisions
    assert reconcile(registry)[1]["settled"] == []


def test_a_counter_that_fails_changes_nothing(registry, client, monkeypatch):
    """Counting is no step of deciding: an allowed change goes through, a refused one and a broken one stay refused."""
    run, uri = compliant()
    client.create_registered_model("loans")
    monkeypatch.setattr(counters, "_counters", failing(ValueError("Duplicated timeseries")))
    client.create_model_version("loans", uri, run, model_id=uri.removeprefix("models:/"))
    gated_registry.refused(client.set_registered_model_alias, "loans", "champion", "1")
    monkeypatch.setattr(gate, "decide", failing(RuntimeError(SECRET)))
    assert INCIDENT.search(gated_registry.refused(client.set_registered_model_alias, "loans", "champion", "1"))
    assert [o["done"] for o in registry.leaves("outcome")] == [True]


def test_a_lock_that_cannot_be_let_go_does_not_undo_what_was_done(registry, client, monkeypatch, caplog):
    import filelock

    run, uri = compliant()
    client.create_registered_model("loans")
    release = filelock.FileLock.release

    def fail(self, *args, **kwargs):
        release(self, *args, **kwargs)
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(filelock.FileLock, "release", fail)
    assert client.create_model_version("loans", uri, run, model_id=uri.removeprefix("models:/")).version == 1
    assert "could not be let go" in caplog.text


@pytest.mark.parametrize("how", ["a folder", "a dangling link"])
def test_observing_passes_unreadable_bytes_and_seals_what_it_would_have_refused(registry, client, how):
    def observe(policy):
        policy["enforcement"].append({"models": "*", "stage": "*", "mode": "observe"})

    run, uri = compliant()
    registry.change_policy(observe)
    client.create_registered_model("loans")
    model = next(registry.folder.glob(f"**/models/{uri.removeprefix('models:/')}/artifacts"))
    with replaced(model / "MLmodel", UNREADABLE[how]):
        assert client.create_model_version("loans", uri, run).version == 1
    (leaf,) = registry.leaves("decision")
    assert (leaf["allowed"], leaf["would_refuse"], leaf["mode"]) == (True, True, "observe")
    assert [o["done"] for o in registry.leaves("outcome")] == [True]

"""A failure that a leaf sealed about a model's bytes counts for as long as no record supersedes it."""

import contextlib
import os
import shutil
import sqlite3
from pathlib import Path

import mlflow
import pytest

import aims_mlflow as aims
from aims_mlflow.evidence.session import SessionWriter
from aims_mlflow.evidence.statement import read
from aims_mlflow.gates.replay import recorded, replay, same
from aims_mlflow.ledger.ledger import Ledger
from aims_mlflow.records.evidence import Supersedes
from aims_mlflow.signing.key_sources import load_key
from support import trainings
from support.gated_registry import refused

UNFAIR = "selection-rate ratio for sex=f is 0.0"


def trained():
    """Train in this very registry: MLflow's client writes a later evaluation of a copied run where the copy came from."""
    return trainings._train("loans", trainings.table(3000), ("sex",))


@pytest.fixture
def failed(registry, client):
    """A model whose registration was refused for a failing evaluation; returns (run, source, file of the evaluation)."""
    run, uri = trained()
    before = set(sessions(run).iterdir())
    aims.evaluate(uri, test=trainings.table(3000, seed=4, fair=False), config=trainings.config())
    (file,) = set(sessions(run).iterdir()) - before
    client.create_registered_model("loans")
    assert UNFAIR in refused(register, client, uri)
    return run, uri, file


def sessions(run):
    return Path(mlflow.get_run(run).info.artifact_uri.removeprefix("file://"), "aims", "sessions")


def register(client, uri, name="loans"):
    return client.create_model_version(name, uri, model_id=uri.removeprefix("models:/"))


def read_line(line):
    return read(line, "line").whole()


def newest(registry):
    return registry.leaves("decision")[-1]


def is_made_again(registry):
    request = newest(registry)["request"]
    return same(recorded(registry.ledger, request), replay(registry.ledger, request))


def test_whose_file_is_deleted_counts_under_any_name_and_the_decision_is_made_again(registry, client, failed):
    _, uri, file = failed
    file.unlink()
    client.create_registered_model("others")
    for name in ("loans", "others"):
        assert UNFAIR in refused(register, client, uri, name)
        assert is_made_again(registry)


def test_in_another_run_with_the_same_bytes_counts(registry, client, failed):
    run, uri, file = failed
    with mlflow.start_run() as copied:
        made = client.create_logged_model("0", name="model", source_run_id=copied.info.run_id)
    source = Path(mlflow.get_logged_model(uri.removeprefix("models:/")).artifact_location.removeprefix("file://"))
    shutil.copytree(source, made.artifact_location.removeprefix("file://"), dirs_exist_ok=True)
    client.finalize_logged_model(made.model_id, "READY")
    shutil.copytree(sessions(run), sessions(copied.info.run_id))
    (sessions(copied.info.run_id) / file.name).unlink()
    assert UNFAIR in refused(register, client, f"models:/{made.model_id}")
    assert newest(registry)["model_digest"] == registry.leaves("decision")[-2]["model_digest"]


def test_counts_until_a_record_supersedes_it(registry, client, failed):
    run, uri, file = failed
    key = load_key(os.environ["AIMS_SIGNING_KEY"])
    worse = next(r for r in map(read_line, file.read_bytes().splitlines()) if r.evidence.kind == "fairness")
    file.unlink()
    assert UNFAIR in refused(register, client, uri)
    body = worse.evidence
    writer = SessionWriter(key, "ana", system="loans", mlflow=body.mlflow, pack_digest=body.pack_digest)
    instead = Supersedes(id=body.id, reason="the test table had a wrong column")
    writer.add("fairness", worse.subjects, result="not_evaluated", reason="nothing to test on", supersedes=instead)
    writer.close()
    (sessions(run) / f"{writer.id}.jsonl").write_bytes(writer.jsonl())
    text = refused(register, client, uri)
    assert (UNFAIR in text, "nothing to test on" in text) == (False, True), text
    assert is_made_again(registry)


def test_a_session_that_was_cut_off_counts_after_its_file_is_gone_unless_it_is_there_whole(registry, client):
    run, uri = trained()
    before = set(sessions(run).iterdir())
    aims.evaluate(uri, test=trainings.table(3000, seed=4), config=trainings.config())
    (file,) = set(sessions(run).iterdir()) - before
    whole = file.read_bytes()
    client.create_registered_model("loans")
    file.write_bytes(b"".join(whole.splitlines(keepends=True)[:3]))
    assert "no session manifest at its end" in refused(register, client, uri)
    file.unlink()
    assert "no session manifest at its end" in refused(register, client, uri)
    assert is_made_again(registry)
    file.write_bytes(whole)
    assert register(client, uri).version == 1


def test_never_helps_what_is_gone_from_the_run(registry, client):
    run, uri = trained()
    client.create_registered_model("loans")
    register(client, uri)
    (file,) = sessions(run).iterdir()
    file.unlink()
    client.create_registered_model("others")
    assert "there is no evidence at all about these bytes" in refused(register, client, uri, "others")
    assert newest(registry)["kept"] == [f"aims/sessions/{file.name}"]
    assert is_made_again(registry)


def test_what_nobody_known_signed_is_free_once_it_is_deleted(registry, client):
    run, uri = trained()
    junk = sessions(run) / "junk.jsonl"
    junk.write_bytes(b"hello\n")
    client.create_registered_model("loans")
    assert "no known key signed" in refused(register, client, uri)
    junk.unlink()
    assert register(client, uri).version == 1


def test_that_the_ledger_cannot_give_back_refuses(registry, client, failed):
    _, uri, file = failed
    last = newest(registry)
    gone = last["sessions"][f"aims/sessions/{file.name}"][-2]
    file.unlink()
    with contextlib.closing(sqlite3.connect(registry.folder / "mlflow.db.aims.db")) as database, database:
        database.execute("DELETE FROM aims_envelopes WHERE sha256 = ?", (gone,))
    assert f"the envelope {gone} that the decision rests on is missing or was changed" in refused(register, client, uri)


def test_a_ledger_of_an_earlier_release_files_what_it_sealed(registry, client, failed):
    _, uri, file = failed
    file.unlink()
    path = registry.folder / "mlflow.db.aims.db"
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        before = database.execute("SELECT * FROM aims_sessions ORDER BY 1, 2").fetchall()
        database.execute("DROP TABLE aims_sessions")
        database.execute("UPDATE aims_alembic_version SET version_num = '0005'")
    Ledger(f"sqlite:///{path}")
    with contextlib.closing(sqlite3.connect(path)) as database:
        assert database.execute("SELECT * FROM aims_sessions ORDER BY 1, 2").fetchall() == before != []
    assert UNFAIR in refused(register, client, uri)

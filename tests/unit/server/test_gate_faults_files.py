"""Files that cannot be read, and faults after the commit: a refusal with a reason, or the truth of what was done."""

import contextlib
import fcntl
import os
import socket
import threading
from pathlib import Path

import prometheus_client
import pytest
from mlflow.exceptions import MlflowException

from aims_mlflow.errors import Unreachable
from aims_mlflow.server import gate, stored_files
from support import gated_registry, trainings
from support.faulty_gate import BOTH, INCIDENT, SECRET, failing, refused

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


def socket_at(path):
    """Leave a socket's file: binding makes it, and nobody listens."""
    with socket.socket(socket.AF_UNIX) as bound, contextlib.chdir(path.parent):
        bound.bind(path.name)  # its whole address may have 107 characters


UNREADABLE = {
    "a pipe": os.mkfifo,
    "a socket": socket_at,
    "a file of 300 GiB without content": lambda p: (p.touch(), os.truncate(p, 300 * 1024**3)),
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
    for method in ("folder_on_disk", "open_regular"):
        with monkeypatch.context() as broken:
            broken.setattr(stored_files, method, failing(OSError(5, "Input/output error", SECRET)))
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


@BOTH
@pytest.mark.parametrize("how", ["missing", "an empty mount point"])
def test_an_artifact_store_that_is_away_is_nobodys_refusal(world, how, what):
    """It is told as such, with an incident, and nothing is sealed as a refusal of the trainer's model."""
    run, _ = (world.run, None) if what == "Registration" else world.first
    store = next(world.folder.glob(f"**/{run}/artifacts")).parents[1]
    sealed = len(world.registry.leaves())
    store.rename(f"{store}.away")
    try:
        if how != "missing":
            store.mkdir()
        text = refused(world, what)
    finally:
        if how != "missing":
            store.rmdir()
        Path(f"{store}.away").rename(store)
    assert "the artifact store is away" in text
    assert "log it again" not in text
    assert len(world.registry.leaves()) == sealed


@BOTH
def test_an_artifact_store_that_hangs_is_given_up(world, monkeypatch, what):
    """A disk that does not answer holds neither the caller nor the model's lock."""
    ends = threading.Event()
    sealed = len(world.registry.leaves())
    with monkeypatch.context() as slow:
        slow.setenv("AIMS_WAIT_SECONDS", "0.2")
        slow.setattr(stored_files, "folder_on_disk", lambda *_: ends.wait(60))
        assert "did not answer within" in refused(world, what)
    ends.set()
    with world.gate.ledger.lock("loans", 0.5):
        assert len(world.registry.leaves()) == sealed


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
        if entries[0].content.type == "outcome":
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
    monkeypatch.setattr(prometheus_client.Counter, "inc", failing(ValueError("Duplicated timeseries")))
    client.create_model_version("loans", uri, run, model_id=uri.removeprefix("models:/"))
    gated_registry.refused(client.set_registered_model_alias, "loans", "champion", "1")
    monkeypatch.setattr(gate, "decide_with_kept", failing(RuntimeError(SECRET)))
    assert INCIDENT.search(gated_registry.refused(client.set_registered_model_alias, "loans", "champion", "1"))
    assert [o["done"] for o in registry.leaves("outcome")] == [True]


def test_a_lock_that_cannot_be_let_go_does_not_undo_what_was_done(registry, client, monkeypatch, caplog):
    run, uri = compliant()
    client.create_registered_model("loans")
    locking = fcntl.flock

    def fail(file, how):
        locking(file, how)
        if how == fcntl.LOCK_UN:
            raise OSError(5, "Input/output error")

    monkeypatch.setattr(fcntl, "flock", fail)
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

"""Which key counted when: workers' clocks differ, keys are rotated and stolen, and sequence alone orders."""

import datetime as dt
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from aims_mlflow.audit.model import ModelCheck
from aims_mlflow.audit.outside_checkpoint import read_outside_checkpoint
from aims_mlflow.audit.watch import look
from aims_mlflow.audit.whole_ledger import verify_ledger
from aims_mlflow.canonical import canonical, sha256_hex
from aims_mlflow.exports.bundle import layout
from aims_mlflow.exports.bundle.create import create, made_pages
from aims_mlflow.exports.bundle.ledger import PartLedger
from aims_mlflow.exports.bundle.verify import verify_bundle
from aims_mlflow.gates.policy import default_policy_text
from aims_mlflow.ledger import append, checkpoint
from aims_mlflow.ledger.leaves import Entry
from aims_mlflow.ledger.ledger import Ledger
from aims_mlflow.ledger.log import Log
from aims_mlflow.lifecycle.recovery import outcome_of
from aims_mlflow.records.base import utc_text, uuid7
from aims_mlflow.records.keyring import Keyring
from aims_mlflow.signing.keyring import add_key, keyring_digest, revoke_key, rotate_key, sign_keyring
from aims_mlflow.signing.keys import ephemeral_key
from support import signed_sessions
from support.authority_world import AuthorityWorld
from support.entries import entry_of
from support.small_bundle import lost, sentences, small_ledger

real_now = append.utc_text


@pytest.fixture
def small(tmp_path):
    """A ledger, with its trainer's, log's and root's keys."""
    keys = [ephemeral_key() for _ in range(3)]
    return small_ledger(f"sqlite:///{tmp_path}/l.db", *keys), *keys


def keyring_of(ledger):
    return Keyring.model_validate(json.loads(ledger.state.stored(ledger.state.active()["keyring"])))


def put(ledger, keyring):
    digest = keyring_digest(keyring)
    content = canonical(keyring.model_dump(mode="json", exclude_none=True)).decode()
    entry = entry_of("keyring", {"keyring_digest": digest, "version": str(keyring.version)})
    assert ledger.put_in_force("keyring", digest, content, entry)


def evidence(ledger, key):
    lines = [line for line in signed_sessions.session(key).jsonl().split(b"\n") if line]
    names = [sha256_hex(line) for line in lines]
    public = {"sessions": {"s.jsonl": [*names, ""]}, "evidence": names}
    ledger.seal(entry_of("evidence", public, {"reason": "x"}, names[0], lines))


@pytest.mark.parametrize("seconds", [5, 3600, -5, -3600])
def test_a_worker_whose_clock_is_off_makes_nothing_look_forged(small, monkeypatch, seconds):
    ledger, _, _, root = small
    bo = ephemeral_key()

    def off(*_):
        return real_now(dt.datetime.now(dt.UTC) + dt.timedelta(seconds=seconds))

    with monkeypatch.context() as patch:
        patch.setattr(append, "utc_text", off)
        put(ledger, sign_keyring(add_key(keyring_of(ledger), signed_sessions.entry(bo, "bo")), root))
    evidence(ledger, bo)
    assert sentences(ledger) == []


def test_evidence_sealed_before_its_key_was_trusted_is_told(small):
    ledger, _, _, root = small
    bo = ephemeral_key()
    evidence(ledger, bo)
    put(ledger, sign_keyring(add_key(keyring_of(ledger), signed_sessions.entry(bo, "bo")), root))
    assert any("the keyring in force at leaf" in text and "does not know the key" in text for text in sentences(ledger))


def test_a_revoked_key_signs_nothing_more_whatever_its_time_says(small):
    """Neither within a minute of its revocation: no leaf is judged by another keyring than the one in force there."""
    ledger, trainer, _, root = small
    put(ledger, sign_keyring(revoke_key(keyring_of(ledger), trainer.key_id, utc_text()), root))
    evidence(ledger, trainer)
    assert any("was revoked at" in text and "should not have counted" in text for text in sentences(ledger))


@pytest.mark.parametrize("done", [True, False], ids=["took effect", "was given up"])
def test_a_decision_by_a_keyring_that_was_replaced_counts_only_where_nothing_came_of_it(tmp_path, done):
    """Whoever writes the leaf also writes when it was decided: the sequence alone says which keyring was in force."""
    world = AuthorityWorld(Ledger(f"sqlite:///{tmp_path}/l.db"), default_policy_text())
    ana = world.person("ana", "trainer")
    assert world.ask("loans", world.train(ana), "registration").allowed
    leaf = next(world.ledger.leaves(types=("decision",)))
    world.end(ana, "revoked")
    again = leaf.fact.changed(request=uuid7(), decided="2026-01-02T00:00:00Z")
    kept = [world.ledger.envelope(name) for name in again.envelopes()]
    world.ledger.seal(Entry(again, world.ledger.body(leaf.sequence), kept))
    world.ledger.seal(Entry(outcome_of(again, done=done, version="2")))
    assert any("which was not in force then" in text for text in sentences(world.ledger)) == done


# -- the log's key ---------------------------------------------------------------------------------


def with_key(ledger, key):
    """The same ledger, its server started again with another log key."""
    return Ledger(ledger.uri, Log(key, "ai.example.org/small"))


def log_changed(small, change):
    """The ledger goes on with a new log key, and then with `change` of the keyring that knows both."""
    ledger, _, log, root = small
    new = ephemeral_key()
    put(ledger, sign_keyring(add_key(keyring_of(ledger), signed_sessions.entry(new, "registry-2", ("log",))), root))
    ledger = with_key(ledger, new)
    put(ledger, sign_keyring(change(keyring_of(ledger), log.key_id), root))
    ledger.seal(entry_of("finding", {"about": "x"}))
    return ledger, log


def signed_again(ledger, key):
    """Someone with the database and `key` signs the newest checkpoint again, and sets its row's time back."""
    head = ledger.proofs.newest()
    forged = checkpoint.sign(head.origin, head.size, head.root, key).text
    with closing(sqlite3.connect(ledger.uri.removeprefix("sqlite:///"))) as connection, connection:
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute(
            "UPDATE aims_checkpoints SET note = ?, time = '2019-01-01T00:00:00Z' WHERE size = ?", (forged, head.size)
        )
    return Ledger(ledger.uri)


def bundle_signed_again(ledger, key):
    """A bundle whose checkpoint `key` signed again, all else made to fit; returns its problems."""
    files = create(ledger, "income-screening", "stage1", lost)
    head = checkpoint.parse(files[layout.CHECKPOINT], "c")
    files[layout.CHECKPOINT] = checkpoint.sign(head.origin, head.size, head.root, key).text.encode()
    about = {k: v for k, v in json.loads(files[layout.MANIFEST]).items() if k != "files"}
    view = PartLedger(layout.FilesInMemory(files))
    files |= made_pages(view, about)
    listed = {name: sha256_hex(files[name]) for name in sorted(files) if name != layout.MANIFEST}
    files[layout.MANIFEST] = canonical({**about, "files": listed})
    return [problem.sentence() for problem in verify_bundle(layout.FilesInMemory(files), "b").problems]


def everywhere(ledger):
    """What each verification that goes by a checkpoint says of it."""
    check = ModelCheck(ledger, "x", None)
    check.checkpoint([], [])
    of_model = [problem.sentence() for problem in check.report.problems]
    return {"ledger": sentences(ledger), "watch": look(ledger, None).findings, "model": of_model}


def ended(keyring, key_id):
    entry = keyring.find(key_id).model_copy(update={"valid_until": "2026-01-01T00:00:00Z"})
    keys = tuple(entry if k.key_id == key_id else k for k in keyring.keys)
    return keyring.model_copy(update={"keys": keys, "version": keyring.version + 1})


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda k, key: revoke_key(k, key, "2020-01-01T00:00:00Z"), "was revoked at 2020"),
        (ended, "was valid until 2026"),
    ],
    ids=["revoked", "ended"],
)
def test_a_log_key_that_ended_signs_nothing_more(small, change, says):
    ledger, log = log_changed(small, change)
    assert any(says in text for text in bundle_signed_again(ledger, log)), "bundle"
    for where, said in everywhere(signed_again(ledger, log)).items():
        assert any(says in text for text in said), (where, said)


def test_what_a_log_key_signed_before_it_was_revoked_as_of_then_is_told_as_such(small):
    ledger, _ = log_changed(small, lambda k, key: revoke_key(k, key, "2020-01-01T00:00:00Z"))
    said = sentences(ledger)
    assert len(said) == 1, said
    assert "checkpoints, over 1 to 4 leaves" in said[0]
    assert "later revoked as of 2020" in said[0]
    old = ledger.uri.replace("sqlite:///", "") + ".held"
    head = next(ledger.proofs.checkpoints())
    Path(old).write_text(head[1])
    report = verify_ledger(ledger, "ledger", outside=[read_outside_checkpoint(Path(old))])
    assert any(p.record == old and "later revoked as of" in p.what for p in report.problems)


def test_a_log_key_may_change_under_a_running_server(small):
    """Revoked as of now or rotated, with what it signed before; and trusted only after it had begun."""
    ledger, _ = log_changed(small, lambda k, key: revoke_key(k, key, utc_text()))
    assert sentences(ledger) == []
    assert create_and_verify(ledger) == []
    third, root = ephemeral_key(), small[3]
    ledger = with_key(ledger, third)
    ledger.seal(entry_of("finding", {"about": "the keyring does not know this log yet"}))
    put(ledger, sign_keyring(add_key(keyring_of(ledger), signed_sessions.entry(third, "registry-3", ("log",))), root))
    fourth = ephemeral_key()
    put(ledger, sign_keyring(rotate_key(keyring_of(ledger), third.key_id, fourth.public, utc_text()), root))
    ledger = with_key(ledger, fourth)
    ledger.seal(entry_of("finding", {"about": "y"}))
    assert everywhere(ledger) == {"ledger": [], "watch": [], "model": []}
    assert create_and_verify(ledger) == []


def create_and_verify(ledger):
    files = create(ledger, "income-screening", "stage1", lost)
    return [problem.sentence() for problem in verify_bundle(layout.FilesInMemory(files), "b").problems]

"""A bundle holds what says whether the signatures in it counted, and makes its decisions again as the ledger does."""

import time
from datetime import UTC, datetime

import pytest

import aims_mlflow.evidence.session as session
from aims_mlflow.evidence.verify import check_session
from aims_mlflow.exports.bundle import layout
from aims_mlflow.exports.bundle.create import create
from aims_mlflow.exports.bundle.ledger import PartLedger
from aims_mlflow.exports.bundle.verify import verify_bundle
from aims_mlflow.gates.policy import default_policy_text
from aims_mlflow.ledger.ledger import Ledger
from aims_mlflow.ledger.log import Log
from aims_mlflow.lifecycle.ingest import session_entry
from aims_mlflow.pages.judging import shelf_in
from aims_mlflow.records.base import utc_text
from aims_mlflow.records.keyring import ROLES
from aims_mlflow.signing.keys import ephemeral_key
from support import signed_sessions
from support.authority_world import AuthorityWorld
from support.published_sessions import event, published
from support.small_bundle import lost, sentences

SYSTEM = "income-screening"


@pytest.fixture
def world(tmp_path):
    log = ephemeral_key()
    made = AuthorityWorld(Ledger(f"sqlite:///{tmp_path}/l.db", Log(log, "ai.example.org/w")), default_policy_text())
    made.change(signed_sessions.entry(log, "registry", ("log",)))
    return made


def problems(ledger, since=None):
    files = create(ledger, SYSTEM, "stage1", lost, since=since)
    return [problem.sentence() for problem in verify_bundle(layout.FilesInMemory(files), "b").problems]


@pytest.mark.parametrize("late", [False, True])
def test_decisions_of_a_model_with_a_past_are_the_same_in_its_bundle(world, late):
    """Deleted and made again, its copy revoked, its trainer gone: each changes what counts."""
    ana, olga = world.person("ana", "trainer"), world.person("olga", "approver")
    files = world.train(ana)
    world.ask("income", files, "registration")
    world.consent(olga, "income")
    assert world.ask("income", files).allowed
    world.delete("income")
    world.ask("income", files, "registration")
    world.ask("copy", files, "registration")
    world.consent(olga, "copy", "revocation")
    world.end(ana, "revoked")
    time.sleep(0.01)
    since = utc_text() if late else None
    refused = world.ask("income", files)
    assert [u.kind for u in refused.unmet] == ["revocation", "approval"]
    world.consent(olga, "income")
    assert world.ask("income", files).allowed
    assert problems(world.ledger, since) == []


def sealed(world, writer):
    """Seal a session about a document, past the intake, which asks whether its key may sign."""
    known = {key.key_id: key for key in world.first.values()}
    checked = check_session(writer.jsonl(), f"{writer.id}.jsonl", known.get, ROLES)
    world.ledger.seal(session_entry(checked, "x", "y"))


def test_documents_in_a_bundle_count_by_the_leaves_that_sealed_them(world, monkeypatch):
    """A document that was approved in time stays approved; one that a revoked key approves with its clock set back is not."""
    ana, rita, olga = (
        world.person(name, role) for name, role in (("ana", "trainer"), ("rita", "trainer"), ("olga", "approver"))
    )
    world.ask("income", world.train(ana), "registration")
    sealed(world, published(rita))
    sealed(world, event(olga, "document-approval"))
    earlier = utc_text()
    world.end(olga, "revoked")
    sealed(world, published(rita, sha256="2" * 64, version="2"))
    monkeypatch.setattr(session, "utc_text", lambda *_: earlier)
    sealed(world, event(olga, "document-approval", sha256="2" * 64))
    files = create(world.ledger, SYSTEM, "stage1", lost)
    view = PartLedger(layout.FilesInMemory(files))
    shelf = shelf_in(view, datetime.now(UTC))
    assert [a.sha256[0] for a in shelf.approvals] == ["1"]
    assert shelf.in_force("requirements", datetime.now(UTC).strftime("%Y-%m-%d")).document.sha256[0] == "1"
    *said, lost_text = problems(world.ledger)
    assert "evidence/no-run/aims/documents/r.md: it could not be read" in lost_text  # a record that names no run
    assert len(said) == 2, said  # the approval and the manifest beside it
    assert all("the key of olga was revoked" in text and "should not have counted" in text for text in said)
    assert sentences(world.ledger) == said

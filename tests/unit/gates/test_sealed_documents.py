"""Documents of a ledger count by the leaves that sealed them, at the gate and when its decision is made again."""

from datetime import UTC, datetime

import pytest
import yaml

from aims_mlflow.evidence.verify import check_session
from aims_mlflow.gates.authority import Authority
from aims_mlflow.gates.policy import default_policy_text
from aims_mlflow.gates.replay import same
from aims_mlflow.gates.sealed_documents import sealed_shelf
from aims_mlflow.ledger.ledger import Ledger
from aims_mlflow.lifecycle.ingest import session_entry
from aims_mlflow.pages.scope import EVERYTHING
from aims_mlflow.pages.source import PageSource
from aims_mlflow.pages.what_if import WhatIf, what_if
from aims_mlflow.records.decision import Decision
from aims_mlflow.records.keyring import ROLES
from support.authority_world import MODEL, AuthorityWorld
from support.good_documents import SYSTEM
from support.page_site import PageSite
from support.published_sessions import event, published


def policy():
    data = yaml.safe_load(default_policy_text())
    data["stages"]["deployment"] |= {"require": ["session", {"document": "deployment-plan"}], "approvals": {"count": 0}}
    return yaml.safe_dump(data, sort_keys=False)


class PublishingWorld(AuthorityWorld):
    """A ledger with somebody who trains, somebody who writes, and somebody who approves."""

    def __init__(self, ledger, text):
        super().__init__(ledger, text)
        self.ana, self.rita = self.person("ana", "trainer"), self.person("rita", "author")
        self.olga = self.person("olga", "approver")


@pytest.fixture
def world(tmp_path):
    return PublishingWorld(Ledger(f"sqlite:///{tmp_path}/l.db"), policy())


def seal(world, writer):
    """Seal a session as it is, past the intake, which asks whether its key may sign."""
    known = {key.key_id: key for key in world.first.values()}
    session = check_session(writer.jsonl(), f"{writer.id}.jsonl", known.get, (*ROLES, "author"))
    world.ledger.seal(session_entry(session, "x", "y"))


def shelf(world):
    return sealed_shelf(Authority(world.ledger, "", world.force, datetime.now(UTC)))


def plan(world, sha256="1" * 64, **changes):
    seal(world, published(world.rita, "deployment-plan", sha256, system=SYSTEM, model_digests=[MODEL], **changes))


def approve(world, sha256="1" * 64, key=None):
    seal(world, event(key or world.olga, "document-approval", "deployment-plan", sha256))


def test_the_gate_lets_a_version_in_once_the_plan_is_sealed_and_approved_and_repeats_that(world):
    files = world.train(world.ana)
    world.ask("income", files, "registration")

    def lacking():
        decision = world.ask("income", files)
        assert world.replays()
        return [u.text for u in decision.unmet]

    assert "no deployment-plan is published" in lacking()[0]
    plan(world)
    assert "approval by another person" in lacking()[0]
    approve(world)
    assert lacking() == []
    refused, allowed = list(world.ledger.leaves(types=("decision",)))[-2:]
    assert (refused.fact.allowed, allowed.fact.allowed) == (False, True)
    plan(world, "2" * 64, version="2")  # a later document changes no decision that was made before
    assert world.replays()


def test_what_if_reads_the_documents_that_the_decision_read(world, tmp_path):
    files = world.train(world.ana)
    world.ask("income", files, "registration")
    world.ask("income", files)
    plan(world)
    approve(world)
    world.ask("income", files)
    source = PageSource(PageSite.of(world.ledger, tmp_path / "pages.db").shared, EVERYTHING, datetime.now(UTC))
    refused, allowed = list(world.ledger.leaves(types=("decision",)))[-2:]
    for leaf, rules_now, told in ((refused, False, "no deployment-plan"), (allowed, False, ""), (allowed, True, "")):
        answer = what_if(source, leaf, WhatIf(rules_now=rules_now))
        assert isinstance(answer, Decision)
        assert [told in u.text for u in answer.unmet] == [True] * bool(told)


@pytest.mark.parametrize(("how", "left"), [("revoked", True), ("stolen before", False), ("re-roled", False)])
def test_an_approval_counts_by_its_leaf_and_the_keyring_may_take_it_back(world, how, left):
    plan(world)
    approve(world)
    assert [a.owner for a in shelf(world).approvals] == ["olga"]
    world.end(world.olga, how)
    assert bool([a for a in shelf(world).approvals if "approver" in a.roles]) is left


def test_a_key_that_was_revoked_before_approves_nothing_whatever_its_signer_dates(world):
    plan(world)
    world.end(world.olga, "revoked")
    approve(world)
    assert shelf(world).approvals == ()


def test_a_document_is_as_old_as_its_leaf(world):
    plan(world)
    (found,) = shelf(world).publications
    assert found.document.time == next(world.ledger.leaves(types=("evidence",))).fact.time
    seal(world, event(world.rita, "document-withdrawal", "deployment-plan", comment="no longer"))
    assert shelf(world).documents(datetime.now(UTC).strftime("%Y-%m-%d")) == ()
    assert shelf(world).leaves == 2


def test_a_decision_of_a_release_that_read_no_documents_is_the_same_when_it_is_made_again():
    data = {"stage": "deployment", "model_name": "x", "mode": "enforce", "allowed": True, "would_refuse": False}
    earlier = Decision(**data, time="2026-01-01T00:00:00Z")
    again = earlier.model_copy(update={"documents_read": 0, "not_asked": ("impact-assessment",)})
    assert same(earlier, again)
    assert not same(again, earlier)

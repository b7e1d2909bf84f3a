"""Findings and the statement read what was published: a file of the folder counts for nothing by itself."""

import dataclasses
from datetime import UTC, datetime
from pathlib import Path

import mlflow
import pytest

from aims_mlflow.errors import ConfigError
from aims_mlflow.evidence.verify import check_session
from aims_mlflow.gates.control_status import control_status
from aims_mlflow.ledger.leaves import Entry
from aims_mlflow.ledger.ledger import Ledger
from aims_mlflow.lifecycle.ingest import session_entry
from aims_mlflow.management.applicability.statement import newest_statement
from aims_mlflow.management.applicability.states import organisation_subject
from aims_mlflow.management.findings.every import findings
from aims_mlflow.management.findings.gathering import read_state, with_cards
from aims_mlflow.management.folder import read_folder
from aims_mlflow.management.published import published_shelf, written_of
from aims_mlflow.records.documents.risk import ApplicabilityDocument
from aims_mlflow.records.keyring import ROLES
from aims_mlflow.records.leaves.changes import DecisionLeaf
from support import live_states
from support.authority_world import AuthorityWorld
from support.good_documents import FIELDS, NEXT, NOW, STATED
from support.management_folder import SYSTEM, write
from support.published_sessions import event, published

SOA = f"""id: soa
kind: soa
title: Statement of applicability
owner: max
author: rita
approver: max
review_by: {NEXT}
controls: [{{control: A.2.2, applies: true, reason: law}}]
"""
POLICY_TEXT = "schema_version: 1\nstages: {deployment: {aliases: [champion]}}\n"


class Bank(AuthorityWorld):
    """A ledger, somebody who writes, somebody who manages, and a management folder."""

    def __init__(self, folder):
        super().__init__(Ledger(f"sqlite:///{folder}/l.db"), POLICY_TEXT)
        self.rita, self.olga = self.person("rita", "author"), self.person("olga", "approver")
        self.max = self.person("max", "top-management")
        self.folder = folder

    def keep(self, writer):
        known = {key.key_id: key for key in self.first.values()}
        session = check_session(writer.jsonl(), f"{writer.id}.jsonl", known.get, (*ROLES, "author"))
        self.ledger.seal(session_entry(session, "x", "y"))
        return session.records

    def publish(self, kind, sha256, **changes):
        return self.keep(
            published(self.rita, kind, sha256, **{"system": None, "review_by": NEXT, "fields": STATED[kind], **changes})
        )

    def state(self, **options):
        return read_state(read_folder(self.folder / "aims"), self.ledger, **options)

    def rules(self, *wanted, **options):
        return [f"{f.rule} {f.about}" for f in findings(self.state(**options), NOW) if f.rule in wanted]


@pytest.fixture
def bank(tmp_path):
    write(tmp_path, soa=SOA, income=SYSTEM)
    return Bank(tmp_path)


def digest(bank, name):
    return next(d.sha256 for d in read_folder(bank.folder / "aims").documents if d.id == name)


def test_a_file_is_no_statement_until_it_is_published_and_approved_by_management(bank):
    assert bank.state().documents == ()
    assert bank.rules("P1") == ["P1 statement"]
    assert bank.rules("W1", "W2") == ["W1 soa", "W1 income-screening"]
    with pytest.raises(ConfigError, match=r"soa\.yaml is a draft"):
        newest_statement(bank.state())
    bank.publish("soa", digest(bank, "soa"))
    assert bank.rules("P1") == []
    assert bank.rules("W1", "W2") == ["W1 income-screening", "W2 soa"]
    bank.keep(event(bank.olga, "document-approval", "soa", digest(bank, "soa")))
    assert bank.rules("W2") == ["W2 soa"], "an approver is not top management"
    bank.keep(event(bank.max, "document-approval", "soa", digest(bank, "soa")))
    assert bank.rules("W2") == []
    assert newest_statement(bank.state()).id == "soa"


def test_a_file_that_was_changed_since_is_a_draft_again_and_the_published_one_counts(bank):
    bank.publish("soa", "7" * 64)
    (one,) = [f for f in findings(bank.state(), NOW) if f.rule == "W1" and f.about == "soa"]
    assert "is a draft: version 1 of it was published" in one.fact
    assert "aims document publish soa" in one.fix
    (statement,) = bank.state().of(ApplicabilityDocument)
    assert len(statement.controls) == 38


def test_with_drafts_the_files_are_judged_and_none_is_said_to_be_published(bank):
    state = bank.state(drafts=True)
    assert {d.id for d in state.documents} == {"soa", "income-screening"}
    assert state.published is None
    assert bank.rules("W1", "W2", drafts=True) == []
    assert len(bank.rules("P1", drafts=True)) == 37


def test_an_overdue_review_is_found_by_itself(bank):
    bank.publish("risk-method", "8" * 64, review_by="2026-01-01")
    assert bank.rules("W3") == ["W3 risk-method"]


def test_what_a_risk_rests_on_is_looked_up_in_the_whole_ledger(bank):
    sealed = bank.publish("risk-method", "8" * 64)[0].id
    unknown = "01a22579-e332-7000-8000-000000000000"
    risk = FIELDS["risk-register"]["risks"][0]
    causes = [[sealed], [f"{sealed[:23]}…"], [unknown], []]
    risks = [{**risk, "id": f"R{n}", "cause_evidence": named} for n, named in enumerate(causes)]
    risks[3]["likelihood_basis"] = f"measured twice: {sealed}, {unknown}"
    bank.publish("risk-register", "9" * 64, fields={"risks": risks})
    told = {f.about: f.fact for f in findings(bank.state(), NOW) if f.about.endswith("/basis")}
    says = f"rests on {unknown}: no record or change of the ledger and no document has this id"
    assert told == {f"risk-register/R{n}/basis": f"risk R{n} {says}" for n in (2, 3)}


def test_a_risk_may_rest_on_a_change_or_a_trace(bank, tracking):
    """By a change's request, and by the id of a trace in MLflow: both are looked up, where they are kept."""
    request = "01a22579-e332-7000-8000-0000000000aa"
    bank.ledger.seal(Entry(DecisionLeaf(request=request, stage="registration", model_name="loans", allowed=False)))
    with mlflow.start_span("answer") as span:
        span.set_inputs({"question": "1"})
    mlflow.flush_trace_async_logging()
    there, absent = mlflow.get_last_active_trace_id(), f"tr-{0:032x}"
    risk = FIELDS["risk-register"]["risks"][0]
    causes = [[request], [there], [absent], [f"{request[:9]}…"]]
    risks = [{**risk, "id": f"R{n}", "cause_evidence": named} for n, named in enumerate(causes)]
    risks.append({**risk, "id": "R4", "cause_evidence": [], "likelihood_basis": f"seen in {there} and {absent}"})
    bank.publish("risk-register", "9" * 64, fields={"risks": risks})
    told = {f.about: f.fact for f in findings(bank.state(), NOW) if f.about.endswith("/basis")}
    says = f"rests on {absent}: MLflow has no such trace"
    assert told == {f"risk-register/R{n}/basis": f"risk R{n} {says}" for n in (2, 4)}


def test_a_trace_that_cannot_be_looked_up_is_told_and_not_called_absent(bank, monkeypatch):
    monkeypatch.setattr("aims_mlflow.evidence.tracking.is_configured", lambda: False)
    named = f"tr-{7:032x}"
    risk = {**FIELDS["risk-register"]["risks"][0], "cause_evidence": [named]}
    bank.publish("risk-register", "9" * 64, fields={"risks": [risk]})
    state = bank.state()
    assert [f for f in findings(state, NOW) if f.about.endswith("/basis")] == []
    assert any(named in text and "is not judged" in text for text in state.unread)


def test_a_document_that_applied_before_its_approval_was_in_force_on_its_authors_word(bank):
    bank.publish("risk-method", "8" * 64, effective_from="2020-01-01")
    assert bank.rules("W8") == [], "nobody approved it yet: that is W2"
    bank.keep(event(bank.max, "document-approval", "risk-method", "8" * 64))
    assert bank.rules("W8") == ["W8 risk-method"]


def test_the_organisations_states_rest_on_published_documents_and_their_approvals(bank):
    def state(control):
        return control_status(control, organisation_subject(bank.state(), NOW), NOW).state

    assert state("6.1.3") == "missing"
    bank.publish("people", "7" * 64)
    bank.publish("treatment-plan", "5" * 64)
    bank.publish("soa", "6" * 64)
    assert state("6.1.3") == "missing"
    bank.keep(event(bank.max, "document-approval", "soa", "6" * 64))
    assert state("6.1.3") == "missing"
    bank.keep(event(bank.olga, "document-approval", "treatment-plan", "5" * 64))
    assert state("6.1.3") == "missing", "nobody approved who is of top management"
    bank.keep(event(bank.olga, "document-approval", "people", "7" * 64))
    assert state("6.1.3") == "met"
    nobody = {"people": [{"id": "max", "function": "staff"}]}
    bank.publish("people", "8" * 64, fields=nobody)
    assert state("6.1.3") == "met"
    bank.keep(event(bank.olga, "document-approval", "people", "8" * 64))
    assert state("6.1.3") == "failed", "whoever accepted the rest is not of top management"


def test_the_organisation_is_judged_by_the_policy_that_its_ledger_has_in_force(bank):
    """Its subject had no policy, so that A.6.1.3 was `captured` beside versions for which it is met."""
    stages = [{"stage": stage, "criteria": "evidence and approval"} for stage in ("registration", "deployment")]
    bank.publish("lifecycle-process", "5" * 64, fields={"stages": stages})
    bank.keep(event(bank.olga, "document-approval", "lifecycle-process", "5" * 64))
    found = control_status("A.6.1.3", organisation_subject(bank.state(), NOW), NOW)
    assert found.reason == "the policy in force requires no evidence at registration"
    without = dataclasses.replace(bank.state(), policy=None)
    assert control_status("A.6.1.3", organisation_subject(without, NOW), NOW).state == "captured"


@pytest.mark.parametrize("kind", sorted(FIELDS))
def test_each_kind_comes_back_from_its_publication_as_it_was_stated(kind, bank):
    about = {"system": "income-screening"}
    bank.publish(kind, "4" * 64, **about, model_digests=["a" * 64])
    (found,) = published_shelf(bank.ledger, datetime.now(UTC)).shelf.publications
    written = written_of(found)
    assert written is not None
    assert (written.kind, written.author, written.review_by) == (kind, "rita", NEXT)


def test_where_nothing_is_named_nothing_published_is_claimed(monkeypatch):
    monkeypatch.setattr(mlflow, "is_tracking_uri_set", lambda: False)
    assert published_shelf(None) is None


def test_reading_makes_no_database_where_no_mlflow_is_named(bank, monkeypatch):
    monkeypatch.setattr(mlflow, "is_tracking_uri_set", lambda: False)
    before = sorted(p.name for p in Path.cwd().iterdir())
    deployed = live_states.live(live_states.with_texts(bank.state())).deployed
    read = with_cards(dataclasses.replace(bank.state(), deployed=deployed))
    assert "MLFLOW_TRACKING_URI names no MLflow" in read.unread[0]
    assert sorted(p.name for p in Path.cwd().iterdir()) == before

"""What has to be there before a training or a use is approved before it, and assessments are made again in time."""

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest

from aims_mlflow.catalog.loader import clauses, controls
from aims_mlflow.gates.person_statements import DocumentApproval, PublishedDocument
from aims_mlflow.gates.published_documents import DocumentShelf, Publication
from aims_mlflow.management.findings.every import findings
from aims_mlflow.management.publication import COMMON
from aims_mlflow.management.published import PublishedShelf
from aims_mlflow.records.base import utc_text
from aims_mlflow.records.details.attachments import DocumentStatement
from support.good_documents import FIELDS, NO_ACTION
from support.live_states import assessed, with_texts
from support.management_states import (
    MODEL,
    NOW,
    SYSTEM,
    document,
    good,
    in_scope,
    own_test,
    programme,
    release,
    review_inputs,
    risk,
    risks,
    soa,
)
from support.signed_sessions import MODEL as DIGEST

AT = f"{SYSTEM}/{MODEL}@champion"
PROCESS = FIELDS["impact-process"]


def found(state, *rules):
    return [f"{f.rule} {f.about}" for f in findings(state, NOW) if (f.rule in rules if rules else f.rule != "W6")]


def with_assessment(more, **changes):
    return with_texts(good(**changes), assessed().replace("review_by: 2028-01-01", f"review_by: 2028-01-01\n{more}"))


# -- impact assessments ---------------------------------------------------------------------------------------------


def test_an_assessment_comes_before_the_use():
    assert found(with_assessment("effective_from: 2026-06-01")) == []
    late = with_assessment("effective_from: 2026-06-10")
    (one,) = [f for f in findings(late, NOW) if f.rule != "W6"]
    assert (one.rule, one.about, one.control) == ("F14", AT, "6.1.4")
    assert "has champion since 2026-06-01, and aiia counts from 2026-06-10 on" in one.fact
    entry = {"fact": "income was used before aiia was approved", "cause": "the alias was set by script"}
    known = with_assessment("effective_from: 2026-06-10", known=document("nonconformity", nonconformities=[entry]))
    assert found(known, "F14") == []


def test_an_assessment_is_made_again_by_the_interval_of_the_process():
    yearly = {"impact-process": document("impact-process", **PROCESS, interval_days=365)}
    assert found(with_assessment("effective_from: 2025-06-20", **yearly)) == []
    old = with_assessment("effective_from: 2025-06-01", **yearly)
    assert found(old) == ["F14 aiia"]
    again = document(
        "reassessment", system=SYSTEM, risk="2026-05-01", impact="2026-05-01", changed="nothing: same data"
    )
    assert found(with_assessment("effective_from: 2025-06-01", **yearly, again=again)) == []


def test_the_day_of_the_next_review_is_kept():
    assert found(with_assessment("review: {next: 2026-06-15}")) == []
    assert found(with_assessment("review: {next: 2026-06-14}")) == ["F14 aiia"]
    again = document(
        "reassessment", system=SYSTEM, risk="2026-06-14", impact="2026-06-14", changed="nothing: same data"
    )
    assert found(with_assessment("review: {next: 2026-06-14}", again=again)) == []


# -- what published versions say --------------------------------------------------------------------------------------


def publication(written, sha256):
    """A published version of a document, as the ledger has it."""
    fields = written.model_dump(exclude_defaults=True)
    head = {name: fields.pop(name, None) for name in COMMON}
    fields = {k: v for k, v in fields.items() if k not in ("kind", "text", "model_digests")}
    stated = PublishedDocument(
        written.kind, written.id, sha256, "rita", "2026-01-01T00:00:00Z", fields, written.system,
        written.model_digests, written.review_by, written.effective_from,
    )  # fmt: skip
    about = {"sha256": sha256, "characters": 300, "model_digests": list(written.model_digests), "fields": fields}
    return Publication(stated, DocumentStatement(**{**head, "version": written.version, **about}), None)


def approved(state, *versions):
    """The state in which these (document, time of its approval by olga) were published."""
    shas = [f"{n}" * 64 for n in range(1, len(versions) + 1)]
    approvals = [DocumentApproval(s, "olga", ("approver",), t) for s, (_, t) in zip(shas, versions, strict=True) if t]
    published = tuple(publication(d, s) for s, (d, _) in zip(shas, versions, strict=True))
    return dataclasses.replace(
        state, published=PublishedShelf(DocumentShelf(published, tuple(approvals)), "the ledger")
    )


def requirements(**changes):
    fields = {
        "requirements": [{"id": "Q1", "text": "it orders better than chance", "source": "law: GDPR Art. 22"}],
        "acceptance": [{"metric": "balanced_accuracy", "comparator": ">=", "limit": "0.55", "requirement": "Q1"}],
    }
    return document("requirements", system=SYSTEM, **{**fields, **changes})


BEFORE, AFTER = (utc_text(datetime.now(UTC) + timedelta(hours=h)) for h in (-3, 3))
LOOSER = [{"metric": "balanced_accuracy", "comparator": ">=", "limit": "0.5", "requirement": "Q1"}]


@pytest.mark.parametrize(
    ("versions", "wanted"),
    [
        ([(requirements(), BEFORE)], []),
        ([(requirements(), AFTER)], [f"L3 {AT}/requirements"]),
        ([(requirements(), BEFORE), (requirements(version="2"), AFTER)], []),  # the same is required
        ([(requirements(acceptance=LOOSER), BEFORE), (requirements(version="2"), AFTER)], [f"L3 {AT}/requirements"]),
    ],
)
def test_requirements_are_approved_before_the_training(versions, wanted):
    state = approved(good(asked=versions[-1][0]), *versions)
    assert found(state, "L3") == wanted


def test_a_version_that_adds_a_model_makes_no_assessment_later():
    state = with_assessment("effective_from: 2026-05-01")
    (both,) = [d for d in state.documents if d.id == "aiia"]
    first = both.model_copy(update={"model_digests": (DIGEST,)})
    later = both.model_copy(
        update={"model_digests": (DIGEST, "b" * 64), "effective_from": "2026-06-10", "version": "2"}
    )
    documents = tuple(later if d.id == "aiia" else d for d in state.documents)
    state = dataclasses.replace(state, documents=documents)
    assert found(approved(state, (first, "2026-05-02T00:00:00Z"), (later, "2026-06-10T00:00:00Z")), "F14") == []
    assert found(approved(state, (later, "2026-06-10T00:00:00Z")), "F14") == [f"F14 {AT}"]
    other = first.model_copy(update={"id": "assessment-of-2025"})
    assert found(approved(state, (other, "2026-05-02T00:00:00Z"), (later, "2026-06-10T00:00:00Z")), "F14") == []


def incident(*duties):
    fields = {
        "id": "N1", "system": SYSTEM, "detected": "a call", "detected_on": "2026-05-20", "aware_on": "2026-05-20",
        "serious": "other serious harm", "serious_reason": "loans were refused", "harm": {"kind": "delay"},
        "root_cause": {"cause": "a column was renamed"}, "status": "open", "actions": ["K1"], "risks": ["R1"],
    }  # fmt: skip
    return document("incident", **fields, duties=list(duties))


AUTHORITY = {"to": "the market surveillance authority", "law": "AI Act Art. 73", "sent": "2026-05-22"}
MINUTES = {
    "date": "2026-06-15", "attendees": ["max"], "top_management": ["max"], "inputs": "review-inputs",
    "decisions": [
        {"decision": "hire a data scientist", "owner": "olga", "due": "2026-12-01"},
        {"decision": "The AI policy stays as it is"},
    ],
    "no_action": NO_ACTION,
}  # fmt: skip
LOOKED = {"inputs": ["the review of May"], "decision": "keep", "date": "2026-05-01"}
HONEST = {
    "customers are told after the authority": {
        "incident": incident(AUTHORITY, {"to": "customers", "law": "contract", "due": "2026-06-30"})
    },
    "a control of another standard meets a need": {
        "parties": document("parties", parties=[
            {"who": "applicants", "need": "calm", "how_met": ["ISO 27001:2022 A.8.16 and A.8.15"]}])
    },
    "a control of another standard treats a risk": {"risks": risks(risk(controls=["A.6.2.4", "A.8.16 of ISO 27001"]))},
    "a permission with a limit": {
        "own_test": own_test(decision="may be used; personal data must not be sent")},
    "a permission by number": {"own_test": own_test(decision="No. 3 of the board: approved")},
    "a role in capitals": {"roles": document("roles", roles=[
        {"role": "owner", "authority": "May STOP a release", "person": "rita"}]),
        "release": release(who_may_stop="rita")},
    "a decision that changes nothing": {
        "inputs": review_inputs(), "minutes": document("review-minutes", **MINUTES)},
    "a basis in another alphabet": {"soa": soa("A.5.3", basis=["Ärztegesetz"])},
    "a review by a body": {"looked": document("policy-review", **LOOKED, by="board")},
    "a review by two people": {"looked": document("policy-review", **LOOKED, by="max and olga")},
    "a function beside a name": {"release": release(who_may_stop="the head of lending (olga)")},
    "a target in another language": {"measured": document("measurement-plan", language="de", measures=[
        {**FIELDS["measurement-plan"]["measures"][0], "limit": "keine"}])},
    "a risk in another language": {"risks": document("risk-register", language="de", risks=[risk(event="女性被拒绝")])},
    "a verdict in another language": {"own_test": own_test(results=["bestanden"]).model_copy(update={"language": "de"})},
    "a body in another language": {"risk-method": good().named("risk-method")[0].model_copy(update={
        "language": "de", "acceptance": document("risk-method", acceptance=[
            {"level": level, "may_accept": "Vorstand"} for level in ("medium", "high")]).acceptance})},
    "a context in another language": {"context": document("context", language="de", issues=[
        {"issue": "neues Gesetz", "effect": "Pflichten"}])},
}  # fmt: skip


@pytest.mark.parametrize("case", HONEST)
def test_what_honest_documents_state_is_no_finding(case):
    assert [(f.rule, f.fact) for f in findings(good(**HONEST[case]), NOW)] == []


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"own_test": own_test(decision="Unfit: it must not be used")}, "T11"),
        ({"looked": document("policy-review", **LOOKED, by="noa")}, "K5"),
        # That the scope names what no register has, and nothing against the board, which decided it.
        ({"scope": in_scope(sources=["registered models", "providers in traces"], systems_out=[
            {"id": "chess", "reason": "a game that decides nothing", "approved_by": "the board"}])}, "S8"),
        ({"release": release(who_may_stop="olga and bob")}, "K4"),
        ({"own_test": own_test(decision="no, it is too slow")}, "T11"),
        ({"incident": incident({"to": "the chief risk officer", "law": "contract", "sent": "2026-05-22"})}, "L4"),
        ({"incident": incident({"to": "office staff of the branches", "law": "contract", "sent": "2026-05-22"})}, "L4"),
        ({"parties": document("parties", parties=[
            {"who": "applicants", "need": "calm", "how_met": ["ISO/IEC 42001:2023 A.99.4"]}])}, "S10"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_still_found(changes, word):
    assert [f.rule for f in findings(good(**changes), NOW)] == [word]


def test_a_first_cycle_counts_audits_that_are_planned():
    first = programme([*clauses(), *controls(), SYSTEM])
    audit = first.audits[0].model_copy(update={"planned": "2026-09-01"})
    planned = first.model_copy(update={"audits": (audit,), "effective_from": "2026-01-01"})
    assert [f.rule for f in findings(good(programme=planned, report=None), NOW)] == []
    late = planned.model_copy(update={"effective_from": "2020-01-01"})
    assert {f.rule for f in findings(good(programme=late, report=None), NOW)} == {"I3"}

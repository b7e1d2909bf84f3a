"""Days that documents promise: each one is told with who owes it, until something says that it was done."""

from typing import get_args

from aims_mlflow.management.findings.state import ManagementState
from aims_mlflow.management.promised_days import HEADER, PROMISES, SECOND_PROMISES, promised_days
from aims_mlflow.records.base import Day
from aims_mlflow.records.documents import KINDS, entry_model
from support.good_documents import STATED, SYSTEM

TODAY = "2026-06-15"
# Days on which something happened, or from which on something applies: they promise nothing.
HAPPENED = {
    "was_due", "accepted", "answered", "authority_notified", "aware_on", "begin", "changed_on", "checked_on", "closed", "closed_on",
    "contained_on", "date", "detected_on", "done", "drill_date", "effective_from", "employed_from", "end", "held",
    "impact", "impact_reassessed", "measured_on", "obtained_on", "published_at", "reached", "received", "reopened",
    "reviewed", "risk", "risks_reviewed", "sent", "since", "sources_checked_on", "stage_dates", "start", "tested",
    "time", "treated_on",
}  # fmt: skip


def is_day(annotation):
    parts = (part for part in get_args(annotation) if not isinstance(part, str | int))
    return annotation == Day or any(is_day(part) for part in parts)


def days_of(model, seen):
    """Yield (model, field) of each day of a form and of the entries in it."""
    if model in seen:
        return
    seen.add(model)
    for name, field in model.model_fields.items():
        if is_day(field.annotation) or any("_real_day" in str(each) for each in field.metadata):
            yield model, name
        inner = entry_model(field)
        if inner is not None:
            yield from days_of(inner, seen)


def test_each_day_of_each_form_lies_behind_or_is_promised():
    seen, header = set(), {name for name, _ in HEADER}
    found = [pair for model in KINDS.values() for pair in days_of(model, seen)]
    assert len(found) > 150
    for model, name in found:
        promises = [p for known in (PROMISES, SECOND_PROMISES) if (p := known.get(model)) is not None]
        ahead = name in header or name in {p.day for p in promises}
        assert ahead or name in HAPPENED, f"{model.__name__}.{name} is neither promised nor past"
    both = (*PROMISES.items(), *SECOND_PROMISES.items())
    assert all(promise.day in model.model_fields for model, promise in both)


def test_the_end_of_an_accepted_risk_is_due():
    risk = {**STATED["risk-register"]["risks"][0], "status": "accepted", "accepted_by": "max", "due": None}
    entry = {**{k: v for k, v in risk.items() if v is not None}, "accepted_until": "2026-09-01"}
    found = promised({"kind": "risk-register", "fields": {"risks": [entry]}})
    assert ("2026-09-01", f"last day of accepting risk {risk['id']}", "max") in found


def promised(*documents):
    made = tuple(written(**each) for each in documents)
    since = {d.id: "2026-06-01" for d in made}
    return {(p.day, p.what, p.who) for p in promised_days(ManagementState(made), made, since, TODAY)}


def written(kind, fields=None, **more):
    model = KINDS[kind]
    system = {} if model.ABOUT == "organisation" else {"system": SYSTEM}
    head = {"id": kind, "kind": kind, "title": kind, "owner": "max", "author": "rita", **system, **more}
    return model.model_validate({**head, **(STATED[kind] if fields is None else fields)})


def test_what_is_done_is_promised_no_more():
    measures = [
        {"impact": "I1", "measure": "review", "owner": "olga", "due": "2026-07-01"},
        {"impact": "I2", "measure": "review", "owner": "olga", "due": "2026-07-01", "done": "2026-06-02"},
        {"impact": "I3", "measure": "a hotline", "due": "2026-07-02"},
    ]
    assessment = {"kind": "impact-assessment", "fields": {"measures": measures, "review": {"next": "2026-08-01"}}}
    assert promised(assessment) == {
        ("2026-07-01", "measure against impact I1: review", "olga"),
        ("2026-07-02", "measure against impact I3: a hotline", "max"),
        ("2026-08-01", "next review of the impact assessment", "max"),
    }  # fmt: skip
    again = {"kind": "reassessment", "fields": {"risk": "2026-08-02", "impact": "2026-08-02", "changed": "nothing"}}
    assert ("2026-08-01", "next review of the impact assessment", "max") not in promised(assessment, again)


def test_what_another_document_settles_is_promised_no_more():
    plan = {"kind": "treatment-plan", "fields": {"risks": [
        {"risk": "R1", "due": "2026-07-01", "owner": "olga", "measure": "a deputy"}, {"risk": "R2", "due": "2026-07-01", "owner": "olga"},
    ]}}  # fmt: skip
    register = {"kind": "risk-register", "fields": {"risks": [
        {"id": "R1", "due": "2026-07-01", "owner": "olga", "status": "treating"},
        {"id": "R2", "due": "2026-07-01", "owner": "olga", "status": "closed"},
    ]}}  # fmt: skip
    assert promised(plan, register) == {
        ("2026-07-01", "treatment of risk R1", "olga"), ("2026-07-01", "measure against risk R1: a deputy", "olga"),
    }  # fmt: skip
    programme = {"kind": "audit-programme", "fields": {"audits": [
        {"id": "A1", "planned": "2026-06-20", "auditors": ["eva", "noa"]}, {"id": "A2", "planned": "2026-06-20"},
    ]}}  # fmt: skip
    report = {"kind": "audit-report", "fields": {"audit": "A2", "held": "2026-06-10"}}
    assert promised(programme, report) == {("2026-06-20", "internal audit A1", "eva, noa")}
    minutes = {"kind": "review-minutes", "fields": {"date": "2026-05-01", "next": "2026-06-01", "decisions": [
        {"decision": "hire", "owner": "olga", "due": "2026-09-01", "action": "CA1"}]}}  # fmt: skip
    later = {"kind": "review-minutes", "id": "later", "fields": {"date": "2026-06-01", "next": "2027-06-01"}}
    actions = {"kind": "corrective-action", "fields": {"actions": [
        {"id": "CA1", "action": "hire", "owner": "olga", "done": "2026-06-02", "due": "2026-06-30"},
        {"id": "CA2", "action": "a deputy", "owner": "olga", "due": "2026-06-30"}]}}  # fmt: skip
    assert promised(minutes, later, actions) == {
        ("2027-06-01", "next management review", "max"), ("2026-06-30", "corrective action: a deputy", "olga"),
    }  # fmt: skip


def test_what_ends_names_whom_it_concerns():
    expiring = {"component": "model API", "documents": [{"kind": "SOC 2", "expires": "2026-12-31"}],
                "contract": {"id": "C7", "end": "2027-01-31"}}  # fmt: skip
    supplied = {"kind": "supplier-record", "fields": {"components": [expiring]}}
    competence = {"kind": "competence-record", "valid_until": "2026-10-01", "retention_until": "2030-01-01"}
    staff = {"kind": "people", "fields": {"people": [{"id": "ana", "employed_until": "2026-09-30"}]}}
    assert promised(supplied, competence, staff) == {
        ("2026-12-31", "last day of SOC 2 of model API", "max"), ("2027-01-31", "last day of contract C7 for model API", "max"),
        ("2026-10-01", "last day of the competence of ana", "max"),
        ("2030-01-01", "last day on which the competence of ana is kept", "max"),
        ("2026-09-30", "last day of ana in the organisation", "ana"),
    }  # fmt: skip


def test_what_is_due_again_and_again_is_told_for_a_year():
    plan = {"kind": "monitoring-plan", "fields": {"every_days": 90, "model": "income@champion"}}
    assert sorted(promised(plan)) == [
        (day, "monitor run of income@champion", "max")
        for day in ("2026-08-30", "2026-11-28", "2027-02-26", "2027-05-27")
    ]
    acting = {**plan, "effective_from": "2026-01-01", "fields": {**plan["fields"], "who_acts": "olga"}}
    assert min(promised(acting)) == ("2026-06-30", "monitor run of income@champion", "olga")
    measured = {"kind": "measurement-plan", "fields": {"measures": [{"what": "accuracy", "every_days": 300}]}}
    assert promised(measured) == {("2027-03-28", "measurement of accuracy", "max")}
    method = {"kind": "risk-method", "fields": {"interval_days": 10}}
    register = {"kind": "risk-register", "effective_from": "2026-06-01", "fields": {"risks": []}}
    assert promised(method, register) == {("2026-06-11", "assessment of the risks again, by the risk method", "max")}, (
        "what has a fixed day is overdue after it"
    )


def test_many_alike_are_one_row():
    rows = [{"control": f"A.2.{n}", "applies": True, "owner": "olga", "review": "2026-12-01"} for n in range(2, 5)]
    statement = {"kind": "soa", "review_by": "2026-12-01", "fields": {"controls": rows}}
    assert len(promised(statement)) == 4
    rows.append({**rows[0], "control": "A.3.2"})
    review = "review of control A.2.2 in the statement of applicability, and 3 more like it"
    assert promised(statement) == {("2026-12-01", "review of soa", "max"), ("2026-12-01", review, "olga")}

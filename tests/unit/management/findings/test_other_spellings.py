"""Faults in other fields and spellings than usual, and what only looks like one: each finding, and no other."""

import dataclasses

import pytest

from aims_mlflow.management.findings.every import findings
from aims_mlflow.management.findings.state import VersionConsent
from aims_mlflow.records.keyring import KeyEntry, Keyring
from support import management_states as states
from support.good_documents import FIELDS, NO_ACTION
from support.live_states import assessed, good_records, with_texts
from support.management_states import (
    NOW,
    SYSTEM,
    document,
    good,
    oversight,
    report,
    review_inputs,
    risk,
    risks,
    supplier,
)
from support.signed_sessions import MODEL as DIGEST

AT = f"{SYSTEM}/{states.API}"
CLOSED = {"status": "closed", "treated_on": "2026-01-01"}


def found(state):
    return sorted(f"{f.rule} {f.about}" for f in findings(state, NOW))


def record(kind):
    return next(r.id for r in good_records() if r.evidence.kind == kind)


def applying(*systems):
    return document("ai-policy", **{**FIELDS["ai-policy"], "applies_to": list(systems)})


def goal(limit):
    entry = {
        "objective": "fairness",
        "metric": "ratio",
        "limit": limit,
        "owner": "olga",
        "reason": "it decides about people",
    }
    return document("development-objectives", system=SYSTEM, objectives=[entry])


def action(done="2026-02-01"):
    entry = {"id": "K1", "cause": "a column was renamed", "action": "names are checked", "owner": "olga", "done": done}
    return document("corrective-action", actions=[entry])


def check(**changes):
    entry = {
        "action": "K1",
        "by": "eva",
        "owner": "max",
        "model_digest": DIGEST,
        "result": "passed",
        "date": "2026-03-01",
    }
    return document("effectiveness-check", checks=[{**entry, **changes}])


def minutes(**changes):
    decided = [{"decision": "hire a second reader", "owner": "olga", "due": "2026-12-01"}]
    fields = {
        "date": "2026-06-15",
        "attendees": ["max"],
        "top_management": ["max"],
        "inputs": "review-inputs",
        "no_action": NO_ACTION,
    }
    return document("review-minutes", **{**fields, "decisions": decided, **changes})


def noted(words):
    return minutes(decisions=[{"decision": words, "owner": "olga", "due": "2026-12-01"}])


def unpinned(*clauses):
    return supplier(pinned=False, contract={"id": "C1", "start": "2026-01-01", "clauses": list(clauses)})


def people(**of_ana):
    listed = [p.model_dump() for p in states.documents()["people"].people]
    return document("people", people=[{**p, **of_ana} if p["id"] == "ana" else p for p in listed])


def feeding(other):
    mine = (risk(), risk(id="R2", system="churn", event="nobody reads it"))
    return with_texts(good(risks=risks(*mine), other=states.system(id="churn-entry", system="churn", stage="idea", models=[],
        components=[], in_scope=False, scope_reason="it is an idea", objectives={})), assessed().replace("[R1]", other))  # fmt: skip


CASES = {
    "closed by a test that names no group": (
        good(risks=risks(risk(closed_by=[record("robustness")], **CLOSED))), ["R2 risk-register/R1"],
    ),
    "closed by a test of its group": (good(risks=risks(risk(closed_by=[record("fairness")], **CLOSED))), []),
    "a limit that names a year": (
        good(goals=goal("better than in 2025")), ["L7 development-objectives/fairness"],
    ),
    "a limit that names a year and a value": (good(goals=goal("90 of 100 by 2027")), []),
    "an action without a check": (good(actions=action()), ["L6 corrective-action/K1"]),
    "an action of last week": (good(actions=action("2026-06-08")), []),
    "an action with a check": (good(actions=action(), check=check()), []),
    "a check before the action": (good(actions=action(), check=check(date="2026-01-01")), ["L6 effectiveness-check/1"]),
    "a check by who did it": (good(actions=action(), check=check(by="Olga")), ["L6 effectiveness-check/1"]),
    "minutes before their inputs": (
        good(inputs=review_inputs(), minutes=minutes(date="2026-06-01")), ["M2 review-minutes"],
    ),
    "noted with thanks": (good(inputs=review_inputs(), minutes=noted("Noted with thanks.")), ["M2 review-minutes"]),
    "noted, and decided": (good(inputs=review_inputs(), minutes=noted("Noted; olga hires a reader")), []),
    "changes without notice": (good(supplier=unpinned("changes come without notice")), [f"T6 {AT}"]),
    "changes with notice": (good(supplier=unpinned("notice of changes 90 days ahead", "no training on our data")), []),
    "more overruled than reviewed": (good(log=oversight(overruled=401)), ["O1 oversight-record/2026-05-31"]),
    "an auditor by full name": (
        good(people=people(name="Ana Ruiz"), report=report(team=[
            {"person": p, "competence": "auditing", "independence": "owners compared"} for p in ("eva", "ines", "Ana Ruiz")])),
        ["I1 report/ana"],
    ),
    "a planned auditor who trains": (
        good(programme=states.programme([*states.clauses(), *states.controls(), SYSTEM]).model_copy(update={
            "audits": (states.programme([*states.clauses(), *states.controls(), SYSTEM]).audits[0].model_copy(
                update={"auditors": ("eva", "ana")}),)})),
        ["I1 audit-programme/A1/ana"],
    ),
    "a planned auditor whom nobody knows": (
        good(programme=states.programme([*states.clauses(), *states.controls(), SYSTEM]).model_copy(update={
            "audits": (states.programme([*states.clauses(), *states.controls(), SYSTEM]).audits[0].model_copy(
                update={"auditors": ("eva", "zoe")}),)})),
        ["K4 zoe"],
    ),
    "a report to nobody who is known": (good(report=report(reported_to="zoe")), ["K4 zoe"]),
    "an impact that rests on no record": (
        with_texts(good(), assessed().replace("impacts:\n", "impacts:\n  - {id: I2, kind: benefit, group: sex=Male, "
            "mechanism: he is read first, severity: small, likelihood: likely, evidence: [01a22579-dead-7000-8000-000000000000]}\n")),
        ["F3"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_fault_makes_its_finding_and_no_other(case):
    state, wanted = CASES[case]
    assert [f.rpartition("/")[0] if f.startswith("F3") else f for f in found(state)] == [
        "F3 aiia" if w == "F3" else w for w in wanted
    ]


@pytest.mark.parametrize(
    ("applies_to", "left_out"),
    [(["churn"], [SYSTEM]), (["churn", "Income screening"], []), (["churn and all others"], []), (["the bank"], [])],
)
def test_a_policy_that_lists_systems_lists_every_system_in_scope(applies_to, left_out):
    other = states.system(id="churn-entry", system="churn", stage="idea", models=[], components=[], objectives={})
    state = good(other=other, **{"ai-policy": applying(*applies_to)})
    assert [f for f in found(state) if f.startswith("S8 ai-policy")] == [f"S8 ai-policy/{s}" for s in left_out]


def test_the_owner_of_a_registered_key_is_the_person_who_has_it():
    """Her key is in the keyring under another name, and the register of people lists it among hers."""
    key = KeyEntry.model_construct(key_id="a" * 64, pem="x", owner="a.ruiz", roles=("trainer",))
    keyring = Keyring.model_construct(version=1, keys=(key,))
    state = dataclasses.replace(good(people=people(key_ids=["a" * 64])), keyring=keyring)
    assert state.same_person("A.Ruiz") == state.same_person("ana") == "ana"
    assert state.same_person("zoe") == "zoe"


def test_an_assessment_feeds_no_risk_of_another_system():
    assert [f for f in found(feeding("[R1, R2]")) if f.startswith("R3")] == ["R3 aiia"]
    assert [f for f in found(feeding("[R1]")) if f.startswith("R3")] == []


@pytest.mark.parametrize(("role", "wanted"), [("Trainer", ["K6 olga"]), ("Approver", []), ("head of credit", [])])
def test_the_role_of_a_competence_counts_in_any_case(role, wanted):
    competent = states.competence("olga", "model evaluation", role=role)
    state = good(olga=competent)
    consent = VersionConsent("c" * 36, "olga", "approval", "2026-06-01T00:00:00Z")
    state = dataclasses.replace(state, deployed=(dataclasses.replace(state.deployed[0], consents=(consent,)),))
    assert [f for f in found(state) if f.startswith("K6")] == wanted


def by_full_name(value):
    """A document in which everybody is called by their full name."""
    if isinstance(value, dict):
        return {key: by_full_name(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [by_full_name(item) for item in value]
    return f"{value.title()} Muster" if value in IDS else value


IDS = ("ana", "olga", "rita", "eva", "ines", "noa", "max")


def test_a_full_name_is_the_person_of_the_register_in_every_document():
    registered = states.documents()["people"].model_dump()
    known = document("people", people=[{**p, "name": f"{p['id'].title()} Muster"} for p in registered["people"]])
    written = {
        name: type(d).model_validate(by_full_name(d.model_dump(by_alias=True, mode="json")))
        for name, d in states.documents().items()
        if name != "people"
    }
    assert found(good(people=known, **written)) == []

"""What the management system itself lacks: documents, retention, decisions with owner and day; each fault alone."""

import pytest

from aims_mlflow.management.findings.every import COMMAND, findings
from aims_mlflow.management.findings.rules import rule_reasons
from support import management_states as states
from support.good_documents import FIELDS, NO_ACTION
from support.management_states import NOW, SYSTEM, document, good, risk, risks, soa

OLD_POLICY = {"ai-policy": document("ai-policy", **FIELDS["ai-policy"], effective_from="2025-03-01")}
PLAN = FIELDS["treatment-plan"]["risks"][0]


def missing(name, kind):
    return {name: None}, [f"W7 {SYSTEM}/{kind}"]


def policy_review(**changes):
    return document("policy-review", **{**FIELDS["policy-review"], "by": "max", "date": "2026-02-01", **changes})


CASES = {
    "nothing": ({}, []),
    "a policy over a year old, and never a review": (OLD_POLICY, ["K5 ai-policy/review", "M3 review"]),
    "a review within the year": (
        {**OLD_POLICY, "reviewed": policy_review(), "inputs": states.review_inputs(), "minutes": document(
            "review-minutes", date="2026-06-14", attendees=["max"], top_management=["max"], inputs="review-inputs",
            decisions=[{"decision": "hire", "owner": "olga", "due": "2026-09-01"}], no_action=NO_ACTION)},
        [],
    ),
    "nothing is measured by a plan": ({"measured": None}, ["W7 measurement-plan"]),
    "a policy that nobody was told": ({"told_policy": None}, ["W7 communication"]),
    "no channel": missing("channel", "report-channel"),
    "no plan to tell of incidents": missing("plan_to_tell", "incident-communication-plan"),
    "duties to tell that nobody determined": missing("owed", "disclosure-duties"),
    "no requirements on data": missing("quality", "quality-requirements"),
    "a control that the statement excludes needs no document": (
        {"quality": None, "soa": soa("A.7.4", applies=False, basis=[], implemented=None,
                                     reason="the entry names no data of our own")},
        ["P3 A.7.4"],
    ),
    "a document kept too long": (
        {"context": document("context", **FIELDS["context"], retention_until="2026-06-14")}, ["W9 context"]),
    "documents without a day until which they are kept": (
        {"context": document("context", **FIELDS["context"], retention_until=None)}, ["W9 retention"]),
    "a decision that nobody answers for": ({"soa": soa("A.5.3", owner=None)}, ["P9 soa/owner"]),
    "a decision without a day of review": ({"soa": soa("A.5.3", review=None)}, ["P9 soa/review"]),
    "a control that nothing implements": ({"soa": soa("A.5.3", implemented=None)}, ["P9 soa/implemented"]),
    "a control of which nobody says by what": ({"soa": soa("A.5.3", implemented="fully implemented")}, ["P9 soa/implemented"]),
    "a control that is not in place yet, as its reason says": (
        {"soa": soa("A.5.3", implemented=None, reason="scores reach people; not in place: it is planned for May")}, []),
    "a statement that is silent about what risk is left": ({"soa": soa(residual_risks=[])}, ["P9 soa/residual_risks"]),
    "nothing is left of risks": (
        {"soa": soa(residual_risks=[]), "risks": risks(risk(residual=None, accepted_by=None))}, []),
    "a disclosure that is not there": ({"soa": soa("A.8.5", implemented="the disclosure to applicants")}, ["P9 A.8.5"]),
    "a reason that repeats the decision": (
        {"soa": soa("A.10.4", applies=False, reason="Not applicable to us.")}, ["P2 A.10.4"]),
    "another": ({"soa": soa("A.10.4", applies=False, reason="this control is not relevant for our organisation")}, ["P2 A.10.4"]),
    "a reason with the register behind it": (
        {"soa": soa("A.10.4", applies=False, reason="not applicable: nobody gets a system from us, by the roles")}, []),
    "a basis in a wrong spelling": ({"soa": soa("A.5.3", basis=["acountability"])}, ["P5 A.5.3/basis"]),
    "a basis that is none": ({"soa": soa("A.5.3", basis=["because"])}, ["P5 A.5.3/basis"]),
    "risk, objective, law and contract": (
        {"soa": soa("A.5.3", basis=["R1", "fairness", "AI Act Art. 27", "consumer credit law", "the contract of May"])}, []),
    "a plan that treats by what does not apply": (
        {"soa": soa("A.10.4", applies=False, reason="nobody gets a system from us, by the roles of the register"),
         "treatment-plan": document("treatment-plan", risks=[{**PLAN, "controls": ["A.10.4"]}])},
        ["P4 R1/A.10.4"],
    ),
    "a plan that treats by a control of no standard": (
        {"treatment-plan": document("treatment-plan", risks=[{**PLAN, "controls": ["A.99.4"]}])}, ["P4 R1/A.99.4"]),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_fault_makes_its_finding_and_no_other(case):
    changes, wanted = CASES[case]
    found = findings(good(**changes), NOW)
    assert [f"{f.rule} {f.about}" for f in found] == wanted
    assert all(COMMAND.search(f.fix) and f.evidence for f in found), [(f.fix, f.evidence) for f in found]
    assert {f.rule for f in found} <= set(rule_reasons())


def test_a_wrong_spelling_is_told_with_the_objective_that_may_be_meant():
    (found,) = findings(good(soa=soa("A.5.3", basis=["acountability"])), NOW)
    assert "'accountability' may be meant" in found.fact


def test_what_has_no_command_in_its_fix_gets_one_and_what_has_no_evidence_what_is_behind_it():
    (found,) = findings(states.with_items(states.item("registered model", "churn")), NOW)
    assert found.rule == "S1"
    assert found.evidence
    (found,) = findings(good(risks=risks(risk(owner=None))), NOW)
    assert (found.rule, found.fix.rpartition("; ")[2]) == ("R1", "then: aims document publish risk-register")

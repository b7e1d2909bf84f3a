"""A row is met by the good case, and not by documents that are approved, in date, and state what speaks against it."""

import dataclasses
from datetime import timedelta

import pytest

from aims_mlflow.catalog.loader import controls
from aims_mlflow.gates.control_status import control_status
from aims_mlflow.records.decision import Unmet, WaivedBy
from support.good_documents import ENTRIES, FIELDS, NOW, SYSTEM
from support.status_cases import document, good

LONG_AGO = "2019-01-01"
COMPONENT, TEST = FIELDS["supplier-record"]["components"][0], FIELDS["supplier-evaluation"]["tests"][0]
PAPER = COMPONENT["documents"][0]


def stating(kind, **fields):
    """A change of the good subject: what documents of a kind state."""

    def change(subject):
        found = (
            dataclasses.replace(d, fields={**d.fields, **fields}) if d.kind == kind else d for d in subject.documents
        )
        return dataclasses.replace(subject, documents=tuple(found))

    return change


def without(kind):
    return lambda s: dataclasses.replace(s, documents=tuple(d for d in s.documents if d.kind != kind))


def supplied(**changes):
    return stating("supplier-record", components=[{**COMPONENT, **changes}])


def read(**changes):
    return supplied(documents=[{**PAPER, **changes}])


def own_test(**changes):
    return stating("supplier-evaluation", tests=[{**TEST, **changes}])


SOC = {"kind": "SOC 2", "issuer": "an auditor", "scope": "model API", "entity": "Vendor"}
AGO_400 = (NOW - timedelta(days=400)).strftime("%Y-%m-%d")
YESTERDAY = (NOW - timedelta(days=1)).strftime("%Y-%m-%d")
LATE = {"finding": "late review", "owner": "olga", "due": LONG_AGO}
MEMBER = FIELDS["audit-report"]["team"][0]
RISK, TREATED = FIELDS["risk-register"]["risks"][0], FIELDS["treatment-plan"]["risks"][0]
GOAL, USE_GOAL = FIELDS["development-objectives"]["objectives"][0], FIELDS["use-objectives"]["objectives"][0]
DUTY = FIELDS["disclosure-duties"]["duties"][0]
HELD = FIELDS["role-assignment"]["assignments"]
INCIDENT = {"detected_on": YESTERDAY, "aware_on": YESTERDAY, "serious": "death", "status": "open"}


def also(kind, **fields):
    """A change of the good subject: one more document, of a kind that it lacks."""
    more = dataclasses.replace(document("nonconformity"), kind=kind, id=f"{kind}-1", system=SYSTEM, fields=fields)
    return lambda s: dataclasses.replace(s, documents=(*s.documents, more))


def published(kind, day):
    """A change of the good subject: the documents of a kind are as old as a day."""

    def change(subject):
        found = (dataclasses.replace(d, time=f"{day}T00:00:00Z") if d.kind == kind else d for d in subject.documents)
        return dataclasses.replace(subject, documents=tuple(found))

    return change


def peopled(name, **changes):
    """A change of the good subject: what the register says of one person; without changes it has them not."""
    known = [p for p in ENTRIES["people"]["people"] if p["id"] != name]
    mine = [{**p, **changes} for p in ENTRIES["people"]["people"] if p["id"] == name]
    return stating("people", people=known + (mine if changes else []))


def prioritised(objective):
    """A change of the good subject: one more objective of Annex C has high priority in its entry."""
    given = ENTRIES["system"]["objectives"]["fairness"]
    return stating("system", objectives={"fairness": given, objective: given})


def oversight(**changes):
    period = {**FIELDS["oversight-record"]["periods"][0], **changes}
    return stating("oversight-record", periods=[{k: v for k, v in period.items() if v is not None}])


def waived_until(day):
    """A change of the good subject: the gate allowed it under a waiver until a day."""

    def change(subject):
        unmet = Unmet(control="A.6.2.4", kind="fairness", text="too low", next="mitigate")
        waiver = WaivedBy(waiver="w", owner="olga", reason="a pilot", expires=f"{day}T23:59:59Z", unmet=unmet)
        decided = tuple(d.model_copy(update={"waived": (waiver,)}) for d in subject.decisions)
        return dataclasses.replace(subject, decisions=decided)

    return change


def by(auditor):
    return stating("audit-report", team=[{**MEMBER, "person": auditor}])


CASES = {
    "4.3": [
        ("scope of another system", stating("scope", systems_in=[SYSTEM, "other"]), "scope names other"),
        ("a system out of the scope", stating("scope", systems_in=["other"]), "neither in nor out of scope"),
        (
            "a register of another system",
            stating("register", systems=[{"id": "other", "roles": ["user"], "stage": "idea"}]),
            "it does not list income-screening",
        ),
        ("what a scan found is unknown", stating("register", scan=[{"id": "m2"}]), "neither registered nor explained"),
    ],
    "5.1": [
        ("a member whom nobody knows", stating("leadership", members=["zoe"]), "zoe is in no register of people"),
        ("nobody of top management", stating("leadership", members=["ana"]), "none of ana is of top management"),
        ("a member who left", peopled("max", employed_until=LONG_AGO, employed_from=LONG_AGO), "max left on"),
        ("management changed", peopled("max", employed_from=YESTERDAY), "after this commitment"),
    ],
    "5.3": [
        (
            "a holder whom nobody knows",
            stating("roles", roles=[{"role": "approver", "authority": "may stop a release", "person": "zoe"}]),
            "zoe is in no register of people",
        ),
        ("a holder who left", peopled("olga", employed_until=LONG_AGO, employed_from=LONG_AGO), "olga left on"),
        (
            "a role that ended",
            stating("roles", roles=[{**FIELDS["roles"]["roles"][0], "until": LONG_AGO}]),
            "nobody is approver any more",
        ),
    ],
    "6.1.2": [
        ("closed by nothing", stating("risk-register", risks=[{**RISK, "status": "closed"}]), "no evidence closed it"),
        ("an incident since", also("incident", **INCIDENT), "came after the risks of income-screening were assessed"),
        ("a change since", also("change", what="more branches", date=YESTERDAY), "change change-1 of"),
    ],
    "6.1.3": [
        (
            "every control is out",
            stating(
                "soa", controls=[{"control": c, "applies": False, "reason": "no risk needs it"} for c in controls()]
            ),
            "is excluded, and by the register",
        ),
        (
            "accepted by a trainer",
            stating("treatment-plan", risks=[{**TREATED, "accepted_by": "ana"}]),
            "accepted by ana",
        ),
        ("older than the risks", published("soa", AGO_400), "changed on"),
        (
            "older than a system",
            lambda s: published("risk-register", AGO_400)(published("soa", AGO_400)(s)),
            "changed on",
        ),
    ],
    "6.2": [
        (
            "no value",
            stating("development-objectives", objectives=[{**GOAL, "limit": "as high as it gets"}]),
            "no value",
        ),
    ],
    "9.2": [
        ("held long ago", stating("audit-report", held="2015-01-01"), "before the cycle of audits began"),
        (
            "planned and not held",
            stating(
                "audit-programme",
                audits=[
                    *FIELDS["audit-programme"]["audits"],
                    {"id": "A2", "scope": "A.7", "planned": YESTERDAY, "auditors": "eva"},
                ],
            ),
            "has no report",
        ),
        ("by who approves", by("olga"), "olga, of its team, is to approve income-screening"),
        ("by who cannot", by("max"), "no evidence of competence in auditing"),
        ("of no audit of the programme", stating("audit-report", audit="A9"), "nobody knows its scope"),
        ("a finding is late", stating("audit-report", findings=[LATE]), "was due on 2019-01-01, and is open"),
    ],
    "9.3": [
        ("held long ago", stating("review-minutes", date="2015-01-01"), "the next was due on"),
        ("the next is overdue", stating("review-minutes", next=YESTERDAY), "the next was due on"),
        (
            "without top management",
            stating("review-minutes", top_management=["ana"], attendees=["ana"]),
            "nobody of top management was there",
        ),
        (
            "nothing was decided",
            stating("review-minutes", decisions=[{"decision": "noted", "owner": "olga", "due": YESTERDAY}]),
            "nothing was decided",
        ),
        ("its inputs are not there", stating("review-minutes", inputs="other"), "no document of inputs"),
    ],
    "10.2": [
        (
            "no cause",
            stating("nonconformity", nonconformities=[{"fact": "run missed", "cause": "human error"}]),
            "'human error' is no cause",
        ),
        (
            "retrained",
            stating(
                "corrective-action",
                actions=[
                    {"action": "name a deputy", "owner": "olga", "done": YESTERDAY, "cause": "the model was retrained"}
                ],
            ),
            "is no cause",
        ),
        (
            "an overdue action",
            stating("corrective-action", actions=[{"action": "name a deputy", "owner": "olga", "due": LONG_AGO}]),
            "is not done",
        ),
        (
            "the effect of nothing",
            stating("effectiveness-check", checks=[{**FIELDS["effectiveness-check"]["checks"][0], "action": "other"}]),
            "which is no corrective action",
        ),
    ],
    "A.2.4": [
        ("reviewed long ago", stating("policy-review", date="2015-01-01"), "the next review was due on"),
        ("the next is overdue", stating("policy-review", next=YESTERDAY), "the next review was due on"),
        ("a serious incident since", also("incident", **INCIDENT), "serious incident incident-1 came after"),
    ],
    "A.3.2": [
        ("a person left", peopled("ana", employed_until=LONG_AGO, employed_from=LONG_AGO), "ana left on"),
        ("a person whom nobody knows", peopled("ana"), "ana is in no register of people"),
        (
            "every duty ended",
            stating("role-assignment", assignments=[{**e, "until": LONG_AGO} for e in HELD]),
            "nobody is to train income-screening any more",
        ),
        (
            "two people for one duty",
            stating("role-assignment", assignments=[*HELD, {"duty": "approve", "person": "max"}]),
            "are each to answer for one duty",
        ),
    ],
    "A.10.3": [
        ("T1 terms only", read(kind="terms"), "only terms were read"),
        ("T1 another service", read(covers_service=None), "do not count"),
        ("T2 one of two was tested", supplied(component="second API"), "second API was not tested on the use of"),
        ("T2 another component", own_test(component="other"), "model API was not tested"),
        ("T3 another version in use", own_test(version_in_use="2027"), "2026-01 was tested, 2027 is in use"),
        ("T3 another version on record", supplied(version="2027"), "2026-01 was tested, 2027 is in use"),
        ("T4 public benchmark", own_test(data_digest="MMLU"), "not the system's own (MMLU)"),
        ("T4 few cases", own_test(n=1), "on 1 cases: a share of cases needs at least 30"),
        ("T4 no verdict", own_test(results=["looks good"]), "no result that has a verdict"),
        ("T5 for another service", read(covers_service=False), "is about another service"),
        ("T5 a certificate ended", read(expires=LONG_AGO), "ended on 2019-01-01"),
        ("T5 the supplier's own certificate", read(**SOC | {"issuer": "Vendor"}), "issued by the supplier itself"),
        ("T5 another's certificate", read(**SOC | {"entity": "Holding"}), "belongs to Holding"),
        ("T5 nobody accredited", read(**SOC | {"kind": "ISO 42001"}), "which body accredited its issuer"),
        ("T5 the contract ended", supplied(contract={"id": "C1", "end": LONG_AGO}), "contract C1 for model API ended"),
        ("T6 not pinned", supplied(pinned=False), "is not pinned to a version"),
        ("T7 nobody shares a duty", without("responsibility-matrix"), "no duty is assigned among the parties"),
        (
            "T7 two parties for one duty",
            stating("responsibility-matrix", duties=[{"duty": "uptime", "accountable": ["us", "them"]}]),
            "us and them are accountable",
        ),
        ("T8 an old test", own_test(date=LONG_AGO), "last tested by us on 2019-01-01"),
        ("T11 refused", own_test(decision="no"), "our test decided 'no'"),
        ("T11 may not be used", own_test(decision="it must not be used for letters"), "our test decided"),
        ("T11 failed", own_test(results=["accuracy 0.5, at least 0.8: failed"]), "under no conditions"),
        ("T11 misses its own limit", own_test(results=["12 of 40 letters, at least 36: passed"]), "12 of 40"),
    ],
    "A.10.2": [
        (
            "two parties for one duty",
            stating("responsibility-matrix", duties=[{"duty": "uptime", "accountable": ["us", "them"]}]),
            "us and them are accountable",
        ),
        ("the party changed", supplied(contract={"id": "C9", "start": YESTERDAY}), "before contract C9 began on"),
    ],
    "A.10.4": [
        (
            "a need in no requirement",
            stating("customer-needs", needs=[{"need": "fast", "requirement": "Q-nope"}]),
            "Q-nope is no requirement of",
        ),
    ],
}
# These are about a version, and not the organisation.
OF_A_VERSION = {
    "A.6.1.2": [
        (
            "no value",
            stating("development-objectives", objectives=[{**GOAL, "limit": "as high as it gets"}]),
            "no value",
        ),
        (
            "missed",
            stating("development-objectives", objectives=[{**GOAL, "limit": "0.99"}]),
            "is 0.95, the objective is",
        ),
        (
            "missed in words",
            stating("development-objectives", objectives=[{**GOAL, "limit": "at least 99%"}]),
            "is 0.95, the objective is",
        ),
        ("priorities changed", prioritised("privacy"), "privacy has high priority"),
    ],
    "A.6.2.5": [
        ("a version that is not there", stating("deployment-plan", rollback_to="version 99 (May)"), "was not there"),
        ("itself", stating("deployment-plan", rollback_to="models:/income-screening/2"), "the one that it releases"),
        ("a waiver ended", waived_until(YESTERDAY), "ended on"),
    ],
    "A.8.5": [
        (
            "a duty that nobody determined",
            stating("disclosure", disclosures=[{"duty": "a fire drill", "sent": YESTERDAY, "proof": "receipt"}]),
            "'a fire drill', which nobody determined",
        ),
        (
            "the law was not looked up",
            stating("disclosure-duties", duties=[{**DUTY, "checked_on": LONG_AGO}]),
            "AI Act",
        ),
    ],
    "A.9.2": [
        ("no promise", oversight(promised=None), "how many reviews were promised"),
        ("fewer than promised", oversight(reviewed=12), "12 of 400 promised reviews"),
        ("it stopped", oversight(end="2015-01-01"), "the last period of oversight ended on 2015-01-01"),
    ],
    "A.9.3": [
        (
            "missed",
            stating("use-objectives", objectives=[{**USE_GOAL, "target": "at least 10", "result": "3"}]),
            "the result '3'",
        ),
        (
            "not all",
            stating("use-objectives", objectives=[{**USE_GOAL, "result": "12 of 400"}]),
            "the result '12 of 400'",
        ),
        (
            "looked at long ago",
            stating("use-objectives", objectives=[{**USE_GOAL, "reviewed": LONG_AGO}]),
            "within a year",
        ),
        ("no value", stating("use-objectives", objectives=[{**USE_GOAL, "target": "as good as it gets"}]), "no value"),
        ("priorities changed", prioritised("privacy"), "privacy has high priority"),
    ],
}
BY_SCOPE = [("model", {**CASES, **OF_A_VERSION}), ("organization", CASES)]


@pytest.fixture(scope="module")
def subject():
    return good()


ALL = [(scope, row, *case) for scope, rows in BY_SCOPE for row, cases in rows.items() for case in cases]


@pytest.mark.parametrize(("scope", "row", "name", "change", "word"), ALL, ids=[f"{s}: {r}: {n}" for s, r, n, *_ in ALL])
def test_what_a_document_states_can_speak_against_its_control(scope, row, name, change, word, subject):
    whole = dataclasses.replace(subject, scope=scope)
    assert control_status(row, whole, NOW).state in ("met", "met with warnings"), row
    status = control_status(row, change(whole), NOW)
    assert status.state in ("failed", "stale", "missing"), name
    assert word in status.reason, status.reason


def test_an_objective_may_be_missed_where_a_risk_says_what_is_done(subject):
    missed = stating("development-objectives", objectives=[{**GOAL, "limit": "0.99"}])(subject)
    treated = stating("risk-register", risks=[{**RISK, "objective": "Fairness"}])
    assert control_status("A.6.1.2", missed, NOW).state == "failed"
    assert control_status("A.6.1.2", treated(missed), NOW).state == "met"


def test_a_test_that_missed_a_limit_may_stand_under_conditions(subject):
    known = own_test(results=["accuracy 0.5, at least 0.8: failed"], conditions=["a clerk reads each draft"])
    assert control_status("A.10.3", known(subject), NOW).state == "met"


def test_without_the_register_nobody_knows_which_data_are_the_systems_own(subject):
    assert set(ENTRIES) == {"system", "people"}
    assert control_status("A.10.3", without("system")(subject), NOW).state == "missing"


def test_a_document_that_does_not_fit_its_form_meets_nothing(subject):
    status = control_status("A.10.3", supplied(pinned="perhaps")(subject), NOW)
    assert (status.state, "do not fit the form" in status.reason) == ("missing", True)

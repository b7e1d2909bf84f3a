"""An acceptance that ended, two documents for one purpose, the day of a cut-off, and the control that is printed."""

import dataclasses

import pytest

from aims_mlflow.cli.system import print_findings
from aims_mlflow.management.findings.every import findings
from aims_mlflow.management.findings.rules import ManagementFinding
from support.good_documents import FIELDS
from support.management_states import NOW, SYSTEM, document, good, review_inputs, risk, risks

WATCH = {"system": SYSTEM, "every_days": 30, "least_rows": 100, "metrics": [{"metric": "drift", "limit": "0.9"}]}
PERSON = {"people": [{"id": "ana", "function": "clerk"}]}


def found(rule, state):
    return [(f.about, f.fact, f.fix) for f in findings(state, NOW) if f.rule == rule]


@pytest.mark.parametrize(("until", "status", "ended"), [
    ("2026-06-14", "accepted", True), ("2026-06-15", "accepted", False), ("2026-01-31", "closed", False),
])  # fmt: skip
def test_what_was_accepted_until_a_day_is_accepted_by_nobody_after_it(until, status, ended):
    facts = [fact for _, fact, _ in found("P7", good(risks=risks(risk(status=status, accepted_until=until))))]
    said = "what is left of risk R1 was accepted by max until 2026-06-14, and is accepted by nobody since"
    assert facts == ([said] if ended else [])


@pytest.mark.parametrize(("kind", "fields", "twice"), [
    ("monitoring-plan", {**WATCH, "model": "income@champion"}, True),
    ("monitoring-plan", {**WATCH, "model": "income@shadow"}, False),
    ("incident-communication-plan", {"system": SYSTEM, "audiences": [{"audience": "authority", "within": "9 days"}]}, True),
    ("context", FIELDS["context"], True),
    ("use-process", {"process": "nobody decides", "oversight": "none"}, True),
    ("use-process", {"process": "nobody decides", "oversight": "none", "system": SYSTEM}, False),
    ("people", PERSON, True),
    ("people", {"people": [{"id": "tom", "function": "clerk"}]}, False),
])  # fmt: skip
def test_of_two_documents_for_one_purpose_nobody_can_say_which_one_holds(kind, fields, twice):
    about = [a for a, _, _ in found("W5", good(more=document(kind, **{**fields, "id": "more"})))]
    assert bool(about) == twice
    assert all(a.startswith(f"{kind}/") and "more" in a for a in about)


def test_which_of_two_documents_is_withdrawn_nobody_decides_by_the_order_of_files():
    (_, _, fix), = found("W5", good(more=document("context", **{**FIELDS["context"], "id": "more"})))  # fmt: skip
    assert fix.endswith("aims document withdraw ID, where ID is one of context, more")


def incident(day):
    return document("incident", id="N1", system=SYSTEM, detected_on=day, detected="a call")


@pytest.mark.parametrize(("day", "left_out"), [("2026-06-13", True), ("2026-06-14", False), ("2026-06-15", False)])
def test_what_comes_on_the_day_of_the_cut_off_belongs_to_the_next_review(day, left_out):
    """`document new` cuts off at the first moment of the day: what is detected during it cannot be among the inputs."""
    facts = [fact for _, fact, _ in found("M1", good(inputs=review_inputs(), happened=incident(day)))]
    assert any("incident N1" in fact for fact in facts) == left_out
    later = review_inputs(id="later", cutoff="2026-06-15T12:00:00Z")
    facts = [fact for _, fact, _ in found("M1", good(inputs=review_inputs(), later=later, happened=incident(day)))]
    assert any(fact.startswith("the inputs later") and "incident N1" in fact for fact in facts) == (day == "2026-06-14")


def test_the_control_that_is_printed_is_the_one_of_the_finding(capsys):
    """On the terminal a finding of lint counted against the control of its rule, and in JSON against its own."""
    one = ManagementFinding(
        "X8", "risks/1", "risk R1 is accepted by its own owner", "let another accept it", against="6.1.2"
    )
    print_findings([one])
    assert capsys.readouterr().out.startswith("X8 major 6.1.2: risk R1")
    assert dataclasses.replace(one, against=None).control == "6.1.3"

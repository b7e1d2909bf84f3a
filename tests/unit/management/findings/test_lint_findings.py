"""What lint alone finds is a finding about published documents, and nothing is reported twice."""

import pytest

from aims_mlflow.management.findings.every import findings
from aims_mlflow.management.findings.rules import LINT_RULES, RULES
from aims_mlflow.management.rules import rules
from support import management_states as states
from support.live_states import assessed, with_texts
from support.management_states import NOW, SYSTEM, document, good, risk, risks

# A document that cannot be read, or whose id another one has, cannot be published.
NEVER_PUBLISHED = {"D0", "D1"}


def found(state):
    return [f for f in findings(state, NOW) if f.rule in LINT_RULES]


def test_each_error_of_lint_is_a_finding_or_is_reported_by_one():
    errors = [r for r in rules().values() if r.severity == "error"]
    assert {r.id for r in errors if not r.told_by and r.finding is None} == NEVER_PUBLISHED
    for rule in rules().values():
        beside = rule.finding.beside if rule.finding else ()
        assert set(rule.told_by) | set(beside) <= set(RULES) - set(rules()) | {"*"}
        assert not (rule.told_by and rule.finding)


def test_a_good_state_has_none():
    assert found(good()) == found(with_texts(good(), assessed())) == []


@pytest.mark.parametrize(
    ("state", "rule", "document", "control", "word"),
    [
        (with_texts(good(), assessed().replace("{impact: I1,", "{impact: I2,")), "X14", "aiia", "A.5.3",
         "nothing is done about the harm I1"),
        (good(risks=risks(risk(status="accepted", owner="max"))), "X8", "risk-register", "6.1.2",
         "risk R1 is accepted by its own owner"),
        (good(told=document("disclosure", system=SYSTEM, disclosures=[{"duty": "incidents", "sent": "2099-01-31",
         "proof": "receipt"}])), "G8", "disclosure", "A.8.5", "2099-01-31 is in the future"),
    ],
)  # fmt: skip
def test_an_error_of_lint_is_a_finding(state, rule, document, control, word):
    (one,) = (f for f in found(state) if f.rule == rule)
    assert (one.control, one.evidence) == (control, (document,))
    assert word in one.fact
    assert f"aims document publish {document}" in one.fix


def test_what_a_rule_of_findings_reports_is_not_reported_again():
    generic = assessed().replace("sex=Female", "sex=Unicorn")
    state = with_texts(good(), generic)
    assert {f.rule for f in findings(state, NOW)} & {"G5", "G3A"} == set()
    measured = assessed().replace("{impact: I1,", "{impact: I1, done: 2026-06-01,")
    assert [f.rule for f in findings(with_texts(good(), measured), NOW) if f.rule in ("F7", "X14")] == ["F7"]


SUPPLIED = {"id": "C1", "start": "2026-02-01", "end": "2026-01-10"}
TWO_FACTS = [
    (good(supplier=states.supplier(contract=SUPPLIED)), "T5", "is before start 2026-02-01"),
    (
        good(watched=states.oversight(begin="2026-06-01", end="2026-05-31", reviewed=500)),
        "O1",
        "is before begin 2026-06-01",
    ),
    (
        good(risks=risks(risk(status="closed", treated_on="2099-01-01", closed_by=["r1"]))),
        "R2",
        "2099-01-01 is in the future",
    ),
]


@pytest.mark.parametrize(("state", "beside", "word"), TWO_FACTS, ids=[b for _, b, _ in TWO_FACTS])
def test_another_fact_about_the_same_entry_or_day_does_not_hide_a_day_that_cannot_be(state, beside, word):
    """The contract that ended, the reviews that cannot be and the early test were told, and the wrong day was not."""
    facts = [(f.rule, f.fact) for f in findings(state, NOW) if f.rule in ("G8", beside)]
    assert {rule for rule, _ in facts} == {"G8", beside}
    assert any(word in fact for rule, fact in facts if rule == "G8")


def test_an_open_treatment_does_not_hide_that_the_owner_accepted_the_risk():
    mine = risk(status="accepted", owner="max", treatment="reduce", controls=[], findings=[])
    assert {"R1", "X8"} <= {f.rule for f in findings(good(risks=risks(mine), **{"treatment-plan": None}), NOW)}

"""Days and intervals by which nobody looks again, numbers in words, and what a statement says that is not there."""

import dataclasses

import pytest

from aims_mlflow.gates.document_content.stated_results import names_value
from aims_mlflow.management.findings.every import findings
from support import live_states
from support.management_states import NOW, SYSTEM, document, good, risk, risks, soa, system

WATCH = {"system": SYSTEM, "model": "income@champion", "least_rows": 1, "who_acts": "olga",
         "metrics": [{"metric": "drift", "limit": "0.1"}]}  # fmt: skip


def found(rule, **changes):
    return [(f.about, f.fact) for f in findings(good(**changes), NOW) if f.rule == rule]


FAR = [
    ({"system": system(next_review="2036-01-01")}, "next_review 2036-01-01 is more than"),
    ({"soa": soa("A.9.3", review="2090-01-01")}, "2090-01-01 is more than"),
    ({"risks": risks(risk(due="2036-01-01"))}, "2036-01-01 is more than"),
    ({"watch": document("monitoring-plan", **WATCH, every_days=0, within_hours=24)}, "every_days is 0"),
    ({"watch": document("monitoring-plan", **WATCH, every_days=30, within_hours=99_999)}, "within_hours is 99,999"),
    ({"more": document("risk-register", risks=[], effective_from="2026-01-01")}, None),
    ({"watch": document("monitoring-plan", **WATCH, every_days=365, within_hours=72)}, None),
    ({"system": system(next_review="2029-01-01")}, None),
]


@pytest.mark.parametrize(("changes", "what"), FAR, ids=range(len(FAR)))
def test_a_day_or_an_interval_by_which_nobody_looks_again(changes, what):
    facts = [fact for about, fact in found("W3", **changes) if about.endswith("/far")]
    assert len(facts) == bool(what)
    assert all(str(what) in fact for fact in facts)


@pytest.mark.parametrize(("limit", "named"), [
    ("at least ten", True), ("at least thirty-six of forty", True), ("a third of the rows", True), ("at most one", True),
    ("no worse than the one before", True), ("as good as the one before", False), ("as good as possible", False),
])  # fmt: skip
def test_a_number_in_words_is_a_value(limit, named):
    assert names_value(limit) == named


LEFT = [
    (["R9 at level low, accepted by max"], "names R9, which no risk register has"),
    (["R1 at level high, accepted by max"], "has R1 at level high, and its register at medium"),
    (["R1 to R2 at level low"], "names R2, which no risk register has"),
    (["R1 is at level medium"], None),
    (["R1 at medium, after the test of 604baed7d29503ed4a9f6b44d4ad02cc89431129178e235467f7fa9d8958368f"], None),
]


@pytest.mark.parametrize(("stated", "what"), LEFT, ids=[s[0] for s, _ in LEFT])
def test_what_the_statement_has_left_is_what_the_registers_have(stated, what):
    facts = [fact for about, fact in found("P9", soa=soa(residual_risks=stated)) if about.endswith("residual_risks")]
    assert len(facts) == bool(what)
    assert all(str(what) in fact for fact in facts)


def test_a_control_is_implemented_by_no_record_that_no_version_in_use_has():
    version = live_states.version()
    bare = dataclasses.replace(version, records=tuple(r for r in version.records if r.evidence.kind != "monitor-run"))
    statement = soa("A.6.2.6", implemented="monitor-run each month")

    def facts(deployed):
        state = dataclasses.replace(good(soa=statement), deployed=deployed)
        return [f.fact for f in findings(state, NOW) if f.rule == "P9"]

    assert facts((version,)) == []
    assert facts((bare,)) == [
        "A.6.2.6 is said to be implemented by monitor-run, and there is no such record of a version in use"
    ]
    assert facts(None) == [], "where no ledger was read, nobody knows"

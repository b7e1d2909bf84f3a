"""An id names one entry of its list; two registers may each have a risk of one id, and neither is lost."""

import pytest

from aims_mlflow.management.findings.every import findings
from aims_mlflow.management.promised_days import promised_days
from aims_mlflow.management.rules.entry_ids import repeated_entries
from support.good_documents import FIELDS
from support.management_states import NOW, SYSTEM, document, good, risk, risks

PLAN = FIELDS["treatment-plan"]["risks"][0]
OTHER = {"system": "other", "cause_evidence": []}


def named(state):
    return [f"{f.rule} {f.about}" for f in findings(state, NOW)]


def repeated(kind, **fields):
    return [(".".join(map(str, at)), first) for at, _, first in repeated_entries(document(kind, **fields))]


TWICE = [
    ("risk-register", {"risks": [risk(), risk(id="R2"), risk(id="r1")]}, "risks.2"),
    ("people", {"people": [{"id": p, "function": "staff"} for p in ("ana", "rita", "Ana ")]}, "people.2"),
    ("audit-programme", {"audits": [{"id": "A1", "planned": f"2026-0{n}-01"} for n in (1, 2)]}, "audits.1"),
    ("preparation-criteria", {"system": SYSTEM, "criteria": [{"step": "clean", "most_rows_lost": n} for n in ("1%", "100%")]},
     "criteria.1"),
    ("monitoring-plan", {"system": SYSTEM, "metrics": [{"metric": "drift", "limit": n} for n in ("0.1", "0.9")]}, "metrics.1"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "fields", "place"), TWICE)
def test_a_second_entry_of_one_id_is_found(kind, fields, place):
    first = 0
    assert repeated(kind, **fields) == [(place, first)]


def test_the_finding_names_both_entries():
    found = [
        f
        for f in findings(good(risks=risks(risk(), risk(event="men wait longer for a score"))), NOW)
        if f.rule == "D11"
    ]
    assert [f.fact for f in found] == ["risk-register risk-register: R1 is entry 1 and entry 2 of risks"]
    assert found[0].evidence == ("risk-register",)


def test_what_is_listed_twice_and_named_once_is_no_repetition():
    """One server in two stages, a lower and an upper limit of one metric, and entries without an id."""
    server = {"resource": "compute", "id": "server"}
    assert not repeated(
        "resource-inventory", system=SYSTEM, resources=[{**server, "stage": s} for s in ("development", "operation")]
    )
    limits = [{"metric": "rate", "limit": limit} for limit in ("at least 0.8", "at most 1.25")]
    limits.append({"metric": "rate", "slice": {"sex": "f"}, "limit": "at least 0.8"})
    assert not repeated("monitoring-plan", system=SYSTEM, metrics=limits)
    assert not repeated("corrective-action", actions=[{"action": f"check {what}"} for what in ("names", "names")])


def test_the_treatment_of_a_risk_is_due_though_another_register_closed_a_risk_of_the_same_id():
    """A lookup by the id alone kept the last one: the treatment of the first was due on no day."""
    late = {**PLAN, "due": "2026-01-01"}
    closed = risks(risk(system="other", status="closed", treated_on="2026-02-01"), id="second")
    plan = document("treatment-plan", risks=[late])
    state = good(second=closed, **{"treatment-plan": plan})
    assert "R1 treatment-plan/R1" in named(state)
    promised = {(d.document, d.what) for d in promised_days(state, state.documents, {}, "2026-06-15")}
    assert ("risk-register", "treatment of risk R1") in promised
    assert ("second", "treatment of risk R1") not in promised
    assert any(name == "treatment-plan" for name, _ in promised)


def test_a_plan_of_one_system_treats_the_risk_of_this_system():
    other = risks(risk(system="other", due="2026-12-01"), id="second")
    plan = document("treatment-plan", system=SYSTEM, risks=[PLAN])
    found = named(good(second=other, **{"treatment-plan": plan}))
    assert "R1 plan/second/R1" in found
    assert "R1 plan/risk-register/R1" not in found


def test_an_action_is_done_once_every_action_of_its_id_is():
    done = document("corrective-action", id="later", actions=[
        {"id": "K1", "action": "read again", "owner": "olga", "due": "2026-05-01", "done": "2026-04-01"}
    ])  # fmt: skip
    decided = document(
        "review-minutes", decisions=[{"decision": "check names", "owner": "olga", "due": "2026-12-01", "action": "K1"}]
    )
    state = good(later=done, minutes=decided)
    assert any(d.document == "review-minutes" for d in promised_days(state, state.documents, {}, "2026-06-15"))

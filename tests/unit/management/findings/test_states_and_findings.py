"""Findings that ask what control states ask, and what they cost where there is much to read."""

import time

import pytest

from aims_mlflow.gates.document_content.oversight import PROMISE, stopped
from aims_mlflow.management.findings.every import findings
from aims_mlflow.management.findings.state import ManagementState
from support import management_states as states
from support.good_documents import FIELDS
from support.management_states import NOW, SYSTEM, document, good, oversight, risk, risks, system

INCIDENT = {
    "detected": "a call", "serious": "no", "serious_reason": "nobody was refused", "harm": {"kind": "delay"},
    "root_cause": {"cause": "a column was renamed"}, "status": "open", "actions": ["K1"], "risks": ["R1"],
}  # fmt: skip


def incident(**changes):
    return document("incident", **{"id": "N1", "system": SYSTEM, **INCIDENT, **changes})


def found(state, *rules):
    return [f for f in findings(state, NOW) if f.rule in rules]


def test_a_serious_incident_without_its_day_of_detection_makes_the_policy_due():
    """The control state of A.2.4 counts from the day on which the organisation knew of it, too."""
    review = document("policy-review", **{**FIELDS["policy-review"], "id": "looked", "date": "2026-05-01"})
    happened = incident(serious="other serious harm", aware_on="2026-05-20")
    (one,) = [f for f in found(good(review=review, incident=happened), "K5") if f.about == "looked/N1"]
    assert one.evidence == ("looked", "N1")
    assert "serious incident N1 of 2026-05-20 came after" in one.fact


@pytest.mark.parametrize(("stage", "wanted"), [("operation", ["O1"]), ("retirement", [])])
def test_oversight_goes_on_as_long_as_a_system_is_in_use(stage, wanted):
    old = oversight(begin="2023-01-01", end="2023-06-01")
    state = good(watch_over=old, system=system(stage=stage))
    assert [f.rule for f in found(state, "O1") if f.about.endswith("/since")] == wanted
    assert bool(stopped(old, state, "2026-06-15")) is bool(wanted)


def test_levels_are_those_of_the_matrix_in_any_case():
    assert found(good(risks=risks(risk(likelihood="Likely", impact="HIGH", level="Medium"))), "R4") == []


def test_an_incident_of_a_system_whose_model_is_kept_elsewhere_is_closed_by_an_own_test():
    def closed(name):
        return incident(system="letters", status="closed", closed_by=[name], contained_on="2026-01-05")

    test = states.own_test().model_copy(update={"system": "letters", "id": "tried"})
    elsewhere = {"letters": system(id="letters", system="letters", models=[], components=[]), "tried": test}
    (one,) = found(good(incident=closed("nothing"), **elsewhere), "L4")
    assert "it is closed, and nothing leads to no record about a version of it that is in use" in one.fact
    (other,) = found(good(incident=closed("tried"), **elsewhere), "L4")
    assert "it is closed, and" not in other.fact.replace("it is closed, and K1 is not done", "")
    assert "it is closed by" not in other.fact


def test_an_incident_after_the_risks_were_assessed_is_a_finding_as_it_makes_their_state_stale():
    def since(day, **changes):
        state = good(risks=risks(risk(), effective_from=day), incident=incident(detected_on="2026-05-02", **changes))
        return [f for f in found(state, "R4") if f.about == "risk-register/since"]

    (one,) = since("2026-04-01")
    assert (one.evidence, one.control) == (("risk-register", "N1"), "6.1.2")
    assert "incident N1 of 2026-05-02 came after the risks of income-screening were assessed" in one.fact
    assert since("2026-05-10") == since("2026-04-01", risks_reviewed="2026-05-11") == []


def test_many_ids_are_looked_up_in_a_moment():
    ids = [f"{number:08x}-aaaa" for number in range(20_000)]
    state = ManagementState(signers=dict.fromkeys(ids, frozenset()))
    began = time.process_time()
    assert all(state.has_record(name) for name in [*ids[::50], *(f"{name[:9]}…" for name in ids[::50])])
    assert not any(state.has_record(name) for name in ("00000", "ffffffff-", ""))
    assert time.process_time() - began < 1


def test_a_long_text_about_reviews_is_read_in_a_moment():
    began = time.process_time()
    assert not list(PROMISE.finditer("review " * 2_800))
    assert time.process_time() - began < 0.2

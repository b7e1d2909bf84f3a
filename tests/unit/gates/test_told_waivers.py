"""A waiver on which the gate let bytes in stands beside the state, also where something of the control is missing."""

import dataclasses
from datetime import timedelta

import pytest

from aims_mlflow.gates.combined_status import WORST_FIRST
from aims_mlflow.gates.control_status import control_status
from aims_mlflow.gates.status_subject import RegisterEvent
from aims_mlflow.pages.views.states import WORST
from aims_mlflow.records.base import utc_text
from aims_mlflow.records.decision import Unmet, WaivedBy
from aims_mlflow.records.evidence import Claim
from support.status_cases import NOW, good

UNTIL = utc_text((NOW + timedelta(days=3)).replace(hour=0, minute=0, second=0, microsecond=0))
LACKING = Unmet(control="A.5.3", kind="impact-assessment", text="it does not state how likely", condition="missing")


def waived(subject, control="A.5.3"):
    """Return the subject with a decision that rests on a waiver of a control."""
    unmet = LACKING.model_copy(update={"control": control})
    waiver = WaivedBy(unmet=unmet, waiver="w1", owner="rosa", reason="a pilot", expires=UNTIL)
    return dataclasses.replace(subject, decisions=(subject.decisions[0].model_copy(update={"waived": (waiver,)}),))


@pytest.fixture
def bare():
    subject = good()
    left = tuple(d for d in subject.documents if d.kind != "impact-assessment")
    return dataclasses.replace(subject, documents=left)


def test_what_is_missing_stays_missing_and_names_the_waiver_and_its_last_day(bare):
    assert control_status("A.5.3", bare, NOW).state == "missing"
    found = control_status("A.5.3", waived(bare), NOW)
    assert found.state == "missing"
    day = f"{NOW + timedelta(days=2):%Y-%m-%d}"
    assert found.reason.endswith(f"the gate let these bytes in all the same: waived by rosa until and including {day}: "
                                 "a pilot")  # fmt: skip
    assert (found.next_change, found.next_time) == ("waiver by rosa", UNTIL), "what is told of it ends"


def test_a_waiver_that_ended_or_is_of_another_control_or_is_not_needed_any_more_is_not_told(bare):
    for subject, at in (
        (waived(bare), NOW + timedelta(days=4)),
        (waived(bare, "A.6.2.4"), NOW),
        (waived(good()), NOW),
    ):
        assert "all the same" not in control_status("A.5.3", subject, at).reason


LOW = Claim(metric="balanced_accuracy", value="0.5", n=9769, comparator=">=", limit="0.55", passed=False)


def low(parts):
    parts["performance"][1]["claims"] = [LOW]


@pytest.mark.parametrize("beside", ["stale", "missing"])
def test_a_failure_that_is_waived_stays_a_failure_beside_what_is_stale_or_missing(beside):
    """The state was `stale`: the pages lost the failure, and the filter *failed and waived* did not find it."""
    bad = good(low)
    left = tuple(d for d in bad.documents if beside != "missing" or d.kind != "validation-report")
    event = RegisterEvent(("A.6.2.4",), utc_text(NOW + timedelta(hours=1)), "an incident")
    bad = dataclasses.replace(bad, documents=left, events=(event,) if beside == "stale" else ())
    failure = control_status("A.6.2.4", bad, NOW)
    assert failure.state == "failed"
    items = [u for c in failure.conditions for u in c.verdict.unmet]
    told = tuple(WaivedBy(unmet=u, waiver="w1", owner="rosa", reason="a pilot", expires=UNTIL) for u in items)
    decided = (bad.decisions[0].model_copy(update={"waived": told}),)
    found = control_status("A.6.2.4", dataclasses.replace(bad, decisions=decided), NOW)
    assert found.state == "failed and waived"
    assert found.reason.startswith(items[0].text)
    assert f"waived by rosa until and including {NOW + timedelta(days=2):%Y-%m-%d}: a pilot; {beside}: " in found.reason


def test_every_place_ranks_a_waived_failure_right_after_a_failure():
    for order in (WORST, WORST_FIRST):
        assert order[:4] == ("unverifiable", "failed", "failed and waived", "stale")


def test_what_was_allowed_on_a_waiver_is_not_told_as_allowed_by_evidence():
    subject = waived(good(), "A.6.2.4")
    found = control_status("A.6.2.5", subject, NOW)
    (sentence,) = (c.verdict.sentence for c in found.conditions if c.condition.id == "allowed")
    assert sentence == f"allowed as champion on {NOW:%Y-%m-%d}, on a waiver"
    held = control_status("A.6.2.5", good(), NOW)
    assert any("by evidence" in c.verdict.sentence for c in held.conditions)

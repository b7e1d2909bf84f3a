"""A waiver on which the gate let bytes in stands beside the state, also where something of the control is missing."""

import dataclasses
from datetime import timedelta

import pytest

from aims_mlflow.gates.control_status import control_status
from aims_mlflow.records.base import utc_text
from aims_mlflow.records.decision import Unmet, WaivedBy
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
    assert found.next_time != UNTIL, "it is missing afterwards, too"


def test_a_waiver_that_ended_or_is_of_another_control_or_is_not_needed_any_more_is_not_told(bare):
    for subject, at in (
        (waived(bare), NOW + timedelta(days=4)),
        (waived(bare, "A.6.2.4"), NOW),
        (waived(good()), NOW),
    ):
        assert "all the same" not in control_status("A.5.3", subject, at).reason

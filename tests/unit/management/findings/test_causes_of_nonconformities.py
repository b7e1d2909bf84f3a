"""A cause can be removed, wherever it is written, and something is done about each nonconformity."""

import pytest

from aims_mlflow.gates.document_content.causes import is_no_cause
from aims_mlflow.management.findings.every import findings
from support.management_states import NOW, document, good

EMPTY = ["human error", "Human error by the operator.", "the model was retrained", "bad data", "a bug", "data drift"]


def found(state, *rules):
    return [f"{f.rule} {f.about}" for f in findings(state, NOW) if f.rule in rules]


def nonconformity(**changes):
    entry = {"id": "N1", "fact": "a run of the monitor was missed", "cause": "nobody stands in for olga", **changes}
    return document("nonconformity", nonconformities=[entry])


def action(**changes):
    entry = {"id": "K1", "action": "name a deputy", "owner": "olga", "done": "2026-06-01", **changes}
    return document("corrective-action", actions=[entry])


@pytest.mark.parametrize("cause", EMPTY)
def test_a_cause_that_leaves_everything_as_it_was_is_none(cause):
    assert is_no_cause(cause)
    state = good(bad=nonconformity(cause=cause), act=action(cause="N1: nobody stands in for olga"))
    assert found(state, "L5", "L6") == ["L5 nonconformity/nonconformities.0/cause"]
    (one,) = [f for f in findings(state, NOW) if f.rule == "L5"]
    assert (one.control, "does not name what has to be different" in one.fact) == ("10.2", True)
    assert found(good(act=action(cause=cause)), "L5", "L6") == ["L5 corrective-action/actions.0/cause"]


@pytest.mark.parametrize(
    "cause", ["a column was renamed upstream", "no deputy", "training data of 2019 lack part-time work"]
)
def test_a_cause_that_can_be_removed_is_one(cause):
    assert not is_no_cause(cause)
    assert found(good(act=action(cause=cause)), "L5") == []


def test_something_is_done_about_each_nonconformity():
    assert found(good(bad=nonconformity()), "L5", "L6") == ["L6 nonconformity/N1"]
    assert found(good(bad=nonconformity(), act=action(action="name who stands in for olga")), "L5", "L6") == []
    assert found(good(bad=nonconformity(), act=action(cause="N1")), "L5", "L6") == []
    assert found(good(bad=nonconformity(), act=action(cause="N10")), "L5", "L6") == ["L6 nonconformity/N1"]

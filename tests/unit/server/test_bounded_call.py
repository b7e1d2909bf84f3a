"""Calls that hang are given up, and do not pile up; what a call raises, and its context, are the caller's."""

import contextvars
import threading

import pytest

from aims_mlflow.errors import EvidenceError, Unreachable
from aims_mlflow.server.bounded_call import MAX_HANGING, BoundedCalls


def test_a_call_answers_in_its_callers_context():
    variable = contextvars.ContextVar("variable", default=0)
    variable.set(7)
    assert BoundedCalls("the store").make(10, variable.get) == 7


def test_what_a_call_raises_is_raised_where_it_was_made():
    def fail():
        raise EvidenceError("the model has no files")

    with pytest.raises(EvidenceError, match="no files"):
        BoundedCalls("the store").make(10, fail)


def test_calls_that_hang_are_given_up_and_further_ones_refused_at_once_until_they_end():
    calls, ends = BoundedCalls("the store"), threading.Event()
    for _ in range(MAX_HANGING):
        with pytest.raises(Unreachable, match="did not answer within"):
            calls.make(0.01, ends.wait)
    with pytest.raises(Unreachable, match=f"{MAX_HANGING} calls wait for it"):
        calls.make(60, lambda: 1)
    ends.set()
    for thread in threading.enumerate():
        if thread.name == "aims-store":
            thread.join(10)
    assert calls.make(10, lambda: 1) == 1

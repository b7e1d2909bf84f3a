"""Calls that hang are given up, and do not pile up; what a call raises, and its context, are the caller's."""

import contextlib
import contextvars
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from aims_mlflow.errors import EvidenceError, Unreachable
from aims_mlflow.server.bounded_call import MAX_HANGING, BoundedCalls
from support.faulty_gate import failing


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
    assert wait_for(lambda: calls.make(10, lambda: 1)) == 1


def test_calls_for_which_there_is_no_thread_are_refused_and_hang_nowhere(monkeypatch):
    """As under a limit of processes, or with the memory used up: `Thread.start` raises, and later works again."""
    calls = BoundedCalls("the store")
    with monkeypatch.context() as full:
        full.setattr(threading.Thread, "start", failing(RuntimeError("can't start new thread")))
        for _ in range(MAX_HANGING + 1):
            with pytest.raises(Unreachable, match="the store was not asked: the server gets no more threads"):
                calls.make(10, lambda: 1)
    assert calls.make(10, lambda: 1) == 1


def wait_for(call):
    """What a call returns once there is a thread for it."""
    for _ in range(1000):
        with contextlib.suppress(Unreachable):
            return call()
        time.sleep(0.01)
    return None


def test_calls_one_after_another_are_made_in_one_thread():
    calls = BoundedCalls("the store")
    threads = {calls.make(10, threading.current_thread) for _ in range(50)}
    assert len(threads) == 1
    assert threads.pop().daemon


def test_calls_at_once_have_a_thread_each_while_one_hangs():
    calls, ends, meet = BoundedCalls("the store"), threading.Event(), threading.Barrier(5, timeout=10)
    with pytest.raises(Unreachable):
        calls.make(0.01, ends.wait)
    with ThreadPoolExecutor(5) as pool:
        assert (
            len(set(pool.map(lambda _: calls.make(10, lambda: meet.wait() >= 0 and threading.get_ident()), range(5))))
            == 5
        )
    ends.set()

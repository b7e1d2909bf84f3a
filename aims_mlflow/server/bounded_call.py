"""Bounded calls of an artifact store: a disk or a network that hangs must not hold a model's lock, nor all threads."""

from __future__ import annotations

import contextvars
import queue
import threading
from typing import TYPE_CHECKING, Generic, TypeVar

from aims_mlflow.errors import Unreachable
from aims_mlflow.settings import WAIT_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable

Value = TypeVar("Value")
# Calls that hang at a time, in one worker: further ones are refused at once, so that threads do not pile up.
MAX_HANGING = 20


class BoundedCalls(Generic[Value]):
    """Makes calls in threads of its own, and waits for each a bounded time; the thread of a call that hangs stays.

    A thread whose call has ended takes the next one: to start one takes longer than most calls.
    """

    def __init__(self, what: str) -> None:
        """`what` is what is called, for the sentence."""
        self._what = what
        self._running = threading.BoundedSemaphore(MAX_HANGING)
        self._waiting: queue.SimpleQueue[_Call[Value]] = queue.SimpleQueue()
        self._free = threading.Semaphore(0)  # threads that wait for a call, and are promised to none

    def make(self, seconds: float, call: Callable[[], Value]) -> Value:
        """Return what `call` returns, and raise what it raises.

        Raises:
            Unreachable: it did not end in time, many others hang, or this process gets no more threads.
        """
        if not self._running.acquire(blocking=False):
            raise Unreachable(f"{self._what} does not answer ({MAX_HANGING} calls wait for it)", next="try again later")
        made = _Call(contextvars.copy_context(), call)
        if not self._free.acquire(blocking=False):
            self._start()
        self._waiting.put(made)
        if not made.ended.wait(seconds):
            raise Unreachable(
                f"{self._what} did not answer within {seconds:.0f} s",
                next=f"try again; the platform team looks at the store, or raises {WAIT_SECONDS}",
            )
        return made.value()

    def _start(self) -> None:
        try:
            threading.Thread(target=self._serve, name="aims-store", daemon=True).start()
        except (RuntimeError, MemoryError) as exc:
            self._running.release()  # else each such call would count as one that hangs, for good
            raise Unreachable(
                f"{self._what} was not asked: the server gets no more threads",
                next="try again later; the platform team looks at the server's memory and its limit of processes",
            ) from exc

    def _serve(self) -> None:
        """Make one call after another, until the process ends."""
        while True:
            made = self._waiting.get()
            made.run()
            self._running.release()
            self._free.release()
            made.ended.set()
            del made  # a model's evidence is not kept until the next call


class _Call(Generic[Value]):
    """One call, its value and its error."""

    def __init__(self, context: contextvars.Context, call: Callable[[], Value]) -> None:
        self._context, self._call = context, call
        self._values: list[Value] = []
        self._error: BaseException | None = None
        self.ended = threading.Event()

    def run(self) -> None:
        """Make the call."""
        try:
            self._values.append(self._context.run(self._call))
        except BaseException as exc:  # noqa: BLE001 - it is raised where the call was made
            self._error = exc

    def value(self) -> Value:
        """Return the value of a call that ended, or raise its error."""
        if self._error is not None:
            raise self._error
        return self._values[0]

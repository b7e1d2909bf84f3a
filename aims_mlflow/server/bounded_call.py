"""Bounded calls of an artifact store: a disk or a network that hangs must not hold a model's lock, nor all threads."""

from __future__ import annotations

import contextvars
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
    """Makes calls in threads of their own, and waits for each a bounded time; the thread of a call that hangs stays."""

    def __init__(self, what: str) -> None:
        """`what` is what is called, for the sentence."""
        self._what = what
        self._hanging = threading.BoundedSemaphore(MAX_HANGING)

    def make(self, seconds: float, call: Callable[[], Value]) -> Value:
        """Return what `call` returns, and raise what it raises.

        Raises:
            Unreachable: it did not end in time, or many others hang.
        """
        if not self._hanging.acquire(blocking=False):
            raise Unreachable(f"{self._what} does not answer ({MAX_HANGING} calls wait for it)", next="try again later")
        answer = _Answer(contextvars.copy_context(), call, self._hanging)
        answer.start()
        answer.join(seconds)
        if answer.is_alive():
            raise Unreachable(
                f"{self._what} did not answer within {seconds:.0f} s",
                next=f"try again; the platform team looks at the store, or raises {WAIT_SECONDS}",
            )
        return answer.value()


class _Answer(threading.Thread, Generic[Value]):
    """One call, its value and its error. It ends with the process."""

    def __init__(
        self, context: contextvars.Context, call: Callable[[], Value], running: threading.BoundedSemaphore
    ) -> None:
        super().__init__(name="aims-store", daemon=True)
        self._context, self._call, self._running = context, call, running
        self._values: list[Value] = []
        self._error: BaseException | None = None

    def run(self) -> None:
        try:
            self._values.append(self._context.run(self._call))
        except BaseException as exc:  # noqa: BLE001 - it is raised where the call was made
            self._error = exc
        finally:
            self._running.release()

    def value(self) -> Value:
        """Return the value of a call that ended, or raise its error."""
        if self._error is not None:
            raise self._error
        return self._values[0]

"""Waits for an MLflow server: bounded while a session works, and no longer than ten seconds without a word.

MLflow alone retries each call to a server that is gone for four minutes, in silence.
"""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from typing import TYPE_CHECKING

from aims_mlflow.errors import Unreachable
from aims_mlflow.settings import environment, value_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SPEAK_AFTER, SERVER_SECONDS = 10.0, 30.0
# MLflow's own settings; one that a person has set lower stays.
BOUNDS = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": 2, "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": 1}


class Patience:
    """How long the calls to MLflow wait, in one process.

    Attributes:
        lost: The error by which the server was found to be gone while waits are bounded: what follows fails at once.
    """

    def __init__(self) -> None:
        self.lost: Unreachable | None = None
        self._bounded = threading.local()

    def lose(self, error: Unreachable) -> None:
        """Let the calls that follow fail at once, where waits are bounded."""
        if getattr(self._bounded, "depth", 0):
            self.lost = error

    @contextlib.contextmanager
    def bounded(self) -> Iterator[None]:
        """Bound the retries of MLflow's calls."""
        low = {name: str(value) for name, value in BOUNDS.items() if not _is_lower(name, value)}
        self._bounded.depth = getattr(self._bounded, "depth", 0) + 1
        try:
            with environment(low):
                yield
        finally:
            self._bounded.depth -= 1
            if not self._bounded.depth:
                self.lost = None

    @contextlib.contextmanager
    def speaking(self, what: str) -> Iterator[None]:
        """Print a word where something takes longer than `SPEAK_AFTER` seconds."""
        timer = threading.Timer(SPEAK_AFTER, _say, [f"still waiting for {what}"])
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def wait_for(self, check: Callable[[], None]) -> None:
        """Wait up to `SERVER_SECONDS` until `check` finds the server, and say so.

        Raises:
            Unreachable: it is not back in time.
        """
        ends, said = time.monotonic() + SERVER_SECONDS, False
        while True:
            try:
                check()
            except Unreachable as exc:
                if time.monotonic() >= ends:
                    raise
                if not said:
                    _say(f"{exc.sentence()}. Waiting up to {SERVER_SECONDS:.0f} s for it")
                    said = True
                time.sleep(1)
            else:
                return


def _is_lower(name: str, value: int) -> bool:
    text = value_of(name) or ""
    return text.isdecimal() and int(text) <= value


def _say(text: str) -> None:
    with contextlib.suppress(OSError, ValueError, AttributeError):
        sys.stderr.write(f"aims: {text}\n")
        sys.stderr.flush()


patience = Patience()

"""Memory of one process: the open session, and the facts that its calls know of each other.

Nothing here outlives the process. The module imports nothing of the package, so that MLflow's run-context hook can
look into it.
"""

from __future__ import annotations

import sys
import threading
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from contextvars import Token

    from aims_mlflow.capture.lineage import Origin
    from aims_mlflow.capture.recorder import Recorder
    from aims_mlflow.capture.sweep import Sweep


class ProcessMemory:
    """The facts that the calls of one process know of each other.

    Attributes:
        origins: The data sets that decorated functions returned, oldest first.
        sweeps: The sweeps, by the run id of their parent.
        sentences: The sentences that are printed once and were printed.
        data_runs: The run for data evidence, by tracking URI.
    """

    def __init__(self) -> None:
        self.origins: list[Origin] = []
        self.sweeps: dict[str, Sweep] = {}
        self.sentences: set[str] = set()
        self.data_runs: dict[str, str] = {}

    def forget(self) -> None:
        """Empty the memory, as in a new process."""
        for part in (self.origins, self.sweeps, self.sentences, self.data_runs):
            part.clear()


memory = ProcessMemory()
_recorder: ContextVar[Recorder | None] = ContextVar("aims_session", default=None)
_open: list[_Opened] = []  # of all threads


@dataclass(frozen=True)
class _Opened:
    """An open session, and the thread and asyncio's task that opened it."""

    recorder: Recorder
    thread: int
    task: Any

    def is_of_another_task(self) -> bool:
        """Tell whether the code that runs belongs to another task than the session, both in one thread.

        A task that is done has left its session to whoever closes it, as a notebook's cell does.
        """
        is_here = self.thread == threading.get_ident()
        return is_here and self.task is not None and not self.task.done() and self.task is not _current_task()


def open_recorder() -> Recorder | None:
    """Return the recorder of the open training, or None."""
    return _recorder.get()


def current_recorder() -> Recorder | None:
    """Return the recorder of the open training, or None; a thread that a training starts has the only one there is."""
    recorder = _recorder.get()
    if recorder is None and len(_open) == 1 and not _open[0].is_of_another_task():
        return _open[0].recorder
    return recorder


def current_session_id() -> str | None:
    """Return the id of the open session, or None; see `current_recorder`."""
    recorder = current_recorder()
    return recorder.session_id if recorder is not None else None


def _current_task() -> Any:
    asyncio = sys.modules.get("asyncio")
    try:
        return asyncio.current_task() if asyncio is not None else None
    except RuntimeError:  # no loop runs in this thread
        return None


def open_session(recorder: Recorder) -> Token[Recorder | None]:
    """Make the session of `recorder` the open one; returns the token for `close_session`."""
    _open.append(_Opened(recorder, threading.get_ident(), _current_task()))
    return _recorder.set(recorder)


def close_session(token: Token[Recorder | None], recorder: Recorder) -> None:
    """Close the session of `recorder`, and make the session that was open before the open one again."""
    _open[:] = [opened for opened in _open if opened.recorder is not recorder]
    try:
        _recorder.reset(token)
    except ValueError:  # a notebook finishes in another context than it started in
        _recorder.set(None)

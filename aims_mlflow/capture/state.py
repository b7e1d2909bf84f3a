"""Memory of one process: the open session, and the facts that its calls know of each other.

Nothing here outlives the process. The module imports nothing, so that MLflow's run-context hook can look into it.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING

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
_open: list[Recorder] = []  # of all threads


def open_recorder() -> Recorder | None:
    """Return the recorder of the open training, or None."""
    return _recorder.get()


def current_session_id() -> str | None:
    """Return the id of the open session, or None; a thread that a training starts has the only one that is open."""
    recorder = _recorder.get() or (_open[0] if len(_open) == 1 else None)
    return recorder.session_id if recorder is not None else None


def open_session(recorder: Recorder) -> Token[Recorder | None]:
    """Make the session of `recorder` the open one; returns the token for `close_session`."""
    _open.append(recorder)
    return _recorder.set(recorder)


def close_session(token: Token[Recorder | None], recorder: Recorder) -> None:
    """Close the session of `recorder`, and make the session that was open before the open one again."""
    if recorder in _open:
        _open.remove(recorder)
    try:
        _recorder.reset(token)
    except ValueError:  # a notebook finishes in another context than it started in
        _recorder.set(None)

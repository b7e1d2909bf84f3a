"""What one process knows while it runs: the open session, and the data sets that it has seen made.

Nothing here outlives the process and nothing is imported, so that MLflow's run-context hook may look.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aims_mlflow.capture.lineage import Origin
    from aims_mlflow.capture.sweep import Sweep

_session: ContextVar[Any] = ContextVar("aims_session", default=None)
origins: list[Origin] = []
sweeps: dict[str, Sweep] = {}
said_once: set[str] = set()


def current_session() -> Any:
    """Return the open training, or None."""
    return _session.get()


def current_session_id() -> str | None:
    """Return the id of the open session, or None."""
    training = _session.get()
    return training.writer.id if training is not None and training.writer is not None else None


def open_session(training: Any) -> Any:
    """Make `training` the open one; returns the token for `close_session`."""
    return _session.set(training)


def close_session(token: Any) -> None:
    """Make the training that was open before the open one again."""
    try:
        _session.reset(token)
    except ValueError:  # a notebook finishes in another context than it started in
        _session.set(None)

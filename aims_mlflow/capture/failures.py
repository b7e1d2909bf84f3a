"""Exceptions as evidence describes them: type and place, but no message of a stranger, which may quote data."""

from __future__ import annotations

import traceback
from pathlib import Path

from aims_mlflow.errors import AimsError
from aims_mlflow.records.details.base import FailurePlace

PACKAGE = Path(__file__).parents[1]
MAX_REASON = 500  # characters


def failure_of(error: BaseException) -> FailurePlace:
    """Return the type of an exception and the place in the user's code, never its message."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames if PACKAGE not in Path(f.filename).parents] or frames
    where = f"{Path(own[-1].filename).name}:{own[-1].lineno} in {own[-1].name}" if own else "unknown"
    return FailurePlace(type=type(error).__name__, where=where)


def reason_of(error: Exception) -> str:
    """Return the sentence of one of our errors; of any other error its type and the line that raised it."""
    if isinstance(error, AimsError):
        return error.sentence()
    frames = traceback.extract_tb(error.__traceback__)
    where = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{where}; Python's logger 'aims_mlflow' has the whole error at the level DEBUG"


def short_reason(text: str) -> str:
    """Return a reason in at most `MAX_REASON` characters."""
    return text if len(text) <= MAX_REASON else text[: MAX_REASON - 3] + "..."

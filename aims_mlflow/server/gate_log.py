"""The gate's log: one line of JSON for each decision, refusal and failure.

A traceback is written once for each cause, and a cause that goes on writes at most `MAX_LINES` lines a minute.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cachetools import LRUCache

from aims_mlflow.records.base import utc_text
from aims_mlflow.server.caller import caller

if TYPE_CHECKING:
    from collections.abc import Hashable

PACKAGE = "aims_mlflow"
MAX_LINES, WINDOW_SECONDS = 10, 60.0
MAX_CAUSES = 1000
MAX_TEXT = 1000
MAX_CHAIN = 10
_log = logging.getLogger(__name__)


class Causes:
    """How often each cause of failures was logged lately. Safe to use from several threads."""

    def __init__(self) -> None:
        self._seen: LRUCache[Hashable, _Cause] = LRUCache(MAX_CAUSES)
        self._lock = threading.Lock()

    def note(self, cause: Hashable, number: str) -> tuple[str, bool, int | None]:
        """Count one failure; `number` identifies it.

        Returns (number of the line that tells of it: an earlier one if this gets none; whether it is the first of its
        cause; how many got no line since the last line, None where this one gets none).
        """
        now = time.monotonic()
        with self._lock:
            known = self._seen.get(cause)
            is_first = known is None
            if known is None:
                known = self._seen[cause] = _Cause(now)
            if now - known.since >= WINDOW_SECONDS:
                known.since, known.lines = now, 0
            if known.lines >= MAX_LINES:
                known.silent += 1
                return known.number, is_first, None
            silent, known.silent = known.silent, 0
            known.lines, known.number = known.lines + 1, number
        return number, is_first, silent

    def forget(self) -> None:
        """Forget all causes: the next failure of each is the first again."""
        with self._lock:
            self._seen.clear()


class _Cause:
    def __init__(self, since: float) -> None:
        self.since = since
        self.lines = self.silent = 0
        self.number = ""


causes_of_incidents = Causes()


def cause_of(exc: BaseException) -> Hashable:
    """Return what identifies a cause: the types of an error and of those before it, and where our code met it."""
    kinds: list[str] = []
    place: tuple[str, int | None] | None = None
    error: BaseException | None = exc
    while error is not None and len(kinds) < MAX_CHAIN:
        kinds.append(type(error).__qualname__)
        for frame in traceback.extract_tb(error.__traceback__):
            if PACKAGE in Path(frame.filename).parts:
                place = (frame.filename, frame.lineno)
        error = error.__cause__
    return (tuple(kinds), place)


def decided(result: str, request: str, reasons: str, **about: Any) -> None:
    """Log one decision: `allowed`, `waived`, `refused` or `would_refuse`."""
    what = f"{about.get('stage')} of {about.get('model')}"
    _log.info("aims: %s: %s", what, result, extra=_extra("decision", request=request, reason=reasons, **about))


def refused(text: str) -> None:
    """Log a request that was refused without a decision: a reserved name, a consent that does not verify."""
    _log.info("aims: refused", extra=_extra("refusal", reason=text))


def failed(number: str, what: str, exc: BaseException, causes: Causes = causes_of_incidents) -> str:
    """Log a failure inside the gate; return the number under which the log has it."""
    number, is_first, silent = causes.note((what, cause_of(exc)), number)
    if silent is not None:
        more: dict[str, Any] = {"without_a_line_before": silent} if silent else {}
        about = _extra("incident", incident=number, error=type(exc).__name__, reason=_last_line(exc), **more)
        text = "aims: incident %s during %s: %s"
        _log.error(text, number, what, _last_line(exc), exc_info=exc if is_first else None, extra=about)
    return number


def _last_line(exc: BaseException) -> str:
    return (str(exc).strip().splitlines() or [""])[0][:MAX_TEXT]


def _extra(event: str, **about: Any) -> dict[str, Any]:
    """Return the fields of a line, with the caller where there is one."""
    try:
        who, _ = caller()
        about |= {"login": who.login, "address": who.address}
    except Exception:  # noqa: BLE001 - a line without its caller is better than none
        about["login"] = "unknown"
    short = {k: v[:MAX_TEXT] if isinstance(v, str) else v for k, v in about.items() if v not in (None, "")}
    return {"aims": {"event": event, **short}}


class JsonLines(logging.Formatter):
    """Writes a log record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Return time, level, event and all fields; a traceback is one field."""
        line: dict[str, Any] = {"time": utc_text(), "level": record.levelname, "logger": record.name}
        line["message"] = record.getMessage()
        line |= getattr(record, "aims", {})
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


class BoundedLines(logging.Filter):
    """Lets other failures of this package through as rarely as incidents, each with one traceback."""

    def __init__(self, causes: Causes) -> None:
        super().__init__()
        self._causes = causes

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether a record is written; takes a traceback away that was written before."""
        if record.name == __name__ or record.levelno < logging.WARNING:
            return True
        error = record.exc_info[1] if record.exc_info else None
        cause = (record.pathname, record.lineno, cause_of(error) if error else None)
        _, is_first, silent = self._causes.note(cause, "")
        if silent is None:
            return False
        if not is_first:
            record.exc_info, record.exc_text = None, None
        return True


def write_lines() -> None:
    """Write this package's log to the server's error stream as JSON, unless someone has set a handler for it."""
    logger = logging.getLogger(PACKAGE)
    if logger.handlers:
        return
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    handler.addFilter(BoundedLines(Causes()))
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False

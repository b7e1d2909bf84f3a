"""What a risk rests on and no record or document has: a change that the gate decided about, or a trace in MLflow."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from aims_mlflow.errors import AimsError
from aims_mlflow.evidence import tracking
from aims_mlflow.evidence.traces import has_trace
from aims_mlflow.management.cited_records import TRACE

if TYPE_CHECKING:
    from collections.abc import Collection


class CitedElsewhere(NamedTuple):
    """The ids that are there, or could not be looked up, and what could not, with what is not judged because of it."""

    ids: frozenset[str] = frozenset()
    unread: tuple[str, ...] = ()


def cited_elsewhere(requests: Collection[str], wanted: Collection[str]) -> CitedElsewhere:
    """Return the wanted requests that the ledger has, and the wanted traces that the configured MLflow has."""
    found, unread = set(requests), []
    for name in sorted(n for n in wanted if TRACE.fullmatch(n)):
        why = None if tracking.is_configured() else "MLFLOW_TRACKING_URI names no MLflow that keeps it"
        try:
            if why is not None or has_trace(name):
                found.add(name)
        except AimsError as exc:
            found.add(name)
            why = exc.what
        if why is not None:
            unread.append(f"the trace {name} ({why}): whether it is there is not judged")
    return CitedElsewhere(frozenset(found), tuple(unread))

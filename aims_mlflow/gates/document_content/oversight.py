"""Whether people still watch over a system: oversight that stopped."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aims_mlflow.gates.document_content.document_set import DocumentSet
    from aims_mlflow.records.documents.information import OversightDocument

IN_USE = ("deployment", "operation")
YEAR = timedelta(days=365)


def stopped(document: OversightDocument, documents: DocumentSet, day: str) -> str | None:
    """Return the end of the last period of oversight, if that is over a year ago; None otherwise, or out of use."""
    entry = documents.systems.get(str(document.system))
    if entry is not None and entry.stage not in IN_USE:
        return None
    last = max((p.end for p in document.periods if p.end), default=None)
    return last if last and date.fromisoformat(last) + YEAR < date.fromisoformat(day) else None

"""Since when a document applies, in whichever version it began."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aims_mlflow.management.findings.state import ManagementState
    from aims_mlflow.records.documents.base import WrittenDocument

YEAR = 365


def begun(state: ManagementState, documents: Iterable[WrittenDocument]) -> tuple[str, str] | None:
    """Return (first day, id) of the document that began first; None where no day is stated."""
    shelf = state.published.shelf if state.published is not None else None
    days: list[tuple[str | None, str]] = []
    for document in documents:
        days.append((document.effective_from, document.id))
        if shelf is not None:
            days += [(p.statement.effective_from, document.id) for p in shelf.versions(document.id)]
    return min(((day, name) for day, name in days if day), default=None)


def year_after(day: str) -> str:
    """Return the day that is a year later, as YYYY-MM-DD."""
    return days_after(day, YEAR)


def days_after(day: str, days: int) -> str:
    """Return the day that is some days later, as YYYY-MM-DD."""
    return (date.fromisoformat(day) + timedelta(days=days)).isoformat()

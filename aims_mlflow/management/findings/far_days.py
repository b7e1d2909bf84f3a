"""Finding W3: days so far away, and intervals so long or so short, that nobody ever looks again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel

from aims_mlflow.field_address import field_text
from aims_mlflow.management.findings.rules import ManagementFinding
from aims_mlflow.records.documents.context import SystemEntry
from aims_mlflow.records.documents.impact import AssessmentReview, ImpactMeasure
from aims_mlflow.records.documents.improvement import ActionEntry, ReviewDecision, ReviewMinutesDocument
from aims_mlflow.records.documents.leadership import PolicyReviewDocument
from aims_mlflow.records.documents.risk import ControlStatement, RiskEntry, TreatedRisk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime, timedelta

    from aims_mlflow.records.documents.base import WrittenDocument

    Place = tuple[str | int, ...]

# The day of each entry by which somebody looks again, or has done something.
AGAIN: dict[type[BaseModel], str] = {
    SystemEntry: "next_review", PolicyReviewDocument: "next", ReviewMinutesDocument: "next", AssessmentReview: "next",
    ControlStatement: "review", RiskEntry: "due", TreatedRisk: "due", ImpactMeasure: "due", ActionEntry: "due",
    ReviewDecision: "due",
}  # fmt: skip
INTERVALS = ("every_days", "interval_days", "within_hours")
HOURS = 365 * 24  # the longest time for somebody to act on a breach


def far_days(document: WrittenDocument, longest: timedelta, now: datetime) -> Iterator[ManagementFinding]:
    """Yield W3 for the entries of a document whose day or interval is none within which somebody looks again."""
    latest = (now + longest).strftime("%Y-%m-%d")
    wrong = [*_far(document, (), latest, longest.days)]
    if wrong:
        more = f" ({len(wrong) - 1} more)" if len(wrong) > 1 else ""
        fact = f"{document.called}: {wrong[0]}{more}"
        fix = f"state a day before {latest}, or an interval until then, with its reason: "
        fix += f"aims document publish {document.id}"
        yield ManagementFinding("W3", f"{document.id}/far", fact, fix, document.system, (document.id,))


def _far(entry: BaseModel, at: Place, latest: str, longest: int) -> Iterator[str]:
    """Yield what is wrong with the days and intervals of an entry, and of the entries in it."""
    for field in type(entry).model_fields:
        value, place = getattr(entry, field), (*at, field)
        if field == AGAIN.get(type(entry)) and value and value > latest:
            yield f"{field_text(place)} {value} is more than {longest} days away"
        elif field in INTERVALS and value is not None:
            most = HOURS if field == "within_hours" else longest
            if value == 0 or value > most:
                yield f"{field_text(place)} is {value:,}, and has to be from 1 to {most:,}"
        for index, each in enumerate(value) if isinstance(value, tuple) else [(None, value)]:
            if isinstance(each, BaseModel):
                yield from _far(each, place if index is None else (*place, index), latest, longest)

"""Days on which something is due again: runs of monitors, measurements, objectives, assessments, answers to reports."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from aims_mlflow.records.documents.impact import (
    ImpactAssessmentDocument,
    ImpactProcessDocument,
    ReassessmentDocument,
)
from aims_mlflow.records.documents.improvement import MeasurementPlanDocument
from aims_mlflow.records.documents.information import (
    ReportChannelDocument,
    ReportLogDocument,
    UseObjectivesDocument,
)
from aims_mlflow.records.documents.lifecycle import DevelopmentObjectivesDocument, MonitoringPlanDocument
from aims_mlflow.records.documents.risk import RiskMethodDocument, RiskRegisterDocument

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aims_mlflow.gates.document_content.document_set import DocumentSet
    from aims_mlflow.records.documents.base import WrittenDocument

    Due = tuple[str, str, str, str, str]  # day, what is due, id of the document, who owes it, from what it counts

MOST = 53  # days of one plan: a week's for a year
YEAR = 365
PUBLISHED = "the day of publication"


def repeated_days(documents: DocumentSet, since: Mapping[str, str], today: str) -> Iterator[Due]:
    """Yield each day up to a year from today on which a document in force makes something due again.

    A document that does not state from when on it applies does so since its publication (`since`, by its id).

    What is measured again and again is told from today on: whether an earlier run was missed, its evidence tells. What
    is due once after a fixed time is told of the past too.
    """
    for plan in documents.of(MonitoringPlanDocument):
        whom, what = plan.who_acts or plan.owner, f"monitor run of {plan.model or plan.system}"
        begun, by = _begun(plan, since)
        days = _again(begun, plan.every_days, today)
        yield from ((day, what, plan.id, whom, f"{begun} ({by}), every {plan.every_days} days") for day in days)
    for measured in documents.of(MeasurementPlanDocument):
        for measure in measured.measures:
            begun, by = (measure.measured_on, "measured_on") if measure.measured_on else _begun(measured, since)
            what, whom = f"measurement of {measure.what}", measure.who_acts or measured.owner
            counted = f"{begun} ({by}), every {measure.every_days} days"
            days = _again(begun, measure.every_days, today)
            yield from ((day, what, measured.id, whom, counted) for day in days)
    for objectives in documents.of(DevelopmentObjectivesDocument):
        begun, by = _begun(objectives, since)
        for objective in objectives.objectives:
            what, whom = f"look at the objective {objective.objective}", objective.owner or objectives.owner
            counted = f"{begun} ({by}), every {objective.every_days} days"
            days = _again(begun, objective.every_days, today)
            yield from ((day, what, objectives.id, whom, counted) for day in days)
    yield from _once(documents)


def _begun(document: WrittenDocument, since: Mapping[str, str]) -> tuple[str | None, str]:
    """Return the day from which on a document applies, and what states it."""
    return (
        (document.effective_from, "effective_from") if document.effective_from else (since.get(document.id), PUBLISHED)
    )


def _again(since: str | None, every: int | None, today: str) -> Iterator[str]:
    """Yield the days that are a multiple of so many days after a day, from today on for a year."""
    if not since or not every:
        return
    begun, first = date.fromisoformat(since), date.fromisoformat(today)
    past = max((first - begun).days - 1, 0) // every  # periods that ended before today
    for number in range(past + 1, past + 1 + MOST):
        day = begun + timedelta(days=number * every)
        if day > first + timedelta(days=YEAR):
            return
        if day >= first:
            yield day.isoformat()


def _once(documents: DocumentSet) -> Iterator[Due]:
    """Yield what is due a fixed time after a day that a document states."""
    intervals = [m.interval_days for m in documents.of(RiskMethodDocument) if m.interval_days]
    for register in documents.of(RiskRegisterDocument) if intervals else ():
        if register.effective_from:
            day, by = _after(register.effective_from, "effective_from", min(intervals))
            yield day, "assessment of the risks again, by the risk method", register.id, register.owner, by
    intervals = [p.interval_days for p in documents.of(ImpactProcessDocument) if p.interval_days]
    for assessment in documents.of(ImpactAssessmentDocument) if intervals else ():
        again = [r.impact for r in documents.about(ReassessmentDocument, str(assessment.system)) if r.impact]
        made = max([*again, assessment.effective_from or ""])
        if made:
            day, by = _after(made, "impact of a reassessment" if again else "effective_from", min(intervals))
            yield day, "assessment of the impacts again, by the impact process", assessment.id, assessment.owner, by
    for used in documents.of(UseObjectivesDocument):
        for objective in used.objectives:
            if objective.reviewed:
                day, by = _after(objective.reviewed, "reviewed", YEAR)
                yield day, f"look at the objective {objective.objective}", used.id, used.owner, by
    for log in documents.of(ReportLogDocument):
        channels = [c for c in documents.about(ReportChannelDocument, str(log.system)) if c.target_days is not None]
        for report in log.reports if channels else ():
            if report.received and not report.answered:
                channel = min(channels, key=lambda c: c.target_days or 0)
                day, by = _after(report.received, "received", channel.target_days or 0)
                yield day, f"answer to report {report.id}", log.id, channel.who_reads or log.owner, by


def _after(day: str, field: str, days: int) -> tuple[str, str]:
    """Return the day so many days after the day of a field, and from what it was counted."""
    return (date.fromisoformat(day) + timedelta(days=days)).isoformat(), f"{day} ({field}), {days} days after"

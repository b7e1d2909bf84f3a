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

    Due = tuple[str, str, str, str]  # day, what is due, id of the document, and who owes it

MOST = 53  # days of one plan: a week's for a year
YEAR = 365


def repeated_days(documents: DocumentSet, since: Mapping[str, str], today: str) -> Iterator[Due]:
    """Yield each day up to a year from today on which a document in force makes something due again.

    A document that does not state from when on it applies does so since its publication (`since`, by its id).

    What is measured again and again is told from today on: whether an earlier run was missed, its evidence tells. What
    is due once after a fixed time is told of the past too.
    """
    for plan in documents.of(MonitoringPlanDocument):
        whom, what = plan.who_acts or plan.owner, f"monitor run of {plan.model or plan.system}"
        days = _again(plan.effective_from or since.get(plan.id), plan.every_days, today)
        yield from ((day, what, plan.id, whom) for day in days)
    for measured in documents.of(MeasurementPlanDocument):
        for measure in measured.measures:
            begun = measure.measured_on or measured.effective_from or since.get(measured.id)
            days = _again(begun, measure.every_days, today)
            whom = measure.who_acts or measured.owner
            yield from ((day, f"measurement of {measure.what}", measured.id, whom) for day in days)
    for objectives in documents.of(DevelopmentObjectivesDocument):
        begun = objectives.effective_from or since.get(objectives.id)
        for objective in objectives.objectives:
            days = _again(begun, objective.every_days, today)
            whom = objective.owner or objectives.owner
            yield from ((day, f"look at the objective {objective.objective}", objectives.id, whom) for day in days)
    yield from _once(documents)


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
            day = _after(register.effective_from, min(intervals))
            yield day, "assessment of the risks again, by the risk method", register.id, register.owner
    intervals = [p.interval_days for p in documents.of(ImpactProcessDocument) if p.interval_days]
    for assessment in documents.of(ImpactAssessmentDocument) if intervals else ():
        again = [r.impact for r in documents.about(ReassessmentDocument, str(assessment.system)) if r.impact]
        made = max([*again, assessment.effective_from or ""])
        if made:
            day = _after(made, min(intervals))
            yield day, "assessment of the impacts again, by the impact process", assessment.id, assessment.owner
    for used in documents.of(UseObjectivesDocument):
        for objective in used.objectives:
            if objective.reviewed:
                what = f"look at the objective {objective.objective}"
                yield _after(objective.reviewed, YEAR), what, used.id, used.owner
    for log in documents.of(ReportLogDocument):
        channels = [c for c in documents.about(ReportChannelDocument, str(log.system)) if c.target_days is not None]
        for report in log.reports if channels else ():
            if report.received and not report.answered:
                channel = min(channels, key=lambda c: c.target_days or 0)
                day = _after(report.received, channel.target_days or 0)
                yield day, f"answer to report {report.id}", log.id, channel.who_reads or log.owner


def _after(day: str, days: int) -> str:
    return (date.fromisoformat(day) + timedelta(days=days)).isoformat()

"""Findings L2 about measurement plans: a measurement whose day passed, and of which nothing shows that it was made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aims_mlflow.gates.document_content.content_words import content_words
from aims_mlflow.management.findings.beginnings import begun, days_after
from aims_mlflow.management.findings.rules import ManagementFinding
from aims_mlflow.records.documents.improvement import MeasurementPlanDocument
from aims_mlflow.records.documents.information import UseObjectivesDocument
from aims_mlflow.records.documents.third_parties import SupplierEvaluationDocument
from aims_mlflow.records.wording import metric_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from aims_mlflow.management.findings.state import ManagementState
    from aims_mlflow.records.documents.improvement import PlannedMeasurement


def findings(state: ManagementState, now: datetime) -> Iterator[ManagementFinding]:
    """Yield one finding for each planned measurement that is overdue, its grace included."""
    today = now.strftime("%Y-%m-%d")
    for plan in state.of(MeasurementPlanDocument):
        first = begun(state, (plan,))
        for measure in plan.measures if first else ():
            newest = max(_days(measure, plan.system, state, today), default=None)
            since = max(filter(None, (newest, first[0] if first else None)))
            due = days_after(since, (measure.every_days or 0) + (measure.grace_days or 0))
            if measure.every_days and due < today:
                made = f"was measured on {newest}" if newest else f"was never measured, by a plan since {since}"
                fact = f"{measure.what!r} of {plan.id} {made}, and the next measurement was due on {due}"
                fix = f"measure it, and state the day in measured_on: aims document publish {plan.id}"
                yield ManagementFinding("L2", f"{plan.id}/{measure.what}", fact, fix, plan.system, (plan.id,), "9.1")


def _days(measure: PlannedMeasurement, system: str | None, state: ManagementState, today: str) -> Iterator[str]:
    """Yield the days on which something was measured that the plan names: by its word, a record, a test or a result."""
    words = content_words(measure.what)
    if measure.measured_on and measure.measured_on <= today:
        yield measure.measured_on
    for name, version in state.live:
        for record in version.records if system in (None, name) else ():
            if any(_is_of(claim.metric, words) for claim in record.evidence.claims):
                yield record.evidence.time[:10]
    for evaluation in state.of(SupplierEvaluationDocument):
        for test in evaluation.tests if system in (None, evaluation.system) else ():
            if test.date and any(words & content_words(result) for result in test.results):
                yield test.date
    for document in state.of(UseObjectivesDocument):
        for objective in document.objectives if system in (None, document.system) else ():
            if objective.reviewed and words & content_words(f"{objective.objective} {objective.metric}"):
                yield objective.reviewed


def _is_of(metric: str, words: frozenset[str]) -> bool:
    """Return whether a plan names a metric, by its id or in its words."""
    return content_words(metric_text(metric)) <= words or content_words(metric) <= words

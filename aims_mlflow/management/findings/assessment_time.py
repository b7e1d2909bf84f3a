"""Finding F14: an impact assessment that came after the use, or that was not made again when it was due."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING

from aims_mlflow.management.findings.rules import ManagementFinding
from aims_mlflow.records.documents.impact import ImpactAssessmentDocument, ImpactProcessDocument, ReassessmentDocument
from aims_mlflow.records.documents.improvement import NonconformityDocument

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from aims_mlflow.management.findings.state import DeployedVersion, ManagementState
    from aims_mlflow.records.documents.impact import ImpactAssessmentDocument as Assessment


def findings(state: ManagementState, now: datetime) -> Iterator[ManagementFinding]:
    """Yield every finding about the day of impact assessments."""
    intervals = [p.interval_days for p in state.of(ImpactProcessDocument) if p.interval_days]
    for assessment in state.of(ImpactAssessmentDocument):
        entry = state.systems.get(str(assessment.system))
        if entry is None or (entry.in_scope is not False and entry.stage != "retirement"):
            yield from _due(assessment, min(intervals, default=None), state, now.date())
    for system, version in state.live:
        yield from _after_use(system, version, state)


def _due(
    assessment: Assessment, interval: int | None, state: ManagementState, today: date
) -> Iterator[ManagementFinding]:
    """Yield F14: the interval of the process, or the day that the assessment names for its review, has passed."""
    again = [r.impact for r in state.about(ReassessmentDocument, str(assessment.system)) if r.impact]
    made = max([*again, *([assessment.effective_from] if assessment.effective_from else [])], default=None)
    due = assessment.review.next if assessment.review else None
    why = None
    if interval and made and (today - date.fromisoformat(made)).days > interval:
        why = f"is of {made}, and impact-process requires a new one every {interval} days"
    elif due and due < today.isoformat() and max(again, default="") < due:
        why = f"was to be reviewed by {due} (review.next), and nobody assessed it again"
    if why:
        fix = (
            f"assess it again, and publish it: aims document publish {assessment.id}; or record that nothing changed: "
        )
        fix += f"aims document new reassessment --system {assessment.system}"
        yield ManagementFinding(
            "F14", assessment.id, f"{assessment.id} {why}", fix, assessment.system, (assessment.id,)
        )


def _after_use(system: str, version: DeployedVersion, state: ManagementState) -> Iterator[ManagementFinding]:
    """Yield F14: the first assessment of the version in use counts from a day after it got its alias."""
    mine = [d for d in state.about(ImpactAssessmentDocument, system) if version.digest in d.model_digests]
    days = [state.counted_since(d, lambda earlier: version.digest in earlier.model_digests) for d in mine]
    known = [day[:10] for day in days if day is not None]
    if not known or len(known) < len(days) or min(known) <= version.since[:10]:
        return
    told = " ".join(e.model_dump_json() for d in state.of(NonconformityDocument) for e in d.nonconformities)
    if any(re.search(rf"(?<![\w-]){re.escape(d.id)}(?![\w-])", told) for d in mine):
        return  # what cannot be undone is recorded, with its cause
    fact = (
        f"{version.name} has {version.place} since {version.since[:10]}, and {mine[-1].id} counts from {min(known)} on"
    )
    fix = (
        f"record why it was used before, with the cause, and name {mine[-1].id} there: aims document new nonconformity"
    )
    about = f"{system}/{version.model}@{version.place}"
    yield ManagementFinding("F14", about, fact, fix, system, tuple(d.id for d in mine), "6.1.4")

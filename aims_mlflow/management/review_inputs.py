"""What a management review was not told: required inputs that say nothing, and events that they leave out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aims_mlflow.gates.control_conditions.clauses import REVIEW_INPUTS
from aims_mlflow.gates.person_statements import says
from aims_mlflow.records.documents.improvement import (
    AuditReportDocument,
    NonconformityDocument,
    ReviewInputsDocument,
)
from aims_mlflow.records.documents.incident import IncidentDocument

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from aims_mlflow.records.documents.base import WrittenDocument


def left_out(
    inputs: ReviewInputsDocument, documents: Sequence[WrittenDocument], today: str
) -> Iterator[tuple[str, str]]:
    """Yield (field, what is left out) of the inputs of a review: inputs that say nothing, and events not named.

    An event counts from the cut-off of the inputs before these to their own; without a cut-off, to `today`.
    """
    for field, what in REVIEW_INPUTS.items():
        if not says(getattr(inputs, field)):
            yield field, f"{what} are not stated"
    first, last = period_of(inputs, documents, today)
    for incident in (d for d in documents if isinstance(d, IncidentDocument)):
        day = incident.detected_on or incident.aware_on or ""
        if first < day <= last and not names(inputs.incidents, (incident.id,)):
            yield "incidents", f"incident {incident.id} of {day} is not named"
    for report in (d for d in documents if isinstance(d, AuditReportDocument)):
        day = report.held or ""
        if first < day <= last and not names(inputs.audits, (report.id, report.audit)):
            yield "audits", f"audit {report.audit or report.id} of {day} is not named"
    told = (*inputs.nonconformities, *inputs.audits, *inputs.incidents)
    for document in (d for d in documents if isinstance(d, NonconformityDocument)):
        day = document.effective_from or ""
        if first < (day or last) <= last and not names(told, (document.id, *(e.id for e in document.nonconformities))):
            yield "nonconformities", f"no nonconformity of {document.id} is named"


def period_of(inputs: ReviewInputsDocument, documents: Iterable[WrittenDocument], today: str) -> tuple[str, str]:
    """Return the day after which, and the last day on which, an event belongs to these inputs."""
    last = (inputs.cutoff or "")[:10] or today
    before = [
        d.cutoff[:10]
        for d in documents
        if isinstance(d, ReviewInputsDocument) and d.id != inputs.id and d.cutoff and d.cutoff[:10] < last
    ]
    return max(before, default=""), last


def names(said: Iterable[str], ids: Iterable[str | None]) -> bool:
    """Return whether texts name one of several ids as a whole word."""
    text = " ".join(said).casefold()
    return any(re.search(rf"(?<![\w-]){re.escape(name.casefold())}(?![\w-])", text) for name in ids if name)

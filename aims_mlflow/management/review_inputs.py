"""What a management review is told: the lines that documents and monitors give, and what its inputs leave out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from aims_mlflow.gates.document_content.reviews import REVIEW_INPUTS, last_day
from aims_mlflow.gates.person_statements import says
from aims_mlflow.records.documents.improvement import (
    AuditReportDocument,
    CorrectiveActionDocument,
    NonconformityDocument,
    ReviewInputsDocument,
)
from aims_mlflow.records.documents.incident import IncidentDocument

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from aims_mlflow.evidence.statement import SealedRecord
    from aims_mlflow.records.documents.base import WrittenDocument
    from aims_mlflow.records.documents.improvement import ReviewInput


class InputLine(NamedTuple):
    """A line of the inputs: which input, the id of what it is about, and its text."""

    input: ReviewInput
    source: str
    text: str


def input_lines(documents: Iterable[WrittenDocument], records: Iterable[SealedRecord]) -> list[InputLine]:
    """Return a line for each incident, audit, nonconformity and action of documents, and each run of a monitor."""
    lines = []
    for d in documents:
        if isinstance(d, IncidentDocument) and (d.detected_on or d.aware_on):
            text = f"{d.id} of {d.detected_on or d.aware_on}: {d.status or 'no status'}"
            lines.append(InputLine("incidents", d.id, text))
        elif isinstance(d, AuditReportDocument) and d.held:  # a draft is no audit
            text = f"{d.audit or d.id} ({d.id}), held {d.held}; findings: {len(d.findings)}"
            lines.append(InputLine("audits", d.id, text))
        elif isinstance(d, NonconformityDocument):
            for n, e in enumerate(d.nonconformities, 1):
                text = f"{e.id or e.fact} of {d.id}: {e.cause or 'no cause yet'}"
                lines.append(InputLine("nonconformities", f"{d.id}/{e.id or n}", text))
        elif isinstance(d, CorrectiveActionDocument):
            for n, a in enumerate(d.actions, 1):
                when = f"done on {a.done}" if a.done else f"due on {a.due}, not done"
                text = f"action {a.id or a.action} of {d.id}: {when}"
                lines.append(InputLine("nonconformities", f"{d.id}/{a.id or n}", text))
    for run in (r for r in records if r.evidence.kind == "monitor-run"):
        beyond = sum(c.passed is False for c in run.evidence.claims)
        result = run.evidence.result.replace("_", " ")
        text = f"run {run.id} of {run.evidence.time[:10]}: {result}, {beyond} beyond a limit"
        lines.append(InputLine("monitoring", run.id, text))
    return lines


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
    # What came on the day of an earlier cut-off may have been told then.
    earlier = [d for d in documents if isinstance(d, ReviewInputsDocument) and last_day(d.cutoff, today) <= last]
    incidents = [text for d in (inputs, *earlier) for text in d.incidents]
    audits = [text for d in (inputs, *earlier) for text in d.audits]
    for incident in (d for d in documents if isinstance(d, IncidentDocument)):
        day = incident.detected_on or incident.aware_on or ""
        if first < day <= last and not names(incidents, (incident.id,)):
            yield "incidents", f"incident {incident.id} of {day} is not named"
    for report in (d for d in documents if isinstance(d, AuditReportDocument)):
        day = report.held or ""
        if first < day <= last and not names(audits, (report.id, report.audit)):
            yield "audits", f"audit {report.audit or report.id} of {day} is not named"
    told = (*inputs.nonconformities, *inputs.audits, *inputs.incidents)
    for document in (d for d in documents if isinstance(d, NonconformityDocument)):
        day = document.effective_from or ""
        if first < (day or last) <= last and not names(told, (document.id, *(e.id for e in document.nonconformities))):
            yield "nonconformities", f"no nonconformity of {document.id} is named"


def period_of(inputs: ReviewInputsDocument, documents: Iterable[WrittenDocument], today: str) -> tuple[str, str]:
    """Return the day after which, and the last day on which, an event belongs to these inputs."""
    last = last_day(inputs.cutoff, today)
    others = [d for d in documents if isinstance(d, ReviewInputsDocument) and d.id != inputs.id and d.cutoff]
    before = [day for d in others if (day := last_day(d.cutoff, today)) < last]
    return max(before, default=""), last


def names(said: Iterable[str], ids: Iterable[str | None]) -> bool:
    """Return whether texts name one of several ids as a whole word."""
    text = " ".join(said).casefold()
    return any(re.search(rf"(?<![\w-]){re.escape(name.casefold())}(?![\w-])", text) for name in ids if name)

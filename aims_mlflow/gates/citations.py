"""Whether what a document cites still stands: nothing turns suspect in silence, and nothing stays so after a review."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aims_mlflow.gates.counting_evidence import undone

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from aims_mlflow.evidence.statement import SealedRecord
    from aims_mlflow.gates.person_statements import PublishedDocument
    from aims_mlflow.records.details.attachments import Citation
    from aims_mlflow.records.evidence import Claim


@dataclass(frozen=True)
class SuspectCitation:
    """A citation that something speaks against: `against` names it, `text` says it with both values."""

    citation: Citation
    against: str
    text: str


def claim_of(record: SealedRecord, metric: str, rows: dict[str, str] | None, role: str | None = None) -> Claim | None:
    """Return the claim of a record about a metric and these rows."""
    found = [c for c in record.evidence.claims if c.metric == metric and c.slice == (rows or {})]
    return next((c for c in found if role in (None, c.role)), None)


def suspects(
    document: PublishedDocument, records: Sequence[SealedRecord], model_digest: str | None
) -> list[SuspectCitation]:
    """Return the citations of a document that no longer stand and that no review has cleared.

    `records` are those that verify and count for the subject, `model_digest` is the live model, where there is one.
    """
    found = (_suspect(citation, records, model_digest) for citation in document.citations)
    return [s for s in found if s is not None and (s.citation.name, s.against) not in document.reviewed]


def _suspect(citation: Citation, records: Sequence[SealedRecord], live: str | None) -> SuspectCitation | None:
    name = f"[^{citation.name}] ({citation.kind} {citation.evidence[:13]})"
    cited = citation.model_digests or []
    if live is not None and cited and live not in cited:
        return SuspectCitation(citation, live, f"{name} is about model {cited[0][:12]}, the live one is {live[:12]}")
    record = next((r for r in records if r.id == citation.evidence), None)
    if record is None:
        return SuspectCitation(citation, "gone", f"{name} is not here, or does not verify")
    if record.sha256 != citation.sha256:
        return SuspectCitation(citation, record.sha256, f"{name} is another record than the one that was cited")
    later = next((other for r, other in undone(records) if r.id == record.id), None)
    if later is not None:
        return SuspectCitation(citation, later.id, f"{name} was superseded by {later.id[:13]}")
    return _newer_value(citation, name, records)


def _newer_value(citation: Citation, name: str, records: Iterable[SealedRecord]) -> SuspectCitation | None:
    """Return what a newer record says of the same claim about the same model, where that is another value."""
    if citation.metric is None:
        return None
    newer = [
        r
        for r in records
        if r.evidence.kind == citation.kind and r.evidence.time > citation.time
        if not citation.model_digests or any(r.has_subject(d) for d in citation.model_digests)
    ]
    for record in sorted(newer, key=lambda r: r.evidence.time, reverse=True):
        claim = claim_of(record, citation.metric, citation.slice, citation.role)
        if claim is not None:
            text = f"{name}: {citation.value} was cited, {record.id[:13]} says {claim.value}"
            return SuspectCitation(citation, record.id, text) if claim.value != citation.value else None
    return None

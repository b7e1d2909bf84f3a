"""Details of what people write and attach."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from aims_mlflow.records.base import Sha256, Time
from aims_mlflow.records.details.base import EvidenceDetails
from aims_mlflow.records.open_record import OpenRecord


class Citation(OpenRecord):
    """A figure or statement of a document that rests on a record, as it was when the document was published."""

    name: str = Field(description="name of the mark in the text, as in `[^e1]`")
    evidence: str = Field(description="id of the record")
    sha256: Sha256 = Field(description="sha256 of the record")
    kind: str = Field(description="kind of the record")
    time: Time = Field(description="time of the record")
    metric: str | None = Field(None, description="metric of the claim")
    slice: dict[str, str] | None = Field(None, description="rows of the claim")
    role: str | None = Field(None, description="data of the claim")
    value: str | None = Field(None, description="value of the claim")
    shown: str | None = Field(None, description="value as the text shows it")
    model_digests: list[str] | None = Field(None, description="models that the record is about, by dirHash1")
    data_digests: list[str] | None = Field(None, description="data sets that the record is about")


class DocumentStatement(OpenRecord):
    """A published document: its common fields, what it states in the fields of its kind, and what it cites."""

    id: str = Field(description="id of the document")
    title: str = Field(description="title")
    version: str = Field(description="version")
    owner: str = Field(description="person who answers for it")
    author: str = Field(description="person who wrote it")
    sha256: Sha256 = Field(description="sha256 of the file: approvals are bound to it")
    characters: int = Field(description="characters of its text")
    supersedes: str | None = Field(None, description="version that it takes the place of")
    reason_for_change: str | None = Field(None, description="why it was changed")
    system: str | None = Field(None, description="system that it is about")
    organisation: str | None = Field(None, description="organisation that it is about")
    model_digests: list[str] | None = Field(None, description="models that it is about, by dirHash1")
    approver: str | None = Field(None, description="who is to approve it, as stated: it is no approval")
    effective_from: str | None = Field(None, description="first day on which it applies")
    review_by: str | None = Field(None, description="day of its next review")
    valid_until: str | None = Field(None, description="last day on which it applies")
    retention_until: str | None = Field(None, description="day until which it is kept")
    source: dict[str, str] | None = Field(None, description="where its text is kept, with its sha256")
    language: str | None = Field(None, description="language")
    sources_checked_on: str | None = Field(None, description="day on which laws that it names were looked up")
    fields: dict[str, Any] = Field(description="what it states in the fields of its kind")
    citations: list[Citation] | None = Field(None, description="the records that it cites")


class DocumentEventDetails(EvidenceDetails):
    """What a person decided about a published document: to approve it, to clear a citation, or to withdraw it."""

    SUBJECTS = "the document's file"
    document: str | None = Field(None, description="id of the document")
    version: str | None = Field(None, description="version of the document")
    publication: str | None = Field(None, description="sha256 of the record that published it: what the person saw")
    citation: str | None = Field(None, description="mark of the citation that is cleared")
    against: str | None = Field(None, description="what spoke against the citation")
    comment: str | None = Field(None, description="reason that the person gave")


class AttachmentDetails(EvidenceDetails):
    """A file that a person wrote, with what is stated about it; further fields are the person's own."""

    SUBJECTS = "the model, or the pack"
    owner: str | None = Field(None, description="owner of the document, as stated")
    version: str | None = Field(None, description="version of the document, as stated")
    approver: str | None = Field(None, description="who approved it, as stated: it is no approval")
    review_date: str | None = Field(None, description="day of its next review, as YYYY-MM-DD")
    document: DocumentStatement | None = Field(None, description="the document, where it was published")
    characters: int | None = Field(None, description="characters of its text; absent where no text can be read here")


# Every kind that people write, in the words of the catalog; a test compares both.
EVENTS = ("document-approval", "document-review", "document-withdrawal")
KINDS: dict[str, type[EvidenceDetails]] = dict.fromkeys(EVENTS, DocumentEventDetails) | dict.fromkeys(
    (
        "ai-policy", "audit-programme", "audit-report", "change", "communication", "competence-record",
        "concern-log", "concern-process", "context", "corrective-action", "customer-information",
        "customer-needs", "data-management", "deployment-plan", "design-record", "development-objectives",
        "disclosure", "disclosure-duties", "effectiveness-check", "impact-assessment", "impact-people",
        "impact-process", "impact-society", "incident", "incident-communication-plan", "intended-use", "leadership",
        "lifecycle-process", "log-plan", "measurement-plan", "monitoring-plan", "nonconformity", "notice",
        "oversight-record", "parties", "people", "policy-alignment", "policy-review", "preparation-criteria",
        "provenance-process", "quality-requirements", "reassessment", "register", "report-channel", "report-log",
        "requirements", "resource-inventory", "responsibility-matrix", "review-inputs", "review-minutes",
        "risk-method", "risk-register", "role-assignment", "roles", "scan", "scope", "soa", "supplier-evaluation",
        "supplier-record", "system", "technical-documentation", "treatment-plan", "use-objectives", "use-process",
        "user-information", "validation-report",
    ),
    AttachmentDetails,
)  # fmt: skip

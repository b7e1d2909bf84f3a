"""Details of what people write and attach."""

from __future__ import annotations

from pydantic import Field

from aims_mlflow.records.details.base import EvidenceDetails


class AttachmentDetails(EvidenceDetails):
    """A file that a person wrote, with what is stated about it; further fields are the person's own."""

    SUBJECTS = "the model, or the pack"
    owner: str | None = Field(None, description="owner of the document, as stated")
    version: str | None = Field(None, description="version of the document, as stated")
    approver: str | None = Field(None, description="who approved it, as stated: it is no approval")
    review_date: str | None = Field(None, description="day of its next review, as YYYY-MM-DD")
    characters: int | None = Field(None, description="characters of its text; absent where no text can be read here")


# Every kind that people write, in the words of the catalog; a test compares both.
KINDS: dict[str, type[EvidenceDetails]] = dict.fromkeys(
    (
        "ai-policy", "audit-programme", "audit-report", "change", "communication", "competence-record",
        "concern-log", "concern-process", "context", "corrective-action", "customer-information",
        "customer-needs", "data-management", "deployment-plan", "design-record", "development-objectives",
        "disclosure", "disclosure-duties", "effectiveness-check", "impact-assessment", "impact-people",
        "impact-process", "impact-society", "incident-communication-plan", "intended-use", "leadership",
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

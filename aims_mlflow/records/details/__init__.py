"""The details of evidence records: one model for each kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from pydantic import ValidationError

from aims_mlflow.errors import EvidenceError
from aims_mlflow.records.details import attachments, checks, gate, operation, training
from aims_mlflow.records.details.base import EvidenceDetails

if TYPE_CHECKING:
    from aims_mlflow.records.evidence import Evidence

KINDS: dict[str, type[EvidenceDetails]] = {
    **training.KINDS,
    **checks.KINDS,
    **operation.KINDS,
    **gate.KINDS,
    **attachments.KINDS,
}
Details = TypeVar("Details", bound=EvidenceDetails)


def details_model(kind: str) -> type[EvidenceDetails]:
    """Return the model of a kind's details; an open one for kinds that have none of their own."""
    return KINDS.get(kind, EvidenceDetails)


def check_model(kind: str) -> type[EvidenceDetails]:
    """Return the model of the details of a check; a team's own check may be evidence of any kind."""
    return checks.KINDS.get(kind, checks.CheckDetails)


def read_details(evidence: Evidence, model: type[Details]) -> Details:
    """Return a record's details as a model that fits its kind.

    Raises:
        EvidenceError: they are not of this format, as in hostile or much later records.
    """
    try:
        return model.model_validate(evidence.details)
    except (ValidationError, RecursionError):
        what = f"the details of its {evidence.kind} record are not of this format"
        raise EvidenceError(what, where=evidence.id) from None

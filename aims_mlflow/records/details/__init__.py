"""The details of evidence records: one model for each kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from aims_mlflow.records.details import attachments, checks, gate, training
from aims_mlflow.records.details.base import EvidenceDetails

if TYPE_CHECKING:
    from aims_mlflow.records.evidence import Evidence

KINDS: dict[str, type[EvidenceDetails]] = {**training.KINDS, **checks.KINDS, **gate.KINDS, **attachments.KINDS}
Details = TypeVar("Details", bound=EvidenceDetails)


def details_model(kind: str) -> type[EvidenceDetails]:
    """Return the model of a kind's details; an open one for kinds that have none of their own."""
    return KINDS.get(kind, EvidenceDetails)


def read_details(evidence: Evidence, model: type[Details]) -> Details:
    """Return a record's details as a model that fits its kind.

    Raises:
        ValidationError: they are not of this format, as in hostile or much later records.
    """
    return model.model_validate(evidence.details)

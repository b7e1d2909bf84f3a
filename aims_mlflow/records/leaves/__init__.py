"""The contents of the ledger's leaves: one model for each type, and one for the erasable body beside it."""

from __future__ import annotations

from typing import Any, get_args

from pydantic import ValidationError

from aims_mlflow.errors import EvidenceError
from aims_mlflow.records.leaves import changes, others
from aims_mlflow.records.leaves.base import LeafBody, LeafContent

BODIES: dict[str, type[LeafBody]] = {**changes.BODIES, **others.BODIES}
_CONTENTS: tuple[type[LeafContent], ...] = (
    changes.DecisionLeaf,
    changes.OutcomeLeaf,
    changes.WithdrawalLeaf,
    changes.SupersessionLeaf,
    changes.DeletionLeaf,
    changes.RenamingLeaf,
    changes.AdoptionLeaf,
    others.ConsentLeaf,
    others.PolicyLeaf,
    others.KeyringLeaf,
    others.FindingLeaf,
    others.IncidentLeaf,
    others.EvidenceLeaf,
    others.ErasureLeaf,
)
# What every leaf has; content that is not sealed yet has no time and no commitment.
HEADER = {"v", "type", "time", "request", "commitment"}
CONTENTS = {name: each for each in _CONTENTS for name in get_args(each.model_fields["type"].annotation)}


def read_content(fields: Any, where: str) -> LeafContent:
    """Return a leaf's content, by its type, from hostile JSON; a type of a later release as `LaterLeaf`.

    Raises:
        EvidenceError: it is not a leaf of this format.
    """
    try:
        if fields.keys() >= HEADER:
            return CONTENTS.get(fields["type"], others.LaterLeaf).model_validate(fields)
    except (ValidationError, RecursionError, AttributeError, TypeError):  # the last two: no object, or no type
        pass
    raise EvidenceError("not a leaf of this format", where=where)


def read_body(kind: str, fields: Any, where: str) -> LeafBody:
    """Return the body beside a leaf of a type, from JSON.

    Raises:
        EvidenceError: it is not a body of this format.
    """
    try:
        return body_model(kind).model_validate(fields)
    except (ValidationError, RecursionError):
        raise EvidenceError("the body beside it is not of this format", where=where) from None


def body_model(kind: str) -> type[LeafBody]:
    """Return the model of the body beside a leaf of a type."""
    return BODIES.get(kind, LeafBody)

"""Envelopes that were erased with a reason: by which leaf, who signed it, and what cannot be decided again since."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aims_mlflow.canonical import sha256_hex
from aims_mlflow.errors import EvidenceError
from aims_mlflow.evidence.statement import Subject, read
from aims_mlflow.records.details import read_details
from aims_mlflow.records.details.gate import ErasureDetails
from aims_mlflow.records.leaves.others import ErasureLeaf

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aims_mlflow.evidence.statement import SealedRecord
    from aims_mlflow.gates.authority import SealedLeaves
    from aims_mlflow.ledger.leaves import Leaf

KIND = "erasure"


@dataclass(frozen=True)
class ErasedEnvelope:
    """The erasure of an envelope.

    `leaf` and `time` are those of the erasure, `key_id` and `reason` of its signed record; `decisions` are the leaves
    of the decisions that could be made again before it, and cannot since.
    """

    sha256: str
    leaf: int
    time: str
    key_id: str
    reason: str
    decisions: frozenset[int]


def subject_of(sha256: str) -> Subject:
    """Return what the signed record of an envelope's erasure is about."""
    return Subject(name=f"envelope {sha256}", digest={"sha256": sha256})


def erased_names(leaves: Iterable[Leaf]) -> dict[str, int]:
    """Return the sha256 of each erased envelope with the leaf that says so, by the leaves of erasures alone."""
    facts = ((leaf.sequence, leaf.fact) for leaf in leaves)
    return {fact.erased: number for number, fact in facts if isinstance(fact, ErasureLeaf) and fact.erased}


def erased_envelopes(ledger: SealedLeaves) -> dict[str, ErasedEnvelope]:
    """Return the erased envelopes by sha256, as signed records say; without one that fits, nothing was erased."""
    found: dict[str, ErasedEnvelope] = {}
    for leaf in ledger.leaves(types=("erased",)):
        with contextlib.suppress(EvidenceError, RecursionError):  # the ledger's verification names what cannot be read
            fact = leaf.fact
            if not isinstance(fact, ErasureLeaf) or fact.erased is None or fact.envelope is None:
                continue
            raw = ledger.envelope(fact.envelope)
            record = read(raw, f"leaf {leaf.sequence}") if raw and sha256_hex(raw) == fact.envelope else None
            if record is not None and why_not_about(record, fact) is None:
                found.setdefault(fact.erased, _as_signed(record, leaf, fact.erased))
    return found


def _as_signed(record: SealedRecord, leaf: Leaf, sha256: str) -> ErasedEnvelope:
    body, said = record.evidence, read_details(record.evidence, ErasureDetails)
    decisions = frozenset(said.decisions or ())
    return ErasedEnvelope(sha256, leaf.sequence, leaf.fact.time, body.key_id, body.reason or "", decisions)


def why_not_about(record: SealedRecord, content: ErasureLeaf) -> str | None:
    """Return why a record is not of the erasure that a leaf names; None if it is.

    Raises:
        EvidenceError: its details cannot be read.
    """
    said = read_details(record.evidence, ErasureDetails)
    if record.evidence.kind != KIND:
        return "its envelope signs something else than an erasure"
    if (said.sequence, said.erased) != (content.sequence, content.erased):
        return "its signature is about another erasure"
    if content.erased is not None and list(record.subjects) != [subject_of(content.erased)]:
        return "its signature is about another envelope"
    return None

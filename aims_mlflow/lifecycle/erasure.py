"""Erasure of the body beside a leaf (names, addresses, texts); the leaf and all proofs stay."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aims_mlflow.errors import EvidenceError
from aims_mlflow.evidence.statement import Subject, seal
from aims_mlflow.ledger.leaves import Entry
from aims_mlflow.lifecycle.ingest import keyring_now
from aims_mlflow.records.base import utc_text, uuid7
from aims_mlflow.records.details.gate import ErasureDetails
from aims_mlflow.records.evidence import Evidence
from aims_mlflow.records.keyring import ERASERS
from aims_mlflow.records.leaves.others import ErasureBody, ErasureLeaf

if TYPE_CHECKING:
    from aims_mlflow.ledger.leaves import Leaf
    from aims_mlflow.ledger.ledger import Ledger
    from aims_mlflow.signing.keys import SigningKey

KIND = "erasure"


def erase(ledger: Ledger, leaf: Leaf, reason: str, key: SigningKey, actor: str) -> Leaf:
    """Delete a leaf's body, seal who did it and why, and return the leaf of the erasure.

    `reason` is kept for good: it must hold no personal data itself.

    Raises:
        EvidenceError: the key may not erase, or the leaf has no body (any more).
        KeyUnavailable, Unreachable: as `Ledger.seal`.
    """
    now = utc_text()
    entry = keyring_now(ledger).find(key.key_id)
    why = entry.why_not(ERASERS, now) if entry else f"the keyring does not know the key {key.key_id}"
    if why or entry is None:
        raise EvidenceError(f"nothing is erased: {why}", next=f"sign with a key of role {' or '.join(ERASERS)}")
    details = ErasureDetails(sequence=leaf.sequence, commitment=leaf.fact.commitment).plain()
    body = Evidence(
        id=uuid7(), kind=KIND, result="passed", reason=reason, actor=actor, key_id=key.key_id, time=now, details=details
    )
    record = seal(body, [Subject(name=f"leaf {leaf.sequence}", digest={"sha256": leaf.leaf_hash})], key)
    content = ErasureLeaf(
        sequence=leaf.sequence, envelope=record.sha256, model_name=leaf.fact.model_name, request=body.id
    )
    ledger.erase(leaf.sequence, Entry(content, ErasureBody(owner=entry.owner), [record.envelope.raw]))
    return next(ledger.leaves(request=body.id))


def erased(ledger: Ledger) -> set[int]:
    """Return the leaves whose bodies were erased with a reason."""
    contents = (leaf.fact for leaf in ledger.leaves(types=("erased",)))
    return {each.sequence for each in contents if isinstance(each, ErasureLeaf) and each.sequence is not None}

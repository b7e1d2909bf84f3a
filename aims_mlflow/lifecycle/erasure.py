"""Erasing what stands beside a leaf: names, addresses and texts go for good; the leaf and all proofs stay."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aims_mlflow.errors import EvidenceError
from aims_mlflow.evidence.statement import Subject, seal
from aims_mlflow.ledger.leaves import Entry
from aims_mlflow.lifecycle.ingest import keyring_now
from aims_mlflow.records.base import utc_text, uuid7
from aims_mlflow.records.evidence import Evidence
from aims_mlflow.records.keyring import ERASERS

if TYPE_CHECKING:
    from aims_mlflow.ledger.leaves import Leaf
    from aims_mlflow.ledger.ledger import Ledger
    from aims_mlflow.signing.keys import SigningKey

KIND = "erasure"


def erase(ledger: Ledger, leaf: Leaf, reason: str, key: SigningKey, actor: str) -> Leaf:
    """Delete a leaf's body and seal who did it and why; returns the leaf that says so.

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
    details = {"sequence": leaf.sequence, "commitment": leaf.content["commitment"]}
    body = Evidence(
        id=uuid7(), kind=KIND, result="passed", reason=reason, actor=actor, key_id=key.key_id, time=now, details=details
    )
    record = seal(body, [Subject(name=f"leaf {leaf.sequence}", digest={"sha256": leaf.leaf_hash})], key)
    public = {"sequence": leaf.sequence, "envelope": record.sha256, "model_name": leaf.content.get("model_name")}
    ledger.erase(leaf.sequence, Entry("erased", public, {"owner": entry.owner}, body.id, [record.envelope.raw]))
    return next(ledger.leaves(request=body.id))


def erased(ledger: Ledger) -> set[int]:
    """Return the leaves whose bodies were erased with a reason."""
    return {int(leaf.content["sequence"]) for leaf in ledger.leaves(types=("erased",))}

"""Erasure of the body beside a leaf (names, addresses, texts), or of an envelope; the leaf and all proofs stay."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from aims_mlflow.errors import EvidenceError
from aims_mlflow.evidence.statement import SealedRecord, Subject, seal
from aims_mlflow.gates.erased_envelopes import KIND, subject_of
from aims_mlflow.ledger.leaves import Entry
from aims_mlflow.lifecycle.envelope_uses import EnvelopeUses
from aims_mlflow.lifecycle.ingest import keyring_now
from aims_mlflow.records.base import utc_text, uuid7
from aims_mlflow.records.details.gate import ErasureDetails
from aims_mlflow.records.evidence import Evidence
from aims_mlflow.records.keyring import ERASERS
from aims_mlflow.records.leaves.others import ErasureBody, ErasureLeaf

if TYPE_CHECKING:
    from aims_mlflow.ledger.leaves import Leaf
    from aims_mlflow.ledger.ledger import Ledger
    from aims_mlflow.records.keyring import KeyEntry
    from aims_mlflow.signing.keys import SigningKey


def erase(ledger: Ledger, leaf: Leaf, reason: str, key: SigningKey, actor: str) -> Leaf:
    """Delete a leaf's body, seal who did it and why, and return the leaf of the erasure.

    `reason` is kept for good: it must hold no personal data itself.

    Raises:
        EvidenceError: the key may not erase, or the leaf has no body (any more).
        KeyUnavailable, Unreachable: as `Ledger.seal`.
    """
    eraser = _eraser(ledger, key)
    details = ErasureDetails(sequence=leaf.sequence, commitment=leaf.fact.commitment)
    about = Subject(name=f"leaf {leaf.sequence}", digest={"sha256": leaf.leaf_hash})
    record = _signed(details, about, reason, key, actor)
    content = ErasureLeaf(
        sequence=leaf.sequence, envelope=record.sha256, model_name=leaf.fact.model_name, request=record.id
    )
    ledger.erase(leaf.sequence, Entry(content, ErasureBody(owner=eraser.owner), [record.envelope.raw]))
    return next(ledger.leaves(request=record.id))


def erase_envelope(ledger: Ledger, sha256: str, reason: str, key: SigningKey, actor: str) -> Leaf:
    """Delete an envelope that nothing in use rests on, seal who did it and why, and return the leaf of the erasure.

    Its signed record names the decisions that cannot be made again since. `reason` is as that of `erase`.

    Raises:
        EvidenceError: the key may not erase, the ledger has no such envelope (any more), or something rests on it.
        KeyUnavailable, Unreachable: as `Ledger.seal`.
    """
    eraser = _eraser(ledger, key)
    with contextlib.ExitStack() as locks:
        for name in EnvelopeUses(ledger, sha256).models:  # no change of these models is decided meanwhile
            locks.enter_context(ledger.lock(name))
        uses = EnvelopeUses(ledger, sha256)
        uses.require_none()
        details = ErasureDetails(erased=sha256, decisions=uses.decisions())
        record = _signed(details, subject_of(sha256), reason, key, actor)
        content = ErasureLeaf(
            erased=sha256,
            envelope=record.sha256,
            model_name=uses.models[0] if len(uses.models) == 1 else None,
            request=record.id,
        )
        ledger.erase_envelope(sha256, Entry(content, ErasureBody(owner=eraser.owner), [record.envelope.raw]))
    return next(ledger.leaves(request=record.id))


def _eraser(ledger: Ledger, key: SigningKey) -> KeyEntry:
    """Return the keyring's entry of a key that may erase now.

    Raises:
        EvidenceError: it may not.
    """
    entry = keyring_now(ledger).find(key.key_id)
    why = entry.why_not(ERASERS, utc_text()) if entry else f"the keyring does not know the key {key.key_id}"
    if why or entry is None:
        raise EvidenceError(f"nothing is erased: {why}", next=f"sign with a key of role {' or '.join(ERASERS)}")
    return entry


def _signed(details: ErasureDetails, about: Subject, reason: str, key: SigningKey, actor: str) -> SealedRecord:
    body = Evidence(
        id=uuid7(), kind=KIND, result="passed", reason=reason, actor=actor, key_id=key.key_id, time=utc_text(),
        details=details.plain(),
    )  # fmt: skip
    return seal(body, [about], key)


def erased(ledger: Ledger) -> set[int]:
    """Return the leaves whose bodies were erased with a reason."""
    contents = (leaf.fact for leaf in ledger.leaves(types=("erased",)))
    return {each.sequence for each in contents if isinstance(each, ErasureLeaf) and each.sequence is not None}

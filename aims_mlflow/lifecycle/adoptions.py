"""Signed adoptions: a version from before the gate counts only by the signature of an approver.

Whoever has the ledger's database can add a leaf, and no signature of a person.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from aims_mlflow.canonical import digest_of
from aims_mlflow.errors import AimsError, EvidenceError
from aims_mlflow.evidence.statement import SealedRecord, Subject, read, seal
from aims_mlflow.evidence.verify import check_signature
from aims_mlflow.gates.authority import Authority, moment_of
from aims_mlflow.lifecycle.ingest import force_now
from aims_mlflow.records.base import utc_text, uuid7
from aims_mlflow.records.details import read_details
from aims_mlflow.records.details.gate import AdoptionDetails
from aims_mlflow.records.evidence import Evidence
from aims_mlflow.records.keyring import ADOPTERS

if TYPE_CHECKING:
    from aims_mlflow.ledger.leaves import Leaf
    from aims_mlflow.ledger.ledger import Ledger
    from aims_mlflow.records.keyring import KeyEntry, Keyring
    from aims_mlflow.records.leaves.changes import AdoptionLeaf
    from aims_mlflow.signing.keys import SigningKey

KIND = "adoption"


def adopter(keyring: Keyring, key: SigningKey) -> KeyEntry:
    """Return the keyring's entry of a key that may adopt now.

    Raises:
        EvidenceError: it may not.
    """
    entry = keyring.find(key.key_id)
    why = entry.why_not(ADOPTERS, utc_text()) if entry else f"the keyring does not know the key {key.key_id}"
    if why or entry is None:
        raise EvidenceError(f"nothing is adopted: {why}", next=f"sign with a key of role {' or '.join(ADOPTERS)}")
    return entry


def signed(content: AdoptionLeaf, key: SigningKey, actor: str) -> SealedRecord:
    """Return the signed record of an adoption.

    Raises:
        KeyUnavailable: the key cannot sign.
    """
    body = Evidence(
        id=uuid7(), kind=KIND, result="passed", actor=actor, key_id=key.key_id, time=utc_text(),
        details=_details(content).plain(),
    )  # fmt: skip
    return seal(body, [_subject(content)], key)


def counts(ledger: Ledger, leaf: Leaf, content: AdoptionLeaf) -> bool:
    """Return whether an adoption is signed, about exactly this version, by a key that could then and counts now."""
    try:
        force = force_now(ledger)
        record = read(ledger.envelopes(content.envelopes())[str(content.envelope)], "an adoption")
        check_signature(record, force.keyring.find, ADOPTERS, timeless=True)
    except (AimsError, KeyError):
        return False
    authority = Authority(ledger, content.model_name, force, datetime.now(UTC))
    why_not = authority.why_not(record.envelope.key_id, ADOPTERS, moment_of(leaf))
    return (why_not or why_not_about(record, content)) is None


def why_not_about(record: SealedRecord, content: AdoptionLeaf) -> str | None:
    """Return why a record does not adopt exactly what a leaf says; None if it does."""
    if record.sha256 != content.envelope or record.evidence.kind != KIND:
        return "its envelope signs something else than an adoption"
    if list(record.subjects) != [_subject(content)]:
        return "its signature is about other files"
    if read_details(record.evidence, AdoptionDetails) != _details(content):
        return "its signature is about another version or other aliases"
    return None


def _details(content: AdoptionLeaf) -> AdoptionDetails:
    return AdoptionDetails(
        model_name=content.model_name, version=content.version, aliases=list(content.aliases),
        lost_aliases=content.lost_aliases, mlflow_stage=content.mlflow_stage,
    )  # fmt: skip


def _subject(content: AdoptionLeaf) -> Subject:
    """Return the model's files; for files that cannot be read, what is known of the version."""
    name = f"{content.model_name} version {content.version}"
    if content.model_digest:
        return Subject(name=name, digest={"dirHash1": content.model_digest})
    return Subject(name=name, digest={"sha256": digest_of(_details(content).plain())})

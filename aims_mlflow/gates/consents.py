"""What people say to a gate: approvals, waivers, revocations and retirements, verified and found again."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from aims_mlflow.errors import EvidenceError
from aims_mlflow.evidence import statement
from aims_mlflow.evidence.remembered import Remembered
from aims_mlflow.evidence.verify import check_signature
from aims_mlflow.gates.decide import SignedConsent
from aims_mlflow.records.decision import Consent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aims_mlflow.evidence.ledger import Ledger
    from aims_mlflow.evidence.model_leaves import ModelLeaves
    from aims_mlflow.gates.in_force import InForce
    from aims_mlflow.records.keyring import Keyring, Role

MOST_KNOWN = 10_000
KnownConsents = Remembered[SignedConsent]
ACTIONS = ("approval", "waiver", "revocation", "retirement")
AGAIN = "make it with `aims approve`, `aims waive`, `aims gate revoke` or `aims gate retire`"


def read_consent(
    raw: bytes, keyring: Keyring, roles: Sequence[Role] = ("approver",), sealed: str = ""
) -> SignedConsent:
    """Verify a consent's envelope against a keyring.

    Raises:
        EvidenceError: it is malformed, or not signed by a key with one of the roles.
    """
    record = statement.read(raw, "consent")
    body = record.evidence
    if body.kind not in ACTIONS:
        raise EvidenceError(f"a record of kind {body.kind!r} is none of {', '.join(ACTIONS)}")
    entry = check_signature(record, keyring.find, roles)
    try:
        consent = Consent.model_validate(body.details)
    except ValueError:
        raise EvidenceError("what it is bound to cannot be read", next=AGAIN) from None
    digest = record.subjects[0].digest.get("dirHash1")
    if consent.action != body.kind or digest is None or len(record.subjects) != 1:
        raise EvidenceError("it must be about one model's digest (dirHash1)")
    if not _complete(consent):
        raise EvidenceError(f"a {consent.action} lacks its reason, control or expiry", next=AGAIN)
    return SignedConsent(body.id, entry.owner, digest, consent, body.time, entry.roles, sealed)


def _complete(consent: Consent) -> bool:
    if consent.action == "approval":
        return True
    named = consent.action != "waiver" or (
        consent.expires is not None and (consent.control is not None or consent.break_glass)
    )
    return named and bool(consent.comment.strip())


def sealed_consents(
    ledger: Ledger,
    mine: ModelLeaves,
    model_digest: str,
    force: InForce,
    known: KnownConsents,
    before: int | None = None,
) -> dict[str, SignedConsent]:
    """Return the sealed consents about a model's bytes that verify against the keyring in force, by envelope sha256.

    What was verified against this keyring before is taken from `known`. `before` leaves out what was sealed at or
    after that leaf.
    """
    out = {}
    for leaf in mine.of(ACTIONS):
        if leaf.content.get("model_digest") != model_digest or (before is not None and leaf.sequence >= before):
            continue
        sha256, sealed = str(leaf.content["envelope"]), str(leaf.content["time"])
        verify = functools.partial(_verified, ledger, sha256, sealed, force)
        try:
            out[sha256] = known.get((sha256, sealed, force.keyring_digest, force.consenting), verify)
        except EvidenceError:
            continue
    return out


def _verified(ledger: Ledger, sha256: str, sealed: str, force: InForce) -> SignedConsent:
    raw = ledger.envelope(sha256)
    if raw is None:
        raise EvidenceError("the ledger has lost the envelope of a consent", where=sha256)
    return read_consent(raw, force.keyring, force.consenting, sealed)

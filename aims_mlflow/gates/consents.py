"""Signed consents for a gate (approvals, waivers, revocations, retirements): packing, verifying and finding them."""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import TYPE_CHECKING

from aims_mlflow.bounded_cache import BoundedCache
from aims_mlflow.canonical import canonical, parse_json
from aims_mlflow.errors import EvidenceError
from aims_mlflow.evidence import statement
from aims_mlflow.evidence.verify import check_signature
from aims_mlflow.gates.signed_consent import SignedConsent
from aims_mlflow.records.decision import Consent
from aims_mlflow.records.leaves.others import ConsentBody, ConsentLeaf, ConsentText

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aims_mlflow.gates.rules_in_force import RulesInForce
    from aims_mlflow.ledger.leaves import Leaf
    from aims_mlflow.ledger.ledger import Ledger
    from aims_mlflow.ledger.model_leaves import ModelLeaves
    from aims_mlflow.records.keyring import Keyring, Role

MAX_KNOWN = 10_000
KnownConsents = BoundedCache[SignedConsent]
ACTIONS = ("approval", "waiver", "revocation", "retirement")
AGAIN = "make it with `aims approve`, `aims waive`, `aims gate revoke` or `aims gate retire`"


def packed(raw: bytes, words: ConsentText) -> str:
    """Return a consent as it is sent to a gate: its envelope, and the text beside it."""
    return canonical({"envelope": parse_json(raw, "consent"), "words": words.model_dump()}).decode()


def unpacked(text: str) -> tuple[bytes, ConsentText | None]:
    """Return (envelope, consent text) of untrusted text; the second is None for a bare envelope.

    Raises:
        EvidenceError: the text beside the envelope cannot be read.
    """
    data = parse_json(text.encode("utf-8", "surrogatepass"), "consent")
    if not isinstance(data, dict) or set(data) != {"envelope", "words"}:
        return text.encode("utf-8", "surrogatepass"), None
    try:
        return canonical(data["envelope"]), ConsentText.model_validate(data["words"])
    except (ValueError, RecursionError):
        raise EvidenceError("the words beside it cannot be read", next=AGAIN) from None


def with_words(signed: SignedConsent, words: ConsentText | None) -> SignedConsent:
    """Return a consent with the text beside it.

    Raises:
        EvidenceError: it is signed for other words, or a reason that it needs is missing.
    """
    consent = signed.consent
    if consent.words is not None:
        if words is None or words.commitment != consent.words:
            raise EvidenceError("the words beside it are missing, or not those that were signed", next=AGAIN)
        consent = consent.model_copy(update={"comment": words.comment})
    if consent.action != "approval" and not consent.comment.strip():
        raise EvidenceError(f"a {consent.action} lacks its reason, control or expiry", next=AGAIN)
    return replace(signed, consent=consent)


def read_consent(
    raw: bytes, keyring: Keyring, roles: Sequence[Role] = ("approver",), sealed: str = ""
) -> SignedConsent:
    """Verify a consent's envelope against a keyring; `with_words` adds the text, which may be erased.

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
    return named and (consent.words is not None or bool(consent.comment.strip()))


def sealed_consents(
    ledger: Ledger,
    mine: ModelLeaves,
    model_digest: str,
    force: RulesInForce,
    known: KnownConsents,
    before: int | None = None,
) -> dict[str, SignedConsent]:
    """Return the sealed consents about a model's bytes that verify against the keyring in force, by envelope sha256.

    What was verified against this keyring before is taken from `known`. `before` leaves out what was sealed at or
    after that leaf.
    """
    out = {}
    for leaf in mine.of(ACTIONS):
        content = leaf.fact
        if not isinstance(content, ConsentLeaf) or content.model_digest != model_digest or content.envelope is None:
            continue
        if before is not None and leaf.sequence >= before:
            continue
        sha256, sealed = content.envelope, content.time
        verify = functools.partial(_verified, ledger, sha256, sealed, force)
        try:
            signed = known.get((sha256, sealed, force.keyring_digest, force.consenting), verify)
            out[sha256] = _reason(ledger, leaf, signed) if signed.consent.action == "waiver" else signed
        except (EvidenceError, ValueError):
            continue
    return out


def _reason(ledger: Ledger, leaf: Leaf, signed: SignedConsent) -> SignedConsent:
    """Return a waiver with its reason, which a decision quotes, unless it was erased. It is not cached."""
    body = ledger.body(leaf.sequence) if signed.consent.words is not None else None
    return with_words(signed, body.words) if isinstance(body, ConsentBody) else signed


def _verified(ledger: Ledger, sha256: str, sealed: str, force: RulesInForce) -> SignedConsent:
    raw = ledger.envelope(sha256)
    if raw is None:
        raise EvidenceError("the ledger has lost the envelope of a consent", where=sha256)
    return read_consent(raw, force.keyring, force.consenting, sealed)

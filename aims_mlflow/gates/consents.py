"""Signed consents for a gate (approvals, waivers, revocations, retirements): packing, verifying and finding them."""

from __future__ import annotations

import contextlib
import functools
from dataclasses import replace
from typing import TYPE_CHECKING

from aims_mlflow.bounded_cache import BoundedCache
from aims_mlflow.canonical import canonical, parse_json
from aims_mlflow.errors import EvidenceError
from aims_mlflow.evidence import statement
from aims_mlflow.evidence.verify import check_signature
from aims_mlflow.gates.authority import moment_of, named_envelopes
from aims_mlflow.gates.signed_consent import GIVING, TAKING, SignedConsent
from aims_mlflow.records.decision import Consent
from aims_mlflow.records.leaves.others import ConsentBody, ConsentLeaf, ConsentText

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aims_mlflow.gates.authority import Authority, SealedLeaves
    from aims_mlflow.gates.rules_in_force import RulesInForce
    from aims_mlflow.ledger.leaves import Leaf
    from aims_mlflow.records.keyring import Keyring, Role

MAX_KNOWN = 10_000
KnownConsents = BoundedCache[SignedConsent]
ACTIONS = (*GIVING, *TAKING)
# Stands for the account in the signed record: it is beside it, from where it can be erased.
BESIDE = "beside it"
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


def read_consent(raw: bytes, keyring: Keyring, roles: Sequence[Role] = ("approver",)) -> SignedConsent:
    """Verify a consent's envelope against a keyring; `with_words` adds the text, which may be erased.

    Whether its key could sign then, `Authority` says: the time that a consent names is its signer's.

    Raises:
        EvidenceError: it is malformed, or not signed by a key with one of the roles.
    """
    record = statement.read(raw, "consent")
    body = record.evidence
    if body.kind not in ACTIONS:
        raise EvidenceError(f"a record of kind {body.kind!r} is none of {', '.join(ACTIONS)}")
    entry = check_signature(record, keyring.find, roles, timeless=True)
    try:
        consent = Consent.model_validate(body.details)
    except ValueError:
        raise EvidenceError("what it is bound to cannot be read", next=AGAIN) from None
    digest = record.subjects[0].digest.get("dirHash1")
    if consent.action != body.kind or digest is None or len(record.subjects) != 1:
        raise EvidenceError("it must be about one model's digest (dirHash1)")
    if not _complete(consent):
        raise EvidenceError(f"a {consent.action} lacks its reason, control or expiry", next=AGAIN)
    return SignedConsent(body.id, entry.owner, digest, consent, body.time, entry.roles, key_id=entry.key_id)


def _complete(consent: Consent) -> bool:
    if consent.action == "approval":
        return True
    named = consent.action != "waiver" or (
        consent.expires is not None and (consent.control is not None or consent.break_glass)
    )
    return named and (consent.words is not None or bool(consent.comment.strip()))


def sealed_consents(authority: Authority, model_digest: str, known: KnownConsents) -> dict[str, SignedConsent]:
    """Return the sealed consents about a model's bytes that count now, by envelope sha256, in order.

    Approvals and waivers count for the model that had the name when they were sealed, under all of its names, and once:
    sent again, after a revocation or to another model of that name, they are nothing new. Revocations and retirements
    follow the bytes under every name, and stay whatever becomes of their signer's key or of their envelope.
    """
    names = dict.fromkeys(span.name for span in authority.lineage)
    given = [leaf for name in names for leaf in authority.of_model(name).of(GIVING)]
    taken = authority.for_all.of(TAKING)
    out, seen = {}, set()
    for leaf in sorted((*given, *taken), key=lambda leaf: leaf.sequence):
        content = leaf.fact
        if not isinstance(content, ConsentLeaf) or authority.since(leaf) or content.envelope is None:
            continue
        first = content.request not in seen
        seen.add(content.request)
        if content.model_digest != model_digest:
            continue
        if leaf.fact.type in TAKING:
            out[content.envelope] = _taking(leaf, content)
        elif first and any(span.name == content.model_name and leaf.sequence in span for span in authority.lineage):
            with contextlib.suppress(EvidenceError, ValueError):
                out[content.envelope] = _counting(authority, leaf, content, known)
    return out


def _taking(leaf: Leaf, content: ConsentLeaf) -> SignedConsent:
    """Return a revocation or retirement by its leaf alone: the gate verified it before it was sealed."""
    workspace, _, name = content.model_name.rpartition("/")
    said = Consent.model_validate(
        {
            "action": content.type, "model_name": name, "workspace": workspace or None, "stage": content.stage,
            "alias": content.alias, "stage_digest": content.stage_digest,
        }
    )  # fmt: skip
    digest = str(content.model_digest)
    return SignedConsent(content.request, "", digest, said, content.time, (), content.time, leaf.sequence)


def why_not_counting(authority: Authority, leaf: Leaf, known: KnownConsents) -> str | None:
    """Return why the signature of an approval or waiver counts for nothing now; None where it counts."""
    if not isinstance(leaf.fact, ConsentLeaf) or leaf.fact.envelope is None:
        return "its leaf names no envelope"
    try:
        _counting(authority, leaf, leaf.fact, known)
    except EvidenceError as exc:
        return exc.what
    except ValueError:
        return "what it is bound to cannot be read"
    return None


def _counting(authority: Authority, leaf: Leaf, content: ConsentLeaf, known: KnownConsents) -> SignedConsent:
    """Return an approval or waiver if its signature counts now.

    Raises:
        EvidenceError: it does not, or it is not what its leaf says.
    """
    force, sha256 = authority.force, str(content.envelope)
    verify = functools.partial(_verified, authority.ledger, sha256, force)
    signed = known.get((sha256, force.keyring_digest, force.consenting), verify)
    if (signed.model, signed.model_digest, signed.id) != (content.model_name, content.model_digest, content.request):
        raise EvidenceError("the leaf of a consent is about something else than the consent")
    why = authority.why_not(signed.key_id, force.consenting, moment_of(leaf))
    if why:
        raise EvidenceError(why)
    signed = replace(signed, sealed=content.time, sequence=leaf.sequence)
    return _reason(authority.ledger, leaf, signed) if content.type == "waiver" else signed


def _reason(ledger: SealedLeaves, leaf: Leaf, signed: SignedConsent) -> SignedConsent:
    """Return a waiver with its reason, which a decision quotes, unless it was erased. It is not cached."""
    body = ledger.body(leaf.sequence) if signed.consent.words is not None else None
    return with_words(signed, body.words) if isinstance(body, ConsentBody) else signed


def _verified(ledger: SealedLeaves, sha256: str, force: RulesInForce) -> SignedConsent:
    raw = named_envelopes(ledger, [sha256]).get(sha256)
    if raw is None:
        raise EvidenceError("the envelope of a consent is lost, or was exchanged", where=sha256)
    return read_consent(raw, force.keyring, force.consenting)

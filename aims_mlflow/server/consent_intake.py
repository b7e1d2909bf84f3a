"""Intake of approvals, waivers, revocations and retirements: verify each, and seal it in the ledger."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from aims_mlflow.errors import EvidenceError
from aims_mlflow.evidence.statement import read
from aims_mlflow.gates.authority import Authority
from aims_mlflow.gates.consents import (
    ACTIONS,
    AGAIN,
    BESIDE,
    KnownConsents,
    read_consent,
    sealed_consents,
    unpacked,
    with_words,
)
from aims_mlflow.gates.signed_consent import GIVING
from aims_mlflow.gates.waivers import WaiverBound, too_long
from aims_mlflow.ledger.state import CALL_SECONDS
from aims_mlflow.lifecycle.consents import MAX_CHARS, seal_consent
from aims_mlflow.lifecycle.model_history import qualified
from aims_mlflow.records.base import parse_time, utc_text
from aims_mlflow.server.caller import require_login
from aims_mlflow.server.change import RegistryChange

if TYPE_CHECKING:
    from aims_mlflow.gates.policy import Rules
    from aims_mlflow.gates.signed_consent import SignedConsent
    from aims_mlflow.records.decision import Consent
    from aims_mlflow.records.leaves.base import CallerBody
    from aims_mlflow.server.gate import Gate


class ConsentIntake:
    """Verifies signed consents about a model, and seals them."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    def take(self, name: str, workspace: str | None, text: str, who: CallerBody, login: str | None) -> None:
        """Verify a consent about a registered model, and seal it.

        A consent that was sealed lately and counts is sealed no second time: a client that lost the answer asks again.

        Raises:
            EvidenceError: it is malformed, too long, not signed in a fitting role, for something else, or was sealed
                before.
            PolicyRefused: the ledger is not the one that the registry was gated with.
        """
        self._gate.guard.require()
        if len(text) > MAX_CHARS:
            raise EvidenceError(f"the envelope is longer than {MAX_CHARS:,} characters", next="shorten the reason")
        force = self._gate.policy.current()
        raw, words = unpacked(text)
        signed = read_consent(raw, force.keyring, force.consenting)
        _require_nothing_written(raw, signed.consent)
        _require_named_failures(signed)
        _require_model(signed, name, workspace)
        self._require_log(signed.consent)
        require_login(signed.owner, login)
        authority = Authority(self._gate.ledger, signed.model, force, datetime.now(UTC))
        why = authority.why_not_signing(signed.key_id, force.consenting)
        if why:
            raise EvidenceError(why, next="sign with a key that may sign now; what its time says does not count")
        self._require_rules(signed)
        signed = with_words(signed, words)
        if not self._sealed_lately(signed, authority):
            if signed.consent.action in GIVING:
                self._gate.bounds.require_change(signed.model, force.policy.policy.caps)
            seal_consent(self._gate.ledger, raw, signed, qualified(name, workspace), who, words)

    def _sealed_lately(self, signed: SignedConsent, authority: Authority) -> bool:
        """Return whether a consent is sealed already; refuse one that is old, or that was taken back since."""
        leaf = next(self._gate.ledger.leaves(types=ACTIONS, request=signed.id), None)
        if leaf is None:
            return False
        counting = sealed_consents(authority, signed.model_digest, KnownConsents(0)).values()
        ended = max((c.sequence for c in counting if c.takes_back and c.id != signed.id), default=-1)
        lately = datetime.now(UTC) - parse_time(leaf.fact.time) < timedelta(seconds=CALL_SECONDS)
        if lately and leaf.sequence > ended and any(c.id == signed.id for c in counting):
            self._gate.ledger.confirm()
            return True
        raise EvidenceError(
            f"this {signed.consent.action} was sealed on {leaf.fact.time[:10]} (leaf {leaf.sequence}), and counts once",
            next="sign a new one, if it is still meant",
        )

    def _require_log(self, consent: Consent) -> None:
        """Refuse an approval or waiver for another registry: whoever reads its ledger could send it here."""
        head = self._gate.ledger.proofs.newest()
        if consent.action in GIVING and head is not None and consent.log != head.origin:
            raise EvidenceError(
                f"it was signed for the log {consent.log or '(none is named)'}, and this registry's is {head.origin}",
                next="sign it again here, with `aims approve` or `aims waive` of this release",
            )

    def _require_rules(self, signed: SignedConsent) -> None:
        """Refuse an approval or waiver that was signed under other rules."""
        consent = signed.consent
        rules = self._gate.rules(RegistryChange(consent.stage, consent.model_name, consent.workspace, consent.alias))
        if consent.action in ("approval", "waiver") and rules.stage_digest != consent.stage_digest:
            raise EvidenceError(
                "the policy has changed since it was signed",
                next="sign it again: `aims approve` and `aims waive` read the policy in force",
            )
        if consent.action == "waiver":
            _require_short(signed, rules, datetime.now(UTC))


def _require_short(signed: SignedConsent, rules: Rules, now: datetime) -> None:
    """Refuse a waiver that lasts longer than the policy allows: it would be sealed, and cover nothing."""
    if too_long(replace(signed, sealed=utc_text(now)), rules):
        bound = WaiverBound.of(rules, break_glass=signed.consent.break_glass)
        raise EvidenceError(
            f"the waiver is too long and would cover nothing: {bound.text}",
            next=f"sign one that ends by {bound.last(now):%Y-%m-%d %H:%M} UTC",
        )


def _require_nothing_written(raw: bytes, signed: Consent) -> None:
    """Refuse a signed record with a person's words in it: they would stay for good, where nobody can erase them."""
    body = read(raw, "consent").evidence
    if body.actor != BESIDE or body.reason or signed.comment:
        raise EvidenceError("its signed record has an account or a comment, which could not be erased", next=AGAIN)


def _require_named_failures(signed: SignedConsent) -> None:
    """Refuse a waiver that covers a whole control: its signer cannot know the failures that come later."""
    consent = signed.consent
    if consent.action == "waiver" and not consent.break_glass and not consent.claims:
        raise EvidenceError(
            "the waiver names no failure that it covers", next="sign it with `aims waive` of this release"
        )


def _require_model(signed: SignedConsent, name: str, workspace: str | None) -> None:
    """Refuse a consent for another model."""
    consent = signed.consent
    if (consent.model_name, consent.workspace) != (name, workspace):
        about = qualified(consent.model_name, consent.workspace)
        raise EvidenceError(f"it is for the model {about!r}, not {qualified(name, workspace)!r}")

"""The gate of a registry: gathers evidence inside the server, decides, and seals what it decided."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import aims_mlflow
from aims_mlflow.errors import AimsError, EvidenceError
from aims_mlflow.evidence import statement
from aims_mlflow.evidence.keyring import keyring_digest
from aims_mlflow.evidence.ledger import LEDGER_URI, Ledger, ledger_uri
from aims_mlflow.evidence.verify import CheckedSession, check_session, check_signature
from aims_mlflow.gates.decide import SignedConsent, decide
from aims_mlflow.hooks.active_policy import ActivePolicy, init_policy, policy_folder
from aims_mlflow.hooks.server_evidence import Owned, ServerEvidence
from aims_mlflow.records.decision import Consent, Decision

if TYPE_CHECKING:
    from aims_mlflow.gates.policy import Rules
    from aims_mlflow.records.keyring import Keyring
    from aims_mlflow.records.policy import Stage

MAX_CONSENT_CHARS = 4500


@dataclass(frozen=True)
class Decided:
    """A decision with what sealing it needs: the envelopes that it rests on."""

    decision: Decision
    envelopes: tuple[bytes, ...]


class Gate:
    """One registry's gate. Holds no state between decisions but caches by digest."""

    def __init__(self, registry_uri: str, tracking_uri: str | None) -> None:
        self.folder = policy_folder()
        if not os.environ.get("AIMS_POLICY") and not self.folder.exists():
            init_policy(self.folder)
        self.ledger = Ledger(ledger_uri(registry_uri, os.environ.get(LEDGER_URI)))
        self.policy = ActivePolicy(self.ledger, self.folder)
        self.evidence = ServerEvidence(tracking_uri)

    def gated_alias(self, alias: str) -> bool:
        """Tell whether setting `alias` is a deployment under the policy in force."""
        return self.policy.current()[0].gated_alias(alias)

    def decide(
        self, stage: Stage, name: str, owned: Owned, *, alias: str | None = None, version: str | None = None
    ) -> Decided:
        """Hash the model's bytes, read and verify its evidence, and decide.

        Raises:
            EvidenceError, Unreachable: bytes or evidence cannot be read: the caller refuses with that reason.
        """
        loaded, keyring, digest = self.policy.current()
        rules = loaded.rules(name, stage, alias)
        model_digest = self.evidence.model_digest(owned, loaded.policy.caps)
        sessions = self._sessions(owned, loaded.policy.caps, keyring)
        decision = decide(
            rules,
            sessions,
            self._consents(name, keyring),
            model_digest=model_digest,
            now=datetime.now(UTC),
            run_id=owned.run_id,
            model_id=owned.model_id,
            version=version,
            keyring_digest=digest,
        )
        relied = set(decision.evidence)
        envelopes = tuple(r.envelope.raw for s in sessions for r in s.records if r.sha256 in relied)
        return Decided(decision, envelopes)

    def _sessions(self, owned: Owned, caps: Any, keyring: Keyring) -> list[CheckedSession]:
        if owned.run_id is None:
            return []
        files = self.evidence.session_files(owned.run_id, caps)
        return [check_session(data, name, keyring.find) for name, data in sorted(files.items())]

    def rules(self, stage: Stage, name: str, alias: str | None = None) -> Rules:
        """Return the rules in force for a change."""
        return self.policy.current()[0].rules(name, stage, alias)

    # -- approvals and waivers --------------------------------------------------------------

    def consent(self, name: str, text: str, login: str | None) -> SignedConsent:
        """Verify an approval or waiver for a model name, and seal it.

        Raises:
            EvidenceError: it is malformed, too long, not signed by an approver, or for something else.
        """
        if len(text) > MAX_CONSENT_CHARS:
            raise EvidenceError(
                f"the envelope is longer than {MAX_CONSENT_CHARS:,} characters", next="shorten the reason"
            )
        _, keyring, _ = self.policy.current()
        signed = read_consent(text.encode(), keyring)
        if signed.consent.model_name != name:
            raise EvidenceError(f"it is for the model {signed.consent.model_name!r}, not {name!r}")
        if login is not None and login != signed.owner:
            raise EvidenceError(
                f"signed with the key of {signed.owner}, but logged in as {login}", next="log in as the key's owner"
            )
        rules = self.rules(signed.consent.stage, name, signed.consent.alias)
        if rules.stage_digest != signed.consent.stage_digest:
            raise EvidenceError(
                "the policy has changed since it was signed",
                next="sign it again: `aims approve` reads the policy in force",
            )
        self.ledger.append(
            signed.consent.action,
            {
                "model_name": name,
                "stage": signed.consent.stage,
                "model_digest": signed.model_digest,
                "stage_digest": signed.consent.stage_digest,
                "envelope": statement.read(text.encode(), "consent").sha256,
            },
            {"owner": signed.owner, "comment": signed.consent.comment, "login": login},
            request=signed.id,
            envelopes=(text.encode(),),
        )
        return signed

    def _consents(self, name: str, keyring: Keyring) -> list[SignedConsent]:
        """Return the sealed consents for a model name that still verify against the keyring in force."""
        out: dict[str, SignedConsent] = {}
        for kind in ("approval", "waiver"):
            for leaf in self.ledger.leaves(kind=kind, model_name=name):
                envelope = self.ledger.envelope(str(leaf.content.get("envelope")))
                try:
                    if envelope is not None:
                        signed = read_consent(envelope, keyring)
                        out[signed.id] = signed
                except EvidenceError:
                    continue
        return list(out.values())

    # -- sealing ----------------------------------------------------------------------------

    def seal(self, decided: Decided, request: str, who: dict[str, str]) -> None:
        """Append the decision and the evidence that it relied on to the ledger."""
        decision = decided.decision
        public = {
            "model_name": decision.model_name,
            "stage": decision.stage,
            "alias": decision.alias,
            "version": decision.version,
            "mode": decision.mode,
            "allowed": decision.allowed,
            "would_refuse": decision.would_refuse,
            "model_digest": decision.model_digest,
            "pack_digest": decision.pack_digest,
            "policy_digest": decision.policy_digest,
            "keyring_digest": decision.keyring_digest,
            "stage_digest": decision.stage_digest,
            "evidence": list(decision.evidence),
            "unmet": [u.control for u in decision.unmet],
            "waivers": sorted({w.waiver for w in decision.waived}),
            "run_id": decision.run_id,
            "model_id": decision.model_id,
        }
        body = {"decision": decision.model_dump(mode="json", exclude_none=True), **who}
        self.ledger.append(
            "decision",
            {k: v for k, v in public.items() if v is not None},
            body,
            request=request,
            envelopes=decided.envelopes,
        )

    def seal_refusal(self, stage: Stage, name: str, reason: str, request: str, who: dict[str, str]) -> None:
        """Append a refusal that came before any evidence could be weighed."""
        public = {"model_name": name, "stage": stage, "mode": "enforce", "allowed": False, "would_refuse": True}
        self.ledger.append("decision", public, {"reason": reason, **who}, request=request)

    def outcome(self, request: str, name: str, *, version: str | None = None, failure: str | None = None) -> None:
        """Append what became of an allowed change."""
        public = {"model_name": name, "done": failure is None, **({"version": version} if version else {})}
        self.ledger.append("outcome", public, {"failure": failure} if failure else None, request=request)

    def status(self) -> dict[str, str]:
        """Return what `aims.status` answers."""
        size, last = self.ledger.size_and_last()
        try:
            loaded, keyring, _ = self.policy.current()
        except AimsError as exc:
            return {
                "aims.version": aims_mlflow.__version__,
                "aims.enforcement": "refuses all",
                "aims.findings": exc.sentence(),
            }
        modes = {entry.mode for entry in loaded.policy.enforcement} or {"enforce"}
        return {
            "aims.version": aims_mlflow.__version__,
            "aims.enforcement": modes.pop() if len(modes) == 1 else "mixed",
            "aims.policy_digest": loaded.digest,
            "aims.keyring_digest": keyring_digest(keyring),
            "aims.keys": str(len(keyring.keys)),
            "aims.checkpoint": f"{size}:{last}",
            **({"aims.findings": "; ".join(self.policy.findings)} if self.policy.findings else {}),
        }


def read_consent(raw: bytes, keyring: Keyring) -> SignedConsent:
    """Verify an approval or waiver envelope against a keyring.

    Raises:
        EvidenceError: it is malformed, or not signed by a key with the role approver.
    """
    record = statement.read(raw, "consent")
    body = record.evidence
    if body.kind not in ("approval", "waiver"):
        raise EvidenceError(f"a record of kind {body.kind!r} is neither an approval nor a waiver")
    entry = check_signature(record, keyring.find, "approver")
    try:
        consent = Consent.model_validate(body.details)
    except ValueError:
        raise EvidenceError(
            "what it is bound to cannot be read", next="make it with `aims approve` or `aims waive`"
        ) from None
    digest = record.subjects[0].digest.get("dirHash1")
    if consent.action != body.kind or digest is None or len(record.subjects) != 1:
        raise EvidenceError("it must be about one model's digest (dirHash1)")
    if consent.action == "waiver" and (
        consent.control is None or consent.expires is None or not consent.comment.strip()
    ):
        raise EvidenceError("a waiver names control, reason and expiry")
    return SignedConsent(body.id, entry.owner, digest, consent, body.time)

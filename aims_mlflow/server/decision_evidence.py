"""The evidence for one decision: the model's bytes, its sessions, the consents about it, and its earlier authority."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from aims_mlflow.bounded_cache import BoundedCache
from aims_mlflow.canonical import sha256_hex
from aims_mlflow.errors import AimsError, EvidenceError
from aims_mlflow.evidence.statement import read as read_record
from aims_mlflow.evidence.unsigned_lines import signed_lines_only
from aims_mlflow.evidence.verify import check_session, check_signature
from aims_mlflow.gates.consents import MAX_KNOWN, KnownConsents, sealed_consents
from aims_mlflow.gates.counting_evidence import count
from aims_mlflow.gates.replay import check_sessions, evidence_roles
from aims_mlflow.gates.sealed_documents import sealed_shelf
from aims_mlflow.gates.void_waivers import SealedWaivers
from aims_mlflow.server.change import NO_LINES, KeptLines, kept_lines
from aims_mlflow.server.model_bytes import ModelBytes
from aims_mlflow.server.sealed_evidence import missing_sessions

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from aims_mlflow.evidence.statement import SealedRecord
    from aims_mlflow.evidence.verify import CheckedSession
    from aims_mlflow.gates.authority import Authority
    from aims_mlflow.gates.counting_evidence import CountingEvidence
    from aims_mlflow.gates.policy import Rules
    from aims_mlflow.gates.published_documents import DocumentShelf
    from aims_mlflow.gates.rules_in_force import RulesInForce
    from aims_mlflow.gates.signed_consent import SignedConsent
    from aims_mlflow.ledger.ledger import Ledger
    from aims_mlflow.lifecycle.model_history import ModelHistory
    from aims_mlflow.records.decision import PriorAuthority
    from aims_mlflow.records.policy import Policy
    from aims_mlflow.server.change import RegistryChange
    from aims_mlflow.server.stored_evidence import ArtifactOwner, ServerEvidence

# A checked session takes about eight times its bytes in memory.
MAX_SESSION_BYTES = 16 * 1024 * 1024
# Models whose counting evidence is remembered, with what does not depend on the time: it holds on to checked sessions.
MAX_COUNTED = 20


@dataclass(frozen=True)
class ModelEvidence:
    """The stored evidence of one model: its digest, its origin, and the session files of its run.

    `lines` are the lines of the files as the ledger keeps them, once the files have been reduced to signed lines.
    `kept` names those files that the ledger gave, since the run does not have them. `unread` is why the sessions cannot
    be read; earlier authority needs none.
    """

    owner: ArtifactOwner
    digest: str
    session_files: dict[str, bytes]
    lines: KeptLines = NO_LINES
    kept: tuple[str, ...] = ()
    unread: AimsError | None = None


class DecisionEvidence:
    """Reads and verifies evidence. Its caches depend on digests only, and not on the time."""

    def __init__(self, ledger: Ledger, stored: ServerEvidence) -> None:
        self.stored = stored
        self.bytes = ModelBytes(ledger)
        self._ledger = ledger
        self._signed: BoundedCache[tuple[dict[str, bytes], KeptLines]] = BoundedCache(MAX_SESSION_BYTES)
        self._sessions: BoundedCache[CheckedSession] = BoundedCache(MAX_SESSION_BYTES)
        self._counted: BoundedCache[tuple[list[CheckedSession], CountingEvidence]] = BoundedCache(MAX_COUNTED)
        self._consents = KnownConsents(MAX_KNOWN)
        self._signatures: BoundedCache[SealedRecord] = BoundedCache(MAX_KNOWN)

    def forget(self) -> None:
        """Clear the caches of verified evidence, as in a new worker."""
        for remembering in (self._signed, self._sessions, self._counted, self._consents, self._signatures):
            remembering.clear()
        self.bytes.forget()
        self.stored.forget()

    def of_model(self, owner: ArtifactOwner, policy: Policy) -> ModelEvidence:
        """Hash a model's bytes, and read its run's session files where they can be read.

        Raises:
            EvidenceError: it has no files, more than the policy's caps, or elsewhere than its locations.
            Unreachable: its files cannot be read, or are still being hashed.
        """
        caps, allowed = policy.caps, policy.locations or ()
        digest = self.bytes.digest(owner.location, self.stored.files(owner.location, allowed), caps)
        try:
            files = self.stored.session_files(owner.run_id, caps, allowed) if owner.run_id else {}
        except AimsError as exc:
            return ModelEvidence(owner, digest, {}, unread=exc)
        return ModelEvidence(owner, digest, files)

    def is_unchanged(self, owner: ArtifactOwner, digest: str) -> bool:
        """Return whether a model's files are still listed as they were when they had this digest.

        Raises:
            Unreachable: they cannot be listed.
        """
        files = self.stored.files(owner.location, (owner.location,))  # the decision found the place allowed
        return self.bytes.is_unchanged(owner.location, digest, files)

    def signed(self, model: ModelEvidence, force: RulesInForce) -> ModelEvidence:
        """Return a model's evidence with nothing in it but what keys of the keyring signed, digests and counts."""
        files, most = model.session_files, force.policy.policy.caps.max_records
        key = (tuple((name, sha256_hex(data)) for name, data in sorted(files.items())), force.keyring_digest, most)

        def make() -> tuple[dict[str, bytes], KeptLines]:
            signed = signed_lines_only(files, force.keyring.find, most)
            return signed, kept_lines(signed)

        signed, lines = self._signed.get(key, make, 2 * sum(map(len, files.values())))
        return replace(model, session_files=signed, lines=lines)

    def sessions(self, model: ModelEvidence, force: RulesInForce, rules: Rules) -> ModelEvidence:
        """Return a model's evidence as it is judged: what known keys signed in its run, and what leaves sealed."""
        if model.unread is not None:
            return model
        try:
            return self.with_sealed(self.signed(model, force), force, rules)
        except AimsError as exc:
            return replace(model, session_files={}, unread=exc)

    def with_sealed(self, model: ModelEvidence, force: RulesInForce, rules: Rules) -> ModelEvidence:
        """Return a model's evidence with the sessions that leaves sealed about its bytes and its run does not have.

        Raises:
            EvidenceError: one cannot be read any more, or there are more than the policy's caps.
            Unreachable: the ledger does not answer.
        """
        files, caps = model.session_files, force.policy.policy.caps
        roles, find = evidence_roles(rules), force.keyring.find
        sealed = missing_sessions(
            self._ledger,
            model.digest,
            model.lines.sessions,
            sum(map(len, files.values())),
            caps,
            lambda data: check_session(data, "", find, roles, caps.max_records, timeless=True).sound,
        )
        if not sealed:
            return model
        files = {**files, **sealed}
        return replace(model, session_files=files, lines=kept_lines(files), kept=tuple(sealed))

    def checked_sessions(self, model: ModelEvidence, authority: Authority, rules: Rules) -> list[CheckedSession]:
        """Return a model's sessions, verified, with a problem for each signature that does not count now."""
        return check_sessions(model.session_files, authority, rules, self._sessions)

    def counting(self, sessions: list[CheckedSession], digest: str) -> CountingEvidence:
        """Return the records that count for a model's bytes; remembered for the very same checked sessions."""
        key = (digest, *map(id, sessions))  # the value holds on to the sessions: their ids are nobody else's meanwhile
        return self._counted.get(key, lambda: (sessions, count(sessions, digest)))[1]

    def documents(self, authority: Authority) -> DocumentShelf:
        """Return the published documents that the ledger sealed."""
        return sealed_shelf(authority, self._sessions)

    def consents(self, authority: Authority, digest: str) -> dict[str, SignedConsent]:
        """Return the sealed consents about a model's bytes that count now."""
        return sealed_consents(authority, digest, self._consents)

    def void_waivers(self, authority: Authority, now: datetime) -> tuple[str, ...]:
        """Return one line for each sealed waiver of a model that has not ended and covers nothing."""
        return tuple(SealedWaivers(authority, self._consents, self._sessions).lines(now))

    def prior_authority(
        self, change: RegistryChange, past: ModelHistory, authority: Authority
    ) -> PriorAuthority | None:
        """Return the version's earlier authority for this alias, if all of its evidence counts still.

        A registration has none.
        """
        if change.stage != "deployment":
            return None
        until = authority.force.policy.policy.legacy.until
        prior = past.prior_authority(str(change.version), str(change.alias), until)
        if prior is None or prior.basis == "legacy":
            return prior
        kept = functools.cache(lambda: self._ledger.envelopes(list(prior.evidence)))
        force = authority.force
        try:
            for name in prior.evidence:
                check = functools.partial(_record, kept, name, force)
                record = self._signatures.get((name, force.keyring_digest, force.training), check)
                if authority.why_no_evidence(record, force.training):
                    return None
        except (EvidenceError, KeyError):
            return None
        return prior


def _record(kept: Callable[[], dict[str, bytes]], name: str, force: RulesInForce) -> SealedRecord:
    """Return the record of an envelope of the ledger, if its digest fits and a key of the keyring signed it."""
    record = read_record(kept()[name], name)
    if record.sha256 != name:
        raise EvidenceError("the envelope was changed in the ledger's database", where=name)
    check_signature(record, force.keyring.find, force.training, timeless=True)
    return record

"""The gate of a registry: gathers evidence inside the server, decides, and seals what it decided."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import aims_mlflow
from aims_mlflow.bounded_cache import BoundedCache
from aims_mlflow.canonical import sha256_hex
from aims_mlflow.errors import AimsError, EvidenceError
from aims_mlflow.evidence.statement import read as read_record
from aims_mlflow.evidence.verify import check_signature
from aims_mlflow.gates.consents import MAX_KNOWN, KnownConsents, read_consent, sealed_consents, unpacked, with_words
from aims_mlflow.gates.decide import DecisionRequest, SignedConsent, decide, unreadable
from aims_mlflow.gates.replay import check_sessions, public_fields
from aims_mlflow.ledger.leaves import Entry
from aims_mlflow.ledger.ledger import Ledger, ledger_uri
from aims_mlflow.ledger.log import LOG_ROLE, configured_log
from aims_mlflow.lifecycle.consents import MAX_CHARS, seal_consent
from aims_mlflow.lifecycle.ledger_guard import RESTORE, LedgerGuard
from aims_mlflow.lifecycle.model_history import ModelHistory, qualified
from aims_mlflow.records.base import utc_text
from aims_mlflow.server.active_policy import ActivePolicy, init_policy
from aims_mlflow.server.model_bytes import HashInProgress, ModelBytes
from aims_mlflow.server.stored_evidence import ArtifactOwner, ServerEvidence
from aims_mlflow.server.workspaces import ungated
from aims_mlflow.settings import LEDGER_URI, POLICY, policy_folder, value_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from aims_mlflow.evidence.verify import CheckedSession
    from aims_mlflow.gates.policy import Rules
    from aims_mlflow.gates.rules_in_force import RulesInForce
    from aims_mlflow.records.decision import Decision, PriorAuthority
    from aims_mlflow.records.keyring import KeyEntry
    from aims_mlflow.records.policy import Stage

TRUST_LOG = "give `aims keys export --key ...` of it to `aims keys add FILE --owner registry --role log`"
ENDED_LOG = "give the server the log's new key (AIMS_LOG_KEY) and restart it"
# What a session file is made of, by sha256 of its lines, so that a decision can be made again from the ledger.
SessionLines = dict[str, list[str]]
# A checked session takes about eight times its bytes in memory.
MAX_SESSION_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True)
class RegistryChange:
    """A change of the registry that the policy gates. `mlflow_stage` is set where it is a stage transition."""

    stage: Stage
    name: str
    workspace: str | None = None
    alias: str | None = None
    version: str | None = None
    mlflow_stage: str | None = None

    @property
    def ledger_name(self) -> str:
        """The name under which the ledger keeps the model."""
        return qualified(self.name, self.workspace)


@dataclass(frozen=True)
class DecisionContext:
    """A decision, and what it was made from."""

    decision: Decision
    envelopes: tuple[bytes, ...] = ()
    sessions: SessionLines = field(default_factory=dict)
    consents: tuple[str, ...] = ()
    registered: str | None = None
    standing: PriorAuthority | None = None
    # Why the model could not be read, where that is a failure of ours and not the model's.
    failure: AimsError | None = None


class Gate:
    """One registry's gate. What it remembers between decisions is in the ledger's database."""

    def __init__(self, registry_uri: str, tracking_uri: str | None) -> None:
        self.folder = policy_folder()
        if value_of(POLICY) is None and not self.folder.exists():
            init_policy(self.folder)
        self.ledger = Ledger(ledger_uri(registry_uri, value_of(LEDGER_URI)), configured_log())
        self.ledger.proofs.deliverer.start()
        self.policy = ActivePolicy(self.ledger, self.folder)
        self.evidence = ServerEvidence(tracking_uri)
        self.bytes = ModelBytes(self.ledger)
        # Functions of what their keys name, and of no clock: what was verified once is not verified again.
        self.sessions: BoundedCache[CheckedSession] = BoundedCache(MAX_SESSION_BYTES)
        self.consents = KnownConsents(MAX_KNOWN)
        self.signatures: BoundedCache[KeyEntry] = BoundedCache(MAX_KNOWN)
        self.guard: LedgerGuard | None = None

    def require_ledger(self) -> None:
        """Refuse to go by a ledger that knows nothing of what its registry shows.

        Raises:
            PolicyRefused: it is lost, or of another registry.
        """
        if self.guard is not None:
            self.guard.require()

    def rules(self, change: RegistryChange) -> Rules:
        """Return the rules in force for a change."""
        return self.policy.current().policy.rules(change.name, change.stage, change.alias, change.workspace)

    def decide(
        self,
        change: RegistryChange,
        owner: Callable[[], ArtifactOwner],
        past: ModelHistory | None = None,
        active: dict[str, str] | None = None,
    ) -> DecisionContext:
        """Hash the model's bytes, read and verify its evidence, and decide; what cannot be read speaks for nothing.

        `past` is what whoever holds the model's lock has read of it, and `active` the digests in force.

        Raises:
            ConfigError, Unreachable: there is no policy, or the ledger does not answer.
            PolicyRefused: the ledger is not the one that the registry was gated with.
        """
        self.require_ledger()
        force, now = self.policy.current(active), datetime.now(UTC)
        rules = force.policy.rules(change.name, change.stage, change.alias, change.workspace)
        past = past or ModelHistory(self.ledger, change.ledger_name)
        try:
            owned = owner()
            digest = self.bytes.digest(owned.location, self.evidence.files(owned.location), force.policy.policy.caps)
            files = self._session_files(owned, force)
        except AimsError as exc:
            about = DecisionRequest("", version=change.version, keyring_digest=force.keyring_digest)
            failure = exc if exc.exit_status != 1 and not isinstance(exc, HashInProgress) else None
            return DecisionContext(unreadable(rules, exc.what, exc.next or "", about, now), failure=failure)
        consents = self._consents(past, digest, force)
        standing = self._standing(change, past, force) if change.stage == "deployment" else None
        asked = DecisionRequest(
            digest,
            past.registered(change.version) if change.version else None,
            standing,
            owned.run_id,
            owned.model_id,
            change.version,
            force.keyring_digest,
        )
        decision = decide(
            rules, check_sessions(files, force, rules, self.sessions), list(consents.values()), asked, now
        )
        envelopes, lines = kept_lines(files)
        return DecisionContext(decision, envelopes, lines, tuple(consents), asked.registered, standing)

    def _session_files(self, owned: ArtifactOwner, force: RulesInForce) -> dict[str, bytes]:
        return self.evidence.session_files(owned.run_id, force.policy.policy.caps) if owned.run_id else {}

    def _consents(self, past: ModelHistory, digest: str, force: RulesInForce) -> dict[str, SignedConsent]:
        return sealed_consents(self.ledger, past.mine, digest, force, self.consents)

    def _standing(self, change: RegistryChange, past: ModelHistory, force: RulesInForce) -> PriorAuthority | None:
        """Return what the version was allowed before for this alias, where those who signed then are still trusted."""
        found = past.standing(str(change.version), str(change.alias), force.policy.policy.legacy.until)
        if found is None or found.basis == "legacy":
            return found
        kept = functools.cache(lambda: self.ledger.envelopes(list(found.evidence)))
        try:
            for name in found.evidence:
                check = functools.partial(_signed_still, kept, name, force)
                self.signatures.get((name, force.keyring_digest, force.training), check)
        except (EvidenceError, KeyError):
            return None
        return found

    # -- approvals, waivers, revocations, retirements ---------------------------------------

    def consent(self, name: str, workspace: str | None, text: str, who: dict[str, str], login: str | None) -> None:
        """Verify what a person says about a model, and seal it.

        Raises:
            EvidenceError: it is malformed, too long, not signed in a fitting role, or for something else.
            PolicyRefused: the ledger is not the one that the registry was gated with.
        """
        self.require_ledger()
        if len(text) > MAX_CHARS:
            raise EvidenceError(f"the envelope is longer than {MAX_CHARS:,} characters", next="shorten the reason")
        force = self.policy.current()
        raw, words = unpacked(text)
        signed = read_consent(raw, force.keyring, force.consenting)
        consent = signed.consent
        if (consent.model_name, consent.workspace) != (name, workspace):
            about = qualified(consent.model_name, consent.workspace)
            raise EvidenceError(f"it is for the model {about!r}, not {qualified(name, workspace)!r}")
        if login == "":
            raise EvidenceError(
                "this server has logins, and does not tell the gate which one this is",
                next="use MLflow's basic-auth, or an app that sets flask.g.mlflow_authenticated_user",
            )
        if login is not None and login != signed.owner:
            raise EvidenceError(
                f"signed with the key of {signed.owner}, but logged in as {login}", next="log in as the key's owner"
            )
        rules = self.rules(RegistryChange(consent.stage, name, workspace, consent.alias))
        if consent.action in ("approval", "waiver") and rules.stage_digest != consent.stage_digest:
            raise EvidenceError(
                "the policy has changed since it was signed",
                next="sign it again: `aims approve` and `aims waive` read the policy in force",
            )
        seal_consent(self.ledger, raw, with_words(signed, words), qualified(name, workspace), who, words)

    # -- sealing ----------------------------------------------------------------------------

    def seal(self, change: RegistryChange, decided: DecisionContext, entry: Entry) -> None:
        """Append the decision and everything that it was made from to the ledger, before the registry changes."""
        entries, decision, request = [entry], decided.decision, entry.request
        if decided.registered and decision.model_digest != decided.registered:
            about = {"about": "changed-model", "model_name": change.ledger_name, "version": change.version}
            digests = {"registered": decided.registered, "found": decision.model_digest}
            entries.append(Entry("finding", {**about, **digests, "control": "A.6.2.5", "state": "open"}, {}, request))
        if decision.basis == "break-glass":
            about = {"about": "break-glass", "model_name": change.ledger_name, "alias": change.alias}
            waivers = {"waivers": sorted({w.waiver for w in decision.waived})}
            entries.append(Entry("incident", {**about, **waivers, "control": "A.8.4", "state": "open"}, {}, request))
        self.ledger.seal(*entries)

    def sealed_the_same(self, request: str, decided: DecisionContext) -> bool:
        """Tell whether an earlier request's decision says the same, but for its time."""
        leaf = next(self.ledger.leaves(types=("decision",), request=request), None)
        body = self.ledger.body(leaf.sequence) if leaf else None
        if not body or "decision" not in body:
            return False
        now = decided.decision.model_dump(mode="json", exclude_none=True, exclude={"time"})
        return {k: v for k, v in body["decision"].items() if k != "time"} == now

    def status(self) -> dict[str, str]:
        """Return what `aims.status` answers."""
        head = self.ledger.proofs.newest()
        try:
            force = self.policy.current()
        except AimsError as exc:
            return {
                "aims.version": aims_mlflow.__version__,
                "aims.enforcement": "refuses all",
                "aims.findings": exc.sentence(),
            }
        lost = self.guard.finding if self.guard is not None else None
        findings = [*([f"{lost}. Next: {RESTORE}"] if lost else []), *self._findings(force)]
        modes = {entry.mode for entry in force.policy.policy.enforcement} or {"enforce"}
        return {
            "aims.version": aims_mlflow.__version__,
            "aims.enforcement": "refuses all" if lost else modes.pop() if len(modes) == 1 else "mixed",
            "aims.policy_digest": force.policy.digest,
            "aims.keyring_digest": force.keyring_digest,
            "aims.keys": str(len(force.keyring.keys)),
            "aims.checkpoint": f"{head.size}:{head.root.hex()}" if head else "0:",
            **({"aims.findings": "; ".join(findings)} if findings else {}),
        }

    def _findings(self, force: RulesInForce) -> list[str]:
        """Return what is wrong with the policy folder, with the log, and with how the server was started."""
        door = ungated()
        return [*self.policy.findings, *self._log_findings(force), *([door] if door else [])]

    def _log_findings(self, force: RulesInForce) -> list[str]:
        log = self.ledger.log
        entry = force.keyring.find(log.key.key_id) if log else None
        unknown = f"the keyring does not know the log's key: {TRUST_LOG}"
        if not log or not entry or LOG_ROLE not in entry.roles:
            return [unknown] if log else []
        why = entry.why_not((LOG_ROLE,), utc_text())
        return [f"checkpoints are signed for nothing, {why}: {ENDED_LOG}"] if why else []


def kept_lines(files: dict[str, bytes]) -> tuple[tuple[bytes, ...], SessionLines]:
    """Return (envelopes of session files, the files by the sha256 of each line), from which a decision is replayed."""
    lines = {name: data.split(b"\n") for name, data in sorted(files.items())}
    named = {name: [sha256_hex(line) if line else "" for line in each] for name, each in lines.items()}
    return tuple(line for each in lines.values() for line in each if line), named


def _signed_still(kept: Callable[[], dict[str, bytes]], name: str, force: RulesInForce) -> KeyEntry:
    """Return the key that signed an envelope of the ledger, when it is what its name says and the key is trusted."""
    record = read_record(kept()[name], name)
    if record.sha256 != name:
        raise EvidenceError("the envelope was changed in the ledger's database", where=name)
    return check_signature(record, force.keyring.find, force.training)


def decision_entry(
    change: RegistryChange, decided: DecisionContext, request: str, call: str, who: dict[str, str], losing: list[str]
) -> Entry:
    """Return the leaf of a decision; texts, logins and what is needed to decide again stand in its body.

    `losing` are the versions whose place it takes: whoever seals the outcome seals them as superseded.
    """
    decision = decided.decision
    public = {
        **public_fields(decision),
        "model_name": change.ledger_name,
        "mlflow_stage": change.mlflow_stage,
        "sessions": decided.sessions,
        "consents": list(decided.consents),
        "registered": decided.registered,
        "standing": decided.standing.request if decided.standing else None,
        "losing": losing or None,
    }
    body = {
        "decision": decision.model_dump(mode="json", exclude_none=True),
        **({"standing": decided.standing.model_dump(mode="json", exclude_none=True)} if decided.standing else {}),
        **who,
    }
    return Entry("decision", public, body, request, decided.envelopes, call)

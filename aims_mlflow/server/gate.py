"""The gate of a registry: decides about a change, by the rules in force and the evidence that the server reads."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from time import monotonic
from typing import TYPE_CHECKING

from aims_mlflow.errors import AimsError, Refusal
from aims_mlflow.gates.authority import Authority
from aims_mlflow.gates.decide import NO_DOCUMENTS, DecisionRequest, decide_with_kept, unreadable
from aims_mlflow.gates.standing import why_ended
from aims_mlflow.gates.waivers import void_waivers
from aims_mlflow.lifecycle.model_history import ModelHistory
from aims_mlflow.lifecycle.tenures import ways_back
from aims_mlflow.server.bounded_call import BoundedCalls
from aims_mlflow.server.change import DecisionContext, RegistryChange
from aims_mlflow.server.hourly_bounds import HourlyBounds
from aims_mlflow.server.model_bytes import HashInProgress
from aims_mlflow.settings import wait_seconds

if TYPE_CHECKING:
    from collections.abc import Callable

    from aims_mlflow.gates.policy import Rules
    from aims_mlflow.gates.rules_in_force import RulesInForce
    from aims_mlflow.ledger.ledger import Ledger
    from aims_mlflow.ledger.model_leaves import LeavesNow
    from aims_mlflow.lifecycle.ledger_guard import LedgerGuard
    from aims_mlflow.server.active_policy import ActivePolicy
    from aims_mlflow.server.decision_evidence import DecisionEvidence, ModelEvidence
    from aims_mlflow.server.stored_evidence import ArtifactOwner


# What was read of the ledger longer ago is read again before a decision: the longer, the likelier that it is overtaken,
# and the call was in vain. What is sealed between the reading and the decision's own leaf is told in any case.
FRESH_SECONDS = 0.25
NOT_LET_IN = (
    "register the model again through the gate; for a version from before the gate, an approver runs `aims gate adopt`"
)


class Gate:
    """Decides about changes of one registry. Its state between decisions is in the ledger's database."""

    def __init__(
        self,
        ledger: Ledger,
        policy: ActivePolicy,
        evidence: DecisionEvidence,
        guard: LedgerGuard,
        registry_uri: str,
    ) -> None:
        self.ledger = ledger
        self.policy = policy
        self.evidence = evidence
        self.guard = guard
        self.registry_uri = registry_uri
        self.bounds = HourlyBounds()
        self._store: BoundedCalls[ModelEvidence] = BoundedCalls("the artifact store")

    def rules(self, change: RegistryChange) -> Rules:
        """Return the rules in force for a change."""
        return self.policy.current().policy.rules(change.name, change.stage, change.alias, change.workspace)

    def decide(
        self,
        change: RegistryChange,
        owner: Callable[[], ArtifactOwner],
        past: ModelHistory | None = None,
        force: RulesInForce | None = None,
    ) -> DecisionContext:
        """Hash the model's bytes, read and verify its evidence, and decide; refuse if evidence is unreadable.

        `past` is what whoever holds the model's lock has read of it: nobody deletes or renames the model meanwhile.
        What others may seal meanwhile (rules, consents, what takes them back) is read again after a long hashing; and
        `sealed_decision.overtaken` finds what came before the leaf of the decision. `force` are the rules of `past`.

        Raises:
            ConfigError, Unreachable: there is no policy, or the ledger does not answer; or the artifact store does not,
                and the rules enforce.
            PolicyRefused: the ledger is not the one that the registry was gated with.
        """
        self.guard.require()
        past, started = past or ModelHistory(self.ledger, change.ledger_name), monotonic()
        force, now = force or self.policy.current(past.now.for_all), datetime.now(UTC)
        rules = force.policy.rules(change.name, change.stage, change.alias, change.workspace)
        about = DecisionRequest("", version=change.version, keyring_digest=force.keyring_digest)
        try:
            # The store may answer later than a database: a large model is hashed meanwhile.
            model = self._store.make(2 * wait_seconds(), lambda: self.evidence.of_model(owner(), force.policy.policy))
        except AimsError as exc:
            return _unread(exc, rules, about, now)
        registered = past.registered(change.version) if change.version else None
        if change.stage == "deployment" and change.version and registered is None:
            what = f"version {change.version} of {change.ledger_name} came past this gate: its ledger has none"
            return DecisionContext(unreadable(rules, what, NOT_LET_IN, about, now))
        read = self._as_read(past, monotonic() - started)
        authority = Authority(self.ledger, change.ledger_name, force, now, lineage=past.spans(), read=read)
        consents = self.evidence.consents(authority, model.digest)
        standing = self.evidence.prior_authority(change, past, authority)
        model = self.evidence.sessions(model, force, rules)
        if model.unread and (standing is None or why_ended(standing, rules, [*consents.values()], model.digest, now)):
            return _unread(model.unread, rules, about, now)
        sessions = self.evidence.checked_sessions(model, authority, rules)
        counted = self.evidence.counting(sessions, model.digest)
        request = replace(
            about, model_digest=model.digest, registered=registered, standing=standing,
            run_id=model.owner.run_id, model_id=model.owner.model_id,
            seen_from=authority.seen_from(counted),
            shelf=self.evidence.documents(authority) if rules.reads_documents else NO_DOCUMENTS,
            ways_back=ways_back(past) if rules.reads_documents and change.stage == "deployment" else None,
        )  # fmt: skip
        decision = decide_with_kept(rules, sessions, model.kept, [*consents.values()], request, now, counted=counted)
        return DecisionContext(
            decision, lines=model.lines, consents=tuple(consents), registered=registered,
            prior=standing, involved=counted.involved, read=read, kept=model.kept,
            void_waivers=void_waivers(consents.values(), rules, counted.involved, now),
        )  # fmt: skip

    def void_waivers(self, ledger_name: str) -> tuple[str, ...]:
        """Return one line for each waiver of a model that has not ended and covers nothing, with the reason.

        Raises:
            ConfigError, Unreachable: there is no policy, or the ledger does not answer.
        """
        now = datetime.now(UTC)
        return self.evidence.void_waivers(Authority(self.ledger, ledger_name, self.policy.current(), now), now)

    def _as_read(self, past: ModelHistory, seconds: float) -> LeavesNow:
        """Return the leaves that `past` read so many seconds ago; where that is long, as they are now."""
        is_fresh = past.now.last is not None and seconds < FRESH_SECONDS
        return past.now if is_fresh else self.ledger.now(past.name)


def _unread(exc: AimsError, rules: Rules, about: DecisionRequest, now: datetime) -> DecisionContext:
    """Return the refusal of a model that cannot be read; a failure of ours passes where the rules only observe.

    Raises:
        AimsError: a failure, and the rules enforce: it is nobody's refusal, is told and not sealed.
    """
    decision = unreadable(rules, exc.what, exc.next or "", about, now)
    if isinstance(exc, Refusal):
        return DecisionContext(decision)
    if not decision.allowed:
        raise exc
    return DecisionContext(decision, failure=None if isinstance(exc, HashInProgress) else exc)

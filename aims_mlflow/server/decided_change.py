"""A change that needs a decision: decide, seal the decision, commit, seal the outcome, show waivers on the version."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from mlflow.entities.model_registry import ModelVersionTag

from aims_mlflow.canonical import digest_of
from aims_mlflow.gates.wording import STAGE_WORD, refusal, refusal_lines, waiver_lines
from aims_mlflow.ledger.leaves import Entry
from aims_mlflow.lifecycle.model_history import ModelHistory, outcome
from aims_mlflow.lifecycle.recovery import outcome_of
from aims_mlflow.lifecycle.standing_now import why_it_ended
from aims_mlflow.lifecycle.tenures import holders, place
from aims_mlflow.records.base import uuid7
from aims_mlflow.registry.names import REQUEST_TAG, WAIVERS_TAG
from aims_mlflow.server import counters, gate_log
from aims_mlflow.server.caller import caller
from aims_mlflow.server.change import announced_decision, decision_entry
from aims_mlflow.server.failing_closed import closed, denied, reported
from aims_mlflow.server.sealed_decision import overtaken, seal_decision, sealed_the_same

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from aims_mlflow.gates.rules_in_force import RulesInForce
    from aims_mlflow.records.leaves.base import CallerBody
    from aims_mlflow.server.announced_change import AnnouncedChanges
    from aims_mlflow.server.change import DecisionContext, RegistryChange
    from aims_mlflow.server.gate import Gate
    from aims_mlflow.server.plain_store import PlainStore
    from aims_mlflow.server.stored_evidence import ArtifactOwner
    from aims_mlflow.server.stored_rows import RegistryRows

BETWEEN = " | "


@dataclass(frozen=True)
class Turn:
    """A call that has its turn with a model: the model's history, the call's digest, and who makes it."""

    past: ModelHistory
    call: str
    who: CallerBody


class DecidedChanges:
    """Makes changes of one registry that the policy allows."""

    def __init__(self, plain: PlainStore, rows: RegistryRows, gate: Gate, changes: AnnouncedChanges) -> None:
        self._plain = plain
        self._rows = rows
        self._gate = gate
        self._changes = changes

    @contextlib.contextmanager
    def turn(self, change: RegistryChange, arguments: list[Any]) -> Iterator[Turn]:
        """Let a call have its turn: one change of a model at a time. `arguments` is what else makes calls identical.

        Raises:
            MlflowException: the ledger is not this registry's, or another change of the model takes too long.
        """
        what = STAGE_WORD[change.stage]
        with closed(what):
            who, login = caller()
            kind = [change.stage, change.ledger_name, change.alias, change.version, change.mlflow_stage]
            call = digest_of([*kind, login, arguments])
        with self._changes.locked(what, change.ledger_name, call=call) as past:
            yield Turn(past, call, who)

    def make(
        self,
        turn: Turn,
        change: RegistryChange,
        owner: Callable[[], ArtifactOwner],
        commit: Callable[[DecisionContext, str], Any],
        losing: Callable[[RegistryChange], list[str]],
        force: RulesInForce | None = None,
    ) -> Any:
        """Decide about a change and carry it out, in its turn.

        `losing` names the versions that lose their place; `force` are the rules, where they were read in this turn.

        Raises:
            MlflowException: the change is refused, or the registry failed.
        """
        what, request, past, first = STAGE_WORD[change.stage], uuid7(), turn.past, turn.past.now.called
        with closed(what):
            if first is not None and self._still(change, first):
                return self._result(change, first)
            force = force or self._gate.policy.current(past.now.for_all)
            caps = force.policy.policy.caps
            self._gate.bounds.require_change(change.ledger_name, caps)
            context = self._gate.decide(change, owner, past, force)
            allowed = context.decision.allowed
            lost = [v for v in losing(change) if v != change.version] if allowed else []
            announced = announced_decision(change, context, request, lost)
            known = first is not None and sealed_the_same(self._gate.ledger, first, context)
            if allowed or (not known and self._gate.bounds.seals_refusal(change.ledger_name, caps)):
                entry = decision_entry(announced, context, turn.call, turn.who)
                leaf = seal_decision(self._gate.ledger, past, change, context, entry)
                count(context)
                why = overtaken(self._gate.ledger, leaf, context) if allowed else None
                if why:
                    self._gate.ledger.seal(Entry(outcome_of(announced, done=False)))
                    raise denied(f"{what} refused: {why} meanwhile. Next: call again")
            log_decision(change, context, request)
            if context.failure is not None:
                reported(what, context.failure)
            if not allowed:
                raise denied("\n".join(refusal_lines(refusal(context.decision))), is_logged=True)
        result = self._changes.carry_out(what, past, announced, lambda: commit(context, request))
        if change.stage == "deployment":
            self._show(change, context)
        return result

    def _show(self, change: RegistryChange, context: DecisionContext) -> None:
        """Tag a version with the decision behind its deployment; a failure here does not undo the change.

        No later decision takes a waiver off again: the tag lists every waiver that a version was ever let through with.
        """
        decision, version = context.decision, str(change.version)
        if not (decision.waived or decision.would_refuse):
            return
        try:
            before = self._plain.get_model_version(change.name, version).tags.get(WAIVERS_TAG)
            waivers = dict.fromkeys([*(before.split(BETWEEN) if before else ()), *waiver_lines(decision)])
            tags = {"aims.decision": _verdict(context), **({WAIVERS_TAG: BETWEEN.join(waivers)} if waivers else {})}
            for key, value in tags.items():
                self._plain.set_model_version_tag(change.name, version, ModelVersionTag(key, value))
        except Exception as exc:  # noqa: BLE001 - the ledger says it too
            reported("showing a waiver on its version", exc)

    def _still(self, change: RegistryChange, request: str) -> bool:
        """Return whether an identical call made a change in the last ten minutes that is in effect and counts."""
        ledger = self._gate.ledger
        first = outcome(ledger, request)
        if first is None or not first.done:
            return False
        if change.stage == "registration":
            return self._rows.made_by(change.name, request) is not None
        at = place(change.alias, change.mlflow_stage, change.version)
        past = ModelHistory(ledger, change.ledger_name)
        held = holders(past).get(at)
        if held is None or held.request != request:  # another change came in between
            return False
        if why_it_ended(ledger, past, held, self._gate.policy.current(), datetime.now(UTC)):
            return False
        if change.mlflow_stage:
            stage = self._plain.get_model_version(change.name, str(first.version)).current_stage
            return bool(stage.lower() == change.alias)
        return self._rows.alias_holder(change.name, str(change.alias)) == first.version

    def _result(self, change: RegistryChange, request: str) -> Any:
        if change.stage == "registration":
            return self._plain.get_model_version(change.name, str(self._rows.made_by(change.name, request)))
        if change.mlflow_stage:
            return self._plain.get_model_version(change.name, str(change.version))
        return None


def nobody(_: RegistryChange) -> list[str]:
    """Return the superseded versions of a change that supersedes none."""
    return []


def count(context: DecisionContext) -> None:
    """Count a decision for Prometheus."""
    counters.decision(context.decision.stage, _result(context), context.decision.mode)


def log_decision(change: RegistryChange, context: DecisionContext, request: str) -> None:
    """Log a decision, with what is unmet."""
    decision = context.decision
    gate_log.decided(
        _result(context),
        request,
        "; ".join(f"{item.control}: {item.text}" for item in decision.unmet),
        stage=change.stage,
        model=change.ledger_name,
        version=change.version,
        alias=change.alias,
        model_id=decision.model_id,
        mode=decision.mode,
    )


def _result(context: DecisionContext) -> str:
    decision = context.decision
    if decision.would_refuse:
        return "would_refuse" if decision.allowed else "refused"
    return "waived" if decision.waived else "allowed"


def version_tags(context: DecisionContext, request: str) -> dict[str, str]:
    """Return the gate's tags for a version: they name the decision, and list its waivers."""
    decision = context.decision
    tags = {
        "aims.decision": _verdict(context),
        REQUEST_TAG: request,
        "aims.model_digest": decision.model_digest or "",
        "aims.policy_digest": decision.policy_digest or "",
        "aims.run": decision.run_id or "",
    }
    waivers = waiver_lines(decision)
    return {**tags, WAIVERS_TAG: BETWEEN.join(waivers)} if waivers else tags


def _verdict(context: DecisionContext) -> str:
    if context.decision.would_refuse:
        return "observed"
    return "allowed, WAIVED" if context.decision.waived else "allowed"

"""Versions, aliases and stages: the registry's methods that put bytes or authority into production."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from mlflow.entities.model_registry import ModelVersionTag

from aims_mlflow.canonical import digest_of
from aims_mlflow.errors import EvidenceError
from aims_mlflow.gates.wording import refusal, waiver_lines
from aims_mlflow.lifecycle.model_history import ModelHistory, outcome
from aims_mlflow.lifecycle.tenures import holders, place
from aims_mlflow.records.base import uuid7
from aims_mlflow.registry.names import REQUEST_TAG, is_prompt, is_prompt_source, is_reserved
from aims_mlflow.server import counters
from aims_mlflow.server.announced_change import caller, closed, denied, refuse_reserved, reported
from aims_mlflow.server.gate import DecisionContext, RegistryChange, decision_entry
from aims_mlflow.server.removals import TakingAway
from aims_mlflow.server.stored_rows import alias_holder, made_by, version_row, versions

if TYPE_CHECKING:
    from collections.abc import Callable

    from aims_mlflow.server.stored_evidence import ArtifactOwner

COPY = re.compile(r"^models:/([^/]+)/(\d+)$")
MAX_COPIES = 20
WAIVERS_TAG, BETWEEN = "aims.waivers", " | "
WHAT = {"registration": "Registration", "deployment": "Deployment"}


class GatedMethods(TakingAway):
    """Version creation, aliases set and moved, stage transitions."""

    def create_model_version(
        self,
        name: str,
        source: str,
        run_id: str | None = None,
        tags: Any = None,
        run_link: str | None = None,
        description: str | None = None,
        local_model_path: str | None = None,
        model_id: str | None = None,
    ) -> Any:
        """Create a version when the policy's conditions on registration hold; prompts pass."""
        create = super().create_model_version  # type: ignore[misc]
        with closed("Registration"):
            given = list(tags or [])
            refuse_reserved("Registration", [name, *([] if COPY.match(source) else [t.key for t in given])])
            tags = [t for t in given if not is_reserved(t.key)]
        if is_prompt_source(source) and not run_id and not model_id:
            return create(name, source, run_id, tags, run_link, description, local_model_path, model_id)
        change = RegistryChange("registration", name, self.workspace)
        asked = [source, run_id, model_id, run_link, description, sorted([t.key, t.value] for t in tags)]

        def commit(decided: DecisionContext, request: str) -> Any:
            own = [ModelVersionTag(k, v) for k, v in version_tags(decided, request).items()]
            return create(name, source, run_id, [*tags, *own], run_link, description, local_model_path, model_id)

        return self._gated(change, lambda: self._owner(source, run_id, model_id), commit, asked, _nobody)

    def set_registered_model_alias(self, name: str, alias: str, version: str) -> None:
        """Set an alias; a gated one only when the policy's conditions on deployment hold."""
        put = super().set_registered_model_alias  # type: ignore[misc]
        with closed("Deployment"):
            refuse_reserved("Deployment", [alias])
            gated = self.gate.policy.current().policy.gated_alias(alias)
            row = version_row(self, name, version) if gated else None
            found = row if row is not None and not is_prompt(row) else None
        if found is None:
            put(name, alias, version)
            return
        number = str(found.version)  # MLflow takes "01" and "+1" for 1: the ledger knows a version by one name
        change = RegistryChange("deployment", name, self.workspace, alias, number)
        self._gated(change, lambda: self._owner_of(found), lambda *_: put(name, alias, number), [], self._holder)

    def transition_model_version_stage(
        self, name: str, version: str, stage: str, archive_existing_versions: bool
    ) -> Any:
        """Move a version to a stage; `Production` counts as the alias of that name, and leaving it as withdrawal."""
        move = super().transition_model_version_stage  # type: ignore[misc]

        def commit(*_: object) -> Any:
            return move(name, version, stage, archive_existing_versions)

        with closed("Deployment"):
            policy = self.gate.policy.current().policy
            found = self.plain.get_model_version(name, version)
            change = RegistryChange("deployment", name, self.workspace, stage.lower(), str(found.version), stage)
            arrives, leaves = policy.gated_move(stage), policy.gated_move(found.current_stage)
        if arrives:
            others = self._in_stage if archive_existing_versions else _nobody
            return self._gated(change, lambda: self._owner_of(found), commit, [archive_existing_versions], others)
        if leaves:
            return self.take_from_stage(change, found, commit)
        return commit()

    # -- what a source means ----------------------------------------------------------------

    def _owner_of(self, version: Any) -> ArtifactOwner:
        """Return what owns a version's files. A copy keeps the place of what it was copied from, which may be gone."""
        source = version.source
        if COPY.match(source):
            source = self.plain.get_model_version_download_uri(version.name, str(version.version))
        return self._owner(source, version.run_id, version.model_id)

    def _owner(self, source: str, run_id: str | None, model_id: str | None) -> ArtifactOwner:
        """Return what owns a source's files; run and model ids given beside it must agree."""
        for _ in range(MAX_COPIES):
            copied = COPY.match(source)
            if not copied:
                break
            source = self.plain.get_model_version_download_uri(copied[1], copied[2])
        owned = self.gate.evidence.owner_of(source)
        if model_id and model_id != owned.model_id:
            raise EvidenceError(
                f"model_id says {model_id}, the source belongs to {owned.model_id or 'no logged model'}"
            )
        if run_id and run_id != owned.run_id:
            raise EvidenceError(
                f"run_id says {run_id}, the source belongs to run {owned.run_id}",
                next="register with the model's own run",
            )
        return owned

    # -- decide, seal, commit, seal ---------------------------------------------------------

    def _gated(
        self,
        change: RegistryChange,
        owner: Callable[[], ArtifactOwner],
        commit: Callable[[DecisionContext, str], Any],
        asked: list[Any],
        losing: Callable[[RegistryChange], list[str]],
    ) -> Any:
        """Decide about a change and carry it out: one change of a model at a time.

        `asked` is what else makes a call identical to another; `losing` names the versions that lose their place.
        """
        what, request = WHAT[change.stage], uuid7()
        with closed(what):
            who, login = caller()
            parts = [change.stage, change.ledger_name, change.alias, change.version, change.mlflow_stage, login, asked]
            call = digest_of(parts)
        with self.held(what, change.ledger_name) as past:
            with closed(what):
                active, first = self.gate.ledger.state.now(call)
                if first is not None and self._still(change, first):
                    return self._result(change, first)
                decided = self.gate.decide(change, owner, past, active)
                lost = [v for v in losing(change) if v != change.version] if decided.decision.allowed else []
                entry = decision_entry(change, decided, request, call, who, lost)
                sealed_before = first is not None and self.gate.sealed_the_same(first, decided)
                if decided.decision.allowed or not sealed_before:
                    self.gate.seal(change, decided, entry)
                    count(decided)
                failure = f" {reported(what, decided.failure).capitalize()}." if decided.failure else ""
                if not decided.decision.allowed:
                    raise denied(refusal(decided.decision) + failure)
            result = self.carry_out(what, entry, lambda: commit(decided, request))
            if change.stage == "deployment":
                self._show(change, decided)
            return result

    def _show(self, change: RegistryChange, decided: DecisionContext) -> None:
        """Show on a version what its deployment rests on: the change stands, whether that can be written or not.

        No later decision takes a waiver off again: the tag says what a version was ever let through with.
        """
        decision = decided.decision
        if not (decision.waived or decision.would_refuse):
            return
        try:
            before = self.plain.get_model_version(change.name, change.version).tags.get(WAIVERS_TAG)
            waivers = dict.fromkeys([*(before.split(BETWEEN) if before else ()), *waiver_lines(decision)])
            tags = {"aims.decision": _said(decided), **({WAIVERS_TAG: BETWEEN.join(waivers)} if waivers else {})}
            for key, value in tags.items():
                self.plain.set_model_version_tag(change.name, change.version, ModelVersionTag(key, value))
        except Exception as exc:  # noqa: BLE001 - the ledger says it too
            reported("showing a waiver on its version", exc)

    def _still(self, change: RegistryChange, request: str) -> bool:
        """Tell whether an identical call made a change within the last ten minutes that still stands."""
        found = outcome(self.gate.ledger, request)
        if found is None or not found["done"]:
            return False
        version = str(found["version"])
        if change.stage == "registration":
            return made_by(self, change.name, request) is not None
        held = holders(ModelHistory(self.gate.ledger, change.ledger_name)).get(
            place(change.alias, change.mlflow_stage, change.version)
        )
        if held is None or held["request"] != request:  # another change came in between
            return False
        if change.mlflow_stage:
            stage = self.plain.get_model_version(change.name, version).current_stage
            return bool(stage.lower() == change.alias)
        return self._holder(change) == [version]

    def _result(self, change: RegistryChange, request: str) -> Any:
        if change.stage == "registration":
            return self.plain.get_model_version(change.name, made_by(self, change.name, request))
        return self.plain.get_model_version(change.name, change.version) if change.mlflow_stage else None

    def _holder(self, change: RegistryChange) -> list[str]:
        """Return the version that has an alias now, if any."""
        held = alias_holder(self, change.name, str(change.alias))
        return [held] if held is not None else []

    def _in_stage(self, change: RegistryChange) -> list[str]:
        return [str(v.version) for v in versions(self, change.name) if v.current_stage.lower() == change.alias]


def _nobody(_: RegistryChange) -> list[str]:
    return []


def count(decided: DecisionContext) -> None:
    """Count a decision for Prometheus."""
    decision = decided.decision
    if decision.would_refuse:
        result = "would_refuse" if decision.allowed else "refused"
    else:
        result = "waived" if decision.waived else "allowed"
    counters.decision(decision.stage, result, decision.mode)


def version_tags(decided: DecisionContext, request: str) -> dict[str, str]:
    """Return the tags that the gate gives a version: they point to the decision, and show waivers loudly."""
    decision = decided.decision
    tags = {
        "aims.decision": _said(decided),
        REQUEST_TAG: request,
        "aims.model_digest": decision.model_digest or "",
        "aims.policy_digest": decision.policy_digest or "",
        "aims.run": decision.run_id or "",
    }
    waivers = waiver_lines(decision)
    return {**tags, WAIVERS_TAG: BETWEEN.join(waivers)} if waivers else tags


def _said(decided: DecisionContext) -> str:
    if decided.decision.would_refuse:
        return "observed"
    return "allowed, WAIVED" if decided.decision.waived else "allowed"

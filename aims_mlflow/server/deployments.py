"""Changes that put models into production: versions created, aliases set and moved, stage transitions."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from mlflow.entities.model_registry import ModelVersionTag
from mlflow.entities.model_registry.model_version_stages import (
    DEFAULT_STAGES_FOR_GET_LATEST_VERSIONS,
    STAGE_ARCHIVED,
    STAGE_NONE,
    get_canonical_stage,
)
from mlflow.exceptions import MlflowException

from aims_mlflow.bounded_cache import BoundedCache
from aims_mlflow.errors import EvidenceError
from aims_mlflow.registry.names import is_prompt, is_prompt_source, is_reserved
from aims_mlflow.server.change import RegistryChange
from aims_mlflow.server.decided_change import nobody, version_tags
from aims_mlflow.server.failing_closed import closed, denied, reported
from aims_mlflow.server.reserved_names import refuse_reserved
from aims_mlflow.server.sources import COPY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aims_mlflow.server.announced_change import AnnouncedChanges
    from aims_mlflow.server.change import DecisionContext
    from aims_mlflow.server.decided_change import DecidedChanges
    from aims_mlflow.server.decision_evidence import DecisionEvidence
    from aims_mlflow.server.gate import Gate
    from aims_mlflow.server.plain_store import PlainStore
    from aims_mlflow.server.removals import Removals
    from aims_mlflow.server.sources import Sources
    from aims_mlflow.server.stored_evidence import ArtifactOwner
    from aims_mlflow.server.stored_rows import RegistryRows

OUT_OF_USE = (STAGE_NONE, STAGE_ARCHIVED)
TAKEN_BACK = ", so the version that was made is deleted again"
# Aliases of models that were gated a while ago; a name that is in no registry never gets here, nor a lock.
MAX_GATED = 10_000


@dataclass(frozen=True)
class NewVersion:
    """The arguments of a call that creates a version, in MLflow's order."""

    name: str
    source: str
    run_id: str | None
    tags: Any
    run_link: str | None
    description: str | None
    local_model_path: str | None
    model_id: str | None

    def arguments(self, *tags: Any) -> tuple[Any, ...]:
        """Return the arguments for MLflow's own method, with additional tags."""
        return (
            self.name, self.source, self.run_id, [*self.tags, *tags], self.run_link, self.description,
            self.local_model_path, self.model_id,
        )  # fmt: skip

    @property
    def identity(self) -> list[Any]:
        """The values by which two calls for the same name are identical."""
        tags = sorted([tag.key, tag.value] for tag in self.tags)
        return [self.source, self.run_id, self.model_id, self.run_link, self.description, tags]


class Registrations:
    """Creates versions of registered models."""

    def __init__(
        self,
        plain: PlainStore,
        rows: RegistryRows,
        changes: AnnouncedChanges,
        decided: DecidedChanges,
        sources: Sources,
        evidence: DecisionEvidence,
    ) -> None:
        self._plain = plain
        self._rows = rows
        self._changes = changes
        self._decided = decided
        self._sources = sources
        self._evidence = evidence

    def create(self, new: NewVersion) -> Any:
        """Create a version if it satisfies the policy's conditions on registration; prompts pass.

        A name holds either models or prompts: an alias of the one can then never point to the other.
        """
        with closed("Registration"):
            # A copy brings the gate's tags of the version that it was copied from: they are dropped, and written anew.
            tags = list(new.tags or [])
            refuse_reserved("Registration", new.name, *([] if COPY.match(new.source) else [t.key for t in tags]))
            new = replace(new, tags=[t for t in tags if not is_reserved(t.key)])
        prompt = is_prompt_source(new.source) and not new.run_id and not new.model_id
        with closed("Registration"):
            refuse_mixed("Registration", self._rows, new.name, prompt=prompt)
            if not prompt:
                new = replace(new, source=self._sources.lasting(new.source))
        if prompt:
            return self._plain.create_model_version(*new.arguments())
        change = RegistryChange("registration", new.name, self._changes.workspace)
        places: list[ArtifactOwner] = []

        def owner() -> ArtifactOwner:
            places.append(self._sources.owner(new.source, new.run_id, new.model_id))
            return places[-1]

        def commit(context: DecisionContext, request: str) -> Any:
            own = [ModelVersionTag(k, v) for k, v in version_tags(context, request).items()]
            # The row names the run of the evidence: by it the artifact door knows whose session files are relied on.
            made = replace(new, run_id=new.run_id or context.decision.run_id)
            version = self._plain.create_model_version(*made.arguments(*own))
            self._require_unchanged(version, places, context)
            return version

        with self._decided.turn(change, new.identity) as turn:
            return self._decided.make(turn, change, owner, commit, nobody)

    def _require_unchanged(self, version: Any, places: Sequence[ArtifactOwner], context: DecisionContext) -> None:
        """Take a version back whose files were exchanged after they were hashed: its row protects them from here on."""
        digest = context.decision.model_digest
        if not places or not digest:
            return
        try:
            with closed("Registration", f"refused: whether the files changed meanwhile is not known{TAKEN_BACK}"):
                same = self._is_where(version, places[-1]) and self._evidence.is_unchanged(places[-1], digest)
                if not same:
                    what = f"Registration refused: the model's files changed meanwhile{TAKEN_BACK}"
                    raise denied(f"{what}. Next: log the model again")
        except MlflowException:
            self._plain.delete_model_version(version.name, str(version.version))
            raise

    def _is_where(self, version: Any, hashed: ArtifactOwner) -> bool:
        """Return whether a version loads the files that were hashed: of a copy, another model may have got the name."""
        if not COPY.match(version.source):
            return True
        try:
            return self._sources.owner_of_version(version).location == hashed.location
        except EvidenceError:
            return False


def refuse_mixed(what: str, rows: RegistryRows, name: str, *, prompt: bool) -> None:
    """Refuse a prompt under a name that has a model's versions, and a model under a name that has a prompt's.

    Raises:
        MlflowException: the name holds versions of the other kind, or the registry does not hold the name: no such
            name enters the ledger.
    """
    if rows.holds(name, prompts=not prompt):
        other, this = ("a model", "a prompt") if prompt else ("a prompt", "a model")
        raise denied(
            f"{what} refused: {name} has versions of {other}, and an alias of it never points to {this}. "
            f"Next: give the {this.removeprefix('a ')} a name of its own"
        )


class Deployments:
    """Sets gated aliases, and moves versions to gated stages."""

    def __init__(
        self,
        plain: PlainStore,
        rows: RegistryRows,
        gate: Gate,
        changes: AnnouncedChanges,
        decided: DecidedChanges,
        *,
        sources: Sources,
        removals: Removals,
    ) -> None:
        self._plain = plain
        self._rows = rows
        self._gate = gate
        self._changes = changes
        self._decided = decided
        self._sources = sources
        self._removals = removals
        self._gated: BoundedCache[bool] = BoundedCache(MAX_GATED)

    def set_alias(self, name: str, alias: str, version: str) -> None:
        """Set an alias; a gated one only if the version satisfies the conditions on deployment."""
        with closed("Deployment"):
            refuse_reserved("Deployment", alias)
            change = RegistryChange("deployment", name, self._changes.workspace, alias, _number(version))
            is_gated = self._was_gated(change) or self._is_gated(change)
        if not is_gated:
            self._plain.set_registered_model_alias(name, alias, version)
        elif not self._set_gated(change, version):
            self.set_alias(name, alias, version)

    def _was_gated(self, change: RegistryChange) -> bool:
        """Return whether the model was there and its alias gated, a while ago: under the lock both are read again."""
        return bool(self._gated.known((change.ledger_name, str(change.alias))))

    def _is_gated(self, change: RegistryChange) -> bool:
        """Return whether an alias is gated, and goes to a model's version.

        Raises:
            MlflowException: the alias can be taken for a gated one, or the registry holds no such version.
        """
        alias = str(change.alias)
        policy = self._gate.policy.current().policy
        if meant := policy.taken_for(alias):
            what = f"the alias {alias!r} can be taken for {meant!r}, which is gated"
            raise denied(f"Deployment refused: {what}. Next: set {meant}, or choose another alias")
        if not policy.gated_alias(alias):
            return False
        if is_prompt(self._rows.version(change.name, str(change.version))):
            refuse_mixed("Deployment", self._rows, change.name, prompt=True)
            return False
        self._gated.put((change.ledger_name, alias), True)
        return True

    def _set_gated(self, change: RegistryChange, version: str) -> bool:
        """Set a gated alias in its turn; return False where it is not gated any more, or not about a model."""
        alias = str(change.alias)

        def commit(*_: object) -> None:
            self._plain.set_registered_model_alias(change.name, alias, version)

        with self._decided.turn(change, []) as turn:
            with closed("Deployment"):
                force = self._gate.policy.current(turn.past.now.for_all)
                row, holder = self._rows.version_and_holder(change.name, version, alias)
                if not force.policy.gated_alias(alias) or is_prompt(row):
                    self._gated.put((change.ledger_name, alias), False)
                    return False
                held = [] if holder is None else [holder]
                same = replace(change, version=row.version)
            owner = functools.partial(self._sources.owner_of_row, row)
            self._decided.make(turn, same, owner, commit, lambda _: held, force)
        return True

    def move_to_stage(self, name: str, version: str, stage: str, *, archive: bool) -> Any:
        """Move a version to a stage; `Production` counts as the alias of that name, and leaving it as a withdrawal."""

        def commit(*_: object) -> Any:
            return self._plain.transition_model_version_stage(name, version, stage, archive)

        with closed("Deployment"):
            # What MLflow refuses is not announced.
            refused = get_canonical_stage(stage) not in DEFAULT_STAGES_FOR_GET_LATEST_VERSIONS and archive
            model = self._plain.get_model_version(name, version)
            workspace, number = self._changes.workspace, str(model.version)
            change = RegistryChange("deployment", name, workspace, stage.lower(), number, stage)
            arrives = not refused and self._arrives(stage)
        if refused:
            return commit()
        if arrives:
            others = self._in_stage if archive else nobody
            with self._decided.turn(change, [archive]) as turn:
                return self._decided.make(turn, change, lambda: self._sources.owner_of_version(model), commit, others)
        return self._removals.leave_stage(RegistryChange("deployment", name, workspace, version=number), commit)

    def _arrives(self, stage: str) -> bool:
        """Return whether moving a version to a stage puts it into use by the policy in force.

        Where no policy can be read, a move to a stage that is out of use by its name does not: no withdrawal waits
        for a policy, as the deletion of an alias does not.
        """
        try:
            return self._gate.policy.current().policy.gated_move(stage)
        except Exception as exc:
            if get_canonical_stage(stage) not in OUT_OF_USE:
                raise
            reported(f"moving a version to the stage {stage}", exc)
            return False

    def _in_stage(self, change: RegistryChange) -> list[str]:
        return [str(v.version) for v in self._rows.versions(change.name) if v.current_stage.lower() == change.alias]


def _number(version: str) -> str:
    """Return a version's number: MLflow takes "01" and "+1" for 1, and the ledger knows a version by one name."""
    try:
        return str(int(version))
    except ValueError:
        return version

"""MLflow's registry store behind the gate: each gated method calls the part of the gate that handles it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlflow.store.model_registry.sqlalchemy_store import SqlAlchemyStore
from mlflow.store.model_registry.sqlalchemy_workspace_store import WorkspaceAwareSqlAlchemyStore

from aims_mlflow.server.announced_change import AnnouncedChanges
from aims_mlflow.server.answers import Answers
from aims_mlflow.server.artifact_door import ArtifactDoor
from aims_mlflow.server.consent_intake import ConsentIntake
from aims_mlflow.server.decided_change import DecidedChanges
from aims_mlflow.server.deployments import Deployments, NewVersion, Registrations
from aims_mlflow.server.erased_tags import ErasedTags
from aims_mlflow.server.opening import open_gate
from aims_mlflow.server.removals import Removals
from aims_mlflow.server.reserved_names import ReservedNames, refuse_reserved
from aims_mlflow.server.sources import Sources
from aims_mlflow.server.stored_rows import RegistryRows

if TYPE_CHECKING:
    from aims_mlflow.server.plain_store import PlainStore


class GatedMethods:
    """The gated methods of MLflow's store; all others are MLflow's own.

    It comes before MLflow's store among the bases, since MLflow's methods call each other on the store.
    """

    def __init__(self, uri: str, tracking_uri: str | None, **options: Any) -> None:
        mlflows: Any = super()  # what MLflow calls on the store itself comes back here: the gate sees it
        mlflows.__init__(uri, **options)
        self.plain: PlainStore = mlflows
        plain = self.plain
        rows = RegistryRows(self)
        self.gate = gate = open_gate(uri, tracking_uri, rows.made_by_a_gate())
        self.door = ArtifactDoor(rows, gate.policy.current)
        changes, sources = AnnouncedChanges(plain, rows, gate), Sources(plain, rows, gate.evidence.stored)
        decided = DecidedChanges(plain, rows, gate, changes)
        self._removals = Removals(plain, rows, gate, changes)
        self._registrations = Registrations(plain, rows, changes, decided, sources, gate.evidence)
        self._deployments = Deployments(plain, rows, gate, changes, decided, sources=sources, removals=self._removals)
        self._names = ReservedNames(plain, changes, ConsentIntake(gate), ErasedTags(plain, gate.ledger))
        self._answers = Answers(plain, changes, gate, sources)

    # fmt: off
    def create_model_version(self, name: str, source: str, run_id: str | None = None, tags: Any = None,
                             run_link: str | None = None, description: str | None = None,
                             local_model_path: str | None = None, model_id: str | None = None) -> Any:
        """Create a version if it satisfies the conditions on registration."""
        new = NewVersion(name, source, run_id, tags, run_link, description, local_model_path, model_id)
        return self._registrations.create(new)

    def set_registered_model_alias(self, name: str, alias: str, version: str) -> None:
        """Set an alias; a gated one only if the version satisfies the conditions on deployment."""
        self._deployments.set_alias(name, alias, version)

    def transition_model_version_stage(self, name: str, version: str, stage: str,
                                       archive_existing_versions: bool) -> Any:
        """Move a version to a stage, which counts as the alias of that name."""
        return self._deployments.move_to_stage(name, version, stage, archive=archive_existing_versions)

    def delete_registered_model_alias(self, name: str, alias: str) -> None:
        """Delete an alias; a gated one is sealed as withdrawn."""
        self._removals.delete_alias(name, alias)

    def delete_model_version(self, name: str, version: str) -> None:
        """Delete a version; one that was in use needs its retirement record first."""
        self._removals.delete_version(name, version)

    def delete_registered_model(self, name: str) -> None:
        """Delete a model; versions that were in use need their retirement records first."""
        self._removals.delete_model(name)

    def rename_registered_model(self, name: str, new_name: str) -> Any:
        """Rename a model; refused if other rules would apply to its versions."""
        return self._removals.rename_model(name, new_name)

    def create_registered_model(self, name: str, tags: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Create a model; refused for a reserved name or tag."""
        return self._names.create_model(name, tags, *args, **kwargs)

    def set_registered_model_tag(self, name: str, tag: Any) -> None:
        """Set a tag; `aims.approval.*` submits an approval or waiver."""
        self._names.set_model_tag(name, tag)

    def delete_registered_model_tag(self, name: str, key: str) -> None:
        """Delete a tag; refused for a reserved one, unless the ledger erased what it repeats."""
        self._names.delete_model_tag(name, key)

    def set_model_version_tag(self, name: str, version: str, tag: Any) -> None:
        """Set a version's tag; refused for a reserved one."""
        refuse_reserved("The tag", tag.key)
        self.plain.set_model_version_tag(name, version, tag)

    def delete_model_version_tag(self, name: str, version: str, key: str) -> None:
        """Delete a version's tag; refused for a reserved one, unless the ledger erased what it repeats."""
        self._names.delete_version_tag(name, version, key)

    def get_registered_model(self, name: str) -> Any:
        """Return a model; for `aims.status`, return the gate's status."""
        return self._answers.model(name)

    def get_model_version_by_alias(self, name: str, alias: str) -> Any:
        """Return the version behind an alias; for `aims.explain.*`, return a decision."""
        return self._answers.version_by_alias(name, alias)

    def get_model_version_download_uri(self, name: str, version: str) -> str:
        """Return where a version's files lie: for one that the gate let in, where the model lies that it hashed."""
        return self._answers.download_uri(name, str(version))
    # fmt: on


class GatedStore(GatedMethods, SqlAlchemyStore):  # type: ignore[misc] # MLflow has no types
    """MLflow's store of one registry, behind the gate."""


class GatedWorkspaceStore(GatedMethods, WorkspaceAwareSqlAlchemyStore):  # type: ignore[misc] # MLflow has no types
    """MLflow's store of a registry with workspaces, behind the gate."""

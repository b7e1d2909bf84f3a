"""Recovery: if a server died between announcing a change and sealing its outcome, seal the registry's state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from aims_mlflow.ledger.leaves import Entry
from aims_mlflow.lifecycle.closing import findings_by_change
from aims_mlflow.records.leaves.changes import (
    DecisionLeaf,
    DeletionLeaf,
    OutcomeLeaf,
    RenamingLeaf,
    SupersessionLeaf,
    WithdrawalLeaf,
)

if TYPE_CHECKING:
    from aims_mlflow.ledger.ledger import Ledger
    from aims_mlflow.lifecycle.model_history import ModelHistory
    from aims_mlflow.records.leaves.changes import ChangeLeaf


class RegistryState(Protocol):
    """The current state of a registry; each method returns None for a missing object."""

    def model(self, name: str) -> Any:
        """Return a registered model."""

    def version(self, name: str, version: str) -> Any:
        """Return a version."""

    def made_by(self, name: str, request: str) -> str | None:
        """Return the version of a name that a request of the gate made."""


def finish_open_change(ledger: Ledger, past: ModelHistory, registry: RegistryState, by: str) -> OutcomeLeaf | None:
    """Seal and return the outcome of a model's unfinished change, if any. The caller has locked the model."""
    change = past.unfinished()
    if change is None:
        return None
    found = _found(change, registry)
    outcome = outcome_of(change, done=found is not None, version=found or None)
    taken = [*superseded(change), *findings_by_change(past, change)] if found is not None else []
    ledger.seal(Entry(outcome.changed(closed_by=by)), *taken)
    return outcome


def superseded(change: ChangeLeaf) -> list[Entry]:
    """Return the leaves of the versions whose alias or stage an announced change took, by its own leaf."""
    if not isinstance(change, DecisionLeaf):
        return []
    about = SupersessionLeaf(
        model_name=change.model_name, alias=change.alias, mlflow_stage=change.mlflow_stage, by=change.version,
        request=change.request,
    )  # fmt: skip
    return [Entry(about.changed(version=version)) for version in change.losing or ()]


def outcome_of(change: ChangeLeaf, *, done: bool, version: str | None = None) -> OutcomeLeaf:
    """Return a change's outcome, complete without the change's own leaf."""
    about = OutcomeLeaf(
        of=change.type, done=done, model_name=change.model_name, version=version or change.version,
        request=change.request,
    )  # fmt: skip
    if isinstance(change, DecisionLeaf):
        # These give no authority for later (`ModelHistory.prior_authority`): it need not look the decision up for that.
        observed: dict[str, Any] = {"would_refuse": True} if change.would_refuse else {}
        legacy: dict[str, Any] = {"basis": change.basis} if change.basis == "legacy" else {}
        place = {"stage": change.stage, "alias": change.alias, "mlflow_stage": change.mlflow_stage}
        return about.changed(model_digest=change.model_digest, **place, **observed, **legacy)
    if isinstance(change, WithdrawalLeaf):
        return about.changed(alias=change.alias, mlflow_stage=change.mlflow_stage)
    if isinstance(change, DeletionLeaf):
        return about.changed(model_digest=change.model_digest)
    return about.changed(previous=change.previous, renamed_to=change.renamed_to)


def _found(change: ChangeLeaf, registry: RegistryState) -> str | None:
    """Return the version that shows that a change took place, "" where it is about none; None where it did not."""
    name, version = change.model_name.rpartition("/")[2], change.version
    if isinstance(change, RenamingLeaf):
        new, old = ((each or change.model_name).rpartition("/")[2] for each in (change.renamed_to, change.previous))
        return "" if registry.model(new) and not registry.model(old) else None
    if isinstance(change, DeletionLeaf):
        still = registry.version(name, version) if version else registry.model(name)
        return None if still else (version or "")
    if isinstance(change, DecisionLeaf) and change.stage == "registration":
        return registry.made_by(name, change.request)
    if change.mlflow_stage:
        in_stage = registry.version(name, str(version))
        held = in_stage is not None and in_stage.current_stage.lower() == change.mlflow_stage.lower()
    else:
        model = registry.model(name)
        held = model is not None and str(model.aliases.get(change.alias)) == str(version)
    took_place = not held if isinstance(change, WithdrawalLeaf) else held
    return (version or "") if took_place else None

"""Recovery: if a server died between announcing a change and sealing its outcome, seal the registry's state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from aims_mlflow.ledger.leaves import Entry
from aims_mlflow.lifecycle.closing import closed_by_change

if TYPE_CHECKING:
    from aims_mlflow.ledger.ledger import Ledger
    from aims_mlflow.lifecycle.model_history import ModelHistory


class RegistryState(Protocol):
    """The current state of a registry; each method returns None for a missing object."""

    def model(self, name: str) -> Any:
        """Return a registered model."""

    def version(self, name: str, version: str) -> Any:
        """Return a version."""

    def made_by(self, name: str, request: str) -> str | None:
        """Return the version of a name that a request of the gate made."""


def finish_open_change(ledger: Ledger, past: ModelHistory, registry: RegistryState, by: str) -> dict[str, Any] | None:
    """Seal and return the outcome of a model's unfinished change, if any. The caller has locked the model."""
    leaf = past.unfinished()
    if leaf is None:
        return None
    content = leaf.content
    found = _found(content, registry)
    public = outcome_fields(content, done=found is not None, version=found or None)
    taken = [*superseded(content), *closed_by_change(past, content)] if found is not None else []
    ledger.seal(Entry("outcome", {**public, "closed_by": by}, request=str(content["request"])), *taken)
    return public


def superseded(change: dict[str, Any]) -> list[Entry]:
    """Return the leaves of the versions whose alias or stage an announced change took, by its own leaf."""
    public = {key: change.get(key) for key in ("model_name", "alias", "mlflow_stage")}
    return [
        Entry("superseded", {**public, "version": version, "by": change["version"]}, request=str(change["request"]))
        for version in change.get("losing") or ()
    ]


def outcome_fields(change: dict[str, Any], *, done: bool, version: str | None = None) -> dict[str, Any]:
    """Return the public fields of a change's outcome, complete without the change's own leaf."""
    kept = ("model_name", "stage", "alias", "mlflow_stage", "version", "model_digest", "previous", "renamed_to")
    return {
        "of": change["type"],
        **{key: change[key] for key in kept if change.get(key) is not None},
        **({"version": version} if version else {}),
        # These give no authority for later (`ModelHistory.standing`): it need not look the decision up to see that.
        **({"would_refuse": True} if change.get("would_refuse") else {}),
        **({"basis": "legacy"} if change.get("basis") == "legacy" else {}),
        "done": done,
    }


def _found(change: dict[str, Any], registry: RegistryState) -> str | None:
    """Return the version that shows that a change took place, "" where it is about none; None where it did not."""
    name = str(change["model_name"]).rpartition("/")[2]
    kind, version, alias = change["type"], change.get("version"), change.get("alias")
    if kind == "renamed":
        return "" if registry.model(name) else None
    if kind == "deleted":
        still = registry.version(name, version) if version else registry.model(name)
        return None if still else (version or "")
    if change.get("stage") == "registration":
        return registry.made_by(name, str(change["request"]))
    if change.get("mlflow_stage"):
        in_stage = registry.version(name, str(version))
        held = in_stage is not None and in_stage.current_stage.lower() == str(change["mlflow_stage"]).lower()
    else:
        model = registry.model(name)
        held = model is not None and str(model.aliases.get(alias)) == str(version)
    took_place = not held if kind == "withdrawn" else held
    return str(version or "") if took_place else None

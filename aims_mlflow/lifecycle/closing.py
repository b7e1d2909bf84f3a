"""Closing of a model's findings by a completed change, a retirement record, or the restored files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aims_mlflow.registers.findings import closing, newest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aims_mlflow.ledger.leaves import Entry
    from aims_mlflow.lifecycle.model_history import ModelHistory

OF_A_VERSION = ("retirement-due", "changed-model")


def open_of_model(past: ModelHistory, version: str | None = None) -> list[dict[str, Any]]:
    """Return the public fields of the open findings about a model's versions; they are read from memory."""
    leaves = newest(past.leaves(("finding",), version)).values()
    return [leaf.content for leaf in leaves if leaf.content["about"] in OF_A_VERSION]


def closed_by_change(past: ModelHistory, change: dict[str, Any]) -> list[Entry]:
    """Return the leaves that close the findings which a completed change resolves; `change`: its announced fields."""
    version = change.get("version")
    if change["type"] == "deleted":
        return _close(past, open_of_model(past, version))
    if change["type"] == "decision" and change.get("stage") == "deployment":
        due = (c for c in open_of_model(past, version) if c["about"] == "retirement-due")
        return _close(past, (c for c in due if c.get("alias") == change.get("alias")))
    return []


def closed_by_retirement(past: ModelHistory, model_digest: str) -> list[Entry]:
    """Return the leaves that close the findings which a retirement record of a model's bytes resolves."""
    return _close(past, (c for c in open_of_model(past) if past.registered(str(c["version"])) == model_digest))


def closed_by_same_files(past: ModelHistory, version: str) -> list[Entry]:
    """Return the leaves that close the findings of a version whose files are again as they were registered."""
    return _close(past, (c for c in open_of_model(past, version) if c["about"] == "changed-model"))


def _close(past: ModelHistory, contents: Iterable[dict[str, Any]]) -> list[Entry]:
    """Close findings under the model's current name, which may differ from the name at their opening."""
    return [closing({**content, "model_name": past.name}) for content in contents]

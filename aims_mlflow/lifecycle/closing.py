"""Opening and closing of a model's findings by a completed change, a retirement record, or the restored files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aims_mlflow.ledger.leaves import Entry
from aims_mlflow.records.leaves.changes import DecisionLeaf, DeletionLeaf, WithdrawalLeaf
from aims_mlflow.records.leaves.others import FindingLeaf
from aims_mlflow.registers.findings import Finding, closed, newest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aims_mlflow.lifecycle.model_history import ModelHistory
    from aims_mlflow.records.leaves.changes import ChangeLeaf
    from aims_mlflow.registers.findings import FindingContent

OF_A_VERSION = ("retirement-due", "changed-model")


def open_of_model(past: ModelHistory, version: str | None = None) -> list[FindingContent]:
    """Return the open findings about a model's versions; they are read from memory."""
    found = newest(past.leaves(("finding",), version)).values()
    return [content for _, content in found if content.about in OF_A_VERSION]


def findings_by_change(past: ModelHistory, change: ChangeLeaf) -> list[Entry]:
    """Return the leaves of the findings that a completed change opens or closes; `change`: as it was announced."""
    if isinstance(change, WithdrawalLeaf):
        return _retirement_due(past, change)
    if isinstance(change, DeletionLeaf):
        return _close(past, open_of_model(past, change.version))
    if isinstance(change, DecisionLeaf) and change.stage == "deployment":
        due = (c for c in open_of_model(past, change.version) if c.about == "retirement-due")
        return _close(past, (c for c in due if c.alias == change.alias))
    return []


def _retirement_due(past: ModelHistory, withdrawn: WithdrawalLeaf) -> list[Entry]:
    """Return the leaf of the finding about a missing retirement record of a withdrawn version, if it is missing."""
    version = str(withdrawn.version)
    if past.registered(version) in past.retired():
        return []
    text = f"{withdrawn.alias} was withdrawn from version {version}: its retirement record is due"
    about = FindingLeaf(about="retirement-due", model_name=withdrawn.model_name, alias=withdrawn.alias, version=version)
    return [Finding(about, text).entry()]


def closed_by_retirement(past: ModelHistory, model_digest: str) -> list[Entry]:
    """Return the leaves that close the findings which a retirement record of a model's bytes resolves."""
    return _close(past, (c for c in open_of_model(past) if past.registered(str(c.version)) == model_digest))


def closed_by_same_files(past: ModelHistory, version: str) -> list[Entry]:
    """Return the leaves that close the findings of a version whose files are again as they were registered."""
    return _close(past, (c for c in open_of_model(past, version) if c.about == "changed-model"))


def _close(past: ModelHistory, contents: Iterable[FindingContent]) -> list[Entry]:
    """Close findings under the model's current name, which may differ from the name at their opening."""
    return [Entry(closed(content).changed(model_name=past.name)) for content in contents]

"""Which corrective actions were done, by the ids by which other documents name them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aims_mlflow.records.documents.improvement import CorrectiveActionDocument

if TYPE_CHECKING:
    from aims_mlflow.gates.document_content.document_set import DocumentSet


def done_actions(documents: DocumentSet) -> set[str]:
    """Return the ids of actions, or their words where they have none, of which no action of that name is left to do."""
    actions = [a for d in documents.of(CorrectiveActionDocument) for a in d.actions]
    waiting = {a.id or a.action for a in actions if not a.done}
    return {name for a in actions if a.done and (name := a.id or a.action)} - waiting

"""The laws that register and duties name, each with the day from which it, or its last change, applies."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from aims_mlflow.records.documents.information import DisclosureDutiesDocument

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aims_mlflow.management.findings.state import ManagementState


class LawChange(NamedTuple):
    """A law that changed: its name, the day, and the document that names it."""

    law: str
    day: str
    document: str


def law_changes(state: ManagementState, after: str, until: str) -> list[LawChange]:
    """Return the laws that began to apply, or changed, after a day and until another, oldest first."""
    return sorted((c for c in _dated(state) if after < c.day <= until), key=lambda c: (c.day, c.law))


def _dated(state: ManagementState) -> Iterator[LawChange]:
    for entry in state.systems.values():
        yield from (LawChange(c.framework, c.changed_on, entry.id) for c in entry.legal_class if c.changed_on)
    for document in state.of(DisclosureDutiesDocument):
        for duty in document.duties:
            if duty.changed_on:
                yield LawChange(duty.law or duty.to, duty.changed_on, document.id)

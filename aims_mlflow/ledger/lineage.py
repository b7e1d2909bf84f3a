"""The lineage of a registered model: the names that it had, and the part of the ledger in which each was its own.

Names are used again: a model is renamed, or deleted and made anew. What is sealed under a name belongs to the model
that had it then, and to no other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from aims_mlflow.records.leaves.changes import DeletionLeaf, OutcomeLeaf, RenamingLeaf

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aims_mlflow.ledger.leaves import Leaf
    from aims_mlflow.ledger.model_leaves import ModelLeaves


class Leaves(Protocol):
    """What a ledger and the part of it in a bundle have in common."""

    def leaves(
        self, *, types: Sequence[str] = (), model_name: str | None = None, request: str | None = None
    ) -> Iterator[Leaf]:
        """Yield leaves in order."""

    def of_model(self, name: str) -> ModelLeaves:
        """Return the leaves of a name."""


@dataclass(frozen=True)
class Span:
    """A name's leaves from `start` (inclusive) to `end` (exclusive)."""

    name: str
    start: int
    end: int | None

    def __contains__(self, sequence: int) -> bool:
        return self.start <= sequence and (self.end is None or sequence < self.end)


def spans(ledger: Leaves, name: str, before: int | None = None) -> list[Span]:
    """Return the spans of the ledger that belong to the model with this name, newest first.

    `before` asks for the model that had the name just before that leaf.
    """
    return list(_spans(ledger, name, before))


def _spans(ledger: Leaves, name: str, end: int | None) -> Iterator[Span]:
    while True:  # each span ends where the one before it begins
        last = _beginning(ledger, name, end)
        if last is None:
            yield Span(name, 0, end)
            return
        yield Span(name, last.sequence, end)
        previous = last.fact.previous if isinstance(last.fact, RenamingLeaf) else None
        if previous is None:
            return
        name, end = previous, last.sequence


def _beginning(ledger: Leaves, name: str, end: int | None) -> Leaf | None:
    """Return the last completed deletion or renaming before `end`: since then, the name is another model's."""
    for leaf in reversed(ledger.of_model(name).of(("deleted", "renamed"))):
        of_one_version = isinstance(leaf.fact, DeletionLeaf) and leaf.fact.version is not None
        if (end is None or leaf.sequence < end) and not of_one_version and _done(ledger, leaf.fact.request, end):
            return leaf
    return None


def _done(ledger: Leaves, request: str, end: int | None) -> bool:
    found = next(ledger.leaves(types=("outcome",), request=request), None)
    counts = found is not None and (end is None or found.sequence < end)
    return counts and found is not None and isinstance(found.fact, OutcomeLeaf) and found.fact.done

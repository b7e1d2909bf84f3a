"""Causes as people write them, and those that were written down more than once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aims_mlflow.gates.person_statements import says

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from aims_mlflow.records.documents.improvement import CorrectiveActionDocument, NonconformityDocument

WORD = re.compile(r"[^\W_]+")
# Words that tell nothing of a cause, and those by which a second time is told.
EMPTY = frozenset(
    {
        "a", "an", "the", "of", "in", "on", "at", "to", "by", "for", "and", "or", "was", "were", "is", "are", "be",
        "been", "it", "its", "that", "this", "which", "as", "again", "once", "more", "still", "also", "had", "has",
        "have",
    }
)  # fmt: skip
# Two causes are one where they share this part of their words.
ALIKE = 0.75
LEAST = 2


@dataclass(frozen=True)
class StatedCause:
    """A cause as somebody wrote it.

    Attributes:
        document: Id of the document.
        field: Where its entries stand.
        index: Which of them it is.
        name: The entry as a sentence names it.
        done: Day on which something was done about it; None where nothing was, or nothing is said.
    """

    cause: str
    document: str
    field: str
    index: int
    name: str
    done: str | None = None

    @property
    def words(self) -> frozenset[str]:
        """Its words, without those that tell nothing."""
        return frozenset(WORD.findall(self.cause.casefold())) - EMPTY

    def is_like(self, other: StatedCause) -> bool:
        """Return whether both are one cause: equal, or with nearly the same words."""
        mine, others = self.words, other.words
        if " ".join(self.cause.casefold().split()) == " ".join(other.cause.casefold().split()):
            return True
        return min(len(mine), len(others)) >= LEAST and len(mine & others) / len(mine | others) >= ALIKE


def causes_of_actions(documents: Iterable[CorrectiveActionDocument]) -> list[StatedCause]:
    """Return the causes that corrective actions name."""
    return [
        StatedCause(str(a.cause), d.id, "actions", n, f"action {a.id or a.action[:60]!r} of {d.id}", a.done)
        for d in documents
        for n, a in enumerate(d.actions)
        if says(a.cause)
    ]


def causes_of_nonconformities(documents: Iterable[NonconformityDocument]) -> list[StatedCause]:
    """Return the causes of nonconformities."""
    return [
        StatedCause(str(e.cause), d.id, "nonconformities", n, f"nonconformity {e.id or e.fact[:60]!r} of {d.id}")
        for d in documents
        for n, e in enumerate(d.nonconformities)
        if says(e.cause)
    ]


def returned(causes: Iterable[StatedCause]) -> Iterator[tuple[StatedCause, StatedCause]]:
    """Yield (earlier, later) of each cause that came back: what was done about the earlier did not remove it.

    Several measures of one document that were done on one day, or are all still open, are one answer to one cause.
    """
    seen: list[StatedCause] = []
    for cause in sorted(causes, key=lambda c: (c.done or "9999", c.document, c.index)):
        earlier = next((e for e in seen if e.is_like(cause) and not _one_answer(e, cause)), None)
        if earlier is not None:
            yield earlier, cause
        seen.append(cause)


def _one_answer(one: StatedCause, other: StatedCause) -> bool:
    return one.field == "actions" and (one.document, one.done) == (other.document, other.done)

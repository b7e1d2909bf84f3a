"""Harms that follow from a model's evidence: each value that misses a limit, with what is done about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aims_mlflow.checks.claims import is_left_out
from aims_mlflow.records.differences import is_above
from aims_mlflow.records.wording import describe, reference_text, slice_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aims_mlflow.evidence.statement import SealedRecord
    from aims_mlflow.records.evidence import Claim

UNSEEN = "its rows were too few to show, so how the model treats it is not known"


@dataclass(frozen=True)
class EvidenceHarm:
    """One value that misses its limit, or a group that was left out, as a harm.

    Attributes:
        record: The record that it rests on.
        claim: The value; of a group that was left out, its first.
        by_group: Whether it is about groups of people, and not about the model or its data.
    """

    record: SealedRecord
    claim: Claim
    by_group: bool

    @property
    def group(self) -> str:
        """Who is affected, as column=value of the data; the whole model concerns everyone."""
        return slice_text(self.claim.slice) if self.by_group else "everyone whom the model is asked about"

    @property
    def mechanism(self) -> str:
        """How it comes about, with the value and its limit."""
        return f"{self.group}: {UNSEEN}" if is_left_out(self.claim) else describe(self.claim)

    @property
    def severity(self) -> str:
        """How bad it is, and on which ground."""
        if self.by_group and "false_positive" in self.claim.metric:
            return "not known: the value counts wrong answers yes, and what one of them costs a person is not measured"
        if self.by_group:
            return "serious: whom the model wrongly answers no loses what was asked for"
        return "not known: this value alone shows no effect on a person"

    @property
    def likelihood(self) -> str:
        """How likely it is, and on which ground."""
        if is_left_out(self.claim):
            return "not known: too few rows"
        return "likely: measured on the model and its data" if self.by_group else "not known"

    def measure(self, person: str) -> str:
        """Return what `person` does about it: what can find or undo this very harm."""
        if not self.by_group:
            return f"{person} has its cause looked for, and it is removed or given a reason before another version"
        if "positive_rate" in self.claim.metric and is_above(self.claim):
            other = reference_text(self.claim)
            return f"{person} reviews each yes to {self.group} and each no to {other} by hand, from the first day"
        return f"{person} reviews each no to {self.group} by hand, from the first day"


def harms(records: Sequence[SealedRecord], sensitive: Sequence[str]) -> list[EvidenceHarm]:
    """Return a harm for each value that misses its limit, and one for each group that was left out of a record."""
    return [
        EvidenceHarm(record, claim, bool(claim.slice) and set(claim.slice) <= set(sensitive))
        for record in records
        for claim in _bad(record)
    ]


def _bad(record: SealedRecord) -> Iterator[Claim]:
    seen = set[str]()
    for claim in record.evidence.claims:
        if claim.passed is False:
            yield claim
        elif is_left_out(claim) and slice_text(claim.slice) not in seen:
            seen.add(slice_text(claim.slice))
            yield claim

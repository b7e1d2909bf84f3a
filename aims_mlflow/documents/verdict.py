"""What the records of a training add up to: one result, and every claim and record that does not plainly pass."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aims_mlflow.cached_values import cached_property
from aims_mlflow.checks.claims import is_set_aside, is_too_small, too_small_text
from aims_mlflow.records.evidence import Result, worst
from aims_mlflow.records.wording import describe, metric_text, slice_text, verdict_word

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aims_mlflow.evidence.statement import SealedRecord
    from aims_mlflow.records.evidence import Claim

# Manifest and documents repeat the results of other records.
REPEATING = ("session", "page", "model-card", "datasheet")
ABOUT_A_MODEL = ("performance", "fairness", "robustness", "drift-baseline")
# The verdicts on single limits, the worst first.
WORDS = ("failed", "not evaluated", "not enough data", "warned", "passed")
# The checks that share the kind data-quality, by a metric of theirs.
CHECK_NAMES = {
    "undeclared_personal_columns": "data-quality: personal data",
    "column_auc": "data-quality: columns that tell the target",
    "column_r2": "data-quality: columns that tell the target",
}


def check_name(record: SealedRecord) -> str:
    """Return the name of the check that made a record: its kind, or more where several checks share the kind."""
    return next(
        (CHECK_NAMES[c.metric] for c in record.evidence.claims if c.metric in CHECK_NAMES), record.evidence.kind
    )


@dataclass(frozen=True, eq=False)
class OpenClaim:
    """A claim that does not plainly pass its limit, and the record that holds it."""

    record: SealedRecord
    claim: Claim
    word: str

    @property
    def mild(self) -> bool:
        """Whether the limit only warns."""
        return self.claim.severity == "warning"

    @property
    def short(self) -> str:
        """What the claim is about: `selection-rate ratio for sex=Female`, or the group that is too small."""
        rows = slice_text(self.claim.slice)
        if is_too_small(self.claim):
            return rows
        return metric_text(self.claim.metric) + (f" for {rows}" if rows else "")

    @property
    def sentence(self) -> str:
        """The claim in words; a group that is too small to be judged is told without the metric."""
        if is_too_small(self.claim):
            return too_small_text(self.claim)
        return describe(self.claim)

    @property
    def told(self) -> str:
        """The claim in words after the word of its verdict, which stands once."""
        sentence = self.sentence.removeprefix(f"{self.word}: ")
        return f"{self.word}: {sentence.replace(f': {self.word}: ', ': ', 1)}"


@dataclass(frozen=True)
class EvidenceVerdict:
    """What the given records add up to."""

    records: tuple[SealedRecord, ...]

    @classmethod
    def of(cls, records: Iterable[SealedRecord], model_digest: str = "") -> EvidenceVerdict:
        """Return the verdict of a training's records; of several models only one's own evaluations count."""
        return cls(
            tuple(
                r
                for r in records
                if r.evidence.kind not in REPEATING
                and (not model_digest or r.evidence.kind not in ABOUT_A_MODEL or r.has_subject(model_digest))
            )
        )

    @cached_property
    def result(self) -> Result:
        """The worst result of the records."""
        return worst([r.evidence.result for r in self.records])

    @property
    def word(self) -> str:
        """The result in words."""
        return self.result.replace("_", " ")

    @cached_property
    def open_claims(self) -> tuple[OpenClaim, ...]:
        """The claims that do not plainly pass, the worst first; a group that is too small stands once."""
        found = [
            OpenClaim(record, claim, word)
            for record in self.records
            for claim in record.evidence.claims
            if (word := verdict_word(claim)) not in ("", "passed")
        ]
        once: dict[tuple[str, object], OpenClaim] = {}
        for finding in found:
            once.setdefault((finding.record.id, finding.sentence if is_too_small(finding.claim) else finding), finding)
        return tuple(sorted(once.values(), key=lambda c: (c.mild, WORDS.index(c.word))))

    @cached_property
    def reasons(self) -> tuple[tuple[SealedRecord, str], ...]:
        """The records that do not plainly pass for another reason than a claim, each with the reason."""
        held = {f.record.id for f in self.open_claims}
        return tuple(
            (r, r.evidence.reason or f"{r.evidence.kind}: {r.evidence.result.replace('_', ' ')}")
            for r in self.records
            if r.evidence.result != "passed" and r.id not in held
        )

    @cached_property
    def set_aside(self) -> tuple[tuple[SealedRecord, Claim], ...]:
        """The groups that the pack sets aside, each once with the claim that names it."""
        found = {
            (r.id, tuple(c.slice.items())): (r, c) for r in self.records for c in r.evidence.claims if is_set_aside(c)
        }
        return tuple(found.values())

    def by_severity(self) -> tuple[tuple[str, list[tuple[str, SealedRecord]]], ...]:
        """Return in sentences what does not hold, and what is only warned about, each with its record."""
        loud = [(c.told, c.record) for c in self.open_claims if not c.mild]
        mild = [(c.told, c.record) for c in self.open_claims if c.mild]
        for record, reason in self.reasons:
            (mild if record.evidence.result == "warned" else loud).append((reason, record))
        return ("What does not hold", loud), ("Warnings", mild)

    def count(self, word: str, records: Iterable[SealedRecord] | None = None) -> int:
        """Return how many limits have this verdict, among all records or the given ones."""
        return sum(verdict_word(c) == word for r in (records or self.records) for c in r.evidence.claims)

    def sentence(self) -> str:
        """Return the number of limits by verdict: `1 failed, 2 warned and 30 passed, of 33 limits`."""
        counted = [(self.count(word), word) for word in WORDS]
        told = [f"{n:,} {word}" for n, word in counted if n]
        if not told:
            return "no limit was held"
        total = sum(n for n, _ in counted)
        listed = f"{', '.join(told[:-1])} and {told[-1]}" if len(told) > 1 else told[0]
        return f"{listed}, of {total:,} {'limits' if total > 1 else 'limit'}"

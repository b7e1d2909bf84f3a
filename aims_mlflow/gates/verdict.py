"""The verdict on one condition of a control: what was found, on which evidence, and until when it lasts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from aims_mlflow.evidence.statement import SealedRecord
    from aims_mlflow.records.decision import Unmet

Outcome = Literal[
    "holds", "warned", "failed", "not evaluated", "missing", "stale", "captured", "not applicable", "not due"
]
# What speaks against something that people wrote; None where nothing does.
Problem = tuple[Outcome, str] | None
# `machine`: measured or recorded by the software. `person`: somebody's word.
Basis = Literal["machine", "person"]


@dataclass(frozen=True)
class Judgement:
    """What was found about one condition.

    Attributes:
        outcome: `captured` where nothing here can judge it; `warned` where it holds with `warnings`.
        sentence: The finding in words, with its values.
        evidence: Ids of the records and documents behind it.
        since: Time of the newest evidence (RFC 3339).
        until: Time at which it ends by itself, and `ends` what ends then.
        basis: Whether it rests on what the software recorded, or on a person's word.
        unmet: What failed, as a gate words it: a waiver is compared with it.
        warnings: What holds only with a warning.
    """

    outcome: Outcome
    sentence: str
    evidence: tuple[str, ...] = ()
    since: str | None = None
    until: str | None = None
    ends: str = ""
    basis: Basis = "machine"
    unmet: tuple[Unmet, ...] = ()
    warnings: tuple[str, ...] = ()

    def about(self, *records: SealedRecord) -> Judgement:
        """Return the verdict with these records as its evidence; the first of them to expire bounds it."""
        bodies = [r.evidence for r in records]
        ending = min((b for b in bodies if b.valid_until), key=lambda b: str(b.valid_until), default=None)
        known = dict.fromkeys((*self.evidence, *(b.id for b in bodies)))
        return replace(
            self,
            evidence=tuple(known),
            since=max((b.time for b in bodies), default=self.since),
            until=ending.valid_until if ending else self.until,
            ends=ending.kind if ending else self.ends,
        )


def joined(parts: list[Judgement], sentence: str) -> Judgement:
    """Return the verdict on several things that must all hold: the worst of them, or `sentence` where all hold."""
    order: tuple[Outcome, ...] = ("failed", "stale", "not evaluated", "missing", "captured", "not due", "warned")
    if not parts:
        return Judgement("missing", "there is nothing to judge")
    if all(p.outcome == "not applicable" for p in parts):
        return parts[0]
    worst: Outcome = next((o for o in order if any(p.outcome == o for p in parts)), "holds")
    mine = [p for p in parts if p.outcome == worst]
    ending = min((p for p in parts if p.until), key=lambda p: str(p.until), default=None)
    return Judgement(
        worst,
        sentence if worst in ("holds", "warned") else "; ".join(dict.fromkeys(p.sentence for p in mine)),
        tuple(dict.fromkeys(e for p in parts for e in p.evidence)),
        max((p.since for p in parts if p.since), default=None),
        ending.until if ending else None,
        ending.ends if ending else "",
        "person" if any(p.basis == "person" for p in (parts if worst in ("holds", "warned") else mine)) else "machine",
        tuple(u for p in parts for u in p.unmet),
        tuple(dict.fromkeys(w for p in parts for w in p.warnings)),
    )

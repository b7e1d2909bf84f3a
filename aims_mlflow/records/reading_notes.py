"""What a reader must know of verdicts and intervals, in sentences that stand beside them on every page."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from aims_mlflow.records.wording import metric_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aims_mlflow.records.evidence import Claim

RULE = (
    "Passed: the value itself meets its limit, also where its interval reaches beyond the limit, so that chance allows "
    "the other side. Failed: the value misses its limit, and its interval speaks against chance. For a comparison with "
    "the reference group it leaves out equality (a ratio of one, a difference of zero), and may still reach inside the "
    "limit: chance does not explain that the groups differ, and may explain that they differ by more than the limit "
    "allows. For any other value the whole interval misses the limit; a value without an interval decides alone. A "
    "limit with `verdict: interval` passes or fails only by the whole interval. Not enough data: neither, or there are "
    "fewer rows than the least that is asked for, also where the value meets its limit. What decides drift and "
    "monitoring stands beside each of their values."
)
INTERVALS = (
    "An interval of one group's value is for that value alone. That of a comparison with the reference group holds for "
    "all groups of the column at once, and that of the worst slice for all slices that were looked at: it is wider, so "
    "the same number can stand with two intervals."
)
RANGES = (
    "A bootstrap range of the highest against the lowest group shows how much the value varies; no verdict rests on it."
)


def range_note(claims: Iterable[Claim]) -> str:
    """Return what bootstrap ranges of the highest against the lowest group mean; empty where there are none."""
    drawn = [
        c for c in claims if "*" in c.slice.values() and c.interval is not None and "bootstrap" in c.interval.method
    ]
    if not drawn:
        return ""
    beyond = list(dict.fromkeys(metric_text(c.metric) for c in drawn if _lies_beyond(c)))
    if not beyond:
        return RANGES
    several = "those of {} and {} lie" if len(beyond) > 1 else "that of {1} lies"
    named = several.format(", ".join(beyond[:-1]), beyond[-1])
    values = "their values" if len(beyond) > 1 else "its value"
    return f"{RANGES} Drawing again adds differences by chance: {named} mostly on the far side of {values}."


def _lies_beyond(claim: Claim) -> bool:
    """Return whether most of a range is further from no difference (a ratio of one) than the value itself."""
    if claim.interval is None or claim.value is None:
        return False
    low, value, high = (Decimal(text) for text in (claim.interval.low, claim.value, claim.interval.high))
    above, below = high - value, value - low
    return below > above if claim.metric.endswith("_ratio") else above > below


def reading_notes(claims: Iterable[Claim]) -> list[str]:
    """Return the sentences that the given claims need: on verdicts, kinds of intervals, and ranges of extremes."""
    claims = list(claims)
    notes = [RULE] if any(c.limit is not None for c in claims) else []
    around = [c for c in claims if c.interval is not None]
    if any(c.reference is not None or c.metric.startswith("worst_slice") for c in around):
        notes.append(INTERVALS)
    drawn = range_note(claims)
    return [*notes, drawn] if drawn else notes

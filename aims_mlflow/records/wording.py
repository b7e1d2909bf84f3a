"""Text of claims: formats every number that people read in cards, reports, refusals, charts and terminals.

A number is short, and is on the same side of its limit as the value itself: digits are added until it is. So a value
that misses a limit never reads as one that meets it, nor the other way round.
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import TYPE_CHECKING

from aims_mlflow.records.base import decimal_text
from aims_mlflow.records.differences import is_above, is_below, is_sized, negative
from aims_mlflow.records.limit import INFERRED, holds
from aims_mlflow.records.number_shapes import GROUPED_FROM, plain, tenth

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aims_mlflow.records.evidence import Claim, Interval

    Sides = list[tuple[str, Decimal]]

DIGITS = 3
LEAST_P_VALUE = Decimal("1e-15")  # what a p-value is given as that is too small to be computed
UNDEFINED, IN_SIZE = "undefined", " in size"
# Metrics whose name alone would say more than was measured.
SPELLED = {
    "undeclared_personal_columns": "undeclared columns that look personal by name or values",
    "reference_to_own_error_ratio": "mean absolute error ratio of reference to own",
}
# `value >= limit` read from the limit's side is `limit <= value`.
MIRRORED = {">=": "<=", "<=": ">=", ">": "<", "<": ">", "==": "=="}
# Exact for every decimal string that a record may hold.
EXACT = Context(prec=1000)


def number_text(value: str | None, comparator: str | None = None, limit: str | None = None) -> str:
    """Return a decimal string with three significant digits, or more if a limit or whole number is near.

    Whole numbers keep all their digits; a fraction near one keeps a tenth of 0 from 10 on. From 1,000 on the whole part
    is kept, with thousands separated by commas; numbers under a millionth have an exponent.
    """
    if value is None:
        return UNDEFINED
    number, sides = Decimal(value), _sides(comparator, limit)
    short = tenth(number)
    if short is not None and _same_sides(short, number, sides):
        return f"{short:f}"
    return plain(_rounded(number, sides))


def figure_text(value: float) -> str:
    """Return a computed number by the rule of `number_text`."""
    return number_text(decimal_text(value))


def share_text(share: float) -> str:
    """Return a computed share as a percentage by the rule of `number_text`."""
    text = decimal_text(share)
    return UNDEFINED if text is None else percent_text(text)


def count_text(number: int | None) -> str:
    """Return a count with its thousands separated by commas; empty where there is none."""
    return "" if number is None else f"{number:,}"


def percent_text(value: str, comparator: str | None = None, limit: str | None = None) -> str:
    """Return a share as a percentage by the rule of `number_text`; of whole numbers only 0 and 100 mean just that."""
    sides = [(each, _hundredfold(bound)) for each, bound in _sides(comparator, limit)]
    return f"{plain(_rounded(_hundredfold(Decimal(value)), sides, wholes=(0, 100)))}%"


def exact_percent_text(share: str) -> str:
    """Return a share, such as a limit, as a percentage with all its digits."""
    return f"{plain(_hundredfold(Decimal(share)))}%"


def rounded_limit(limit: str, comparator: str, values: Iterable[str]) -> str:
    """Return a computed limit with few digits, which each of `values` meets or misses as it does the limit itself."""
    mirrored = MIRRORED[comparator]
    return format(_rounded(Decimal(limit), [(mirrored, Decimal(value)) for value in values]), "f")


def _hundredfold(share: Decimal) -> Decimal:
    return EXACT.multiply(share, Decimal(100))


def _sides(comparator: str | None, limit: str | None) -> Sides:
    return [] if comparator is None or limit is None else [(comparator, Decimal(limit))]


def _rounded(number: Decimal, sides: Sides, wholes: tuple[int, ...] = ()) -> Decimal:
    """Round to few digits; `wholes` are the whole numbers that a fraction must not become, all without any."""
    digits = max(DIGITS, number.adjusted() + 1)
    while True:
        rounded = Context(prec=digits, rounding=ROUND_HALF_EVEN).plus(number)
        if rounded == number or (_looks_like(rounded, number, wholes) and _same_sides(rounded, number, sides)):
            return rounded
        digits += 1


def _looks_like(rounded: Decimal, number: Decimal, wholes: tuple[int, ...]) -> bool:
    """Return whether a rounded number is faithful: below 1,000, a fraction must not become a whole number."""
    if wholes:
        return rounded not in wholes
    return abs(number) >= GROUPED_FROM or rounded != rounded.to_integral_value()


def _same_sides(rounded: Decimal, number: Decimal, sides: Sides) -> bool:
    return all(holds(rounded, each, bound) == holds(number, each, bound) for each, bound in sides)


def against_text(claim: Claim) -> str:
    """Return what a claim's rows are compared with: `against Male`, of a difference `below Male` or `above Male`."""
    reference = reference_text(claim)
    if not reference:
        return ""
    word = "below" if is_below(claim) else "above" if is_above(claim) else "against"
    return f"{word} {reference}"


def value_text(claim: Claim, comparator: str | None = None, limit: str | None = None) -> str:
    """Return a claim's value, on its side of the given limit, by default of the claim's own.

    A p-value too small to be computed reads `under 1e-15`. A difference from the reference group has the sign of group
    minus reference group, as its interval has.
    """
    if comparator is None or limit is None:
        comparator, limit = claim.comparator, claim.limit
    if claim.value is not None and claim.metric.endswith("p_value") and Decimal(claim.value) <= LEAST_P_VALUE:
        return f"under {plain(LEAST_P_VALUE)}"
    text = number_text(claim.value, comparator, limit)
    return negative(text) if is_below(claim) and claim.value is not None else text


def ends_text(claim: Claim, comparator: str | None = None, limit: str | None = None) -> tuple[str, str]:
    """Return the ends of a claim's interval, each on its own side of the limit, with the sign of the claim's value."""
    if claim.interval is None:
        return "", ""
    low, high = (number_text(end, comparator, limit) for end in (claim.interval.low, claim.interval.high))
    return (negative(high), negative(low)) if is_below(claim) else (low, high)


def interval_text(claim: Claim, comparator: str | None = None, limit: str | None = None) -> str:
    """Return a claim's interval as `95% 0.28-0.34` or `bootstrap range 0.2-0.4`; empty where there is none."""
    if claim.interval is None:
        return ""
    low, high = ends_text(claim, comparator, limit)
    between = " to " if low.startswith("-") else "-"
    return f"{interval_name(claim.interval)} {low}{between}{high}"


def interval_name(interval: Interval) -> str:
    """Return what an interval is called: `95%` only where it was shown to cover in so many samples."""
    if not interval.is_range:
        return percent_text(interval.level)
    return "bootstrap range" if "bootstrap" in interval.method else "approximate range"


def range_text(claim: Claim) -> str:
    """Return a claim's interval as `95% 0.28 to 0.34`, each end on its own side of the claim's limit."""
    if claim.interval is None:
        return ""
    low, high = ends_text(claim, claim.comparator, claim.limit)
    return f"{interval_name(claim.interval)} {low} to {high}"


def verdict_word(claim: Claim) -> str:
    """Return passed, failed, warned, not enough data or not evaluated; empty for a claim without a limit."""
    if claim.limit is None and claim.passed is None:
        return ""
    if claim.passed is None:
        return "not evaluated" if claim.value is None else "not enough data"
    return "passed" if claim.passed else ("warned" if claim.severity == "warning" else "failed")


def bound_text(claim: Claim) -> str:
    """Return what a claim is held to as `>= 0.8`, or `<= 0.1 in size` of a difference; empty if it has no limit."""
    if claim.limit is None:
        return ""
    sized = is_sized(claim) or (claim.value is None and claim.metric.endswith("_difference"))
    return f"{claim.comparator} {claim.limit}" + (IN_SIZE if sized else "")


def rule_text(metric: str, comparator: str | None, limit: str | None) -> str:
    """Return the limit of a rule about a metric as `bound_text` writes that of the claims that are held to it."""
    return f"{comparator} {limit}" + (IN_SIZE if metric.endswith("_difference") else "")


def limit_text(claim: Claim) -> str:
    """Return a claim's limit as `limit >= 0.8`; empty if it has none."""
    return f"limit {bound_text(claim)}" if claim.limit is not None else ""


def origin_text(claim: Claim) -> str:
    """Return who set a claim's limit as `set by risk committee on 2026-03-02`; empty where nobody said so.

    A limit that software took from a table reads `inferred from loans.csv, set by no person`.
    """
    origin = claim.limit_origin
    if origin is None or origin.set_by is None:
        return ""
    if origin.set_by.startswith(INFERRED):
        return f"{origin.set_by}, set by no person"
    return f"set by {origin.set_by}" + (f" on {origin.set_on}" if origin.set_on else "")


def limits_told(claims: Iterable[Claim]) -> list[tuple[str, str, str, str]]:
    """Return each limit that claims are held to, once: metric, limit, who set it and when, and why."""
    told = [
        (
            metric_text(c.metric),
            bound_text(c) + (" (warns)" if c.severity == "warning" else ""),
            origin_text(c) or "not said",
            c.limit_origin.why if c.limit_origin is not None else "not said",
        )
        for c in claims
        if c.limit is not None
    ]
    return list(dict.fromkeys(told))


def measured_text(claim: Claim, comparator: str | None = None, limit: str | None = None) -> str:
    """Return a measurement as `0.31 (against Male, 95% 0.28-0.34, n=3,210)`.

    The figures are on their side of the given limit, by default of the claim's own.
    """
    if claim.value is None:
        return f"{UNDEFINED} ({claim.note or 'no value'})"
    if comparator is None or limit is None:
        comparator, limit = claim.comparator, claim.limit
    more = [against_text(claim)] if reference_text(claim) else []
    more += [interval_text(claim, comparator, limit)] if claim.interval is not None else []
    more += [rows_text(claim)] if claim.n is not None else []
    return value_text(claim, comparator, limit) + (f" ({', '.join(more)})" if more else "")


def rows_text(claim: Claim) -> str:
    """Return the rows that decide about a claim as `n=3,210`, or `n=45 of B` where they are another group's."""
    return f"n={rows_shown(claim)}" if claim.n is not None else ""


def rows_shown(claim: Claim) -> str:
    """Return the rows that decide about a claim as `3,210`, or `45 of B` where they are another group's."""
    whose = ", ".join(g for c, g in (claim.n_of or {}).items() if c not in ("column", "label"))
    return count_text(claim.n) + (f" of {whose}" if whose and claim.n is not None else "")


def reference_text(claim: Claim) -> str:
    """Return the group that a claim's rows are compared with, in full; empty for a claim that is no comparison."""
    if claim.reference is None or claim.reference == claim.slice:
        return ""
    return ", ".join(group for column, group in claim.reference.items() if column not in ("column", "label"))


def slice_text(slice_: dict[str, str]) -> str:
    """Return the rows of a claim as `sex=Female, race=B`; for a comparison of groups, its columns."""
    return ", ".join(f"{column}={value}" for column, value in slice_.items() if value != "*") or " and ".join(slice_)


def metric_text(metric: str) -> str:
    """Return the name of a metric as every text spells it; Great Expectations' names are kept as they are."""
    if metric.startswith("expect_"):
        return metric
    return SPELLED.get(metric) or metric.replace("selection_rate_", "selection-rate ").replace("_", " ")


def describe(claim: Claim, metric: str | None = None) -> str:
    """Return a claim as a sentence: `selection-rate ratio for sex=Female is 0.31 (...), limit >= 0.8`.

    `metric` is what to write in place of the metric's name.
    """
    rows = slice_text(claim.slice)
    text = (metric or metric_text(claim.metric)) + (f" for {rows}" if rows else "")
    if claim.value is None:
        return f"{text} could not be evaluated ({claim.note or UNDEFINED})"
    text += f" is {measured_text(claim)}" + (f", {limit_text(claim)}" if claim.limit is not None else "")
    return text + remark_text(claim)


def note_beside(claim: Claim) -> str:
    """Return a claim's note where the word of its verdict stands beside it already, so that it is not said twice."""
    return (claim.note or "").removeprefix(f"{verdict_word(claim)}: ")


def remark_text(claim: Claim) -> str:
    """Return what must be said after a value: why it decides nothing, or which slice is the worst; else nothing."""
    undecided = claim.passed is None and claim.limit is not None
    telling = claim.metric.startswith("worst_slice") or (claim.note or "").startswith("label ")
    needed = claim.value is not None and claim.note and (undecided or telling)
    return f": {claim.note}" if needed else ""

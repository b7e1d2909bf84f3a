"""The rule by which a measured value passes or fails a limit, or does not decide: one for packs and the server."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from aims_mlflow.records.enough import enough_text
from aims_mlflow.records.limit import holds

if TYPE_CHECKING:
    from aims_mlflow.records.evidence import Claim, Interval
    from aims_mlflow.records.pack import Limit

NOT_ENOUGH = "not enough data"
UNDECIDED = f"{NOT_ENOUGH}: the interval holds the limit"
CHANCE = f"{NOT_ENOUGH}: beyond the limit, and chance alone may explain it"


class LimitVerdict(NamedTuple):
    """Whether a limit is met; None where the data do not decide, and then `lacking` says why."""

    passed: bool | None
    lacking: str | None = None


def verdict(measured: Claim, limit: Limit, min_n: int = 1) -> LimitVerdict:
    """Return the verdict on a measured value.

    A value passes where it meets the limit. It fails where it misses the limit and chance alone does not explain that:
    the interval of a comparison with the reference group excludes equality (1 for a ratio, 0 for a difference), as in
    29 CFR 1607.4(D); the whole interval of any other value misses the limit. By `verdict: interval`, the whole 95%
    interval must meet the limit to pass, and miss it to fail. Whatever else is not enough data, which is never passed.
    A value without an interval, such as a number of files, decides alone, unless the limit asks for the interval.
    """
    if measured.value is None:
        return LimitVerdict(None)
    if measured.n is not None and measured.n < min_n:
        return LimitVerdict(None, f"{NOT_ENOUGH}: n={measured.n:,}, and {min_n:,} are asked for")
    meets = holds(measured.value, limit.comparator, limit.limit)
    if limit.verdict == "interval":
        return _by_interval(measured, limit, meets=meets)
    if meets or measured.interval is None:
        return LimitVerdict(meets)
    return _beyond(measured, measured.interval, limit)


def _beyond(measured: Claim, interval: Interval, limit: Limit) -> LimitVerdict:
    """Return the verdict on a value that misses the limit: failed only where chance does not explain it."""
    equality = measured.equality
    if equality is None:
        wholly = _ends(interval, limit) == {False}
        return LimitVerdict(False) if wholly else LimitVerdict(None, UNDECIDED + enough_text(measured, limit.limit))
    if Decimal(interval.low) <= Decimal(equality) <= Decimal(interval.high):
        return LimitVerdict(None, CHANCE + enough_text(measured, equality))
    return LimitVerdict(False)


def _by_interval(measured: Claim, limit: Limit, *, meets: bool) -> LimitVerdict:
    interval = measured.interval
    if interval is None or interval.is_range:
        return LimitVerdict(None, f"{NOT_ENOUGH}: there is no 95% interval, and the limit decides by it")
    if _ends(interval, limit) == {meets}:
        return LimitVerdict(meets)
    return LimitVerdict(None, UNDECIDED + enough_text(measured, limit.limit))


def _ends(interval: Interval, limit: Limit) -> set[bool]:
    return {holds(end, limit.comparator, limit.limit) for end in (interval.low, interval.high)}

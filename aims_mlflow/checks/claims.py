"""Claims: measured values, compared with the limits of a pack."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aims_mlflow.records.base import decimal_text
from aims_mlflow.records.evidence import Claim, Interval
from aims_mlflow.records.limit import holds
from aims_mlflow.records.wording import describe

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from aims_mlflow.records.pack import Limit


def claim(
    metric: str,
    value: Any,
    *,
    slice: Mapping[str, str] | None = None,  # noqa: A002
    role: str = "test",
    n: Any = None,
    interval: tuple[Any, Any] | None = None,
    method: str = "",
    note: str | None = None,
) -> Claim:
    """Return a claim without a limit; a NaN value becomes None, and an undefined interval is left out."""
    low, high = (decimal_text(float(end)) for end in interval) if interval else (None, None)
    return Claim(
        metric=metric,
        slice=dict(slice or {}),
        role=role,
        value=None if value is None else decimal_text(float(value)),
        n=None if n is None else int(n),
        interval=None if low is None or high is None else Interval(low=low, high=high, method=method),
        note=note,
    )


def matches(limit: Limit, measured: Claim) -> bool:
    """Return whether a limit speaks of a claim.

    A limit without a slice speaks of the whole table and of every single column (the groups of one column, in
    one other column or of one label, too); combinations of columns, whose groups are small and many, are meant
    only by a limit that names those columns.
    In a limit's slice "*" stands for any group and for the comparison of all groups.
    """
    if limit.metric != measured.metric:
        return False
    if limit.slice is None:
        return len(measured.slice.keys() - {"column", "label"}) <= 1
    return limit.slice.keys() == measured.slice.keys() and all(
        wanted in ("*", measured.slice[column]) for column, wanted in limit.slice.items()
    )


def held(measured: Claim, limit: Limit, min_n: int = 1) -> Claim:
    """Return the claim with the limit and whether it is met; None where value or rows do not decide."""
    passed, lacking = None, None
    if measured.value is not None:
        lacking = _too_little(measured, limit, min_n)
        passed = None if lacking else holds(measured.value, limit.comparator, limit.limit)
    return measured.model_copy(
        update={
            "comparator": limit.comparator,
            "limit": limit.limit,
            "severity": limit.severity,
            "passed": passed,
            "note": "; ".join(part for part in (lacking, measured.note) if part) or None,
        }
    )


def _too_little(measured: Claim, limit: Limit, min_n: int) -> str | None:
    """Return why a measured value decides nothing, or None."""
    if measured.n is not None and measured.n < min_n:
        return f"{NOT_ENOUGH}: n={measured.n:,}, the pack asks for {min_n:,}"
    if limit.verdict == "value":
        return None
    if measured.interval is None:
        return f"{NOT_ENOUGH}: there is no interval, and the pack decides by it"
    ends = {holds(end, limit.comparator, limit.limit) for end in (measured.interval.low, measured.interval.high)}
    if len(ends) == 1 and ends == {holds(str(measured.value), limit.comparator, limit.limit)}:
        return None
    return f"{NOT_ENOUGH}: the interval holds the limit"


def hold(claims: Iterable[Claim], limits: Sequence[Limit], *, role: str = "test", min_n: int = 1) -> list[Claim]:
    """Return all claims, held against every limit that speaks of them.

    Below `min_n` rows a value decides nothing.
    Limits add up and none overrides another: a claim that two limits speak of is given twice.
    A limit that speaks of no claim gives one that could not be evaluated, never silence.
    """
    claims = list(claims)
    out = []
    for measured in claims:
        mine = [limit for limit in limits if matches(limit, measured) and not is_left_out(measured)]
        out += [held(measured, limit, min_n) for limit in mine] or [measured]
    for limit in limits:
        if not any(matches(limit, measured) for measured in claims):
            nothing = Claim(metric=limit.metric, slice=dict(limit.slice or {}), role=role, note=_why_nothing(limit))
            out.append(held(nothing, limit))
    return out


LEFT_OUT = "left out: too few rows to show"
NOT_ENOUGH = "not enough data"


def is_left_out(measured: Claim) -> bool:
    """Return whether a claim only reports that its rows were too few to show."""
    return measured.note == LEFT_OUT


def _why_nothing(limit: Limit) -> str:
    if limit.slice is None:
        return "not evaluated: this metric was not computed"
    group = ", ".join(f"{column}={value}" for column, value in limit.slice.items()) or "all rows"
    return f"not evaluated: there is no such value for {group}"


def reason_of(claims: Iterable[Claim]) -> str | None:
    """Return one sentence: the claims that decide the result first (failed, not evaluated, then warned)."""
    claims = list(claims)
    failed = [c for c in claims if c.passed is False]
    open_ = [c for c in claims if c.passed is None and c.limit is not None]
    named = sorted([*failed, *open_], key=lambda c: (c.severity == "warning", c.passed is None))
    if not named:
        return None
    text = "; ".join(describe(c) for c in named[:3])
    return text + (f"; and {len(named) - 3} more" if len(named) > 3 else "")

"""Claims: measured values, compared with the limits of a pack."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from aims_mlflow.checks.metrics import HELD_BY
from aims_mlflow.records.base import decimal_text
from aims_mlflow.records.evidence import Claim, Interval
from aims_mlflow.records.limit import LimitOrigin
from aims_mlflow.records.pack import Limit
from aims_mlflow.records.verdicts import NOT_ENOUGH, verdict
from aims_mlflow.records.wording import describe, slice_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

AnyLimit = TypeVar("AnyLimit", bound=Limit)


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
    """Return a claim without a limit; a NaN value becomes None, and an undefined interval is left out.

    An interval holds its own estimate: where resampling left that outside, the end is moved to it. A range without any
    width is left out: it would read as certainty.
    """
    number = None if value is None else decimal_text(float(value))
    low, high = (decimal_text(float(end)) for end in _around(number, interval)) if interval else (None, None)
    if number is not None and low is not None and low == high and "range" in method:
        low, note = None, "; ".join(part for part in (note, NO_WIDTH) if part)
    return Claim(
        metric=metric,
        slice=dict(slice or {}),
        role=role,
        value=number,
        n=None if n is None else int(n),
        interval=None if low is None or high is None else Interval(low=low, high=high, method=method),
        note=note,
    )


NO_WIDTH = "no range: these rows give none a width, which does not make the value sure"


def _around(value: str | None, interval: tuple[Any, Any]) -> tuple[Any, Any]:
    if value is None:
        return interval
    return min(interval[0], float(value)), max(interval[1], float(value))


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
    """Return the claim with the limit and the verdict on it; see `records.verdicts`."""
    passed, lacking = verdict(measured, limit, min_n)
    # What another limit lacked, such as the pack's below the server's, is said there.
    own = [part for part in (measured.note or "").split("; ") if not part.startswith(NOT_ENOUGH)]
    return measured.model_copy(
        update={
            "comparator": limit.comparator,
            "limit": limit.limit,
            "severity": limit.severity,
            "limit_origin": LimitOrigin(why=limit.why, **limit.author),
            "passed": passed,
            "note": "; ".join(part for part in (lacking, *own) if part) or None,
        }
    )


def held_by(limits: Iterable[AnyLimit]) -> list[AnyLimit]:
    """Return limits on what each group's comparison with the reference group shows, each once.

    A limit on one of Fairlearn's values of the highest against the lowest group is held by the comparisons of
    `metrics.HELD_BY`: which group is highest is chance too, and no verdict rests on it.
    """
    expanded = [
        limit.model_copy(update={"metric": name})
        for limit in limits
        for name in HELD_BY.get(limit.metric, (limit.metric,))
    ]
    return [limit for i, limit in enumerate(expanded) if all(_different(limit, other) for other in expanded[:i])]


def _different(limit: Limit, other: Limit) -> bool:
    beside = {"why", "set_by", "set_on"}
    return limit.model_dump(exclude=beside) != other.model_dump(exclude=beside)


def hold(claims: Iterable[Claim], limits: Sequence[Limit], *, role: str = "test", min_n: int = 1) -> list[Claim]:
    """Return all claims, held against every limit that speaks of them.

    Below `min_n` rows a value decides nothing.
    Limits add up and none overrides another: a claim that two limits speak of is given twice.
    A limit that speaks of no claim gives one that could not be evaluated, never silence.
    """
    claims = list(claims)
    out = []
    for measured in claims:
        mine = [limit for limit in limits if matches(limit, measured) and not is_unheld(measured)]
        out += [held(measured, limit, min_n) for limit in mine] or [measured]
    for limit in limits:
        if not any(matches(limit, measured) for measured in claims):
            nothing = Claim(metric=limit.metric, slice=dict(limit.slice or {}), role=role, note=_why_nothing(limit))
            out.append(held(nothing, limit))
    return out


NOTHING_MISSING = "no feature has a missing cell"
LEFT_OUT = "left out: too few rows to show"
SET_ASIDE = "set aside: "


THE_REFERENCE = "the reference group"


def is_reference(ratio: Claim) -> bool:
    """Return whether the ratio of a group is that of the reference group itself."""
    return ratio.value is not None and THE_REFERENCE in (ratio.note or "")


def is_unheld(measured: Claim) -> bool:
    """Return whether a claim only names a group: the reference group itself, or one that is shown without numbers."""
    return is_left_out(measured) or is_set_aside(measured) or measured.reference == measured.slice


def is_set_aside(measured: Claim) -> bool:
    """Return whether a claim only names a group that a pack sets aside."""
    return measured.value is None and (measured.note or "").startswith(SET_ASIDE)


def is_description(measured: Claim) -> bool:
    """Return whether a claim about fairness describes all groups at once, and takes no verdict."""
    return "*" in measured.slice.values()


def is_of_extremes(measured: Claim) -> bool:
    """Return whether a claim is of the highest against the lowest group, chance among them: no verdict rests on it."""
    return is_description(measured) and measured.metric.endswith("_difference") and measured.note != NOTHING_MISSING


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
    # A group that is too small is so for every limit: it is told once.
    texts = list(dict.fromkeys(too_small_text(c) if is_too_small(c) else describe(c) for c in named))
    if not texts:
        return None
    return "; ".join(texts[:3]) + (f"; and {len(texts) - 3} more" if len(texts) > 3 else "")


TOO_SMALL = "too few rows"


def is_too_small(measured: Claim) -> bool:
    """Return whether a claim names a group that has too few rows to be judged."""
    return measured.value is None and TOO_SMALL in (measured.note or "")


def too_small_text(measured: Claim) -> str:
    """Return a group that is too small to be judged as `not evaluated: account=A91, 25 rows`."""
    return f"not evaluated: {slice_text(measured.slice)}, {(measured.note or '').partition(f'{TOO_SMALL}: ')[2]}"

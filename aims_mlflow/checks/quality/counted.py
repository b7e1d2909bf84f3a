"""Expectations that are plain counts: counted here by pandas, because importing Great Expectations takes seconds.

Name, arguments, counting and words are Great Expectations' own; tests hold the results equal to its. What is not
certain to be the same (another argument, a condition on rows, a column of mixed types) is left to the library.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pandas as pd

    from aims_mlflow.checks.quality.expectations import Demand


@dataclass(frozen=True)
class CountResult:
    """The result of one expectation, as Great Expectations gives it, and the expectation in words."""

    success: bool
    result: dict[str, Any]
    words: str
    exception_info: Mapping[str, Any] = field(default_factory=dict)


def counted(table: pd.DataFrame, wanted: Mapping[int, Demand]) -> dict[int, CountResult]:
    """Return the results of those demands that are plain counts; the others are left out."""
    out = {}
    for i, demand in wanted.items():
        count = COUNTS.get(demand.type)
        if count is None or demand.expectation.where or not _plain(demand.kwargs):
            continue
        try:
            found = count(table, demand.kwargs)
        except (TypeError, ValueError, KeyError):  # cells that pandas cannot compare or hash: the library says so
            continue
        if found is not None:
            out[i] = found
    return out


def _plain(kwargs: Mapping[str, Any]) -> bool:
    """Tell whether all arguments are of the kind that is counted here."""
    known = {"column", "mostly", "min_value", "max_value", "strict_min", "strict_max"}
    bounds = [kwargs[name] for name in ("min_value", "max_value") if kwargs.get(name) is not None]
    numbers = all(type(bound) in (int, float) and math.isfinite(bound) for bound in bounds)
    mostly = kwargs.get("mostly", 1)
    return (
        set(kwargs) <= known
        and numbers
        and bounds == sorted(bounds)
        and type(mostly) in (int, float)
        and 0 <= mostly <= 1
        and all(isinstance(kwargs.get(name, False), bool) for name in ("strict_min", "strict_max"))
    )


def _rows(table: pd.DataFrame, kwargs: Mapping[str, Any]) -> CountResult | None:
    return _number(len(table), kwargs, f"Must have {_bounds(kwargs)} rows.")


def _unique_values(table: pd.DataFrame, kwargs: Mapping[str, Any]) -> CountResult | None:
    name = kwargs["column"]
    return _number(int(table[name].nunique()), kwargs, f"{name} must have {_bounds(kwargs)} unique values.")


def _number(observed: int, kwargs: Mapping[str, Any], words: str) -> CountResult | None:
    """Return a number held to its bounds; None without bounds."""
    if "mostly" in kwargs or not _bounds(kwargs):
        return None
    return CountResult(_inside(observed, kwargs), {"observed_value": observed}, words)


def _present(table: pd.DataFrame, kwargs: Mapping[str, Any]) -> CountResult | None:
    if set(kwargs) - {"column", "mostly"}:
        return None
    column = table[kwargs["column"]]
    missing = int(column.isna().sum())
    found = {"element_count": len(column), "unexpected_count": missing}
    mostly = kwargs.get("mostly", 1)
    words = "must never be null." if mostly == 1 else f"must not be null{_share(mostly)}."
    return CountResult(_reached(len(column), missing, mostly), found, f"{kwargs['column']} values {words}")


def _between(table: pd.DataFrame, kwargs: Mapping[str, Any]) -> CountResult | None:
    import pandas as pd

    column, bounds = table[kwargs["column"]], _bounds(kwargs)
    if not pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column) or not bounds:
        return None
    known = column.dropna()
    outside = len(known) - int(_inside(known, kwargs).sum())
    found = {"element_count": len(column), "missing_count": len(column) - len(known), "unexpected_count": outside}
    mostly = kwargs.get("mostly", 1)
    words = f"{kwargs['column']} values must be {bounds}{'' if mostly == 1 else _share(mostly)}."
    return CountResult(_reached(len(known), outside, mostly), found, words)


def _inside(value: Any, kwargs: Mapping[str, Any]) -> Any:
    """Tell whether a number, or each of a column, is within the bounds; True without any."""
    low, high = kwargs.get("min_value"), kwargs.get("max_value")
    inside: Any = True
    if low is not None:
        inside = value > low if kwargs.get("strict_min") else value >= low
    if high is not None:
        inside = inside & (value < high if kwargs.get("strict_max") else value <= high)
    return inside


def _reached(checked: int, unexpected: int, mostly: float) -> bool:
    return not checked or (checked - unexpected) / checked >= mostly


def _bounds(kwargs: Mapping[str, Any]) -> str:
    parts = []
    for name, strict, word in (("min_value", "strict_min", "greater than"), ("max_value", "strict_max", "less than")):
        if kwargs.get(name) is not None:
            parts.append(f"{word}{'' if kwargs.get(strict) else ' or equal to'} {kwargs[name]}")
    return " and ".join(parts)


def _share(mostly: float) -> str:
    return f", at least {mostly * 100:.15g} % of the time"


COUNTS: dict[str, Callable[[pd.DataFrame, Mapping[str, Any]], CountResult | None]] = {
    "expect_table_row_count_to_be_between": _rows,
    "expect_column_unique_value_count_to_be_between": _unique_values,
    "expect_column_values_to_not_be_null": _present,
    "expect_column_values_to_be_between": _between,
}

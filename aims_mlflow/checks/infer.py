"""First expectations for a table, inferred from what it looks like now: a draft that a team corrects."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from aims_mlflow.checks.labels import distinct_labels
from aims_mlflow.checks.profile import ColumnProfile, profile

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

SEEN_OFTEN = 20  # rarer values are not written down: they could be one person's
MAX_VALUES = 50
MARGIN = 2  # percent
DRAFT = "inferred from the first table; replace with what the data must be like, and why"


def infer_expectations(frame: pd.DataFrame, target: str, sensitive: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Return expectations (`type`, `kwargs`, `severity`, `why`) that `frame` itself meets.

    Bounds are rounded quantiles and values are frequent ones, so that none gives a person away.

    Raises:
        DataError: there is no such target column.
    """
    columns = profile(frame, target)
    labels = list(distinct_labels(frame[target]).values())
    found = [
        _expectation(
            "expect_column_values_to_not_be_null", "blocking", "a row without a label teaches nothing", column=target
        ),
        _expectation(
            "expect_column_distinct_values_to_be_in_set",
            "blocking",
            "a label that nobody expects is a mistake in the data",
            column=target,
            value_set=_plain(frame[target], labels),
        ),
        _expectation(
            "expect_table_columns_to_match_set",
            "failing",
            "a column that went missing or was renamed changes what the model sees",
            column_set=[str(name) for name in frame.columns],
            exact_match=False,
        ),
    ]
    for name in sensitive:
        if name in frame.columns:
            why = "a person without a group is missing from every comparison of groups"
            found.append(_not_null(frame[name], why))
    for column in columns:
        if column.kind not in ("numeric", "categorical") or column.name == target:
            continue
        if column.name not in sensitive:
            found.append(_not_null(frame[column.name], DRAFT, "warning"))
        found += _values(frame[column.name], column)
    return found


def _values(column: pd.Series, profiled: ColumnProfile) -> list[dict[str, Any]]:
    """Expect the range of a numeric column, or the frequent values of a categorical one."""
    import pandas as pd

    if profiled.kind == "numeric":
        if not pd.api.types.is_numeric_dtype(column):
            return []
        low, high = rounded_range(column)
        return [
            _expectation(
                "expect_column_values_to_be_between",
                "warning",
                DRAFT,
                column=profiled.name,
                min_value=low,
                max_value=high,
                mostly=0.95,
            )
        ]
    sizes = column.value_counts()
    often = sizes[sizes >= SEEN_OFTEN]
    if often.empty or len(often) > MAX_VALUES:
        return []
    values = sorted((_scalar(value) for value in often.index), key=str)
    return [
        _expectation(
            "expect_column_values_to_be_in_set",
            "warning",
            DRAFT,
            column=profiled.name,
            value_set=values,
            mostly=_share(float(often.sum() / sizes.sum())),
        )
    ]


def rounded_range(column: pd.Series) -> tuple[float, float]:
    """Return bounds around the 1st and 99th percentile, rounded outwards to two digits of their distance.

    Where nothing lies below 0, the lower bound is not negative.
    """
    values = column.dropna().astype(float)
    low, high = (float(values.quantile(q)) for q in (0.01, 0.99))
    step = 10.0 ** (math.floor(math.log10(high - low)) - 1) if high > low else 1.0
    bounds = math.floor(low / step) * step, math.ceil(high / step) * step
    low, high = (float(f"{bound:.12g}") for bound in bounds)
    low = max(low, 0.0) if float(values.min()) >= 0 else low
    return _short(low), _short(high)


def _short(bound: float) -> float:
    """Return a whole number as an integer, as people write it."""
    return int(bound) if bound.is_integer() else bound


def _not_null(column: pd.Series, why: str, severity: str = "failing") -> dict[str, Any]:
    mostly = _share(float(column.notna().mean()))
    return _expectation("expect_column_values_to_not_be_null", severity, why, column=str(column.name), mostly=mostly)


def _share(seen: float) -> float:
    """Return a share a little below the one seen, so that the next sample of the same data meets it too."""
    return max(math.floor(100 * seen - MARGIN) / 100, 0.0)


def _expectation(kind: str, severity: str, why: str, **kwargs: Any) -> dict[str, Any]:
    return {"type": kind, "kwargs": kwargs, "severity": severity, "why": why}


def _plain(column: pd.Series, labels: list[str]) -> list[Any]:
    """Return the labels in the column's own type, as Great Expectations compares them."""
    values = {_scalar(value) for value in column.dropna().unique()}
    return sorted(values, key=str) if values else list(labels)


def _scalar(value: Any) -> Any:
    """Return a numpy scalar as the plain Python value that YAML can write."""
    return value.item() if hasattr(value, "item") else value

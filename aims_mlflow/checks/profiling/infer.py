"""First expectations for a table, inferred from its present values: a draft that a team corrects."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from aims_mlflow.canonical import SAFE_INTEGER
from aims_mlflow.checks.profiling.profile import ColumnProfile, profile, task_of
from aims_mlflow.checks.statistics.count_tables import wilson
from aims_mlflow.checks.statistics.labels import distinct_labels
from aims_mlflow.records.limit import INFERRED, MOST_AUTHOR
from aims_mlflow.records.wording import share_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from aims_mlflow.records.pack import Task

SEEN_OFTEN = 20  # rarer values are not written down: they could be one person's
MAX_VALUES = 50
MAX_LABELS = 50
SHIPPED: dict[Task, str] = {
    "binary-classification": "tabular-classification",
    "multiclass-classification": "tabular-multiclass",
    "regression": "tabular-regression",
}
UNWRITABLE = "its values are of a type that a pack cannot write, such as decimals, times or bytes"
SURE = 3.3  # standard errors: of a thousand tables drawn alike, about one misses such a limit


def suggest_pack(target: pd.Series) -> str:
    """Return the shipped pack that fits the target's column: two labels, more of them, or numbers."""
    return SHIPPED[task_of(target)]


def infer_expectations(
    frame: pd.DataFrame,
    target: str,
    sensitive: Sequence[str] = (),
    task: Task | None = None,
    *,
    source: str = "a reference table",
) -> list[dict[str, Any]]:
    """Return expectations (`type`, `kwargs`, `severity`, `characteristic`, `set_by`, `why`) for tables like `frame`.

    `set_by` says that they are inferred from `source`: no person has set them.

    Each limit lies below (or around) what was seen by what chance moves in a table of this size, so that
    another sample of the same population meets it; `why` says what was seen. Bounds are rounded quantiles and
    values are frequent ones, so that none gives a person away. With the task "regression" the target is a number,
    however few different ones there are.

    Raises:
        DataError: there is no such target column.
    """
    columns = profile(frame, target, task)
    proposed = _target(frame[target], number=task == "regression")
    used = [c.name for c in columns if c.use or c.name == target or c.name in sensitive]
    proposed.append(
        _expectation(
            "expect_table_columns_to_match_set",
            "warning",
            "consistency",
            f"a model can learn from these {len(used)} columns of the reference; one that went missing or was renamed "
            "changes what it sees. One that a preparation drops on purpose does not belong here",
            column_set=[str(name) for name in used],
            exact_match=False,
        )
    )
    for name in sensitive:
        if name in frame.columns:
            reason = "a person without a group is missing from every comparison of groups"
            proposed.append(_not_null(frame[name], "failing", reason))
    for column in columns:
        if column.kind not in ("numeric", "categorical") or column.name == target:
            continue
        if column.name not in sensitive:
            reason = "more missing cells than in the reference point to a fault in collection"
            proposed.append(_not_null(frame[column.name], "warning", reason))
        proposed += _values(frame[column.name], column)
    return [{**entry, "set_by": f"{INFERRED}{source}"[:MOST_AUTHOR]} for entry in proposed]


def unproposed(frame: pd.DataFrame, target: str) -> dict[str, str]:
    """Return the columns for which `infer_expectations` proposes no values, and why; no value is quoted.

    Raises:
        DataError: there is no such target column.
    """
    reasons = {}
    for column in profile(frame, target):
        if column.kind in ("numeric", "categorical", "target"):
            if _unwritable(frame[column.name]):
                reasons[column.name] = UNWRITABLE
        else:
            reasons[column.name] = column.reason
    return reasons


def _target(column: pd.Series, *, number: bool) -> list[dict[str, Any]]:
    """Expect a label or a number in each row (where the reference has gaps, hardly more) and no other label."""
    import pandas as pd

    name, reason = str(column.name), "a row without a label teaches nothing"
    if column.isna().any():
        proposed = [_not_null(column, "blocking", f"{reason}, and no model can be tested on it: leave such rows out")]
    else:
        kind = "expect_column_values_to_not_be_null"
        proposed = [_expectation(kind, "blocking", "completeness", reason, column=name)]
    labels = distinct_labels(column)
    if number or (pd.api.types.is_numeric_dtype(column) and len(labels) > MAX_LABELS):
        low, high = rounded_range(column)
        share = float(column.between(low, high).sum() / max(column.count(), 1))
        proposed.append(_between(name, low, high, share, int(column.count())))
    elif len(labels) <= MAX_LABELS and not _unwritable(column):
        proposed.append(
            _expectation(
                "expect_column_distinct_values_to_be_in_set",
                "blocking",
                "accuracy",
                f"the reference has {len(labels)} labels; one that nobody expects is a mistake in the data",
                column=name,
                value_set=_plain(column, list(labels.values())),
            )
        )
    return proposed


def _values(column: pd.Series, profiled: ColumnProfile) -> list[dict[str, Any]]:
    """Expect the range of a numeric column, or the frequent values of a categorical one."""
    import pandas as pd

    n = int(column.count())
    if profiled.kind == "numeric":
        if not pd.api.types.is_numeric_dtype(column):
            return []
        low, high = rounded_range(column)
        return [_between(profiled.name, low, high, float(column.between(low, high).sum() / n), n)]
    sizes = column.value_counts()
    often = sizes[sizes >= SEEN_OFTEN]
    if often.empty or len(often) > MAX_VALUES or _unwritable(column):
        return []
    share = float(often.sum() / n)
    return [
        _expectation(
            "expect_column_values_to_be_in_set",
            "warning",
            "accuracy",
            f"these {len(often)} values make up {share_text(share)} of {n:,} in the reference; new ones are mistakes "
            "or new categories, which the model has not learned",
            column=profiled.name,
            value_set=sorted((_scalar(value) for value in often.index), key=str),
            mostly=least_share(share, n),
        )
    ]


def _between(name: str, low: float, high: float, share: float, n: int) -> dict[str, Any]:
    return _expectation(
        "expect_column_values_to_be_between",
        "warning",
        "accuracy",
        f"the 1st to 99th percentile of the reference, rounded outwards, hold {share_text(share)} of {n:,} values; "
        "what lies outside is rare or a mistake",
        column=name,
        min_value=low,
        max_value=high,
        mostly=least_share(share, n),
    )


def rounded_range(column: pd.Series) -> tuple[float, float]:
    """Return bounds around the 1st and 99th percentile, rounded outwards to two digits of their distance.

    Where nothing lies below 0, the lower bound is not negative. Infinite values do not count; where the distance is
    beyond the largest double, the bounds are the smallest and the largest value.
    """
    import numpy as np

    values = column.dropna().astype(float)
    values = values[np.isfinite(values)]
    if values.empty:
        return 0, 0
    low, high = (float(values.quantile(q)) for q in (0.01, 0.99))
    if not (math.isfinite(low) and math.isfinite(high) and math.isfinite(high - low)):  # the largest doubles as codes
        return float(values.min()), float(values.max())
    step = 10.0 ** (math.floor(math.log10(high - low)) - 1) if high > low else 1.0
    bounds = math.floor(low / step) * step, math.ceil(high / step) * step
    low, high = (float(f"{bound:.12g}") for bound in bounds)
    low = max(low, 0.0) if float(values.min()) >= 0 else low
    return _short(low), _short(high)


def _short(bound: float) -> float:
    """Return a whole number as an integer, as people write it, unless it is beyond those that JSON keeps apart."""
    return int(bound) if bound.is_integer() and abs(bound) <= SAFE_INTEGER else bound


def _not_null(column: pd.Series, severity: str, reason: str) -> dict[str, Any]:
    share, n = float(column.notna().mean()), len(column)
    why = f"{share_text(share)} of {n:,} cells are filled in the reference; {reason}"
    mostly = least_share(share, n)
    return _expectation(
        "expect_column_values_to_not_be_null", severity, "completeness", why, column=str(column.name), mostly=mostly
    )


def least_share(seen: float, n: int) -> float:
    """Return a share that another table of `n` rows meets: the low end of a wide Wilson interval, rounded down."""
    import numpy as np

    low, _ = wilson(np.asarray(seen * n), np.asarray(n), SURE)
    return max(math.floor(100 * float(low[()])) / 100, 0.0)


def _expectation(kind: str, severity: str, characteristic: str, why: str, **kwargs: Any) -> dict[str, Any]:
    return {"type": kind, "kwargs": kwargs, "severity": severity, "characteristic": characteristic, "why": why}


def _plain(column: pd.Series, labels: list[str]) -> list[Any]:
    """Return the labels in the column's own type, as Great Expectations compares them."""
    values = {_scalar(value) for value in column.dropna().unique()}
    return sorted(values, key=str) if values else list(labels)


def _unwritable(column: pd.Series) -> bool:
    """Return whether a value would not come back from a pack as what it was: a decimal, a time, bytes, infinity."""
    values = (_scalar(value) for value in column.dropna().unique()) if column.dtype.kind == "O" else ()
    return any(not isinstance(value, str | bool | int | float) or value in (math.inf, -math.inf) for value in values)


def _scalar(value: Any) -> Any:
    """Return a numpy scalar as the plain Python value that YAML can write."""
    return value.item() if hasattr(value, "item") else value

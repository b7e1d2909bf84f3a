"""Drift baseline: how each column was distributed in training, kept without any person's value.

Numbers are counted between rounded quantiles, and the outer bins are open, so that neither the
smallest nor the largest value is told; categories and bins under the pack's `pool_under` rows are
pooled; identifiers, texts and dates are left out.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from aims_mlflow.checks.base import Dataset, Outcome, versions
from aims_mlflow.checks.claims import claim
from aims_mlflow.checks.columns import comparable
from aims_mlflow.checks.distances import finite
from aims_mlflow.checks.groups import NAME_LENGTH
from aims_mlflow.checks.labels import label_text
from aims_mlflow.checks.tables import histogram
from aims_mlflow.errors import DataError
from aims_mlflow.records.base import decimal_text

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from aims_mlflow.records.pack import Pack

    Array = np.ndarray[Any, Any]

KIND = "drift-baseline"
CONTROLS = ("A.6.2.6",)
BINS = 10
FILE = "drift_baseline.json"


def run(data: Dataset, pack: Pack, reference: Dataset | None = None) -> Outcome:  # noqa: ARG001
    """Describe every column of `data` that later tables can be compared with.

    Raises:
        DataError: no column can be described.
    """
    import pandas as pd

    pool_under = pack.fairness.pool_under
    columns: dict[str, Any] = {}
    left_out = dict.fromkeys(data.identifiers, "named as an identifier")
    series = {name: data.frame[name] for name in data.features}
    if data.predictions is not None:
        series["(prediction)"] = pd.Series(data.predictions)
    for name, column in series.items():
        described, why = describe(column, pool_under)
        if described is None:
            left_out[name] = why
        else:
            columns[name] = described
    if not columns:
        raise DataError("no column can be described without telling single values", where=f"{data.role} data")
    body = {"rows": len(data.frame), "pool_under": pool_under, "columns": columns, "left_out": left_out}
    content = json.dumps(body, indent=1, sort_keys=True, ensure_ascii=False).encode() + b"\n"
    return Outcome(
        kind=KIND,
        result="passed",
        claims=(claim("baseline_columns", len(columns), role=data.role, n=len(data.frame)),),
        controls=CONTROLS,
        details={**body, "columns": list(columns), "file": FILE},
        reports={FILE: content},
        tools=versions("numpy", "pandas"),
    )


def describe(column: pd.Series, pool_under: int) -> tuple[dict[str, Any] | None, str]:
    """Return (the column's counts, "") or (None, the reason why it is left out)."""
    kind, why = comparable(column)
    if kind is None:
        return None, why
    missing = int(column.isna().sum())
    known = {"missing": missing if missing == 0 or missing >= pool_under else f"fewer than {pool_under}"}
    if kind == "categorical":
        counts = _categories(column, pool_under)
        return ({"kind": kind, "counts": counts, **known}, "") if counts else (None, f"under {pool_under} rows in each")
    values = finite(column)
    edges = quantile_edges(values, pool_under)
    if not len(edges):
        return None, f"too few rows for two bins of {pool_under}"
    texts = [str(decimal_text(float(edge))) for edge in edges]
    return {"kind": kind, "edges": texts, "counts": histogram(values, edges).tolist(), **known}, ""


def _categories(column: pd.Series, pool_under: int) -> dict[str, int]:
    sizes = {str(label_text(level))[:NAME_LENGTH]: int(n) for level, n in column.value_counts().items() if n}
    large = {name: n for name, n in sizes.items() if n >= pool_under}
    rest = sum(sizes.values()) - sum(large.values())
    return {**large, "(pooled)": rest} if rest >= pool_under else large


def quantile_edges(values: Array, pool_under: int) -> Array:
    """Return at most nine rounded quantiles that leave at least `pool_under` values in each bin.

    Args:
        values: Finite numbers, shape (n,).
        pool_under: The least count of a bin.
    """
    import numpy as np

    bins = min(BINS, len(values) // pool_under)
    if bins < 2:
        return np.empty(0)
    quantiles = np.quantile(values, np.arange(1, bins) / bins)
    width = quantiles[-1] - quantiles[0] or values.std() or 1.0
    digits = 2 - math.floor(math.log10(width))  # three digits of the spread: no quantile is a person's exact value
    edges = np.unique(np.round(quantiles, digits))
    while len(edges):
        counts = histogram(values, edges)
        smallest = int(counts.argmin())
        if counts[smallest] >= pool_under:
            break
        edges = np.delete(edges, min(smallest, len(edges) - 1))
    return edges

"""Drift baseline: the distribution of each column in training, without any person's value.

Numbers are counted between rounded quantiles, and the outer bins are open, so that neither the
smallest nor the largest value is told. A number that a tenth of the rows have, such as the 0 of a capital gain, is told
by itself (`masses`), and only the others are in the bins. Categories and bins under the pack's `pool_under` rows are
pooled. Where what is left is still under that, its rows are shared out over the cells that are told, so that counts
and missing cells always add up to the rows and no subtraction tells the rest. Infinite numbers count as missing.
Identifiers, columns that look like personal data (`privacy`), texts and dates are left out.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from aims_mlflow.checks.outcome import Outcome, versions
from aims_mlflow.checks.quality.privacy import looks_personal
from aims_mlflow.checks.statistics.columns import comparable
from aims_mlflow.checks.statistics.count_tables import histogram, weighted_quantiles
from aims_mlflow.checks.statistics.distances import Numbers, numbers_of, value_counts
from aims_mlflow.checks.statistics.labels import label_text, short_name
from aims_mlflow.checks.statistics.point_masses import others, point_masses
from aims_mlflow.checks.statistics.threads import side_by_side
from aims_mlflow.errors import DataError
from aims_mlflow.records.base import decimal_text
from aims_mlflow.records.details.checks import BaselineDetails

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from aims_mlflow.checks.statistics.columns import Kind
    from aims_mlflow.checks.tables.dataset import Dataset
    from aims_mlflow.records.pack import Pack

    Array = np.ndarray[Any, Any]

KIND = "drift-baseline"
CONTROLS = ("A.6.2.6",)
BINS = 10
FILE = "drift_baseline.json"
PREDICTION = "(prediction)"
TARGET = "(target)"
POOLED = "(pooled)"
HOW_TOLD = (
    "counts are of all rows: rows of categories, bins and missing cells that are too few to tell are shared out over "
    "the column's counts in proportion, so that a count may be higher than the rows that have the value; too few are"
)


def run(data: Dataset, pack: Pack, reference: Dataset | None = None) -> Outcome:
    """Describe every column of `data` that later tables can be compared with, its labels, and predictions.

    The predictions are those of `reference` (held-out data) where it is given: on data that a model has learned from
    it predicts other than in operation.

    Raises:
        DataError: no column can be described.
    """
    pool_under = pack.fairness.pool_under
    columns: dict[str, Any] = {}
    left_out = dict.fromkeys(data.identifiers, "named as an identifier")
    parts: list[tuple[str, Dataset | None]] = [
        *((name, None) for name in data.features),
        (TARGET, data),
        (PREDICTION, reference or data),
    ]
    descriptions = side_by_side(lambda part: _described(data, *part, pool_under), parts, data.rows_in_memory)
    for (name, _), (described, why) in zip(parts, descriptions, strict=True):
        if described is not None:
            columns[name] = described
        elif why:
            left_out[name] = why
    if not columns:
        raise DataError("no column can be described without telling single values", where=f"{data.role} data")
    body = {
        "task": data.task.kind,
        "target": data.task.target,
        "favourable": data.task.favourable,
        "rows": data.rows,
        "pool_under": pool_under,
        "how_told": f"{HOW_TOLD} under {pool_under}" if pool_under > 1 else "every row is counted where it is",
        "columns": columns,
        "left_out": left_out,
    }
    content = json.dumps(body, indent=1, sort_keys=True, ensure_ascii=False).encode() + b"\n"
    return Outcome(
        kind=KIND,
        result="passed",
        controls=CONTROLS,
        details=BaselineDetails(
            task=data.task.kind,
            target=data.task.target,
            favourable=data.task.favourable,
            rows=data.rows,
            pool_under=pool_under,
            columns=list(columns),
            left_out=left_out,
            file=FILE,
        ),
        reports={FILE: content},
        tools=versions("numpy", "pandas"),
    )


def _described(data: Dataset, name: str, source: Dataset | None, pool_under: int) -> tuple[dict[str, Any] | None, str]:
    """Return what `describe` does; (None, "") for labels or predictions that there are none of."""
    kind, why, column, weights = _feature(data, name) if source is None else _special(source, name)
    if kind is None:
        return None, why
    source = source or data
    binned = name not in (TARGET, PREDICTION) and source.crowded(name)  # the engine's bins, which no row has as a value
    return describe(column, kind, pool_under, weights, masses=not binned)


Found = tuple["Kind | None", str, "pd.Series | None", "Array | None"]


def _feature(data: Dataset, name: str) -> Found:
    kind, why = data.kind_of(name)
    if kind and (looks := looks_personal(data, name)):
        return None, f"personal data: {looks}", None, None
    return (kind, why, *data.column(name)) if kind else (None, why, None, None)


def _column(data: Dataset, name: str) -> Found:
    kind, why = data.kind_of(name)
    return (kind, why, *data.column(name)) if kind else (None, why, None, None)


def _special(source: Dataset, name: str) -> Found:
    """Return the labels or the predictions of a data set, all None where it has none."""
    import pandas as pd

    if name == TARGET:
        return _column(source, source.task.target) if source.task.target else (None, "", None, None)
    if not source.has_predictions:
        return None, "", None, None
    part = source.part(outcomes=True)
    column = pd.Series(part.predicted)
    return (*comparable(column, part.weights), column, part.weights)


def describe(
    column: pd.Series, kind: Kind, pool_under: int, weights: Array | None = None, *, masses: bool = True
) -> tuple[dict[str, Any] | None, str]:
    """Return (the column's counts, "") or (None, the reason why it is left out).

    Args:
        column: Its values.
        kind: What it holds.
        pool_under: The least rows of what is told.
        weights: How many rows each value represents; one each by default.
        masses: Whether numbers that many rows have are told by themselves.
    """
    rows = len(column) if weights is None else int(weights.sum())
    if kind == "categorical":
        return _described_categories(column, weights, pool_under, rows)
    numbers = numbers_of(column, weights)
    alone = point_masses(numbers.values, numbers.weights, pool_under) if masses else numbers.values[:0]
    rest = Numbers(*others(numbers.values, alone, numbers.weights))
    edges = quantile_edges(rest, pool_under)
    if not len(alone) and not len(edges):
        few = numbers.rows < 2 * pool_under
        told_apart = f"too few rows for two bins of {pool_under}: {numbers.rows:,}"
        return None, told_apart if few else "no two bins of its numbers can be told apart"
    sizes = [int(_rows_with(numbers, value)) for value in alone]
    counts = histogram(rest.values, edges, rest.weights).tolist() if rest.rows >= pool_under else [0]
    missing, told = _told([*sizes, *counts], rows, numbers.rows, pool_under)
    apart = {str(decimal_text(float(value))): n for value, n in zip(alone, told, strict=False)}
    return {
        "kind": kind,
        "missing": missing,
        **({"masses": apart} if apart else {}),
        "counts": told[len(alone) :],
        "edges": [str(decimal_text(float(edge))) for edge in edges],
    }, ""


def _rows_with(numbers: Numbers, value: float) -> int:
    same = numbers.values == value
    return int(same.sum() if numbers.weights is None else numbers.weights[same].sum())


def _described_categories(
    column: pd.Series, weights: Array | None, pool_under: int, rows: int
) -> tuple[dict[str, Any] | None, str]:
    levels, there = _categories(column, weights, pool_under)
    if not levels:
        return None, f"under {pool_under} rows in each"
    missing, told = _told(list(levels.values()), rows, there, pool_under)
    return {"kind": "categorical", "missing": missing, "counts": dict(zip(levels, told, strict=True))}, ""


def _told(counts: list[int], rows: int, there: int, pool_under: int) -> tuple[int | str, list[int]]:
    """Return (rows without a value, counts that add up with them to all rows); too few of either are shared out."""
    missing = rows - there
    few = 0 < missing < pool_under
    return f"fewer than {pool_under}" if few else missing, spread_over(counts, rows if few else there)


def spread_over(counts: list[int], total: int) -> list[int]:
    """Return counts that add up to `total`, the further rows shared out in proportion (largest remainders first).

    Rows too few to tell would else be told by what is left when all that is told is taken from the number of rows.
    """
    have = sum(counts)
    shares = [divmod(n * (total - have), have) for n in counts]
    out = [n + whole for n, (whole, _) in zip(counts, shares, strict=True)]
    first = sorted(range(len(counts)), key=lambda i: -shares[i][1])
    for i in first[: total - sum(out)]:
        out[i] += 1
    return out


def _categories(column: pd.Series, weights: Array | None, pool_under: int) -> tuple[dict[str, int], int]:
    """Return (rows of each category that may be shown, rows with any value)."""
    sizes: dict[str, int] = {}
    for level, n in value_counts(column, weights).items():
        name = short_name(str(label_text(level)))
        sizes[name] = sizes.get(name, 0) + int(n)
    large = {name: n for name, n in sorted(sizes.items()) if n >= pool_under}
    there = sum(sizes.values())
    rest = there - sum(large.values())
    return {**large, POOLED: rest} if rest >= pool_under else large, there


def quantile_edges(numbers: Numbers, pool_under: int) -> Array:
    """Return at most nine rounded quantiles that leave at least `pool_under` values in each bin.

    Args:
        numbers: Of one column.
        pool_under: The least count of a bin.
    """
    import numpy as np

    values, weights = numbers.values, numbers.weights
    bins = min(BINS, numbers.rows // pool_under)
    if bins < 2:
        return np.empty(0)
    quantiles = weighted_quantiles(values, np.arange(1, bins) / bins, weights)
    width = quantiles[-1] - quantiles[0] or values.std() or 1.0
    digits = 2 - math.floor(math.log10(width))  # three digits of the spread: no quantile is a person's exact value
    edges = np.unique(np.round(quantiles, digits))
    while len(edges):
        counts = histogram(values, edges, weights)
        smallest = int(counts.argmin())
        if counts[smallest] >= pool_under:
            break
        edges = np.delete(edges, min(smallest, len(edges) - 1))
    return edges

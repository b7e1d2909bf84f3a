"""How well one column alone tells the target: the question behind a column that is the label in other words.

Labels are told by the area under the ROC curve of one label against all others (0.5 nothing, 1 all), numbers by the
explained share of the variance of their ranks. A column is read in two ways, and the better one counts: by its order,
where it has one, and by its values (point masses, twentieths of the other numbers, categories), so corrected that rare
values do not know their own rows. Missing cells are a value of their own. All of it follows from counts, in an order
that does not depend on that of the rows: every engine gets the same numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aims_mlflow.checks.statistics.columns import all_true_or_false, every, looks_like_dates
from aims_mlflow.checks.statistics.count_tables import Z95, count, crossed, divide, weighted_quantiles
from aims_mlflow.checks.statistics.labels import distinct_labels, labels_of
from aims_mlflow.checks.statistics.point_masses import cells_of, others, point_masses

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from aims_mlflow.records.pack import Task

    Array = np.ndarray[Any, Any]

LEAST_ROWS = 20  # of a label, and of all others
MAX_LABELS = 20  # the most frequent ones
BINS = 20
SEED = 42001
SAMPLE, READABLE = 500, 0.95  # of so many texts this share must be numbers
BY_ORDER, BY_VALUES = "by its order", "by its values"


@dataclass(frozen=True, eq=False)
class TargetRows:
    """The target of each row, as far as one column is asked to tell it.

    Attributes:
        codes: Label of each row, shape (rows,), -1 for a missing one; all 0 where numbers are told.
        labels: The labels that are told, by code; empty where numbers are.
        ranks: Rank of each number, shape (rows,), NaN for a missing one; None where labels are told.
        weights: How many rows each row represents, shape (rows,).
    """

    codes: Array
    labels: tuple[str, ...]
    ranks: Array | None
    weights: Array


@dataclass(frozen=True)
class Told:
    """How well a column tells the target.

    Attributes:
        value: Area under the ROC curve (0.5 to 1), or explained share of the variance (0 to 1).
        ends: Approximate range of it.
        how: By its order or by its values.
        label: The label that it tells best; None where numbers are told.
        n: Number of rows.
    """

    value: float
    ends: tuple[float, float]
    how: str
    label: str | None
    n: int


def target_rows(target: pd.Series, task: Task, weights: Array | None = None) -> TargetRows | None:
    """Return the target as columns are asked to tell it; None where it has too few rows for that."""
    import numpy as np
    import pandas as pd

    rows = np.ones(len(target), dtype=np.int64) if weights is None else weights.astype(np.int64)
    if task == "regression":
        numbers = pd.to_numeric(target, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
        known = np.isfinite(numbers)
        if rows[known].sum() < 2 * LEAST_ROWS or len(np.unique(numbers[known])) < 2:
            return None
        ranks = np.full(len(numbers), np.nan)
        ranks[known] = _ranks(numbers[known], rows[known])
        return TargetRows(np.where(known, 0, -1), (), ranks, rows)
    labels = labels_of(target)
    texts = distinct_labels(labels)
    codes = labels.placed({key: i for i, key in enumerate(texts)})
    sizes = count(codes[codes >= 0], len(texts), rows[codes >= 0])
    told = [
        i for i in np.argsort(-sizes, kind="stable")[:MAX_LABELS] if min(sizes[i], sizes.sum() - sizes[i]) >= LEAST_ROWS
    ]
    if not told:
        return None
    names = list(texts.values())
    return TargetRows(codes, tuple(names[i] if i in told else "" for i in range(len(names))), None, rows)


def told_by(column: pd.Series, target: TargetRows) -> Told:
    """Return how well a column tells the target, in the better of both ways."""
    order, cells, size = _read(column, target.weights)
    known = target.codes >= 0
    found = []
    for how, codes, levels in ((BY_ORDER, *(order or (None, 0))), (BY_VALUES, cells, size)):
        if codes is not None:
            told = _of_labels if target.ranks is None else _of_numbers
            found.append((*told(codes[known], levels, target, known, how == BY_ORDER), how))
    value, label, how = max(found, key=lambda one: one[0])
    n = int(target.weights[known].sum())
    return Told(value, _range(value, target, label, n), how, label, n)


def _read(column: pd.Series, weights: Array) -> tuple[tuple[Array, int] | None, Array, int]:
    """Return ((place of each row's number in ascending order, 0 for a missing one; number of places) or None, ...).

    The second and third are the cell of each row and the number of cells.
    """
    import numpy as np

    numbers = _as_numbers(column)
    if numbers is None:
        return None, *_categories(column)
    finite = np.isfinite(numbers)
    cells, places = np.zeros(len(numbers), dtype=np.int64), np.zeros(len(numbers), dtype=np.int64)
    values, rows = numbers[finite], weights[finite]
    masses = point_masses(values, rows)
    rest, rest_rows = others(values, masses, rows)
    shares = np.arange(1, BINS) / BINS
    edges = np.unique(weighted_quantiles(rest, shares, rest_rows)) if len(rest) else np.empty(0)
    cells[finite] = cells_of(values, masses, edges) + 1
    levels, place = np.unique(values, return_inverse=True)
    places[finite] = place + 1
    return (places, len(levels) + 1), cells, len(masses) + len(edges) + 2


def _categories(column: pd.Series) -> tuple[Array, int]:
    """Return (cell of each row, number of cells), in the order of the categories as texts; missing cells are 0."""
    try:
        labels = labels_of(column)
    except TypeError:  # lists or dictionaries: only whether there is one
        return column.notna().to_numpy().astype(int), 2
    texts = distinct_labels(labels)
    return labels.placed({key: i for i, key in enumerate(texts)}) + 1, len(texts) + 1


def _as_numbers(column: pd.Series) -> Array | None:
    """Return a column as numbers, dates as their time; None where it holds neither."""
    import numpy as np
    import pandas as pd

    kinds = pd.api.types
    if kinds.is_bool_dtype(column) or kinds.is_complex_dtype(column) or isinstance(column.dtype, pd.CategoricalDtype):
        return None
    if kinds.is_numeric_dtype(column):
        numbers: Array = column.to_numpy(dtype=float, na_value=np.nan)
        return numbers
    if not (kinds.is_datetime64_any_dtype(column) or kinds.is_timedelta64_dtype(column)):
        return _written_numbers(column)
    return np.where(column.isna(), np.nan, column.astype("int64").to_numpy().astype(float))


def _written_numbers(column: pd.Series) -> Array | None:
    """Return texts that are numbers, decimals or dates as numbers; None where they are not."""
    import numpy as np
    import pandas as pd

    values = column.dropna()
    if values.empty or all_true_or_false(values):
        return None
    if looks_like_dates(values):
        times = pd.to_datetime(column, errors="coerce", utc=True, format="mixed")
        return np.where(times.isna(), np.nan, times.astype("int64").to_numpy().astype(float))
    some = pd.to_numeric(pd.Series(every(values, SAMPLE), dtype=object), errors="coerce")  # a cheap look
    if some.notna().mean() < READABLE:
        return None
    numbers: Array = pd.to_numeric(column, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    return numbers


def _of_labels(codes: Array, size: int, target: TargetRows, known: Array, by_order: bool) -> tuple[float, str]:
    """Return (area under the ROC curve, label) of the label that the codes tell best."""
    table = crossed(codes, size, target.codes[known], len(target.labels), target.weights[known])
    rows = table.sum(axis=1)
    best = 0.5, next(label for label in target.labels if label)
    for i, label in enumerate(target.labels):
        if label:
            area = _ordered_area(rows, table[:, i]) if by_order else _halves_area(rows, table[:, i])
            best = max(best, (area, label), key=lambda one: one[0])
    return best


def _ordered_area(rows: Array, positives: Array) -> float:
    """Return the area under the ROC curve of counts in ascending order, shape (places,); the first are missing cells.

    Whether high or low numbers mean the label is open, and so is whether missing cells do.
    """
    import numpy as np

    sides = np.stack([rows - positives, positives])
    ends = [sides, np.roll(sides, -1, axis=1)]  # missing cells below all numbers, or above them
    return max(max(area, 1 - area) for area in map(_area, ends))


def _halves_area(rows: Array, positives: Array) -> float:
    """Return the mean area of two random halves of the rows of each cell, each in the order of the other's rates."""
    import numpy as np

    half = rows // 2
    hits = np.random.default_rng(SEED).hypergeometric(positives, rows - positives, half)
    halves = [(half, hits), (rows - half, positives - hits)]
    areas = []
    for (mine, good), (seen, seen_good) in (halves, halves[::-1]):
        rate = np.where(seen > 0, seen_good / np.maximum(seen, 1), seen_good.sum() / max(seen.sum(), 1))
        _, place = np.unique(rate, return_inverse=True)  # cells of one rate are ties
        areas.append(_area(np.stack([count(place, int(place.max()) + 1, side) for side in (mine - good, good)])))
    defined = [area for area in areas if not np.isnan(area)]  # a half may hold one label only
    return float(np.mean(defined)) if defined else 0.5


def _area(sides: Array) -> float:
    """Return the area under the ROC curve of (negatives, positives) in ascending order, shape (2, places)."""
    import numpy as np

    negatives, positives = sides.astype(float)
    beaten = np.cumsum(negatives) - negatives / 2
    return float(divide((beaten * positives).sum(), negatives.sum() * positives.sum())[()])


def _of_numbers(codes: Array, size: int, target: TargetRows, known: Array, by_order: bool) -> tuple[float, None]:
    """Return the explained share of the variance of the target's ranks, by the column's ranks or each cell's mean.

    That of the means is adjusted for their number (Ezekiel, 1930): a mean of one row explains nothing.
    """
    import numpy as np

    ranks, rows = np.asarray(target.ranks)[known], target.weights[known]
    n = rows.sum()
    if by_order:
        there = codes > 0
        if rows[there].sum() < 2 * LEAST_ROWS or len(np.unique(codes[there])) < 2:
            return 0.0, None
        covariance = np.cov(np.stack([_ranks(codes[there], rows[there]), ranks[there]]), fweights=rows[there])
        share = divide(covariance[0, 1] ** 2, covariance[0, 0] * covariance[1, 1])[()]
        return float(np.nan_to_num(share)) * float(rows[there].sum() / n), None
    total, sums = count(codes, size, rows), np.bincount(codes, weights=rows * ranks, minlength=size)
    left = float((rows * (ranks - divide(sums, total)[codes]) ** 2).sum())
    around = float((rows * (ranks - sums.sum() / n) ** 2).sum())
    cells = int((total > 0).sum())
    return (0.0 if cells >= n else max(1 - left / around * (n - 1) / (n - cells), 0.0)), None


def _ranks(values: Array, rows: Array) -> Array:
    """Return the middle rank of each value, shape (n,), where each represents so many rows."""
    import numpy as np

    _, places = np.unique(values, return_inverse=True)
    sizes = count(places, int(places.max()) + 1, rows)
    return (np.cumsum(sizes) - sizes / 2)[places]


def _range(value: float, target: TargetRows, label: str | None, n: int) -> tuple[float, float]:
    """Return an approximate range: Hanley and McNeil (1982) for an area, Fisher's z for a correlation's square."""
    import numpy as np

    if label is None:
        z, half = np.arctanh(min(np.sqrt(value), 1 - 1e-9)), Z95 / np.sqrt(max(n - 3, 1))
        low, high = (float(np.tanh(max(end, 0)) ** 2) for end in (z - half, z + half))
        return min(low, value), max(high, value)
    mine = int(target.weights[target.codes == target.labels.index(label)].sum())
    rest = n - mine
    both, twice = value / (2 - value), 2 * value**2 / (1 + value)
    variance = value * (1 - value) + (mine - 1) * (both - value**2) + (rest - 1) * (twice - value**2)
    half = Z95 * float(np.sqrt(max(variance, 0) / (mine * rest)))
    return max(value - half, 0.0), min(value + half, 1.0)

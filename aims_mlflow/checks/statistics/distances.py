"""How far two columns lie apart: Evidently's distances, and two-sample tests, from counts and sorted values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from aims_mlflow.checks.statistics.count_tables import count
from aims_mlflow.checks.statistics.homogeneity import categories_p_value, numbers_p_value
from aims_mlflow.checks.statistics.labels import label_key

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import pandas as pd

    Array = np.ndarray[Any, Any]
    WeightedColumn = tuple[pd.Series, Array | None]

Name = TypeVar("Name")
SMALL = 1000  # up to so many training rows a test decides, as in Evidently, above them a distance
FEW_VALUES = 5  # numbers with at most so many values are compared like categories
EXACT_ROWS = 200_000
BINS = 2048
WASSERSTEIN, JENSEN_SHANNON = "Wasserstein distance (normed)", "Jensen-Shannon distance"
KOLMOGOROV, CHI_SQUARE = "K-S p_value", "chi-square homogeneity p_value"
GOODNESS_OF_FIT = "chi-square p_value"  # Evidently's, which takes the training table for the population itself
HISTOGRAM = f"{WASSERSTEIN}, {BINS}-bin histogram"


@dataclass(frozen=True)
class Score:
    """A column's drift score; a method that Evidently has is called as it calls it."""

    value: float
    method: str

    @property
    def is_p_value(self) -> bool:
        """Whether a small score, not a large one, means drift."""
        return self.method.endswith("p_value")


@dataclass(frozen=True, eq=False)
class Numbers:
    """Finite numbers, shape (n,), and how many rows have each where one represents several."""

    values: Array
    weights: Array | None = None

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self.values) if self.weights is None else int(self.weights.sum())

    @property
    def norm(self) -> float:
        """The standard deviation that Evidently divides by, at least 0.001."""
        import numpy as np

        if self.weights is None:
            return max(float(self.values.std()), 0.001)
        mean = np.average(self.values, weights=self.weights)
        return max(float(np.sqrt(np.average((self.values - mean) ** 2, weights=self.weights))), 0.001)


def number_drift(train: Numbers, test: Numbers, *, method: str = "auto", threshold: float = 0.1) -> Score:
    """Return the drift of finite numbers.

    Args:
        train: Of the reference.
        test: Of the table that is compared with it.
        method: "exact"; "histogram" where its error cannot change the verdict; "auto" takes the
            exact way up to 200,000 rows.
        threshold: Where the verdict changes.
    """
    few = _few_values(train, test)
    if few is not None:
        return category_drift(*few, small=train.rows <= SMALL)
    if train.rows <= SMALL:
        return Score(numbers_p_value(*_counted(train, test)), KOLMOGOROV)
    if method == "histogram" or (method == "auto" and train.rows + test.rows > EXACT_ROWS):
        value, error = histogram_wasserstein(train, test)
        if error <= threshold / 5 and abs(value - threshold) > error:
            return Score(value, HISTOGRAM)
    return Score(wasserstein(train, test) / train.norm, WASSERSTEIN)


def wasserstein(one: Numbers, other: Numbers) -> float:
    """Return the exact Wasserstein distance: the area between both quantile functions.

    SciPy's number, at the cost of two sorts; where numbers stand for several rows, it is SciPy that computes it.
    """
    import numpy as np

    if one.weights is not None or other.weights is not None:
        from scipy.stats import wasserstein_distance

        return float(wasserstein_distance(one.values, other.values, one.weights, other.weights))
    a, b = np.sort(one.values), np.sort(other.values)
    if len(a) == len(b):
        return float(np.abs(a - b).mean())
    # Both are constant between neighbouring steps i/n and j/m; steps are whole numbers of 1/(n m), so none is missed.
    steps = np.concatenate([np.arange(len(a), dtype=np.int64) * len(b), np.arange(len(b), dtype=np.int64) * len(a)])
    steps.sort(kind="stable")  # two ascending runs, which only have to be merged
    widths = np.diff(steps, append=len(a) * len(b))
    apart = np.abs(a[steps // len(b)] - b[steps // len(a)])
    return float((apart * widths).sum() / (len(a) * len(b)))


def histogram_wasserstein(train: Numbers, test: Numbers) -> tuple[float, float]:
    """Return (normed Wasserstein distance from equal bins, bound of its error).

    Moving every value to the middle of its bin moves each distribution by at most half a bin,
    so the distance changes by at most one bin.
    """
    import numpy as np

    low = min(train.values.min(), test.values.min())
    width = (max(train.values.max(), test.values.max()) - low) / BINS

    def below(numbers: Numbers) -> Array:
        bins = np.minimum(((numbers.values - low) / width).astype(np.int32), BINS - 1)
        shares: Array = np.cumsum(np.bincount(bins, weights=numbers.weights, minlength=BINS)) / numbers.rows
        return shares

    norm = train.norm
    return float(np.abs(below(train) - below(test)).sum() * width) / norm, width / norm


def category_drift(train: Array, test: Array, *, small: bool) -> Score:
    """Return the drift of categories from their counts, shape (categories,); none is 0 in both."""
    import numpy as np
    from scipy.spatial.distance import jensenshannon

    if not small:
        value = float(jensenshannon(train / train.sum(), test / test.sum()))
        return Score(0.0 if np.isnan(value) else value, JENSEN_SHANNON)  # NaN: rounding just below 0
    return Score(categories_p_value(train, test), CHI_SQUARE)


def chance_of_numbers(train: Numbers, test: Numbers) -> float:
    """Return the p-value of both having one distribution, whatever the size of the tables."""
    few = _few_values(train, test)
    return numbers_p_value(*_counted(train, test)) if few is None else categories_p_value(*few)


def _few_values(train: Numbers, test: Numbers) -> tuple[Array, Array] | None:
    """Return counts by value where there are at most five values, else None."""
    import numpy as np

    few = np.unique(train.values[:1000])  # a cheap look before all values are sorted
    if len(few) > FEW_VALUES:
        return None
    counts = _counted(train, test)
    return counts if len(counts[0]) <= FEW_VALUES else None


def _counted(train: Numbers, test: Numbers) -> tuple[Array, Array]:
    """Return how many rows of each table have each value, by ascending value; shape (values,) each."""
    import numpy as np

    levels, codes = np.unique(np.concatenate([train.values, test.values]), return_inverse=True)
    n, split = len(levels), len(train.values)
    return count(codes[:split], n, train.weights), count(codes[split:], n, test.weights)


def category_counts(train: WeightedColumn, test: WeightedColumn) -> tuple[Array, Array]:
    """Return counts by category, those of training data first; missing values are left out.

    In columns of different types, values that are the same as labels are one category: True, 1 and "true".
    """
    import pandas as pd

    counts = [value_counts(*column) for column in (train, test)]
    if counts[0].index.dtype != counts[1].index.dtype:
        counts = [c.groupby([str(label_key(value)) for value in c.index]).sum() for c in counts]
    both = pd.concat(counts, axis=1).fillna(0).to_numpy(int)
    both = both[both.sum(axis=1) > 0]
    return both[:, 0], both[:, 1]


def value_counts(column: pd.Series, weights: Array | None = None) -> pd.Series:
    """Return how many rows have each value, by value; missing ones are left out."""
    import pandas as pd

    if weights is None:
        return column.value_counts(sort=False)
    return pd.Series(weights, index=column.index).groupby(column.to_numpy(), sort=False).sum()


def numbers_of(column: pd.Series, weights: Array | None = None) -> Numbers:
    """Return the finite values, each for `weights` rows."""
    import numpy as np

    values: Array = column.to_numpy(dtype=float, na_value=np.nan)
    kept = np.isfinite(values)
    if kept.all():
        return Numbers(values, weights)
    return Numbers(values[kept], None if weights is None else weights[kept])


def finite(column: pd.Series) -> Array:
    """Return the finite values as floats: missing and infinite ones are left out, as Evidently does."""
    import numpy as np

    values: Array = column.to_numpy(dtype=float, na_value=np.nan)
    return values[np.isfinite(values)]


def holm(p_values: Mapping[Name, float]) -> dict[Name, float]:
    """Return p-values corrected for their number.

    S. Holm, "A simple sequentially rejective multiple test procedure", 1979.
    """
    corrected: dict[Name, float] = {}
    largest = 0.0
    for i, name in enumerate(sorted(p_values, key=lambda n: p_values[n])):
        largest = max(largest, min((len(p_values) - i) * p_values[name], 1.0))
        corrected[name] = largest
    return corrected

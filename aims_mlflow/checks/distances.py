"""Distances and tests between two columns: Evidently's numbers from counts and sorted values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    Array = np.ndarray[Any, Any]

SMALL = 1000  # up to so many training rows Evidently tests instead of measuring a distance
FEW_VALUES = 5  # numbers with at most so many values are compared like categories
EXACT_ROWS = 200_000
BINS = 2048
WASSERSTEIN, JENSEN_SHANNON = "Wasserstein distance (normed)", "Jensen-Shannon distance"
KOLMOGOROV, CHI_SQUARE, Z_TEST = "K-S p_value", "chi-square p_value", "Z-test p_value"
HISTOGRAM = f"{WASSERSTEIN}, {BINS}-bin histogram"


@dataclass(frozen=True)
class Score:
    """A column's drift score, under the name that Evidently gives the method."""

    value: float
    method: str

    @property
    def is_p_value(self) -> bool:
        """Whether a small score, not a large one, means drift."""
        return self.method.endswith("p_value")


def number_drift(train: Array, test: Array, *, method: str = "auto", threshold: float = 0.1) -> Score:
    """Return the drift of finite numbers.

    Args:
        train: Shape (n,).
        test: Shape (m,).
        method: "exact"; "histogram" where its error cannot change the verdict; "auto" takes the
            exact way up to 200,000 rows.
        threshold: Where the verdict changes.
    """
    few = _few_values(train, test)
    if few is not None:
        return category_drift(*few, small=len(train) <= SMALL)
    if len(train) <= SMALL:
        from scipy.stats import ks_2samp

        return Score(float(ks_2samp(train, test)[1]), KOLMOGOROV)
    if method == "histogram" or (method == "auto" and len(train) + len(test) > EXACT_ROWS):
        value, error = histogram_wasserstein(train, test)
        if error <= threshold / 5 and abs(value - threshold) > error:
            return Score(value, HISTOGRAM)
    from scipy.stats import wasserstein_distance

    return Score(float(wasserstein_distance(train, test)) / _norm(train), WASSERSTEIN)


def histogram_wasserstein(train: Array, test: Array) -> tuple[float, float]:
    """Return (normed Wasserstein distance from equal bins, bound of its error).

    Moving every value to the middle of its bin moves each distribution by at most half a bin,
    so the distance changes by at most one bin.
    """
    import numpy as np

    low = min(train.min(), test.min())
    width = (max(train.max(), test.max()) - low) / BINS

    def below(values: Array) -> Array:
        bins = np.minimum(((values - low) / width).astype(np.int32), BINS - 1)
        return np.cumsum(np.bincount(bins, minlength=BINS)) / len(values)

    norm = _norm(train)
    return float(np.abs(below(train) - below(test)).sum() * width) / norm, width / norm


def category_drift(train: Array, test: Array, *, small: bool) -> Score:
    """Return the drift of categories from their counts, shape (categories,); none is 0 in both."""
    import numpy as np
    from scipy import spatial, stats

    if not small:
        value = float(spatial.distance.jensenshannon(train / train.sum(), test / test.sum()))
        return Score(0.0 if np.isnan(value) else value, JENSEN_SHANNON)  # NaN: rounding just below 0
    n1, n2 = int(train.sum()), int(test.sum())
    if len(train) > 2:
        with np.errstate(divide="ignore"):
            return Score(float(stats.chisquare(test, train * (n2 / n1))[1]), CHI_SQUARE)
    if len(train) == 1:
        return Score(1.0, Z_TEST)
    p1, p2, pooled = train[1] / n1, test[1] / n2, (train[1] + test[1]) / (n1 + n2)
    z = (p1 - p2) / np.sqrt(pooled * (1 - pooled) * (1 / n1 + 1 / n2))
    return Score(float(2 * (1 - stats.norm.cdf(abs(z)))), Z_TEST)


def _norm(train: Array) -> float:
    return max(float(train.std()), 0.001)


def _few_values(train: Array, test: Array) -> tuple[Array, Array] | None:
    """Return counts by value where there are at most five values, else None."""
    import numpy as np

    few = np.unique(train[:1000])  # a cheap look before all values are sorted
    if len(few) > FEW_VALUES:
        return None
    levels, codes = np.unique(np.concatenate([train, test]), return_inverse=True)
    if len(levels) > FEW_VALUES:
        return None
    n = len(levels)
    return np.bincount(codes[: len(train)], minlength=n), np.bincount(codes[len(train) :], minlength=n)


def category_counts(train: pd.Series, test: pd.Series) -> tuple[Array, Array]:
    """Return counts by category, those of training data first; missing values are left out."""
    import pandas as pd

    both = pd.concat([column.value_counts(sort=False) for column in (train, test)], axis=1).fillna(0).to_numpy(int)
    both = both[both.sum(axis=1) > 0]
    return both[:, 0], both[:, 1]


def finite(column: pd.Series) -> Array:
    """Return the finite values as floats: missing and infinite ones are left out, as Evidently does."""
    import numpy as np

    values: Array = column.to_numpy(dtype=float, na_value=np.nan)
    return values[np.isfinite(values)]

"""Means and variances by group, which suffice for a column of numbers from any engine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aims_mlflow.checks.statistics.count_tables import divide

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    Array = np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False)
class Moments:
    """Count, mean and variance (of the group's rows, divided by n) for each group; shape (groups,)."""

    n: Array
    mean: Array
    variance: Array

    @property
    def error(self) -> Array:
        """Standard error of the means; 0 where there is one row."""
        import numpy as np

        errors: Array = np.sqrt(self.variance / np.maximum(self.n - 1, 1))
        return errors

    def interval(self) -> tuple[Array, Array, Array]:
        """Return (low, mean, high) of the 95% interval by Student's t distribution."""
        import numpy as np
        from scipy.stats import t

        half = t.ppf(0.975, np.maximum(self.n - 1, 1)) * self.error
        return self.mean - half, self.mean, self.mean + half

    def of(self, group: int) -> Moments:
        """Return the moments of one group."""
        return Moments(self.n[group], self.mean[group], self.variance[group])

    def draw(self, replicates: int, seed: int) -> Array:
        """Return replicates of the means, shape (replicates, groups), by the central limit theorem."""
        import numpy as np

        noise = np.random.default_rng(seed).standard_normal((replicates, len(self.mean)))
        drawn: Array = self.mean + noise * self.error
        return drawn


def group_moments(
    values: Mapping[str, Array], codes: Array, groups: int, weights: Array | None = None
) -> dict[str, Moments]:
    """Return the moments of each column of `values` by group; rows with a negative code are left out.

    Args:
        values: Name -> finite numbers, shape (rows,).
        codes: Group of each row.
        groups: Number of groups.
        weights: How many rows each row stands for; one each by default.
    """
    import numpy as np

    kept = codes >= 0
    codes, weights = codes[kept], None if weights is None else weights[kept].astype(float)
    n = np.bincount(codes, weights=weights, minlength=groups)
    moments = {}
    for name, column in values.items():
        rows = column[kept]
        mean = divide(np.bincount(codes, weights=_times(rows, weights), minlength=groups), n)
        apart = (rows - mean[codes]) ** 2
        variance = divide(np.bincount(codes, weights=_times(apart, weights), minlength=groups), n)
        moments[name] = Moments(n, mean, variance)
    return moments


def _times(values: Array, weights: Array | None) -> Array:
    return values if weights is None else values * weights

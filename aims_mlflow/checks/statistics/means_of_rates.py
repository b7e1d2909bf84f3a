"""Intervals of means of rates, and of F1, made from exact intervals: they stay honest where a label is rare."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aims_mlflow.checks.statistics.count_tables import divide, exact_interval

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

MOVER = "approximate range, MOVER of exact intervals"
EXACT_F1 = "exact (Clopper-Pearson of the Jaccard index)"


def mean_interval(successes: Array, n: Array) -> tuple[Array, Array]:
    """Return the interval of the mean of independent rates, of those that have rows; shape (..., rates).

    The method of variance estimates recovery (MOVER) around Clopper-Pearson intervals: G. Y. Zou and A. Donner,
    "Construction of confidence limits about effect measures: a general approach", Statistics in Medicine 27 (2008).
    Unlike resampled means it has a width where none or all of a label's few rows are found.
    """
    import numpy as np

    shares, (low, high) = divide(successes, n), exact_interval(successes, n)
    rates = (np.asarray(n) > 0).sum(axis=-1)
    below, above = (np.sqrt(np.nansum((end - shares) ** 2, axis=-1)) for end in (low, high))
    mean = divide(np.nansum(shares, axis=-1), rates)
    return np.clip(mean - divide(below, rates), 0, 1), np.clip(mean + divide(above, rates), 0, 1)


def f1_interval(hits: Array, wrong: Array) -> tuple[Array, Array]:
    """Return the interval of F1 from the hits of a label and the rows that are wrongly given it or denied it.

    F1 is 2J / (1 + J), where J is the share of hits among hits and wrong rows: the exact interval of J gives F1's.
    """
    low, high = exact_interval(hits, hits + wrong)
    return 2 * low / (1 + low), 2 * high / (1 + high)

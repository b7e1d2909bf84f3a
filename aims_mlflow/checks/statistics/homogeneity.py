"""Two-sample tests from counts: are two tables drawn from one population, as far as chance allows to tell?

A goodness-of-fit test would take the first table for the population itself, and so call two random halves of one table
different. These tests count the chance of both tables. `benchmarks/statistics.py` measures how often each flags halves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aims_mlflow.records.wording import figure_text

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

LEAST_EXPECTED = 5.0  # W. G. Cochran, "Some methods for strengthening the common chi-square tests", 1954
PERMUTATIONS = 9_999
SEED = 42001
EXACT_ROWS = 5_000
TINY = 1e-15  # below it the arithmetic of doubles decides, not the data


def p_value_text(p: float) -> str:
    """Return a p-value by the rule of `number_text`; one too small to be computed reads `under 1e-15`, never 0."""
    return f"under {TINY:.0e}" if p < TINY else figure_text(p)


def categories_p_value(one: Array, other: Array) -> float:
    """Return the p-value of the chi-square test of homogeneity of two tables' counts, shape (categories,) each.

    Categories that are expected in under five rows of either table are counted as one. Where fewer than two cells are
    left, the p-value is that of permutations: tables with the same margins, drawn with a fixed seed.
    """
    import numpy as np
    from scipy.stats import chi2_contingency

    table = np.stack([one, other]).astype(np.int64)
    table = table[:, table.sum(axis=0) > 0]
    if table.shape[1] < 2 or not table.sum(axis=1).all():
        return 1.0
    pooled = _rare_pooled(table)
    if pooled.shape[1] < 2:
        return _permutation_p_value(table)
    return float(chi2_contingency(pooled, correction=False)[1])


def _rare_pooled(table: Array) -> Array:
    """Return the table with its rare columns as one, and the next rarest with them while that one is rare itself.

    What is rare follows from the margins alone, which chance does not move, so the test keeps its level.
    """
    import numpy as np

    sizes = table.sum(axis=0)
    order = np.argsort(sizes, kind="stable")
    least = LEAST_EXPECTED * sizes.sum() / table.sum(axis=1).min()  # rows of a column that is expected often enough
    rare = int((sizes < least).sum())
    while 0 < rare < len(order) and sizes[order[:rare]].sum() < least:
        rare += 1
    if not rare:
        return table
    return np.column_stack([table[:, order[rare:]], table[:, order[:rare]].sum(axis=1)])


def _permutation_p_value(table: Array) -> float:
    """Return how often tables of the same margins have at least this chi-square, this one among them."""
    import numpy as np
    from scipy.stats import random_table

    rows, columns = table.sum(axis=1), table.sum(axis=0)
    expected = np.outer(rows, columns) / table.sum()
    drawn = random_table(rows, columns).rvs(PERMUTATIONS, random_state=np.random.default_rng(SEED))
    seen, by_chance = (((t - expected) ** 2 / expected).sum(axis=(-1, -2)) for t in (table, drawn))
    return float(1 + (by_chance >= seen * (1 - 1e-12)).sum()) / (1 + PERMUTATIONS)


def numbers_p_value(one: Array, other: Array) -> float:
    """Return the p-value of the two-sample Kolmogorov-Smirnov test of counts by ascending value, shape (values,) each.

    Up to 5,000 rows it is exact given the ties (Schröer and Trenkler, "Exact and randomization distributions of
    Kolmogorov-Smirnov tests two or three samples", 1995), so that values which many rows share cost no power;
    above it is the limit distribution, which flags less often where there are ties.
    """
    import numpy as np

    one, other = (counts.astype(np.int64) for counts in (one, other))
    n, m = int(one.sum()), int(other.sum())
    if not n or not m:
        return 1.0
    furthest = int(np.abs(np.cumsum(one) * m - np.cumsum(other) * n).max())
    if not furthest:
        return 1.0
    if n + m <= EXACT_ROWS:
        return _exact_p_value(np.cumsum(one + other), n, m, furthest)
    from scipy.stats import kstwo

    return float(np.clip(kstwo.sf(furthest / n / m, round(n * m / (n + m))), 0, 1))


def _exact_p_value(ends: Array, n: int, m: int, furthest: int) -> float:
    """Return the chance that a random order of n and m rows takes both step functions `furthest` / (n m) apart.

    Rows are drawn one by one. `inside` are the chances of how many were of the first table while both functions were
    nearer than that after every value so far; only after the last row of a value, at `ends`, are they compared.
    """
    import numpy as np

    ended = set(ends.tolist())
    lowest, inside, outside = 0, np.ones(1), 0.0  # inside[k] is the chance of `lowest + k` rows of the first table
    for step in range(1, n + m + 1):
        first = np.arange(lowest, lowest + len(inside))
        grown = np.append(inside * (m - (step - 1) + first), 0.0)
        grown[1:] += inside * (n - first)
        inside = grown / (n + m - step + 1)
        if step in ended:  # only i with |i m - (step - i) n| < furthest are nearer
            low = max((step * n - furthest) // (n + m) + 1, lowest)
            high = min((step * n + furthest - 1) // (n + m), lowest + len(inside) - 1)
            kept = inside[low - lowest : high - lowest + 1]
            outside += float(inside[: low - lowest].sum() + inside[high - lowest + 1 :].sum())
            lowest, inside = low, kept
        if not len(inside):
            break
    return min(outside, 1.0)

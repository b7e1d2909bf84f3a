"""Point masses: numbers that many rows share, such as the zeros of a capital gain or a code for missing.

Quantiles of a column that is 92% zeros are all 0, so bins between them hold everything and tell nothing. A point mass
is therefore a cell of its own, wherever numbers are put into cells, and only the other numbers are put into bins.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aims_mlflow.checks.statistics.count_tables import bins_of, count, weighted_quantiles

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

SHARE = 0.1  # a number that a tenth of the rows have can fill a whole bin between tenths
GRID = 40  # points of the quantile function, each with a neighbour inside every point mass
FEW = 1000


def point_masses(values: Array, weights: Array | None = None, least: int = 1) -> Array:
    """Return the numbers that at least a tenth of the rows and at least `least` rows have, ascending.

    Args:
        values: Finite numbers, shape (n,).
        weights: How many rows each represents; one each by default.
        least: The fewest rows.
    """
    import numpy as np

    rows = len(values) if weights is None else int(weights.sum())
    least = max(least, int(np.ceil(rows * SHARE)), 2)
    if not len(values):
        return np.empty(0)
    if len(values) > FEW and weights is None:  # a cheap look: what many rows have is a quantile several times over
        grid = np.quantile(values, np.linspace(0, 1, GRID + 1))
        repeated = np.unique(grid[:-1][grid[:-1] == grid[1:]])
        return np.array([value for value in repeated if (values == value).sum() >= least])
    levels, codes = np.unique(values, return_inverse=True)
    masses: Array = levels[count(codes, len(levels), weights) >= least]
    return masses


def cells_of(values: Array, masses: Array, edges: Array) -> Array:
    """Return the cell of each number, shape (n,): the point masses, then the len(edges) + 1 bins of the others."""
    cells = bins_of(values, edges) + len(masses)
    for i, mass in enumerate(masses):
        cells[values == mass] = i
    return cells


def others(values: Array, masses: Array, weights: Array | None = None) -> tuple[Array, Array | None]:
    """Return the numbers that are no point mass, with their weights."""
    import numpy as np

    if not len(masses):
        return values, weights
    kept = ~np.isin(values, masses)
    return values[kept], None if weights is None else weights[kept]


def tenths(values: Array, masses: Array, weights: Array | None = None) -> Array:
    """Return at most nine edges between tenths of the numbers that are no point mass, ascending and distinct."""
    import numpy as np

    values, weights = others(values, masses, weights)
    if not len(values):
        return np.empty(0)
    return np.unique(weighted_quantiles(values, np.arange(1, 10) / 10, weights))

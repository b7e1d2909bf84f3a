"""Count tables, and the one way from counts to metrics: every engine that fills them gets the same numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

Z95 = 1.959963984540054  # 0.975 quantile of the normal distribution
MAX_DRAWN = 20_000_000  # cells that a bootstrap holds at once


def contingency(actual: Array, predicted: Array, codes: Array, groups: int) -> Array:
    """Return counts of shape (groups, 2, 2): [group, actual, predicted], 1 = favourable.

    Args:
        actual: Boolean, shape (rows,).
        predicted: Boolean, shape (rows,).
        codes: Group of each row; rows with a negative code are left out.
        groups: Number of groups.
    """
    import numpy as np

    cells = (codes.astype(np.int64) * 2 + actual) * 2 + predicted
    cells = cells[codes >= 0] if len(codes) and codes.min() < 0 else cells
    counts: Array = np.bincount(cells, minlength=groups * 4).reshape(groups, 2, 2)
    return counts


def histogram(values: Array, edges: Array) -> Array:
    """Return how many `values` lie in each of len(edges) + 1 bins; the outer bins are open.

    An edge belongs to the bin above it. Values must be finite.
    """
    import numpy as np

    return np.bincount(np.searchsorted(edges, values, side="right"), minlength=len(edges) + 1)


def fractions(counts: Array) -> dict[str, tuple[Array, Array]]:
    """Return metric -> (numerator, denominator) for counts of shape (..., 2, 2)."""
    tn, fp = counts[..., 0, 0], counts[..., 0, 1]
    fn, tp = counts[..., 1, 0], counts[..., 1, 1]
    negatives, positives, selected = tn + fp, fn + tp, fp + tp
    return {
        "selection_rate": (selected, negatives + positives),
        "true_positive_rate": (tp, positives),
        "false_positive_rate": (fp, negatives),
        "false_negative_rate": (fn, positives),
        "true_negative_rate": (tn, negatives),
        "accuracy": (tn + tp, negatives + positives),
        "precision": (tp, selected),
        "recall": (tp, positives),
        "f1": (2 * tp, 2 * tp + fp + fn),
    }


def divide(numerator: Array, denominator: Array) -> Array:
    """Return numerator / denominator; where the denominator is 0 the result is undefined (NaN)."""
    import numpy as np

    numerator, denominator = np.asarray(numerator, float), np.asarray(denominator, float)
    quotient: Array = np.full(np.broadcast(numerator, denominator).shape, np.nan)
    np.divide(numerator, denominator, out=quotient, where=denominator != 0)
    return quotient


def rates(counts: Array) -> dict[str, Array]:
    """Return metric -> values of shape (...) for counts of shape (..., 2, 2); NaN where undefined."""
    found = {name: divide(*parts) for name, parts in fractions(counts).items()}
    found["balanced_accuracy"] = (found["true_positive_rate"] + found["true_negative_rate"]) / 2
    return found


def spread(values: Array) -> tuple[Array, Array]:
    """Return (largest - smallest, smallest / largest) along the last axis, over defined values.

    Both are NaN where fewer than two values are defined, the ratio also where the largest is 0.
    """
    import numpy as np

    defined = ~np.isnan(values)
    enough = defined.sum(axis=-1) >= 2
    low = np.where(enough, np.where(defined, values, np.inf).min(axis=-1), np.nan)
    high = np.where(enough, np.where(defined, values, -np.inf).max(axis=-1), np.nan)
    return high - low, divide(low, high)


def between_groups(counts: Array) -> dict[str, Array]:
    """Return the metrics that compare groups, for counts of shape (..., groups, 2, 2).

    Fairlearn's definitions: differences and ratios of the extreme groups; equalized odds takes
    the worse of true and false positive rates. Unlike there, a rate without a denominator is
    left out and not counted as 0.
    """
    import numpy as np

    found = rates(counts)
    parity, tpr, fpr = (spread(found[name]) for name in ("selection_rate", "true_positive_rate", "false_positive_rate"))
    return {
        "demographic_parity_difference": parity[0],
        "demographic_parity_ratio": parity[1],
        "equalized_odds_difference": np.fmax(tpr[0], fpr[0]),
        "equalized_odds_ratio": np.fmin(tpr[1], fpr[1]),
    }


def ratio_to_highest(values: Array) -> Array:
    """Return each value / the largest defined one along the last axis; NaN where undefined."""
    import numpy as np

    highest = np.where(np.isnan(values), -np.inf, values).max(axis=-1, keepdims=True)
    return divide(values, np.where(np.isfinite(highest), highest, 0.0))


def wilson(successes: Array, n: Array) -> tuple[Array, Array]:
    """Return the Wilson score interval (95%) of successes / n; NaN where n is 0.

    E. B. Wilson, "Probable inference, the law of succession, and statistical inference", 1927.
    """
    import numpy as np

    n = np.asarray(n, float)
    share, z2 = divide(successes, n), Z95**2
    centre = divide(share * n + z2 / 2, np.where(n > 0, n + z2, 0.0))
    half = Z95 * np.sqrt(share * (1 - share) * n + z2 / 4) / (n + z2)
    return np.clip(centre - half, 0, 1), np.clip(centre + half, 0, 1)


def resample(counts: Array, replicates: int, seed: int) -> Array:
    """Return `replicates` bootstrap tables, shape (replicates, *counts.shape).

    Rows drawn with replacement give multinomial counts: this is the row bootstrap itself, at the
    cost of the table instead of the rows. Very large tables get fewer replicates (`MAX_DRAWN`).
    """
    import numpy as np

    total = int(counts.sum())
    replicates = max(min(replicates, MAX_DRAWN // counts.size), 1)
    generator = np.random.default_rng(seed)
    drawn = generator.multinomial(total, counts.ravel() / total, size=replicates)
    return drawn.reshape(replicates, *counts.shape)


def percentiles(values: Array) -> tuple[Array, Array]:
    """Return the 2.5 and 97.5 percentiles along axis 0; NaN where under half of them are defined."""
    import numpy as np

    defined = ~np.isnan(values)
    enough = defined.mean(axis=0) >= 0.5
    filled = np.where(enough, values, 0.0)
    low, high = np.nanpercentile(filled, [2.5, 97.5], axis=0)
    return np.where(enough, low, np.nan), np.where(enough, high, np.nan)

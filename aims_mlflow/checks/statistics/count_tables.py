"""Count tables, and the metrics computed from them: every engine that fills them gets the same numbers."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from aims_mlflow.records.details.base import BootstrapDescription

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np

    Array = np.ndarray[Any, Any]

Z95 = 1.959963984540054  # 0.975 quantile of the normal distribution
FEW_EDGES = 20
MAX_DRAWN = 20_000_000  # cells that a bootstrap holds at once
_ran: ContextVar[list[int] | None] = ContextVar("replicates that ran", default=None)


def contingency(
    actual: Array, predicted: Array, codes: Array, groups: int, *, weights: Array | None = None, labels: int = 2
) -> Array:
    """Return counts of shape (groups, labels, labels): [group, actual, predicted]; of two labels 1 = favourable.

    Args:
        actual: Boolean or label code, shape (rows,).
        predicted: Boolean or label code, shape (rows,).
        codes: Group of each row; rows with a negative code are left out.
        groups: Number of groups.
        weights: How many rows each row stands for, whole numbers; one each by default.
        labels: Number of labels.
    """
    import numpy as np

    cells = (codes.astype(np.int64) * labels + actual) * labels + predicted
    kept = codes >= 0 if len(codes) and codes.min() < 0 else slice(None)
    return count(cells[kept], groups * labels * labels, None if weights is None else weights[kept]).reshape(
        groups, labels, labels
    )


def crossed(codes: Array, groups: int, own: Array, levels: int, weights: Array | None = None) -> Array:
    """Return counts of shape (groups, levels); rows where either code is negative are left out.

    Args:
        codes: Group of each row, shape (rows,).
        groups: Number of groups.
        own: Level of each row, shape (rows,).
        levels: Number of levels.
        weights: How many rows each row stands for; one each by default.
    """
    cells, known = codes * levels + own, (codes >= 0) & (own >= 0)
    if not known.all():
        cells, weights = cells[known], None if weights is None else weights[known]
    return count(cells, groups * levels, weights).reshape(groups, levels)


def count(codes: Array, size: int, weights: Array | None = None) -> Array:
    """Return how often each of `size` codes occurs, as whole numbers; each row counts `weights` times."""
    import numpy as np

    sums = np.bincount(codes, weights=weights, minlength=size)
    return sums if weights is None else np.rint(sums).astype(np.int64)


def histogram(values: Array, edges: Array, weights: Array | None = None) -> Array:
    """Return how many `values` lie in each of len(edges) + 1 bins; the outer bins are open.

    An edge belongs to the bin above it. Values must be finite.
    """
    return count(bins_of(values, edges), len(edges) + 1, weights)


def bins_of(values: Array, edges: Array) -> Array:
    """Return in which of len(edges) + 1 bins each value lies, shape (n,); see `histogram`.

    Comparing all values with each of a few ascending edges takes a tenth of the time that searching takes.
    """
    import numpy as np

    if len(edges) > FEW_EDGES:
        return np.searchsorted(edges, values, side="right")
    bins = np.zeros(len(values), dtype=np.int8)
    for edge in edges:
        bins += values >= edge
    return bins.astype(np.int64)


def weighted_quantile(values: Array, share: float, weights: Array | None = None) -> float:
    """Return a quantile, linear between neighbours as in numpy, where each value represents `weights` rows."""
    import numpy as np

    return float(weighted_quantiles(values, np.array([share]), weights)[0])


def weighted_quantiles(values: Array, shares: Array, weights: Array | None = None) -> Array:
    """Return several quantiles; see `weighted_quantile`."""
    import numpy as np

    if weights is None:
        return np.quantile(values, shares)
    order = np.argsort(values, kind="stable")
    ends, ascending = np.cumsum(weights[order]), values[order]
    place = shares * (ends[-1] - 1)
    low, high = (ascending[np.searchsorted(ends, at, side="right")] for at in (np.floor(place), np.ceil(place)))
    quantiles: Array = low + (high - low) * (place - np.floor(place))
    return quantiles


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
    import numpy as np

    values = {name: divide(*parts) for name, parts in fractions(counts).items()}
    values["balanced_accuracy"] = (values["true_positive_rate"] + values["true_negative_rate"]) / 2
    tn, fp, fn, tp = (counts[..., a, p].astype(float) for a in (0, 1) for p in (0, 1))
    margins = np.sqrt(tp + fp) * np.sqrt(tp + fn) * np.sqrt(tn + fp) * np.sqrt(tn + fn)
    # Rounding of the roots takes a correlation of 1 beyond it.
    values["matthews_correlation"] = np.clip(np.round(divide(tp * tn - fp * fn, margins), 14), -1.0, 1.0)
    return values


def spread(values: Array) -> tuple[Array, Array]:
    """Return (largest - smallest, smallest / largest) along the last axis, over defined values.

    Both are NaN where fewer than two values are defined, the ratio also where the largest is 0.
    """
    import numpy as np

    defined = ~np.isnan(values)
    enough = defined.sum(axis=-1) >= 2
    low = np.where(enough, np.where(defined, values, np.inf).min(axis=-1, initial=np.inf), np.nan)
    high = np.where(enough, np.where(defined, values, -np.inf).max(axis=-1, initial=-np.inf), np.nan)
    return high - low, divide(low, high)


def between_groups(counts: Array) -> dict[str, Array]:
    """Return the metrics that compare groups, for counts of shape (..., groups, 2, 2).

    Fairlearn's definitions: differences and ratios of the extreme groups; equalized odds takes
    the worse of true and false positive rates. Unlike there, a rate without a denominator is
    left out and not counted as 0.
    """
    import numpy as np

    by_group = rates(counts)
    parity, tpr, fpr = (
        spread(by_group[name]) for name in ("selection_rate", "true_positive_rate", "false_positive_rate")
    )
    return {
        "demographic_parity_difference": parity[0],
        "demographic_parity_ratio": parity[1],
        "equalized_odds_difference": np.fmax(tpr[0], fpr[0]),
        "equalized_odds_ratio": np.fmin(tpr[1], fpr[1]),
    }


def wilson(successes: Array, n: Array, z: float = Z95) -> tuple[Array, Array]:
    """Return the Wilson score interval (95% unless `z` says otherwise) of successes / n; NaN where n is 0.

    E. B. Wilson, "Probable inference, the law of succession, and statistical inference", 1927.
    """
    import numpy as np

    n = np.asarray(n, float)
    share, z2 = divide(successes, n), z**2
    centre = divide(share * n + z2 / 2, np.where(n > 0, n + z2, 0.0))
    half = z * np.sqrt(share * (1 - share) * n + z2 / 4) / (n + z2)
    return np.clip(centre - half, 0, 1), np.clip(centre + half, 0, 1)


EXACT = "exact (Clopper-Pearson)"


def exact_interval(successes: Array, n: Array, z: float = Z95) -> tuple[Array, Array]:
    """Return the exact interval (95% unless `z` says otherwise) of successes / n; NaN where n is 0.

    It covers at least at its level whatever the share and the number of rows, which approximate intervals do not.
    C. J. Clopper and E. S. Pearson, "The use of confidence or fiducial limits illustrated in the case of the
    binomial", Biometrika 26 (1934), 404-413.
    """
    import numpy as np
    from scipy.stats import beta, norm

    successes, n = np.asarray(successes, float), np.asarray(n, float)
    tail, failures = float(norm.sf(z)), n - successes
    low = np.where(successes > 0, beta.ppf(tail, np.maximum(successes, 1e-9), failures + 1), 0.0)
    high = np.where(failures > 0, beta.isf(tail, successes + 1, np.maximum(failures, 1e-9)), 1.0)
    return np.where(n > 0, low, np.nan), np.where(n > 0, high, np.nan)


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
    if (ran := _ran.get()) is not None:
        ran.append(replicates)
    return drawn.reshape(replicates, *counts.shape)


@contextmanager
def replicates_followed() -> Iterator[list[int]]:
    """Give a list that `resample` adds to inside the block: how many replicates each table got."""
    ran: list[int] = []
    token = _ran.set(ran)
    try:
        yield ran
    finally:
        _ran.reset(token)


def bootstrap_details(ran: list[int], asked: int, seed: int) -> BootstrapDescription:
    """Return the record's details of the bootstrap; `replicates` is the fewest that any table got."""
    fewest = min(ran, default=asked)
    return BootstrapDescription(
        replicates=fewest,
        replicates_asked=asked if fewest < asked else None,
        seed=seed,
        of="the count table, multinomial",
    )


def percentiles(values: Array) -> tuple[Array, Array]:
    """Return the 2.5 and 97.5 percentiles along axis 0; NaN where under half of them are defined."""
    import numpy as np

    defined = ~np.isnan(values)
    enough = defined.mean(axis=0) >= 0.5
    filled = np.where(enough, values, 0.0)
    low, high = np.nanpercentile(filled, [2.5, 97.5], axis=0)
    return np.where(enough, low, np.nan), np.where(enough, high, np.nan)

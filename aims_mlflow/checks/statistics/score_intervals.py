"""Score intervals for comparing a proportion, or a mean, with that of a reference group; arrays of any one shape.

O. Miettinen and M. Nurminen, "Comparative analysis of two rates", Statistics in Medicine 4 (1985), 213-226; the ratio
is also P. A. R. Koopman's, "Confidence intervals for the ratio of two binomial proportions", Biometrics 40 (1984),
513-517, with their variance factor. `benchmarks/statistics.py` simulates what the intervals cover.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aims_mlflow.checks.statistics.count_tables import divide

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    from aims_mlflow.checks.statistics.moments import Moments

    Array = np.ndarray[Any, Any]
    Ends = tuple[Array, Array]

STEPS = 45  # halvings of the searched range
LOG_RATIO = 30.0
ERROR = 0.05  # of a 95% interval


def simultaneous_z(comparisons: int) -> float:
    """Return the normal quantile for `comparisons` groups that are each compared with one reference group.

    Bonferroni over the groups and over both directions: in at most 2.5% of samples is any group shown to differ from
    its reference where there is no difference. The intervals together cover in at least 97.5%.
    """
    from scipy.stats import norm

    return float(norm.ppf(1 - ERROR / 4 / max(comparisons, 1)))


def ratio_interval(hits: Array, n: Array, base_hits: Array, base_n: Array, z: float) -> Ends:
    """Return the ends of the interval of (hits / n) / (base_hits / base_n); NaN where both are 0, or of no rows.

    Where only the reference group has no hit, the ratio and its upper end are infinite.

    Args:
        hits: Rows with the outcome.
        n: Rows.
        base_hits: Rows of the reference group with the outcome.
        base_n: Rows of the reference group.
        z: Normal quantile of the level.
    """
    import numpy as np

    hits = np.asarray(hits, float)
    value = np.where((base_hits == 0) & (hits > 0), np.inf, divide(hits * base_n, n * base_hits))
    n, base_n = np.maximum(n, 1), np.maximum(base_n, 1)  # of no rows: the value says already that it is undefined

    def score(log_ratio: Array) -> Array:
        return _ratio_score(hits, n, base_hits, base_n, np.exp(log_ratio))

    low, high = _ends(score, -LOG_RATIO, LOG_RATIO, z, value.shape)
    return _around(value, np.where(np.asarray(hits) == 0, 0.0, np.exp(low)), np.exp(high))


def difference_interval(hits: Array, n: Array, base_hits: Array, base_n: Array, z: float) -> Ends:
    """Return the ends of the interval of hits / n - base_hits / base_n; arguments as in `ratio_interval`."""
    import numpy as np

    value = divide(hits, n) - divide(base_hits, base_n)
    n, base_n = np.maximum(n, 1), np.maximum(base_n, 1)

    def score(difference: Array) -> Array:
        return _difference_score(hits, n, base_hits, base_n, difference)

    return _around(value, *_ends(score, -1.0, 1.0, z, value.shape))


def _ends(score: Callable[[Array], Array], low: float, high: float, z: float, shape: tuple[int, ...]) -> Ends:
    """Return where a falling score crosses z and -z, by bisection of both at once."""
    import numpy as np

    lows, highs = np.full((2, *shape), low), np.full((2, *shape), high)
    at = np.array([z, -z]).reshape(2, *(1 for _ in shape))
    for _ in range(STEPS):
        middle = (lows + highs) / 2
        above = score(middle) > at
        lows, highs = np.where(above, middle, lows), np.where(above, highs, middle)
    crossing = (lows + highs) / 2
    return crossing[0], crossing[1]


def _around(value: Array, low: Array, high: Array) -> Ends:
    """Return the ends, NaN where there is no value; rounding never leaves the value outside."""
    import numpy as np

    defined = ~np.isnan(value)
    return np.where(defined, np.minimum(low, value), np.nan), np.where(defined, np.maximum(high, value), np.nan)


def _ratio_score(hits: Array, n: Array, base_hits: Array, base_n: Array, ratio: Array) -> Array:
    """Return the score statistic of a ratio; the restricted estimate solves a quadratic equation."""
    import numpy as np

    total = n + base_n
    linear = n * ratio + hits + base_n + base_hits * ratio
    root = np.sqrt(np.maximum(linear**2 - 4 * total * ratio * (hits + base_hits), 0.0))
    base = np.clip((linear - root) / (2 * total * ratio), 0.0, 1.0)
    share = np.clip(ratio * base, 0.0, 1.0)
    variance = (divide(share * (1 - share), n) + ratio**2 * divide(base * (1 - base), base_n)) * total / (total - 1)
    return _standardised(divide(hits, n) - ratio * divide(base_hits, base_n), variance)


def _difference_score(hits: Array, n: Array, base_hits: Array, base_n: Array, difference: Array) -> Array:
    """Return the score statistic of a difference; the restricted estimate is the closed root of a cubic equation."""
    import numpy as np

    total, both = n + base_n, hits + base_hits
    quadratic = ((n + 2 * base_n) * difference - total - both) / (3 * total)
    linear = (base_n * difference - total - 2 * base_hits) * difference + both
    constant = base_hits * difference * (1 - difference)
    p = quadratic**3 - quadratic * linear / (2 * total) + constant / (2 * total)
    q = np.copysign(np.sqrt(np.maximum(quadratic**2 - linear / (3 * total), 0.0)), p)
    angle = (np.pi + np.arccos(np.clip(np.nan_to_num(divide(p, q**3)), -1.0, 1.0))) / 3
    base = np.clip(2 * q * np.cos(angle) - quadratic, np.maximum(-difference, 0.0), np.minimum(1.0, 1 - difference))
    share = np.clip(base + difference, 0.0, 1.0)
    variance = (divide(share * (1 - share), n) + divide(base * (1 - base), base_n)) * total / (total - 1)
    return _standardised(divide(hits, n) - divide(base_hits, base_n) - difference, variance)


def _standardised(distance: Array, variance: Array) -> Array:
    """Return distance / sqrt(variance); without variance, any distance is infinitely many standard errors."""
    import numpy as np

    standardised: Array = np.where(distance > 0, np.inf, np.where(distance < 0, -np.inf, 0.0))
    return np.divide(distance, np.sqrt(variance), out=standardised, where=variance > 0)


def mean_intervals(moments: Moments, base: Moments, comparisons: int) -> tuple[Ends, Ends]:
    """Return the ends of the intervals of the differences and of the ratios of means, by Welch's t distribution.

    B. L. Welch, "The generalization of 'Student's' problem", Biometrika 34 (1947); ratios on the scale of the
    logarithm, by the delta method; they are NaN where a mean is not positive. Levels as in `simultaneous_z`.

    Args:
        moments: Of the groups.
        base: Of the reference group; arrays that fit those of the groups.
        comparisons: How many groups are compared with it.
    """
    import numpy as np
    from scipy.stats import t

    tail = 1 - ERROR / 4 / max(comparisons, 1)

    def half(own: Array, theirs: Array) -> Array:
        spread = own**2 + theirs**2
        freedom = divide(spread**2, own**4 / np.maximum(moments.n - 1, 1) + theirs**4 / np.maximum(base.n - 1, 1))
        width: Array = t.ppf(tail, np.nan_to_num(freedom, nan=1.0)) * np.sqrt(spread)
        return width

    apart, around = moments.mean - base.mean, half(moments.error, base.error)
    positive = (moments.mean > 0) & (base.mean > 0)
    ratio = np.where(positive, divide(moments.mean, base.mean), np.nan)
    factor = np.exp(half(divide(moments.error, moments.mean), divide(base.error, base.mean)))
    return (apart - around, apart + around), (ratio / factor, ratio * factor)

"""Performance of predicted numbers: errors and their intervals from sums, and what a plain guess would reach."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aims_mlflow.checks.claims import claim
from aims_mlflow.checks.statistics import count_tables
from aims_mlflow.checks.statistics.moments import Moments, group_moments

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from aims_mlflow.checks.statistics.groups import Groups
    from aims_mlflow.records.evidence import Claim

    Array = np.ndarray[Any, Any]

NORMAL = "approximate range, normal"
DELTA = "approximate range, delta method"


def error_claims(actual: Array, predicted: Array, weights: Array | None, role: str) -> list[Claim]:
    """Return the errors of all rows.

    Args:
        actual: Finite, shape (rows,).
        predicted: Finite, shape (rows,).
        weights: How many rows each row stands for; one each by default.
        role: Role of the data.
    """
    import numpy as np

    errors = predicted - actual
    codes = np.zeros(len(actual), dtype=np.int64)
    moments = group_moments(_errors(errors), codes, 1, weights)
    claims = _group(moments, 0, {}, role)
    n = int(moments["error"].n[0])
    size = np.abs(errors)
    middle, low, high = count_tables.weighted_quantiles(size, _around_the_median(n), weights)
    claims.append(
        claim(
            "median_absolute_error",
            middle,
            role=role,
            n=n,
            interval=(low, high),
            method="approximate range, order statistics",
        )
    )
    claims.append(_r2_claim(actual, errors, weights, role))
    return claims + plain_guess_claims(actual, size, weights, role)


def _r2_claim(actual: Array, errors: Array, weights: Array | None, role: str) -> Claim:
    """Return R2, whose interval comes from its influence function.

    With s = mean squared error and v = variance of the actual numbers, one row changes R2 = 1 - s/v by
    -(e^2 / v) + (d^2 * s / v^2), where e is its error and d its distance from the mean. R2 has no unit: numbers whose
    squares a float does not hold are brought near 1 first, by a power of 2, which changes no digit.
    """
    import numpy as np

    codes, n = np.zeros(len(actual), dtype=np.int64), len(actual) if weights is None else int(weights.sum())
    if actual.min() == actual.max():
        return claim("r2", None, role=role, n=n, note="undefined: all rows have the same number")
    apart = actual - group_moments({"actual": actual}, codes, 1, weights)["actual"].mean[0]
    exponent = int(np.frexp(np.abs(apart).max())[1])
    apart, errors = np.ldexp(apart, -exponent), np.ldexp(errors, -exponent)
    moments = group_moments({"squared": errors**2, "apart": apart**2}, codes, 1, weights)
    squared, variance = float(moments["squared"].mean[0]), float(moments["apart"].mean[0])
    influence = -(errors**2) / variance + apart**2 * squared / variance**2
    half = count_tables.Z95 * float(group_moments({"r2": influence}, codes, 1, weights)["r2"].error[0])
    value = 1 - squared / variance
    return claim("r2", value, role=role, n=n, interval=(value - half, min(value + half, 1.0)), method=DELTA)


def _around_the_median(n: int) -> Array:
    """Return 0.5 and the shares between which the median lies in 95% of samples of `n` (binomial, normal)."""
    import numpy as np

    half = count_tables.Z95 / 2 / np.sqrt(n)
    shares: Array = np.clip([0.5, 0.5 - half, 0.5 + half], 0, 1)
    return shares


def plain_guess_claims(
    actual: Array, size: Array, weights: Array | None, role: str, at: Mapping[str, str] | None = None
) -> list[Claim]:
    """Return the error of always guessing the median of these rows, and how far the model's lies under it.

    Args:
        actual: Finite, shape (rows,).
        size: Absolute errors of the model, shape (rows,).
        weights: How many rows each row stands for; one each by default.
        role: Role of the data.
        at: The group that these rows are; all rows by default.
    """
    import numpy as np

    guess = np.abs(actual - count_tables.weighted_quantile(actual, 0.5, weights))
    moments = group_moments({"guess": guess, "gain": guess - size}, np.zeros(len(actual), dtype=np.int64), 1, weights)
    low, gain, high = (float(part[0]) for part in moments["gain"].interval())
    n = int(moments["gain"].n[0])
    least, guessed, most = (float(part[0]) for part in moments["guess"].interval())
    return [
        claim(
            "median_guess_absolute_error",
            guessed,
            slice=at,
            role=role,
            n=n,
            interval=(max(least, 0.0), most),
            method=NORMAL,
            note="mean absolute error of always guessing the median of these data",
        ),
        claim(
            "absolute_error_under_median_guess",
            gain,
            slice=at,
            role=role,
            n=n,
            interval=(low, high),
            method=NORMAL,
            note="median_guess_absolute_error minus mean_absolute_error",
        ),
    ]


def group_error_claims(
    actual: Array, predicted: Array, groups: Groups, weights: Array | None, role: str
) -> list[Claim]:
    """Return mean absolute, root mean squared and mean error of each group, beside those of guessing its median."""
    import numpy as np

    moments = group_moments(_errors(predicted - actual), groups.codes, len(groups.names), weights)
    size, claims = np.abs(predicted - actual), []
    for g in range(len(groups.names)):
        rows, at = groups.codes == g, groups.slice(g)
        claims += _group(moments, g, at, role)
        if rows.any():
            own = None if weights is None else weights[rows]
            claims += plain_guess_claims(actual[rows], size[rows], own, role, at)
    return claims


def _errors(errors: Array) -> dict[str, Array]:
    import numpy as np

    return {"absolute": np.abs(errors), "squared": errors**2, "error": errors}


def _group(moments: dict[str, Moments], g: int, at: dict[str, str], role: str) -> list[Claim]:
    import numpy as np

    n = moments["error"].n[g]
    claims = []
    for metric, source in (
        ("mean_absolute_error", "absolute"),
        ("root_mean_squared_error", "squared"),
        ("mean_error", "error"),
    ):
        low, value, high = (float(part[g]) for part in moments[source].interval())
        if metric != "mean_error":
            low = max(low, 0.0)
        if metric.startswith("root"):
            low, value, high = (float(np.sqrt(part)) for part in (low, value, high))
        note = "predicted minus actual" if metric == "mean_error" else None
        claims.append(claim(metric, value, slice=at, role=role, n=n, interval=(low, high), method=NORMAL, note=note))
    return claims

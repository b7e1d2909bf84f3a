"""Calibration of probabilities: log loss, Brier score, and how far mean scores lie from the shares of positives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aims_mlflow.checks.claims import claim
from aims_mlflow.checks.statistics import count_tables
from aims_mlflow.checks.statistics.scores import APPROXIMATE, ScoreTable, weighted_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from aims_mlflow.records.evidence import Claim

    Array = np.ndarray[Any, Any]

BINS = 15  # Guo et al., "On calibration of modern neural networks", 2017


def calibration_claims(table: ScoreTable, role: str, at: Mapping[str, str] | None = None) -> list[Claim]:
    """Return log loss, Brier score and calibration errors of probabilities, for all rows or the group `at`."""
    import numpy as np

    n = table.n
    sure = np.clip(table.scores, table.tiny, 1 - table.tiny)
    losses = {  # metric -> (loss of a negative, loss of a positive) at each score
        "log_loss": (-np.log(1 - sure), -np.log(sure), 0.0),
        "brier_score": (table.scores**2, (1 - table.scores) ** 2, 0.0),
        "calibration_in_the_large": (table.scores, table.scores - 1, -np.inf),
    }
    claims = []
    for metric, (negative, positive, least) in losses.items():
        mean, half = weighted_mean(np.r_[negative, positive], np.r_[table.negatives, table.positives])
        note = table.method or None
        if metric == "calibration_in_the_large":
            note = "mean score minus share of positives"
        ends = (max(mean - half, least), mean + half)
        claims.append(claim(metric, mean, slice=at, role=role, n=n, interval=ends, method=APPROXIMATE, note=note))
    claims.insert(2, calibration_error(table, role, at))
    return claims


def calibration_error(table: ScoreTable, role: str, at: Mapping[str, str] | None = None, of: str = "") -> Claim:
    """Return the expected calibration error over equal bins, as in Naeini, Cooper and Hauskrecht, 2015.

    Args:
        table: Scores and outcomes.
        role: Role of the data.
        at: The group.
        of: Whose probability the scores are, where that is not plain.
    """
    import numpy as np

    bins = np.minimum((table.scores * BINS).astype(np.int64), BINS - 1)
    rows = count_tables.count(bins, BINS, table.negatives + table.positives)
    positives = count_tables.count(bins, BINS, table.positives)
    scores = np.bincount(bins, weights=(table.negatives + table.positives) * table.scores, minlength=BINS)
    there = rows > 0
    value, low, high = error_interval(rows[there], scores[there], positives[there])
    note = f"{of}{BINS} equal bins; chance alone leaves some error, which the lower end of the interval allows for"
    return claim(
        "expected_calibration_error",
        value,
        slice=at,
        role=role,
        n=table.n,
        interval=(low, high),
        method="normal, chance in each bin taken off below",
        note=note,
    )


def error_interval(rows: Array, scores: Array, positives: Array) -> tuple[float, float, float]:
    """Return (expected calibration error, low end, high end of its 95% interval).

    Chance adds to each bin's gap, most where the true gap is 0: the mean of a folded normal distribution (Leone, Nelson
    and Nottingham, 1961) over a gap at the low end of its own interval. That much is taken off below. The sum of the
    gaps moves at most as the sum of the errors of the shares, so its normal interval is not too short. Coverage is at
    least 95% in the layouts of the test.

    Args:
        rows: Rows of each bin, shape (bins,), none 0.
        scores: Sum of the scores.
        positives: Rows with the favourable label.
    """
    import numpy as np
    from scipy.stats import norm

    weights, gaps = rows / rows.sum(), np.abs(scores - positives) / rows
    share = (positives + 0.5) / (rows + 1)  # half a row of each label: a bin of one label is not free of chance
    errors = np.sqrt(share * (1 - share) / rows)
    least = np.maximum(gaps - count_tables.Z95 * errors, 0)
    folded = 2 * errors * norm.pdf(least / errors) + least * (1 - 2 * norm.cdf(-least / errors))
    value, by_chance = float((weights * gaps).sum()), float((weights * (folded - least)).sum())
    half = count_tables.Z95 * float(np.sqrt((weights**2 * errors**2).sum()))
    return value, max(value - by_chance - half, 0.0), min(value + half, 1.0)

"""Ranking by scores, from one small table: how many rows of each outcome have each score."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aims_mlflow.checks.claims import claim
from aims_mlflow.checks.statistics import count_tables
from aims_mlflow.records.wording import figure_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from aims_mlflow.records.evidence import Claim

    Array = np.ndarray[Any, Any]

SEED = 42001
REPLICATES = 1000
APPROXIMATE = "approximate range, normal"
DRAWN_BINS = 200
GROUP_BINS = 50  # of one group, whose interval is wide anyway
ONE_LABEL = "undefined: all rows have the same label"


@dataclass(frozen=True, eq=False)
class ScoreTable:
    """Distinct scores, ascending, and how many rows with and without the favourable label have each; shape (scores,).

    `tiny` is the smallest probability that the logarithm is taken of; `method` is not empty where scores were put
    into bins, and names that.
    """

    scores: Array
    negatives: Array
    positives: Array
    tiny: float = 2.220446049250313e-16
    method: str = ""

    @property
    def n(self) -> int:
        """Number of rows."""
        return int(self.negatives.sum() + self.positives.sum())

    @property
    def probable(self) -> bool:
        """Whether the scores lie in 0..1, as probabilities do."""
        return bool(len(self.scores) and self.scores[0] >= 0 and self.scores[-1] <= 1)


def score_table(
    actual: Array, scores: Array, weights: Array | None = None, method: str = "", order: Array | None = None
) -> ScoreTable:
    """Return the table of `scores` by outcome.

    Args:
        actual: Boolean, shape (rows,): is the label the favourable one.
        scores: Finite, shape (rows,).
        weights: How many rows each row stands for; one each by default.
        method: How scores were put into bins, where they were.
        order: The rows by ascending score, where that is known already.
    """
    import numpy as np

    return _of_rows(np.argsort(scores, kind="stable") if order is None else order, actual, scores, weights, method)


def score_tables(
    actual: Array,
    scores: Array,
    codes: Array,
    groups: int,
    *,
    weights: Array | None = None,
    method: str = "",
    order: Array | None = None,
) -> list[ScoreTable]:
    """Return the score table of each group; rows with a negative code are left out. Arguments as in `score_table`."""
    import numpy as np

    order = np.argsort(scores, kind="stable") if order is None else order
    small = np.int16 if groups < 2**15 else np.int32  # numpy counts 16 bits instead of comparing them
    order = order[np.argsort(codes[order].astype(small), kind="stable")]
    ends = np.searchsorted(codes[order], np.arange(groups + 1))
    return [_of_rows(order[ends[g] : ends[g + 1]], actual, scores, weights, method) for g in range(groups)]


def _of_rows(order: Array, actual: Array, scores: Array, weights: Array | None, method: str) -> ScoreTable:
    """Return the table of the rows in `order`, which ascends by score."""
    import numpy as np

    tiny = float(np.finfo(scores.dtype if np.issubdtype(scores.dtype, np.floating) else np.float64).eps)
    ascending = scores[order].astype(float)
    starts = np.flatnonzero(np.r_[True, ascending[1:] != ascending[:-1]])
    rows = np.ones(len(order), dtype=np.int64) if weights is None else weights[order].astype(np.int64)
    positives = np.add.reduceat(rows * actual[order], starts)
    totals = np.add.reduceat(rows, starts)
    return ScoreTable(ascending[starts], totals - positives, positives, tiny, method)


def roc_auc(table: ScoreTable) -> tuple[float, float]:
    """Return the area under the ROC curve, and half its 95% interval; NaN for a single label.

    The variance is DeLong's, computed from mid-ranks (Sun and Xu, "Fast implementation of DeLong's
    algorithm", IEEE Signal Processing Letters, 2014).
    """
    import numpy as np

    n1, n0 = int(table.positives.sum()), int(table.negatives.sum())
    if not n1 or not n0:
        return float("nan"), float("nan")
    beaten = (np.cumsum(table.negatives) - table.negatives / 2) / n0  # share of negatives below each score
    beating = 1 - (np.cumsum(table.positives) - table.positives / 2) / n1
    area = float((beaten * table.positives).sum() / n1)
    variance = 0.0
    for values, counts, n in ((beaten, table.positives, n1), (beating, table.negatives, n0)):
        if n > 1:
            mean = (values * counts).sum() / n
            variance += float((counts * (values - mean) ** 2).sum() / (n - 1) / n)
    return area, count_tables.Z95 * float(np.sqrt(variance))


def average_precision(negatives: Array, positives: Array) -> Array:
    """Return the mean precision over the positives, best score first; counts by ascending score on the last axis.

    scikit-learn's definition: precision at each distinct score, weighted by the recall it adds. NaN without positives.
    """
    import numpy as np

    hits = np.cumsum(positives[..., ::-1], axis=-1)
    chosen = hits + np.cumsum(negatives[..., ::-1], axis=-1)
    precision = count_tables.divide(hits, chosen)
    return count_tables.divide(np.nansum(precision * positives[..., ::-1], axis=-1), positives.sum(axis=-1))


def top_decile_share(table: ScoreTable) -> float:
    """Return the share of positives among the tenth of the rows with the highest scores; ties count by their mean."""
    import numpy as np

    totals = (table.negatives + table.positives)[::-1]
    room = max(table.n / 10, 1.0)
    taken = np.clip(room - (np.cumsum(totals) - totals), 0, totals)
    return float((taken * count_tables.divide(table.positives[::-1], totals)).sum() / room)


def ranking_claims(table: ScoreTable, role: str, at: Mapping[str, str] | None = None) -> list[Claim]:
    """Return ROC AUC and average precision, with intervals, of all rows or of the group `at`."""
    import numpy as np

    n, positives = table.n, int(table.positives.sum())
    area, half = roc_auc(table)
    undefined = bool(np.isnan(area))
    ends = (max(area - half, 0.0), min(area + half, 1.0))
    name = f", {table.method}" if table.method else ""
    note = ONE_LABEL if undefined else (table.method or None)
    how = f"approximate range, DeLong{name}"
    claims = [claim("roc_auc", area, slice=at, role=role, n=n, interval=ends, method=how, note=note)]
    bins = DRAWN_BINS if at is None else GROUP_BINS
    value, around = _precision_interval(table, bins)
    note = "undefined: no positives" if not positives else (table.method or None)
    how = f"bootstrap range, percentile, of {bins} score bins"
    claims.append(claim("average_precision", value, slice=at, role=role, n=n, interval=around, method=how, note=note))
    return claims


def lift_claim(table: ScoreTable, role: str) -> Claim:
    """Return the share of positives in the tenth with the highest scores, divided by their share in all rows."""
    import numpy as np

    n, positives = table.n, int(table.positives.sum())
    top, base = round(max(n / 10, 1.0)), positives / n
    share = top_decile_share(table)
    lift = share / base if base else float("nan")
    low, high = (float(end[()]) for end in count_tables.exact_interval(np.asarray(share * top), np.asarray(top)))
    around = (low / base, high / base) if base else None
    note = (
        "undefined: no positives"
        if not base
        else f"share of positives in the best-scored {top:,} rows over {figure_text(base)}"
    )
    return claim(
        "top_decile_lift",
        lift,
        role=role,
        n=top,
        interval=around,
        method=f"approximate range, {count_tables.EXACT}",
        note=note,
    )


def _precision_interval(table: ScoreTable, size: int) -> tuple[float, tuple[float, float] | None]:
    """Return average precision and its interval: the spread of a binned table, moved to the exact value."""
    import numpy as np

    value = float(average_precision(table.negatives, table.positives))
    if np.isnan(value):
        return value, None
    totals = np.cumsum(table.negatives + table.positives)
    bins = np.minimum((totals - 1) * size // totals[-1], size - 1)
    counts = np.stack([count_tables.count(bins, size, side) for side in (table.negatives, table.positives)])
    drawn = count_tables.resample(counts, REPLICATES, SEED)
    low, high = count_tables.percentiles(average_precision(drawn[:, 0], drawn[:, 1]))
    moved = value - float(average_precision(counts[0], counts[1]))
    return value, (min(max(float(low) + moved, 0.0), value), max(min(float(high) + moved, 1.0), value))


def weighted_mean(values: Array, counts: Array) -> tuple[float, float]:
    """Return the mean of values that represent `counts` rows each, and half its normal 95% interval."""
    import numpy as np

    n = counts.sum()
    mean = float((values * counts).sum() / n)
    variance = float((counts * (values - mean) ** 2).sum() / n)
    return mean, count_tables.Z95 * float(np.sqrt(variance / n))

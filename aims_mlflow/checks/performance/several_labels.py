"""Performance over several labels: by label, averaged over labels, and of scores that give each label a probability."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aims_mlflow.checks.claims import claim
from aims_mlflow.checks.statistics import count_tables
from aims_mlflow.checks.statistics.calibration import calibration_error
from aims_mlflow.checks.statistics.labels import short_name
from aims_mlflow.checks.statistics.means_of_rates import EXACT_F1, MOVER, f1_interval, mean_interval
from aims_mlflow.checks.statistics.scores import APPROXIMATE, REPLICATES, SEED, roc_auc, score_table, weighted_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from aims_mlflow.checks.statistics.groups import Groups
    from aims_mlflow.checks.tables.targets import Classes
    from aims_mlflow.records.evidence import Claim

    Array = np.ndarray[Any, Any]

BOOTSTRAP = "bootstrap range, percentile"


def label_performance(counts: Array, names: tuple[str, ...], role: str) -> list[Claim]:
    """Return the metrics of all rows, then precision, recall and F1 of each label.

    Args:
        counts: Shape (labels, labels): [actual, predicted].
        names: The labels.
        role: Role of the data.
    """
    import numpy as np

    n = int(counts.sum())
    low, high = count_tables.exact_interval(counts.trace(), counts.sum())
    right = float(counts.trace() / n)
    claims = [claim("accuracy", right, role=role, n=n, interval=(low[()], high[()]), method=count_tables.EXACT)]
    values, draws = _averages(counts), _averages(count_tables.resample(counts, REPLICATES, SEED))
    recalls = mean_interval(counts.diagonal(), counts.sum(axis=1))
    every = bool(counts.sum(axis=1).all())  # then the macro recall is the balanced accuracy
    for metric, value in values.items():
        undefined = "undefined: all rows have the same label" if np.isnan(value) else None
        ends, method = count_tables.percentiles(draws[metric]), BOOTSTRAP
        if metric == "balanced_accuracy" or (metric == "macro_recall" and every):
            ends, method = recalls, MOVER
        around, note = None if undefined else ends, undefined or NOTES.get(metric)
        claims.append(claim(metric, value, role=role, n=n, interval=around, method=method, note=note))
    own = counts.diagonal()
    low, high = f1_interval(own, counts.sum(axis=0) + counts.sum(axis=1) - 2 * own)
    for i, name in enumerate(names):
        hits, chosen, meant = counts[i, i], counts[:, i].sum(), counts[i].sum()
        at = {"label": short_name(name)}
        for metric, whole, lack in (
            ("precision", chosen, "the label was never predicted"),
            ("recall", meant, "no row has the label"),
        ):
            around = count_tables.exact_interval(hits, whole) if whole else None
            note = None if whole else f"undefined: {lack}"
            share = hits / whole if whole else None
            claims.append(
                claim(
                    metric, share, slice=at, role=role, n=whole, interval=around, method=count_tables.EXACT, note=note
                )
            )
        f1 = 2 * hits / (chosen + meant) if chosen + meant else None
        around = None if f1 is None else (low[i], high[i])
        claims.append(claim("f1", f1, slice=at, role=role, n=meant, interval=around, method=EXACT_F1))
    return claims


NOTES = {
    "balanced_accuracy": "mean recall over the labels that occur",
    "macro_f1": "mean over the labels; one that is never predicted counts as 0, as in scikit-learn",
    "macro_precision": "mean over the labels; one that is never predicted counts as 0, as in scikit-learn",
}


def _f1(counts: Array) -> Array:
    """Return the F1 of each label, shape (..., labels), for counts of shape (..., labels, labels); NaN for 0/0."""
    hits = counts.diagonal(axis1=-2, axis2=-1)
    return count_tables.divide(2 * hits, counts.sum(axis=-2) + counts.sum(axis=-1))


def _averages(counts: Array) -> dict[str, Array]:
    """Return averages over labels for counts of shape (..., labels, labels); scikit-learn's, with 0 for 0/0."""
    import numpy as np

    hits = counts.diagonal(axis1=-2, axis2=-1)
    chosen, meant = counts.sum(axis=-2), counts.sum(axis=-1)
    present = (chosen + meant) > 0
    labels = present.sum(axis=-1)
    recall = count_tables.divide(hits, meant)
    f1 = np.nan_to_num(_f1(counts))
    occurring = (meant > 0).sum(axis=-1)
    total, right = counts.sum(axis=(-1, -2)).astype(float), hits.sum(axis=-1)
    # Gorodkin's multiclass Matthews correlation, 2004.
    cross = (chosen.astype(float) * meant).sum(axis=-1)
    spread = np.sqrt(total**2 - (chosen.astype(float) ** 2).sum(axis=-1)) * np.sqrt(
        total**2 - (meant.astype(float) ** 2).sum(axis=-1)
    )
    return {
        "balanced_accuracy": count_tables.divide(np.nansum(recall, axis=-1), occurring),
        "macro_precision": count_tables.divide(np.nan_to_num(count_tables.divide(hits, chosen)).sum(axis=-1), labels),
        "macro_recall": count_tables.divide(np.nan_to_num(recall).sum(axis=-1), labels),
        "macro_f1": count_tables.divide(f1.sum(axis=-1), labels),
        "matthews_correlation": count_tables.divide(right * total - cross, spread),
    }


def label_group_claims(labels: Classes, groups: Groups, weights: Array | None, role: str) -> list[Claim]:
    """Return each group's accuracy and mean F1 over labels."""
    size = len(labels.names)
    counts = count_tables.contingency(
        labels.actual, labels.predicted, groups.codes, len(groups.names), weights=weights, labels=size
    )
    rows, right = counts.sum(axis=(1, 2)), counts.trace(axis1=1, axis2=2)
    low, high = count_tables.exact_interval(right, rows)
    f1 = _averages(counts)["macro_f1"]
    claims = []
    for g in range(len(groups.names)):
        at = groups.slice(g)
        ends = low[g], high[g]
        value = right[g] / rows[g]
        claims.append(
            claim("accuracy", value, slice=at, role=role, n=rows[g], interval=ends, method=count_tables.EXACT)
        )
        drawn = _averages(count_tables.resample(counts[g], REPLICATES, SEED))["macro_f1"]
        around = count_tables.percentiles(drawn)
        claims.append(claim("macro_f1", f1[g], slice=at, role=role, n=rows[g], interval=around, method=BOOTSTRAP))
    return claims


def several_score_claims(actual: Array, scores: Array, role: str, at: Mapping[str, str] | None = None) -> list[Claim]:
    """Return log loss, Brier score, ROC AUC (one against the rest) and the top label's calibration error.

    Args:
        actual: Label codes, shape (rows,).
        scores: Probabilities, shape (rows, labels), columns in code order.
        role: Role of the data.
        at: The group that these rows are; all rows by default.
    """
    import numpy as np

    n, size = scores.shape
    areas = [roc_auc(score_table(actual == i, scores[:, i])) for i in range(size)]
    defined = [pair for pair in areas if not np.isnan(pair[0])]
    note = f"mean over {len(defined)} labels, each against the rest" if defined else "undefined: one label"
    area, half = np.mean(defined, axis=0) if defined else (np.nan, 0.0)
    ends = (max(area - half, 0.0), min(area + half, 1.0))
    how = "approximate range, DeLong; mean half width, an upper bound"
    claims = [claim("roc_auc", area, slice=at, role=role, n=n, interval=ends, method=how, note=note)]
    if scores.min() < 0 or scores.max() > 1:
        return claims
    tiny = float(np.finfo(np.float64).eps)
    own = np.clip(scores[np.arange(n), actual], tiny, 1)
    hits = np.zeros_like(scores)
    hits[np.arange(n), actual] = 1
    ones = np.ones(n)
    for metric, loss in (("log_loss", -np.log(own)), ("brier_score", ((scores - hits) ** 2).sum(axis=1))):
        mean, half = weighted_mean(loss, ones)
        ends = (max(mean - half, 0), mean + half)
        claims.append(claim(metric, mean, slice=at, role=role, n=n, interval=ends, method=APPROXIMATE))
    top = scores.argmax(axis=1)
    sure = scores[np.arange(n), top]
    table = score_table(top == actual, sure)
    return [*claims, calibration_error(table, role, at, of="of the most probable label, ")]

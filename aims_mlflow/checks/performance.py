"""Performance: how often the model is right, overall and for each group, and against the plainest guess."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aims_mlflow.checks import tables
from aims_mlflow.checks.base import Dataset, Outcome, versions
from aims_mlflow.checks.claims import LEFT_OUT, claim, hold, reason_of
from aims_mlflow.checks.groups import Groups, group_rows, pooled_name
from aims_mlflow.checks.inputs import outcomes
from aims_mlflow.checks.metrics import COUNTED
from aims_mlflow.checks.report import claims_page
from aims_mlflow.errors import DataError
from aims_mlflow.records.evidence import Claim, result_of

if TYPE_CHECKING:
    import numpy as np

    from aims_mlflow.records.pack import Pack

    Array = np.ndarray[Any, Any]

KIND = "performance"
SEED = 42001
REPLICATES = 1000
BY_GROUP = ("accuracy", "precision", "recall", "f1")
WILSON = ("accuracy", "precision", "recall")
UNDEFINED = {
    "precision": "undefined: no row was predicted favourable",
    "recall": "undefined: no positives",
    "f1": "undefined: no positives, neither actual nor predicted",
    "balanced_accuracy": "undefined: all rows have the same label",
    "roc_auc": "undefined: all rows have the same label",
}


def run(data: Dataset, pack: Pack, reference: Dataset | None = None) -> Outcome:  # noqa: ARG001
    """Measure predictions, and scores where there are any, against the labels.

    Raises:
        DataError: labels, predictions or scores do not fit.
    """
    actual, predicted = outcomes(data)
    counts = tables.contingency(actual, predicted, (actual * 0).astype(int), 1)[0]
    claims = counted_claims(counts, COUNTED, {}, data.role) + majority_claims(counts, data.role)
    scores = _scores(data)
    if scores is not None:
        claims += score_claims(actual, scores, data.role)
    if data.sensitive is not None:
        for name in data.sensitive_names:
            groups = group_rows(data.sensitive, (name,), pack.performance.pool_under)
            counts_by_group = tables.contingency(actual, predicted, groups.codes, len(groups.names))
            claims += _slice_claims(counts_by_group, groups, pack.performance.pool_under, data.role)
    claims = hold(claims, pack.performance.limits, role=data.role)
    return Outcome(
        kind=KIND,
        result=result_of(claims),
        reason=reason_of(claims),
        claims=tuple(claims),
        controls=pack.performance.controls,
        details={
            "target": data.target,
            "favourable": data.favourable,
            "rows": len(data.frame),
            "counts": counts.tolist(),
            "cells": "[[true negatives, false positives], [false negatives, true positives]]",
            "scores": scores is not None,
            "bootstrap": {"replicates": REPLICATES, "seed": SEED, "of": "the count table, multinomial"},
        },
        reports={"performance.html": claims_page("Performance", claims)},
        tools=versions("numpy", "pandas"),
    )


def counted_claims(counts: Array, metrics: tuple[str, ...], at: dict[str, str], role: str) -> list[Claim]:
    """Return claims that follow from one 2 x 2 table (shape (2, 2): [actual, predicted])."""
    found, fractions = tables.rates(counts), tables.fractions(counts)
    drawn = tables.rates(tables.resample(counts, REPLICATES, SEED)) if set(metrics) - set(WILSON) else {}
    claims = []
    for metric in metrics:
        value, undefined = float(found[metric]), bool(found[metric] != found[metric])
        if metric in WILSON:
            part, n = fractions[metric]
            interval, method = tables.wilson(part, n), "Wilson"
        else:
            n, interval, method = counts.sum(), tables.percentiles(drawn[metric]), "bootstrap, percentile"
        note = UNDEFINED[metric] if undefined else None
        ends = None if undefined else interval
        claims.append(claim(metric, value, slice=at, role=role, n=n, interval=ends, method=method, note=note))
    return claims


def majority_claims(counts: Array, role: str) -> list[Claim]:
    """Return what always guessing the more frequent label reaches, and how far the model lies above it."""
    n = int(counts.sum())
    majority = counts.sum(axis=1).max() / n
    gain = (counts[0, 0] + counts[1, 1] - counts.sum(axis=1).max()) / n
    return [
        claim(
            "majority_class_accuracy", majority, role=role, n=n, note="accuracy of always guessing the frequent label"
        ),
        claim("accuracy_over_majority", gain, role=role, n=n, note="accuracy minus majority_class_accuracy"),
    ]


def score_claims(actual: Array, scores: Array, role: str) -> list[Claim]:
    """Return ROC AUC and, for scores that are probabilities, log loss and Brier score."""
    import numpy as np

    n = len(scores)
    area, half = roc_auc(actual, scores)
    note = UNDEFINED["roc_auc"] if np.isnan(area) else None
    ends = (max(area - half, 0.0), min(area + half, 1.0))
    claims = [claim("roc_auc", area, role=role, n=n, interval=ends, method="DeLong, normal", note=note)]
    if scores.min() < 0 or scores.max() > 1:
        return claims
    kind = scores.dtype if np.issubdtype(scores.dtype, np.floating) else np.float64
    tiny = np.finfo(kind).eps
    sure = np.clip(scores, tiny, 1 - tiny)
    losses = {
        "log_loss": -np.where(actual, np.log(sure), np.log(1 - sure)),
        "brier_score": (scores - actual) ** 2,
    }
    for metric, loss in losses.items():
        mean = float(loss.mean())
        half = tables.Z95 * float(loss.std()) / np.sqrt(n)
        ends = (max(mean - half, 0.0), mean + half)
        claims.append(claim(metric, mean, role=role, n=n, interval=ends, method="normal"))
    return claims


def roc_auc(actual: Array, scores: Array) -> tuple[float, float]:
    """Return the area under the ROC curve by ranks, and half its 95% interval; NaN for a single label.

    The variance is DeLong's, computed from mid-ranks (Sun and Xu, "Fast implementation of DeLong's
    algorithm", IEEE Signal Processing Letters, 2014).
    """
    import numpy as np

    n1, n0 = int(actual.sum()), int((~actual).sum())
    if not n1 or not n0:
        return float("nan"), float("nan")
    ranks = mid_ranks(scores)
    positives, negatives = ranks[actual], ranks[~actual]
    area = (positives.sum() - n1 * (n1 + 1) / 2) / (n1 * n0)
    beaten = (positives - mid_ranks(scores[actual])) / n0  # for each positive: share of negatives below it
    beating = 1 - (negatives - mid_ranks(scores[~actual])) / n1
    variance = (beaten.var(ddof=1) / n1 if n1 > 1 else 0.0) + (beating.var(ddof=1) / n0 if n0 > 1 else 0.0)
    return float(area), tables.Z95 * float(np.sqrt(variance))


def mid_ranks(values: Array) -> Array:
    """Return ranks from 1; equal values share the mean of their ranks."""
    import numpy as np

    order = np.argsort(values, kind="stable")
    sorted_ = values[order]
    starts = np.flatnonzero(np.r_[True, sorted_[1:] != sorted_[:-1]])
    ends = np.r_[starts[1:], len(values)]
    ranks = np.empty(len(values))
    ranks[order] = np.repeat((starts + 1 + ends) / 2, ends - starts)
    return ranks


def _slice_claims(counts: Array, groups: Groups, pool_under: int, role: str) -> list[Claim]:
    claims = []
    for g in range(len(groups.names)):
        claims += counted_claims(counts[g], BY_GROUP, groups.slice(g), role)
    if groups.left_out:
        hidden = dict.fromkeys(groups.columns, pooled_name(pool_under))
        claims.append(claim("accuracy", None, slice=hidden, role=role, note=LEFT_OUT))
    return claims


def _scores(data: Dataset) -> Array | None:
    import numpy as np

    if data.scores is None:
        return None
    scores = np.asarray(data.scores)
    if scores.ndim == 2 and scores.shape[1] == 1:
        scores = scores[:, 0]
    if (
        scores.shape != (len(data.frame),)
        or not np.issubdtype(scores.dtype, np.number)
        or not np.isfinite(scores).all()
    ):
        raise DataError(
            f"the scores are not one finite number for each of the {len(data.frame):,} rows",
            where=f"{data.role} data",
            next="pass the probability of the favourable label for each row",
        )
    return scores

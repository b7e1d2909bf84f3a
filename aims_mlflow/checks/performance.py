"""Performance: how often the model is right or how far off: overall, by group, at its worst, and against guesses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aims_mlflow.checks import tables
from aims_mlflow.checks.base import Dataset, Outcome, versions
from aims_mlflow.checks.claims import LEFT_OUT, claim, hold, reason_of
from aims_mlflow.checks.comparison import comparison_claims
from aims_mlflow.checks.errors_of_numbers import error_claims, group_error_claims
from aims_mlflow.checks.groups import Groups, group_rows, pooled_name
from aims_mlflow.checks.inputs import find_columns, resolve_favourable
from aims_mlflow.checks.labels import is_label
from aims_mlflow.checks.metrics import COUNTED
from aims_mlflow.checks.report import claims_page
from aims_mlflow.checks.scores import REPLICATES, SEED, calibration_claims, ranking_claims, score_table
from aims_mlflow.checks.several_labels import label_group_claims, label_performance, several_score_claims
from aims_mlflow.checks.slices import worst_slice
from aims_mlflow.checks.targets import classes, numbers, outcomes, scores_by_label, scores_of
from aims_mlflow.records.evidence import Claim, result_of

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    from aims_mlflow.records.pack import Pack

    Array = np.ndarray[Any, Any]
    # Claims of all rows, details, a value for each row (1 right, or the error), claims of one column's groups.
    Measured = tuple[list[Claim], dict[str, Any], Array, Callable[[Groups], list[Claim]]]

KIND = "performance"
BY_GROUP = ("accuracy", "precision", "recall", "f1")
WILSON = ("accuracy", "precision", "recall")
UNDEFINED = {
    "precision": "undefined: no row was predicted favourable",
    "recall": "undefined: no positives",
    "f1": "undefined: no positives, neither actual nor predicted",
    "balanced_accuracy": "undefined: all rows have the same label",
    "matthews_correlation": "undefined: all rows have the same label, actual or predicted",
}


def run(data: Dataset, pack: Pack, reference: Dataset | None = None) -> Outcome:  # noqa: ARG001
    """Measure predictions, and scores where there are any, against the labels or numbers.

    Raises:
        DataError: labels, predictions or scores do not fit.
    """
    settings, ran = pack.performance, tables.follow_replicates()
    measure = {"multiclass-classification": _several, "regression": _numbers}.get(data.task, _binary)
    whole = data
    data = data.part(tuple(dict.fromkeys((*data.sensitive_names, *settings.slices))), outcomes=True)
    claims, details, values, by_group = measure(data, whole)
    if data.sensitive is not None:
        for name in data.sensitive_names:
            groups = group_rows(data.sensitive, (name,), settings.pool_under, data.weights)
            claims += by_group(groups) + _left_out(groups, settings.pool_under, data)
    declared = find_columns(data, dict.fromkeys((*data.sensitive_names, *settings.slices)), "slice column")
    least = max(settings.worst_slice_rows, settings.pool_under)
    errors = data.task == "regression"
    claims += worst_slice(values, declared, least, data.role, data.weights, errors=errors)
    claims += comparison_claims(data, values)
    claims = hold(claims, settings.limits, role=data.role, min_n=settings.min_n)
    return Outcome(
        kind=KIND,
        result=result_of(claims),
        reason=reason_of(claims),
        claims=tuple(claims),
        controls=settings.controls,
        details={
            "target": data.target,
            "favourable": data.favourable,
            "task": data.task,
            "threshold": whole.threshold,
            "rows": whole.rows,
            "scores": whole.scores is not None,
            "slices": list(declared),
            "bootstrap": tables.bootstrap_details(ran, REPLICATES, SEED),
            **({"in_bins": list(data.binned)} if data.binned else {}),
            **details,
        },
        reports={"performance.html": claims_page("Performance", claims)},
        tools=versions("numpy", "pandas"),
    )


def _binary(data: Dataset, whole: Dataset) -> Measured:
    actual, predicted = outcomes(data)
    counts = tables.contingency(actual, predicted, (actual * 0).astype(int), 1, data.weights)[0]
    claims = counted_claims(counts, COUNTED, {}, data.role) + majority_claims(counts.sum(axis=1), counts, data.role)
    ranked = whole.part(scores=True)
    scores = scores_of(ranked)
    if scores is not None:
        truth = actual if ranked is data else is_label(ranked.frame[ranked.target], resolve_favourable(ranked))
        table = score_table(truth, scores, ranked.weights, ranked.scores_method)
        claims += ranking_claims(table, data.role)
        claims += calibration_claims(table, data.role) if table.probable else []

    def by_group(groups: Groups) -> list[Claim]:
        found = tables.contingency(actual, predicted, groups.codes, len(groups.names), data.weights)
        return [
            c for g in range(len(groups.names)) for c in counted_claims(found[g], BY_GROUP, groups.slice(g), data.role)
        ]

    details = {
        "counts": counts.tolist(),
        "cells": "[[true negatives, false positives], [false negatives, true positives]]",
    }
    return claims, details, (actual == predicted).astype(float), by_group


def _several(data: Dataset, whole: Dataset) -> Measured:  # noqa: ARG001
    found = classes(data)
    counts = tables.contingency(
        found.actual, found.predicted, found.actual * 0, 1, data.weights, labels=len(found.names)
    )[0]
    claims = label_performance(counts, found.names, data.role) + majority_claims(counts.sum(axis=1), counts, data.role)
    scores = scores_by_label(data, found.names)
    if scores is not None:
        claims += several_score_claims(found.actual, scores, data.role)

    def by_group(groups: Groups) -> list[Claim]:
        return label_group_claims(found, groups, data.weights, data.role)

    # Cells of a rare label are a handful of people, so only the totals are kept.
    details = {"labels": list(found.names)}
    return claims, details, (found.actual == found.predicted).astype(float), by_group


def _numbers(data: Dataset, whole: Dataset) -> Measured:  # noqa: ARG001
    import numpy as np

    actual, predicted = numbers(data)

    def by_group(groups: Groups) -> list[Claim]:
        return group_error_claims(actual, predicted, groups, data.weights, data.role)

    return error_claims(actual, predicted, data.weights, data.role), {}, np.abs(predicted - actual), by_group


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


def majority_claims(actual: Array, counts: Array, role: str) -> list[Claim]:
    """Return what always guessing the most frequent label reaches, and how far the model lies above it.

    Args:
        actual: How many rows have each label, shape (labels,).
        counts: Shape (labels, labels): [actual, predicted].
        role: Role of the data.
    """
    n = int(counts.sum())
    gain = (counts.trace() - actual.max()) / n
    return [
        claim(
            "majority_class_accuracy",
            actual.max() / n,
            role=role,
            n=n,
            note="accuracy of always guessing the frequent label",
        ),
        claim("accuracy_over_majority", gain, role=role, n=n, note="accuracy minus majority_class_accuracy"),
    ]


def _left_out(groups: Groups, pool_under: int, data: Dataset) -> list[Claim]:
    if not groups.left_out:
        return []
    hidden = dict.fromkeys(groups.columns, pooled_name(pool_under))
    metric = "mean_absolute_error" if data.task == "regression" else "accuracy"
    return [claim(metric, None, slice=hidden, role=data.role, note=LEFT_OUT)]

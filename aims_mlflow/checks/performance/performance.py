"""Performance check: right labels or errors, overall, by group, in the worst slice, and against simple guesses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aims_mlflow.checks.claims import LEFT_OUT, claim, hold, reason_of
from aims_mlflow.checks.metrics import BASELINE, COUNTED, RANKED
from aims_mlflow.checks.outcome import Outcome, versions
from aims_mlflow.checks.pages.report import claims_page
from aims_mlflow.checks.performance.comparison import comparison_claims
from aims_mlflow.checks.performance.number_errors import error_claims, group_error_claims
from aims_mlflow.checks.performance.several_labels import label_group_claims, label_performance, several_score_claims
from aims_mlflow.checks.performance.slices import worst_slice
from aims_mlflow.checks.statistics import count_tables
from aims_mlflow.checks.statistics.calibration import calibration_claims
from aims_mlflow.checks.statistics.groups import Groups, group_rows, pooled_name
from aims_mlflow.checks.statistics.labels import is_label
from aims_mlflow.checks.statistics.means_of_rates import EXACT_F1, MOVER, f1_interval, mean_interval
from aims_mlflow.checks.statistics.scores import (
    REPLICATES,
    SEED,
    lift_claim,
    ranking_claims,
    score_table,
    score_tables,
)
from aims_mlflow.checks.tables.targets import classes, numbers, outcomes, scores_by_label, scores_of
from aims_mlflow.checks.tables.validation import find_columns, resolve_favourable
from aims_mlflow.errors import DataError
from aims_mlflow.records.details.checks import PerformanceDetails
from aims_mlflow.records.evidence import Claim, result_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np

    from aims_mlflow.checks.tables.dataset import Dataset
    from aims_mlflow.checks.tables.in_memory import InMemoryTable
    from aims_mlflow.records.pack import Pack, Performance

    Array = np.ndarray[Any, Any]
    # Claims of all rows, details, a value for each row (1 right, or the error), claims of one column's groups.
    Measured = tuple[list[Claim], PerformanceDetails, Array, Callable[[Groups], list[Claim]]]

KIND = "performance"
BY_GROUP = ("accuracy", "precision", "recall", "f1")
SHARES = ("accuracy", "precision", "recall")
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
    settings = pack.performance
    sliced = tuple(dict.fromkeys((*data.sensitive_names, *settings.slices)))
    part = data.part(sliced, outcomes=True)
    with count_tables.replicates_followed() as ran:
        claims, details = _measured(part, data, sliced, settings)
    claims = hold(claims, settings.limits, role=data.role, min_n=settings.min_n)
    return Outcome(
        kind=KIND,
        result=result_of(claims),
        reason=reason_of(claims),
        claims=tuple(claims),
        controls=settings.controls,
        details=PerformanceDetails(
            target=data.task.target,
            favourable=data.task.favourable,
            task=data.task.kind,
            threshold=data.task.threshold,
            rows=data.rows,
            scores=data.has_scores,
            slices=list(sliced),
            bootstrap=count_tables.bootstrap_details(ran, REPLICATES, SEED),
            in_bins=list(part.binned) or None,
            labels=details.labels,
            counts=details.counts,
            cells=details.cells,
        ),
        reports={"performance.html": claims_page("Performance", claims)},
        tools=versions("numpy", "pandas"),
    )


def _measured(
    part: InMemoryTable, whole: Dataset, sliced: tuple[str, ...], settings: Performance
) -> tuple[list[Claim], PerformanceDetails]:
    """Return the claims of all rows, of each group, of the worst slice and against the incumbent, and the details."""
    measure = {"multiclass-classification": _several, "regression": _numbers}.get(part.task.kind, _binary)
    claims, details, values, by_group = measure(part, whole, settings.pool_under)
    declared = find_columns(part, sliced, "performance.slices")
    shown = {
        name: group_rows(column.to_frame(name), (name,), settings.pool_under, part.weights)
        for name, column in declared.items()
    }
    for groups in shown.values():
        claims += by_group(groups) + _left_out(groups, settings.pool_under, part)
    least, errors = max(settings.worst_slice_rows, settings.pool_under), part.task.kind == "regression"
    claims += worst_slice(values, declared, shown, least, part.role, part.weights, errors=errors)
    return claims + comparison_claims(part, values), details


def _binary(data: InMemoryTable, whole: Dataset, pool_under: int) -> Measured:
    import numpy as np

    actual, predicted = outcomes(data)
    counts = count_tables.contingency(actual, predicted, (actual * 0).astype(int), 1, weights=data.weights)[0]
    claims = counted_claims(counts, COUNTED, {}, data.role) + majority_claims(counts, data.role)
    ranked = whole.part(scores=True)
    scores = scores_of(ranked)
    if scores is not None:
        truth = actual if ranked is data else is_label(ranked.frame[ranked.task.target], resolve_favourable(ranked))
        order = np.argsort(scores, kind="stable")
        table = score_table(truth, scores, ranked.weights, _binning(ranked), order)
        claims += [*ranking_claims(table, data.role), lift_claim(table, data.role)]
        claims += calibration_claims(table, data.role) if table.probable else []

    def by_group(groups: Groups) -> list[Claim]:
        group_counts = count_tables.contingency(
            actual, predicted, groups.codes, len(groups.names), weights=data.weights
        )
        counted = [
            c
            for g in range(len(groups.names))
            for c in (
                *counted_claims(group_counts[g], BY_GROUP, groups.slice(g), data.role),
                *majority_claims(group_counts[g], data.role, groups.slice(g)),
            )
        ]
        if scores is None:
            return counted
        return counted + _scored_groups(groups, data, whole, pool_under, (truth, order) if ranked is data else None)

    details = PerformanceDetails(
        counts=counts.tolist(), cells="[[true negatives, false positives], [false negatives, true positives]]"
    )
    return claims, details, (actual == predicted).astype(float), by_group


def _scored_groups(
    groups: Groups, data: Dataset, whole: Dataset, pool_under: int, known: tuple[Array, Array] | None
) -> list[Claim]:
    """Return ranking and calibration of each group's scores; `known`: is each row's label favourable, rows by score."""
    import pandas as pd

    try:
        part = whole.part(groups.columns, scores=True)
    except DataError as exc:  # too many combinations of groups and scores for an engine's count table
        note = f"not evaluated: {exc.what}"
        return [claim(metric, None, slice=groups.all, role=data.role, note=note) for metric in RANKED[:2]]
    if part is not data:  # an engine's count table of other columns, and so with other rows
        columns = pd.DataFrame(find_columns(part, groups.columns, "performance.slices"))
        groups = group_rows(columns, groups.columns, pool_under, part.weights)
    scores = scores_of(part)
    if scores is None:
        return []
    truth, order = known or (is_label(part.frame[part.task.target], resolve_favourable(part)), None)
    size, method = len(groups.names), _binning(part)
    tables = score_tables(truth, scores, groups.codes, size, weights=part.weights, method=method, order=order)
    probable = all(table.probable for table in tables)
    claims: list[Claim] = []
    for g, table in enumerate(tables):
        claims += ranking_claims(table, part.role, groups.slice(g))
        claims += calibration_claims(table, part.role, groups.slice(g)) if probable else []
    return claims


def _binning(part: InMemoryTable) -> str:
    """Return how an engine put the scores into bins; empty where it did not."""
    return "" if part.predictions is None else part.predictions.scores_method


def _several(data: InMemoryTable, whole: Dataset, pool_under: int) -> Measured:  # noqa: ARG001
    labels = classes(data)
    counts = count_tables.contingency(
        labels.actual, labels.predicted, labels.actual * 0, 1, weights=data.weights, labels=len(labels.names)
    )[0]
    claims = label_performance(counts, labels.names, data.role) + majority_claims(counts, data.role)
    scores = scores_by_label(data, labels.names)
    if scores is not None:
        claims += several_score_claims(labels.actual, scores, data.role)

    def by_group(groups: Groups) -> list[Claim]:
        size = len(groups.names)
        claims = label_group_claims(labels, groups, data.weights, data.role)
        by_label = count_tables.contingency(
            labels.actual, labels.predicted, groups.codes, size, weights=data.weights, labels=len(labels.names)
        )
        claims += [c for g in range(size) for c in majority_claims(by_label[g], data.role, groups.slice(g))]
        if scores is not None:
            for g in range(size):
                rows = groups.codes == g
                claims += several_score_claims(labels.actual[rows], scores[rows], data.role, groups.slice(g))
        return claims

    # Cells of a rare label are a handful of people, so only the totals are kept.
    details = PerformanceDetails(labels=list(labels.names))
    return claims, details, (labels.actual == labels.predicted).astype(float), by_group


def _numbers(data: InMemoryTable, whole: Dataset, pool_under: int) -> Measured:  # noqa: ARG001
    import numpy as np

    actual, predicted = numbers(data)

    def by_group(groups: Groups) -> list[Claim]:
        return group_error_claims(actual, predicted, groups, data.weights, data.role)

    claims = error_claims(actual, predicted, data.weights, data.role)
    return claims, PerformanceDetails(), np.abs(predicted - actual), by_group


def counted_claims(counts: Array, metrics: tuple[str, ...], at: dict[str, str], role: str) -> list[Claim]:
    """Return claims that follow from one 2 x 2 table (shape (2, 2): [actual, predicted])."""
    rates, fractions = count_tables.rates(counts), count_tables.fractions(counts)
    claims = []
    for metric in metrics:
        value, undefined = float(rates[metric]), bool(rates[metric] != rates[metric])
        n = fractions[metric][1] if metric in SHARES else counts.sum()
        interval, method = _counted_interval(counts, metric)
        note = UNDEFINED[metric] if undefined else None
        ends = None if undefined else interval
        claims.append(claim(metric, value, slice=at, role=role, n=n, interval=ends, method=method, note=note))
    return claims


def _counted_interval(counts: Array, metric: str) -> tuple[tuple[Array, Array], str]:
    """Return the interval of a metric of a 2 x 2 table, and its method."""
    if metric in SHARES:
        return count_tables.exact_interval(*count_tables.fractions(counts)[metric]), count_tables.EXACT
    if metric == "balanced_accuracy":
        return mean_interval(counts.diagonal(), counts.sum(axis=1)), MOVER
    if metric == "f1":
        return f1_interval(counts[1, 1], counts[0, 1] + counts[1, 0]), EXACT_F1
    drawn = count_tables.rates(count_tables.resample(counts, REPLICATES, SEED))
    return count_tables.percentiles(drawn[metric]), "bootstrap range, percentile"


def majority_claims(counts: Array, role: str, at: Mapping[str, str] | None = None) -> list[Claim]:
    """Return what always guessing the most frequent label reaches, and how far the model lies above it.

    Args:
        counts: Shape (labels, labels): [actual, predicted].
        role: Role of the data.
        at: The group that these rows are, whose own frequent label is guessed; all rows by default.
    """
    import numpy as np

    if not counts.sum():
        return []

    # What is needed of the table, and of each table drawn like it: how many rows of a label are right and wrong.
    hits = counts.diagonal()
    kept = np.stack([hits, counts.sum(axis=1) - hits], axis=-1)
    values, drawn = _over_majority(kept), _over_majority(count_tables.resample(kept, REPLICATES, SEED))
    notes = ("accuracy of always guessing the frequent label", "accuracy minus majority_class_accuracy")
    return [
        claim(
            metric,
            values[i],
            slice=at,
            role=role,
            n=int(counts.sum()),
            interval=count_tables.percentiles(drawn[i]),
            method="bootstrap range, percentile",
            note=notes[i],
        )
        for i, metric in enumerate(BASELINE)
    ]


def _over_majority(kept: Array) -> tuple[Array, Array]:
    """Return the share of the most frequent label and the accuracy above it; shape (..., labels, 2): [right, wrong]."""
    n = kept.sum(axis=(-1, -2))
    frequent = kept.sum(axis=-1).max(axis=-1)
    return frequent / n, (kept[..., 0].sum(axis=-1) - frequent) / n


def _left_out(groups: Groups, pool_under: int, data: Dataset) -> list[Claim]:
    if not groups.left_out:
        return []
    hidden = dict.fromkeys(groups.columns, pooled_name(pool_under))
    metric = "mean_absolute_error" if data.task.kind == "regression" else "accuracy"
    return [claim(metric, None, slice=hidden, role=data.role, note=LEFT_OUT)]

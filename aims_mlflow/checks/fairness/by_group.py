"""Measures of fairness by group for each task: selections and right labels from counts, errors from sums."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from aims_mlflow.checks.claims import claim
from aims_mlflow.checks.fairness.comparisons import (
    HIDDEN,
    Comparison,
    Estimates,
    comparison,
    difference_claims,
    ratio_claims,
    share_claims,
    without_comparison,
)
from aims_mlflow.checks.fairness.selection import BOOTSTRAP, SEED, described, selection_claims
from aims_mlflow.checks.metrics import ERROR_RATIO, LABELS_BETWEEN, NUMBERS_BETWEEN
from aims_mlflow.checks.statistics import count_tables
from aims_mlflow.checks.statistics.moments import Moments, group_moments
from aims_mlflow.checks.statistics.score_intervals import difference_interval, mean_intervals, simultaneous_z
from aims_mlflow.checks.tables.targets import Classes, classes, numbers, selections

if TYPE_CHECKING:
    import numpy as np

    from aims_mlflow.checks.statistics.groups import Groups
    from aims_mlflow.checks.tables.in_memory import InMemoryTable
    from aims_mlflow.records.evidence import Claim
    from aims_mlflow.records.pack import Fairness

    Array = np.ndarray[Any, Any]

# From groups to claims, details for the record, and the count table that Fairlearn confirms.
Measure = Callable[["Groups"], "tuple[list[Claim], dict[str, Any], Array | None]"]
STUDENT = "approximate range, Student's t"
WELCH = "approximate range, Welch's t"
WELCH_OF_LOGARITHMS = "approximate range, Welch's t of logarithms"
NORMAL_DRAWS = "bootstrap range of group means, normal"


def measures_of(data: InMemoryTable, settings: Fairness) -> list[Measure]:
    """Return what is measured of `data`, by its task.

    Raises:
        DataError: labels and predictions do not fit.
    """
    measures: list[Measure] = []
    if data.task.kind == "multiclass-classification":
        measures.append(_labels(data, classes(data), settings))
    if data.task.kind == "regression":
        measures.append(_numbers(data, *numbers(data), settings))
    chosen = selections(data)
    if chosen is not None:
        measures.append(_selection(data, *chosen, settings))
    return measures


def _selection(data: InMemoryTable, actual: Array, predicted: Array, settings: Fairness) -> Measure:
    def measure(groups: Groups) -> tuple[list[Claim], dict[str, Any], Array | None]:
        counts = count_tables.contingency(actual, predicted, groups.codes, len(groups.names), weights=data.weights)
        compared = comparison(groups, counts.sum(axis=(1, 2)), settings, data.role)
        claims = selection_claims(counts, compared, settings.bootstrap)
        return claims, described(counts, compared), counts

    return measure


def _labels(data: InMemoryTable, labels: Classes, settings: Fairness) -> Measure:
    def measure(groups: Groups) -> tuple[list[Claim], dict[str, Any], Array | None]:
        size = len(labels.names)
        counts = count_tables.contingency(
            labels.actual, labels.predicted, groups.codes, len(groups.names), weights=data.weights, labels=size
        )
        counted = {
            "columns": list(groups.columns),
            "labels": list(labels.names),
            "predicted_by_group": [
                {"slice": groups.slice(g), "n": int(counts[g].sum()), "right": int(counts[g].trace())}
                for g in range(len(groups.names))
            ],
        }
        if (counts.sum(axis=1) < HIDDEN).any():
            counted["small"] = True
        compared = comparison(groups, counts.sum(axis=(1, 2)), settings, data.role)
        return label_claims(counts, labels.names, compared, settings.bootstrap), counted, None

    return measure


def label_claims(counts: Array, labels: tuple[str, ...], compared: Comparison, bootstrap: int) -> list[Claim]:
    """Return how often each group's labels are right, and how unequally labels are given out.

    Args:
        counts: Shape (groups, labels, labels): [group, actual, predicted].
        labels: Their names.
        compared: The groups and their reference.
        bootstrap: Replicates behind the ranges of the descriptions; 0 for none.
    """
    import numpy as np

    groups, role = compared.groups, compared.role
    sizes, right, given = counts.sum(axis=(1, 2)), counts.trace(axis1=1, axis2=2), counts.sum(axis=1)
    low, high = count_tables.exact_interval(right, sizes)
    claims = [
        claim(
            "accuracy",
            right[g] / sizes[g],
            slice=groups.slice(g),
            role=role,
            n=sizes[g],
            interval=(low[g], high[g]),
            method=count_tables.EXACT,
        )
        for g in range(len(groups.names))
    ]
    claims += share_claims(("accuracy",), right[None], sizes[None], compared) + _share_differences(
        given, sizes, labels, compared
    )
    if len(groups.names) < 2:
        return claims + [claim(m, None, slice=groups.all, role=role, note=compared.why_not) for m in LABELS_BETWEEN]
    values, draws = _label_spreads(right, given, sizes), {}
    if bootstrap:
        # What is needed of each group's table: how often each label is given, rightly and wrongly.
        hits = counts.diagonal(axis1=1, axis2=2)
        drawn = count_tables.resample(np.stack([hits, given - hits], axis=-1), bootstrap, SEED)
        draws = _label_spreads(drawn[..., 0].sum(axis=-1), drawn.sum(axis=-1), drawn.sum(axis=(-1, -2)))
    for metric in LABELS_BETWEEN:
        ends = count_tables.percentiles(draws[metric]) if metric in draws else None
        value, n, note = float(values[metric]), compared.least, None
        if metric == "label_share_difference":
            note = f"largest for the label {_widest(counts, sizes, labels)!r}, among {len(labels)} labels"
        claims.append(
            claim(metric, value, slice=groups.all, role=role, n=n, interval=ends, method=BOOTSTRAP, note=note)
        )
    return claims


def _share_differences(given: Array, sizes: Array, labels: tuple[str, ...], compared: Comparison) -> list[Claim]:
    """Return for each group the label whose share differs most from the reference group's."""
    import numpy as np

    metric, base = "label_share_difference", compared.reference
    if base is None:
        return without_comparison((metric,), compared)
    hits, n = given.astype(float), np.broadcast_to(sizes[:, None].astype(float), given.shape)
    apart = count_tables.divide(hits, n) - count_tables.divide(hits[base], n[base])
    # Any label could have been the one that differs most: the intervals hold for all of them.
    ends = difference_interval(hits, n, hits[base], n[base], simultaneous_z(len(compared.others) * len(labels)))
    most = np.abs(apart).argmax(axis=1)
    rows = np.arange(len(most))
    how = f"{compared.method('score')}, {len(labels)} labels"
    value, low, high = (part[rows, most] for part in (apart, *ends))
    widest = Estimates(value, low, high, sizes, how)
    notes = {g: f"label {labels[most[g]][:40]!r}, its share " for g in compared.others}
    return difference_claims(metric, widest, compared, notes)


def _label_spreads(right: Array, given: Array, sizes: Array) -> dict[str, Array]:
    """Return the differences between groups; shapes (..., groups), (..., groups, labels), (..., groups)."""
    import numpy as np

    difference, ratio = count_tables.spread(count_tables.divide(right, sizes))
    shares = count_tables.divide(given, np.broadcast_to(sizes[..., None], given.shape))
    widest, _ = count_tables.spread(np.moveaxis(shares, -1, -2))
    return {
        "accuracy_difference": difference,
        "accuracy_ratio": ratio,
        "label_share_difference": np.nanmax(widest, axis=-1),
    }


def _widest(counts: Array, sizes: Array, labels: tuple[str, ...]) -> str:
    shares = counts.sum(axis=1) / sizes[:, None]
    return labels[int((shares.max(axis=0) - shares.min(axis=0)).argmax())][:40]


def _numbers(data: InMemoryTable, actual: Array, predicted: Array, settings: Fairness) -> Measure:
    import numpy as np

    errors = predicted - actual
    values = {
        "mean_prediction": predicted,
        "mean_error": errors,
        "mean_absolute_error": np.abs(errors),
        "mean_squared_error": errors**2,
    }

    def measure(groups: Groups) -> tuple[list[Claim], dict[str, Any], Array | None]:
        moments = group_moments(values, groups.codes, len(groups.names), data.weights)
        counted = {
            "columns": list(groups.columns),
            "errors_by_group": [
                {"slice": groups.slice(g), "n": int(moments["mean_error"].n[g])} for g in range(len(groups.names))
            ],
        }
        compared = comparison(groups, moments["mean_error"].n, settings, data.role)
        return number_claims(moments, compared, settings.bootstrap), counted, None

    return measure


def number_claims(moments: dict[str, Moments], compared: Comparison, bootstrap: int) -> list[Claim]:
    """Return predictions and errors of each group (predicted minus actual), and their differences between groups.

    Args:
        moments: Of predictions, errors, absolute and squared errors, each by group.
        compared: The groups and their reference.
        bootstrap: Replicates behind the ranges of the descriptions; 0 for none.
    """
    import numpy as np

    claims, groups, role = [], compared.groups, compared.role
    for g in range(len(groups.names)):
        for metric, by_groups in moments.items():
            low, value, high = (float(part[g]) for part in by_groups.interval())
            name = metric
            if metric == "mean_squared_error":
                name = "root_mean_squared_error"
                low, value, high = (float(np.sqrt(max(part, 0.0))) for part in (low, value, high))
            elif metric == "mean_absolute_error":
                low = max(low, 0.0)
            at, n = groups.slice(g), by_groups.n[g]
            claims.append(claim(name, value, slice=at, role=role, n=n, interval=(low, high), method=STUDENT))
    for metric in NUMBERS_BETWEEN:
        source, _, which = metric.rpartition("_")
        claims += _mean_differences(metric, moments[source], compared) if which == "difference" else []
        ends = apart = None
        if len(groups.names) > 1:
            apart = float(count_tables.spread(moments[source].mean)[which == "ratio"])
        if bootstrap and apart is not None:
            drawn = moments[source].draw(bootstrap, SEED)
            ends = count_tables.percentiles(count_tables.spread(drawn)[which == "ratio"])
        n, note = compared.least, compared.why_not if apart is None else None
        claims.append(
            claim(metric, apart, slice=groups.all, role=role, n=n, interval=ends, method=NORMAL_DRAWS, note=note)
        )
    return claims + _error_ratios(moments["mean_absolute_error"], compared)


def _mean_differences(metric: str, moments: Moments, compared: Comparison) -> list[Claim]:
    """Return the difference of each group's mean from that of the reference group."""
    base = compared.reference
    if base is None:
        return without_comparison((metric,), compared)
    apart, _ = mean_intervals(moments, moments.of(base), len(compared.others))
    means, n = moments.mean, moments.n
    return difference_claims(metric, Estimates(means - means[base], *apart, n, compared.method(WELCH)), compared)


def _error_ratios(moments: Moments, compared: Comparison) -> list[Claim]:
    """Return the reference group's mean absolute error over each group's own; under 1 the group's is larger."""
    base = compared.reference
    if base is None:
        return without_comparison((ERROR_RATIO,), compared)
    _, ratios = mean_intervals(moments, moments.of(base), len(compared.others))
    means, how = moments.mean, compared.method(WELCH_OF_LOGARITHMS)
    own = Estimates(count_tables.divide(means, means[base]), *ratios, moments.n, how)
    served = replace(own.inverted(count_tables.divide(means[base], means)), divisor="the error of this group")
    return ratio_claims(ERROR_RATIO, served, own, compared, better="whose error is most clearly smaller")

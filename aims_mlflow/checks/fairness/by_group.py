"""Measures of fairness by group for each task: selections and right labels from counts, errors from sums."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from aims_mlflow.checks.claims import claim
from aims_mlflow.checks.fairness.selection import BOOTSTRAP, SEED, alone_in, described, selection_claims
from aims_mlflow.checks.metrics import NUMBERS_BETWEEN
from aims_mlflow.checks.statistics import count_tables
from aims_mlflow.checks.statistics.moments import Moments, group_moments
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
NORMAL = "normal"
NORMAL_DRAWS = "bootstrap of group means, normal"


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
        return selection_claims(counts, groups, settings, data.role), described(counts, groups), counts

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
        return label_claims(counts, labels.names, groups, settings, data.role), counted, None

    return measure


def label_claims(counts: Array, labels: tuple[str, ...], groups: Groups, settings: Fairness, role: str) -> list[Claim]:
    """Return how often each group's labels are right, and how unequally labels are given out.

    Args:
        counts: Shape (groups, labels, labels): [group, actual, predicted].
        labels: Their names.
        groups: The groups, with their names.
        settings: Pooling and bootstrap of the pack.
        role: Role of the data.
    """
    import numpy as np

    sizes = counts.sum(axis=(1, 2))
    right = counts.trace(axis1=1, axis2=2)
    low, high = count_tables.wilson(right, sizes)
    claims = [
        claim(
            "accuracy",
            right[g] / sizes[g],
            slice=groups.slice(g),
            role=role,
            n=sizes[g],
            interval=(low[g], high[g]),
            method="Wilson",
        )
        for g in range(len(groups.names))
    ]
    alone, n = alone_in(groups, settings.pool_under), int(sizes.sum())
    values = {} if alone else _label_spreads(right, counts.sum(axis=1), sizes)
    draws: dict[str, Array] = {}
    if values and settings.bootstrap:
        # What is needed of each group's table: how often each label is given, rightly and wrongly.
        hits = counts.diagonal(axis1=1, axis2=2)
        drawn = count_tables.resample(np.stack([hits, counts.sum(axis=1) - hits], axis=-1), settings.bootstrap, SEED)
        draws = _label_spreads(drawn[..., 0].sum(axis=-1), drawn.sum(axis=-1), drawn.sum(axis=(-1, -2)))
    for metric in ("accuracy_difference", "accuracy_ratio", "label_share_difference"):
        value = None if alone else float(values[metric])
        ends = count_tables.percentiles(draws[metric]) if metric in draws else None
        note = alone
        if metric == "label_share_difference" and not alone:
            note = f"largest for the label {_widest(counts, sizes, labels)!r}, among {len(labels)} labels"
        claims.append(
            claim(metric, value, slice=groups.all, role=role, n=n, interval=ends, method=BOOTSTRAP, note=note)
        )
    return claims


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
        return number_claims(moments, groups, settings, data.role), counted, None

    return measure


def number_claims(moments: dict[str, Moments], groups: Groups, settings: Fairness, role: str) -> list[Claim]:
    """Return predictions and errors of each group (predicted minus actual), and their differences between groups.

    Args:
        moments: Of predictions, errors, absolute and squared errors, each by group.
        groups: The groups, with their names.
        settings: Pooling and bootstrap of the pack.
        role: Role of the data.
    """
    import numpy as np

    claims = []
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
            claims.append(claim(name, value, slice=at, role=role, n=n, interval=(low, high), method=NORMAL))
    alone, n = alone_in(groups, settings.pool_under), int(moments["mean_error"].n.sum())
    for metric in NUMBERS_BETWEEN:
        source, _, which = metric.rpartition("_")
        apart = None if alone else float(count_tables.spread(moments[source].mean)[which == "ratio"])
        ends = None
        if settings.bootstrap and not alone:
            drawn = moments[source].draw(settings.bootstrap, SEED)
            ends = count_tables.percentiles(count_tables.spread(drawn)[which == "ratio"])
        claims.append(
            claim(metric, apart, slice=groups.all, role=role, n=n, interval=ends, method=NORMAL_DRAWS, note=alone)
        )
    return claims

"""Labels of each group: the rate of the favourable one, the share of each of several, or the mean number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aims_mlflow.checks.claims import claim
from aims_mlflow.checks.fairness.by_group import NORMAL_DRAWS, STUDENT, WELCH
from aims_mlflow.checks.fairness.comparisons import Estimates, difference_claims, without_comparison
from aims_mlflow.checks.representation.group_rates import SEED
from aims_mlflow.checks.statistics import count_tables
from aims_mlflow.checks.statistics.labels import distinct_labels, is_label, labels_of, short_name
from aims_mlflow.checks.statistics.moments import group_moments
from aims_mlflow.checks.statistics.score_intervals import mean_intervals

if TYPE_CHECKING:
    import numpy as np

    from aims_mlflow.checks.representation.group_rates import GroupRates
    from aims_mlflow.checks.representation.grouping import Grouping
    from aims_mlflow.checks.tables.dataset import Dataset
    from aims_mlflow.checks.tables.in_memory import InMemoryTable
    from aims_mlflow.records.evidence import Claim
    from aims_mlflow.records.pack import Representativeness

    Array = np.ndarray[Any, Any]

MAX_LABELS = 50  # the most frequent ones; a table of more says nothing to a reader


def target_claims(grouped: Grouping, data: Dataset, settings: Representativeness) -> list[Claim]:
    """Return how often each group has the favourable label, or each of several (numbers: its mean).

    Rows without a label are left out.
    """
    if data.task.target is None or (data.task.kind == "binary-classification" and data.task.favourable is None):
        return []
    part, groups = grouped.with_(data.task.target)
    if data.task.kind == "multiclass-classification":
        return _each_label(part, grouped.rates(groups), data, settings) + _favourable(part, grouped.rates(groups), data)
    if data.task.kind == "regression":
        return _numbers(part, grouped.rates(groups), data, settings)
    return _favourable(part, grouped.rates(groups), data)


def _favourable(part: InMemoryTable, rates: GroupRates, data: Dataset) -> list[Claim]:
    if data.task.favourable is None:
        return []
    labels = labels_of(part.frame[data.task.target])
    there, good = labels.codes >= 0, is_label(labels, data.task.favourable)
    groups = rates.groups
    counts = count_tables.contingency(
        (~there).astype(int), good, _only(groups.codes, there), len(groups.names), weights=part.weights
    )
    return rates.claims("favourable_label_rate", counts[:, 0, 1], counts[:, 0].sum(axis=1))


def _each_label(part: InMemoryTable, rates: GroupRates, data: Dataset, settings: Representativeness) -> list[Claim]:
    """Return each label's share by group; of labels with too few rows to show, nothing."""
    import numpy as np

    labels = labels_of(part.frame[data.task.target])
    texts = distinct_labels(labels)
    names, own = list(texts.values()), labels.placed({key: i for i, key in enumerate(texts)})
    groups = rates.groups
    counts = count_tables.crossed(groups.codes, len(groups.names), own, len(names), part.weights)
    total = counts.sum(axis=0)
    shown = [i for i in np.argsort(-total, kind="stable")[:MAX_LABELS] if total[i] >= settings.pool_under]
    sizes, tests = counts.sum(axis=1), len(shown)
    return [
        share
        for i in sorted(shown)
        for share in rates.claims("label_share", counts[:, i], sizes, more={"label": short_name(names[i])}, tests=tests)
    ]


def _numbers(part: InMemoryTable, rates: GroupRates, data: Dataset, settings: Representativeness) -> list[Claim]:
    import numpy as np

    column, groups, metric = part.frame[data.task.target], rates.groups, "mean_target_difference"
    numbers = column.to_numpy(dtype=float, na_value=np.nan)
    codes = _only(groups.codes, np.isfinite(numbers))
    moments = group_moments({"target": np.nan_to_num(numbers)}, codes, len(groups.names), part.weights)["target"]
    low, mean, high = moments.interval()
    claims = [
        claim(
            "mean_target",
            mean[g],
            slice=groups.slice(g),
            role=data.role,
            n=moments.n[g],
            interval=(low[g], high[g]),
            method=STUDENT,
        )
        for g in range(len(groups.names))
        if moments.n[g]
    ]
    compared = rates.compared(moments.n, {})
    if compared.reference is None:
        claims += without_comparison((metric,), compared)
    else:
        base = moments.of(compared.reference)
        ends, _ = mean_intervals(moments, base, len(compared.others))
        apart = Estimates(mean - base.mean, *ends, moments.n, compared.method(WELCH))
        claims += difference_claims(metric, apart, compared)
    drawn = moments.draw(settings.bootstrap, SEED) if settings.bootstrap else None
    around = None if drawn is None else count_tables.percentiles(count_tables.spread(drawn)[0])
    widest, n = count_tables.spread(mean)[0], compared.least
    extremes = claim(metric, widest, slice=groups.all, role=data.role, n=n, interval=around, method=NORMAL_DRAWS)
    return [*claims, extremes]


def _only(codes: Array, kept: Array) -> Array:
    import numpy as np

    masked: Array = np.where(kept, codes, -1)
    return masked

"""Labels of each group: the rate of the favourable one, the share of each of several, or the mean number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aims_mlflow.checks.claims import claim
from aims_mlflow.checks.representation.group_rates import SEED, rate_claims
from aims_mlflow.checks.statistics import count_tables
from aims_mlflow.checks.statistics.labels import distinct_labels, is_label, labels_of, short_name
from aims_mlflow.checks.statistics.moments import group_moments

if TYPE_CHECKING:
    import numpy as np

    from aims_mlflow.checks.representation.grouping import Grouping
    from aims_mlflow.checks.statistics.groups import Groups
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
        return _each_label(part, groups, data, settings) + _favourable(part, groups, data, settings)
    if data.task.kind == "regression":
        return _numbers(part, groups, data, settings)
    return _favourable(part, groups, data, settings)


def _favourable(part: InMemoryTable, groups: Groups, data: Dataset, settings: Representativeness) -> list[Claim]:
    if data.task.favourable is None:
        return []
    labels = labels_of(part.frame[data.task.target])
    there, good = labels.codes >= 0, is_label(labels, data.task.favourable)
    counts = count_tables.contingency(
        (~there).astype(int), good, _only(groups.codes, there), len(groups.names), weights=part.weights
    )
    return rate_claims(
        "favourable_label_rate", counts[:, 0, 1], counts[:, 0].sum(axis=1), groups, settings, role=data.role
    )


def _each_label(part: InMemoryTable, groups: Groups, data: Dataset, settings: Representativeness) -> list[Claim]:
    """Return each label's share by group; of labels with too few rows to show, nothing."""
    import numpy as np

    labels = labels_of(part.frame[data.task.target])
    texts = distinct_labels(labels)
    names, own = list(texts.values()), labels.placed({key: i for i, key in enumerate(texts)})
    counts = count_tables.crossed(groups.codes, len(groups.names), own, len(names), part.weights)
    total = counts.sum(axis=0)
    shown = [i for i in np.argsort(-total, kind="stable")[:MAX_LABELS] if total[i] >= settings.pool_under]
    return [
        share
        for i in sorted(shown)
        for share in rate_claims(
            "label_share",
            counts[:, i],
            counts.sum(axis=1),
            groups,
            settings,
            role=data.role,
            more={"label": short_name(names[i])},
        )
    ]


def _numbers(part: InMemoryTable, groups: Groups, data: Dataset, settings: Representativeness) -> list[Claim]:
    import numpy as np

    column = part.frame[data.task.target]
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
            method="normal",
        )
        for g in range(len(groups.names))
        if moments.n[g]
    ]
    ends = (
        count_tables.percentiles(count_tables.spread(moments.draw(settings.bootstrap, SEED))[0])
        if settings.bootstrap
        else None
    )
    difference = count_tables.spread(mean)[0]
    method = "bootstrap range of group means, normal"
    all_groups = claim(
        "mean_target_difference", difference, slice=groups.all, role=data.role, interval=ends, method=method
    )
    return [*claims, all_groups]


def _only(codes: Array, kept: Array) -> Array:
    import numpy as np

    masked: Array = np.where(kept, codes, -1)
    return masked

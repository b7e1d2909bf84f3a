"""The columns of two tables that drift compares: features of one kind, labels, and predictions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aims_mlflow.checks.drift.baseline import PREDICTION, TARGET
from aims_mlflow.checks.statistics.labels import distinct_labels, labels_of

if TYPE_CHECKING:
    from aims_mlflow.checks.statistics.columns import Kind
    from aims_mlflow.checks.statistics.distances import WeightedColumn
    from aims_mlflow.checks.tables.dataset import Dataset

    Pair = tuple[WeightedColumn, WeightedColumn]  # of training data and of the data that are compared


def comparable_columns(reference: Dataset, data: Dataset) -> tuple[dict[str, Kind], dict[str, str]]:
    """Return (column -> kind, column left out -> reason)."""
    kinds: dict[str, Kind] = {}
    left_out = dict.fromkeys(reference.identifiers, "named as an identifier")
    here = set(data.columns)
    for name in reference.features:
        if name not in here:
            left_out[name] = f"not in {data.role} data"
            continue
        kind, why = reference.kind_of(name)
        if kind is None:
            left_out[name] = why
        else:
            kinds[name] = kind
    return kinds, left_out


def outcome_pairs(reference: Dataset, data: Dataset) -> dict[str, Pair]:
    """Return labels and predictions, where both tables have them."""
    pairs: dict[str, Pair] = {}
    numeric = data.task.kind == "regression"
    if reference.task.target is not None and reference.task.target == data.task.target:
        train, test = column_pair(reference, data, data.task.target, "numeric" if numeric else "categorical")
        pairs[TARGET] = (train, test) if numeric else (_by_key(*train), _by_key(*test))
    if reference.has_predictions and data.has_predictions:
        pairs[PREDICTION] = _predicted(reference), _predicted(data)
    return pairs


def _predicted(data: Dataset) -> WeightedColumn:
    import numpy as np
    import pandas as pd

    part = data.part(outcomes=True)
    task, predictions = part.task, np.ravel(np.asarray(part.predicted))
    if task.kind == "binary-classification" and task.threshold is not None and part.scores is not None:
        predictions = np.ravel(part.scores) >= float(task.threshold)
    return (pd.Series(predictions), part.weights) if task.kind == "regression" else _by_key(predictions, part.weights)


def _by_key(labels: Any, weights: Any = None) -> WeightedColumn:
    """Return labels as text: 1, 1.0 and True are one label, in every table."""
    import pandas as pd

    numbered = labels_of(labels)
    keys = list(distinct_labels(numbered))
    codes = numbered.placed({key: i for i, key in enumerate(keys)})
    return pd.Series(pd.Categorical.from_codes(codes, categories=keys)), weights


def column_pair(reference: Dataset, data: Dataset, name: str, kind: Kind) -> tuple[WeightedColumn, WeightedColumn]:
    """Return a column of both tables; where an engine has to put numbers into bins, into the same bins in both."""
    within = None
    if kind == "numeric" and (reference.crowded(name) or data.crowded(name)):
        ends = [pair for table in (reference, data) if (pair := table.extremes(name))]
        within = (min(low for low, _ in ends), max(high for _, high in ends)) if ends else None
    return reference.column(name, within), data.column(name, within)

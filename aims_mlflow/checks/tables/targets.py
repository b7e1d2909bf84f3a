"""Labels, numbers and selections of a data set with predictions, by its task."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aims_mlflow.checks.statistics.labels import distinct_labels, is_label, label_key, labels_of
from aims_mlflow.checks.tables.validation import resolve_favourable, where_in
from aims_mlflow.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import pandas as pd

    from aims_mlflow.checks.tables.in_memory import InMemoryTable

    Array = np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False)
class Classes:
    """Codes of the actual and the predicted labels, shape (rows,), and the labels' names in code order."""

    names: tuple[str, ...]
    actual: Array
    predicted: Array


def classes(data: InMemoryTable) -> Classes:
    """Return labels and predictions as codes; a label that only the model knows counts as one too.

    Raises:
        DataError: a label or a prediction is missing, or they do not fit.
    """
    labels, predictions = (labels_of(values) for values in check_predictions(data))
    where = where_in(data.role)
    complete(labels, f"label in {data.task.target!r}", where, data.weights)
    complete(predictions, "prediction", where, data.weights)
    names = dict(sorted({**distinct_labels(predictions), **distinct_labels(labels)}.items()))
    places = {key: i for i, key in enumerate(names)}
    return Classes(tuple(names.values()), labels.placed(places), predictions.placed(places))


def numbers(data: InMemoryTable) -> tuple[Array, Array]:
    """Return actual and predicted numbers, shape (rows,).

    Raises:
        DataError: one is missing, infinite or no number.
    """
    labels, predictions = check_predictions(data)
    where = where_in(data.role)
    return (
        _finite(labels, f"number in {data.task.target!r}", where, data.weights),
        _finite(predictions, "predicted number", where, data.weights),
    )


def _finite(values: Any, what: str, where: str, weights: Array | None) -> Array:
    import numpy as np
    import pandas as pd

    try:
        numbers: Array = pd.Series(values).to_numpy(dtype=float, na_value=np.nan)
    except (TypeError, ValueError):
        raise DataError(f"a {what} is not a number", where=where, next="convert the column to numbers") from None
    _none_missing(~np.isfinite(numbers), f"finite {what}", where, weights)
    return numbers


def selections(data: InMemoryTable) -> tuple[Array, Array] | None:
    """Return two boolean arrays: is the row to be selected, and did the model select it; None where nobody is.

    Two labels: the favourable one, or a score from the threshold on. Several labels: the favourable one, where one
    is named. Numbers: from the threshold on, where there is one.

    Raises:
        DataError: labels, predictions or scores do not fit.
    """
    if data.task.kind == "regression":
        if data.task.threshold is None:
            return None
        actual, predicted = numbers(data)
        return actual >= float(data.task.threshold), predicted >= float(data.task.threshold)
    if data.task.kind == "binary-classification":
        return outcomes(data)
    if data.task.favourable is None:
        return None
    labels, predictions = check_predictions(data)
    return is_label(labels, data.task.favourable), is_label(predictions, data.task.favourable)


def outcomes(data: InMemoryTable) -> tuple[Array, Array]:
    """Return two boolean arrays of shape (rows,): is the label, and is the prediction, favourable.

    Where a threshold is set, a row is predicted favourable when its score reaches it.

    Raises:
        DataError: a label or a prediction is missing, or is none of the target's two labels.
    """
    import numpy as np

    if data.task.threshold is not None:
        return _by_threshold(data, float(data.task.threshold))
    where = where_in(data.role)
    column, predictions = check_predictions(data)
    labels, said = labels_of(column), labels_of(predictions)
    favourable = resolve_favourable(data)
    complete(labels, f"label in {data.task.target!r}", where, data.weights)
    complete(said, "prediction", where, data.weights)
    elsewhere = {str(label_key(label)) for label in data.task.labels}
    known = {*distinct_labels(labels), str(label_key(favourable)), *elsewhere}
    strange = len(set(distinct_labels(said)) - known)
    if strange:
        probable = np.issubdtype(predictions.dtype, np.floating) and bool(
            ((predictions >= 0) & (predictions <= 1)).all()
        )
        raise DataError(
            f"a prediction is neither label of {data.task.target!r}: other values are predicted, {strange:,} of them",
            where=where,
            next="predict labels, not probabilities" if probable else "predict the labels that the target has",
        )
    return is_label(labels, favourable), is_label(said, favourable)


def _by_threshold(data: InMemoryTable, threshold: float) -> tuple[Array, Array]:
    scores = scores_of(data)
    if scores is None:
        raise DataError(
            "a threshold is set, and there are no scores to hold against it",
            where=where_in(data.role),
            next="use a model that gives scores, or leave data.threshold out of aims.yaml",
        )
    labels = labels_of(data.frame[data.task.target])
    complete(labels, f"label in {data.task.target!r}", where_in(data.role), data.weights)
    return is_label(labels, resolve_favourable(data)), scores >= threshold


def check_predictions(data: InMemoryTable) -> tuple[pd.Series, Array]:
    """Return the target's column and the predictions, shape (rows,).

    Raises:
        DataError: there are none, or not one for each row.
    """
    import numpy as np

    where = where_in(data.role)
    if data.task.target is None:
        raise DataError("no target column is named", where=where, next="set data.target in aims.yaml")
    if data.predictions is None:
        raise DataError("there are no predictions to evaluate", where=where, next="predict first")
    labels = data.frame[data.task.target]
    predictions = np.asarray(data.predictions.labels)
    if predictions.ndim == 2 and predictions.shape[1] == 1:
        predictions = predictions[:, 0]
    if predictions.shape != (len(labels),):
        raise DataError(
            f"the predictions have the shape {predictions.shape} for {len(labels):,} rows",
            where=where,
            next="return one label for each row",
        )
    return labels, predictions


def scores_of(data: InMemoryTable) -> Array | None:
    """Return finite scores of shape (rows,), or (rows, labels) of several labels; None where there are none.

    Raises:
        DataError: they are not one finite number for each row.
    """
    import numpy as np

    if data.scores is None:
        return None
    scores = np.asarray(data.scores)
    if scores.ndim == 2 and scores.shape[1] == 1:
        scores = scores[:, 0]
    shapes = 1 if data.task.kind == "binary-classification" else 2
    right = scores.ndim in (1, shapes) and len(scores) == len(data.frame)
    if not right or not np.issubdtype(scores.dtype, np.number) or not np.isfinite(scores).all():
        raise DataError(
            f"the scores are not one finite number for each of the {len(data.frame):,} rows",
            where=where_in(data.role),
            next="pass the probability of the favourable label for each row",
        )
    return scores


def scores_by_label(data: InMemoryTable, names: Sequence[str]) -> Array | None:
    """Return the scores with one column for each of `names`, 0 for a label that the model does not know.

    Labels that the model knows and no row has get columns after these. None where there are no scores by label.

    Raises:
        DataError: they are not finite numbers for each row.
    """
    import numpy as np

    scores = scores_of(data)
    labels = () if data.predictions is None else data.predictions.score_labels
    place = {str(label_key(label)): i for i, label in enumerate(labels)}
    keys = [str(label_key(name)) for name in names]
    if scores is None or scores.ndim != 2 or scores.shape[1] != len(place):
        return None
    aligned = np.zeros((len(scores), len(keys)))
    for i, key in enumerate(keys):
        if key in place:
            aligned[:, i] = scores[:, place[key]]
    rest = [column for key, column in place.items() if key not in keys]
    by_label: Array = np.column_stack([aligned, scores[:, rest]])
    return by_label


def complete(values: Any, what: str, where: str, weights: Array | None = None) -> None:
    """Raise DataError where a value is missing."""
    _none_missing(labels_of(values).codes < 0, what, where, weights)


def _none_missing(gone: Array, what: str, where: str, weights: Array | None) -> None:
    if not gone.any():
        return
    missing, rows = (gone.sum(), len(gone)) if weights is None else (weights[gone].sum(), weights.sum())
    raise DataError(f"{int(missing):,} of {int(rows):,} rows have no {what}", where=where, next="leave those rows out")

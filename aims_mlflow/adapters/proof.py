"""Proof of what a model's output means: its agreement with known labels, against chance and against exchanged ones.

For row i with actual label a, and a share s[i, j] of the prediction for each label j (1 for the predicted label, or a
probability), the agreement beyond chance is v[i] = (s[i, a] - mean s[., a]) - sum_j p[j] (s[i, j] - mean s[., j]), with
p[j] the part of rows whose label is j. Its mean is, where the shares are labels, the numerator of Cohen's kappa
(doi:10.1177/001316446002000104): 0 for a prediction that has nothing to do with the label, negative for one that is
exchanged. The mean is compared with its standard error.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aims_mlflow.adapters.meaning import NOT_CLEAR, SAY
from aims_mlflow.checks.statistics.labels import distinct_labels, label_key, labels_of
from aims_mlflow.errors import CheckError

if TYPE_CHECKING:
    import numpy as np

    from aims_mlflow.checks.tables.predictions import Predictions
    from aims_mlflow.checks.tables.task import PredictionTask

    Array = np.ndarray[Any, Any]

BEYOND = 3.0  # standard errors from chance, about 1 in 740 by chance alone on one side
EXCHANGED = 4.0  # the best of many exchanges is compared, so more is asked for
LEAST_ROWS = 20


@dataclass(frozen=True)
class Agreement:
    """Agreement of predictions with known labels, or numbers, beyond chance.

    Attributes:
        role: The data that it was shown on.
        rows: How many rows were compared.
        errors: Agreement beyond chance, in standard errors; infinite where every row agrees alike.
        shown: Whether they agree beyond chance; False: the rows do not tell.
    """

    role: str
    rows: int
    errors: float
    shown: bool


def prove(predictions: Predictions, truth: Any, task: PredictionTask, role: str, *, doubtful: bool) -> Agreement:
    """Compare predictions with known labels or numbers of the same rows.

    Args:
        predictions: What the model's output was read as.
        truth: The labels or numbers, shape (rows,).
        task: What is predicted.
        role: The data, for the sentence.
        doubtful: Whether the meaning counts only where the rows prove it.

    Raises:
        CheckError: the agreement is worse than chance, or better with labels exchanged; or the meaning is doubtful,
            and the rows do not prove it.
    """
    if task.kind == "regression":
        return _of_numbers(predictions, truth, role)
    shares, actual = _shares(predictions.labels, truth)
    if are_exchanged(shares.argmax(axis=1), actual):
        raise CheckError(
            f"{NOT_CLEAR}: the model's predictions agree better with the labels of {len(actual):,} {role} rows when "
            "labels are exchanged",
            next=SAY,
        )
    found = _against_chance(shares, actual, role)
    scored = _scored(predictions, truth, task)
    by_score = _against_chance(*scored, role) if scored is not None else None
    if min(found.errors, by_score.errors if by_score else 0) <= -BEYOND:
        what = "the model's predictions agree" if found.errors <= -BEYOND else "the model's scores agree"
        raise CheckError(
            f"{NOT_CLEAR}: {what} with the labels of {found.rows:,} {role} rows worse than chance", next=SAY
        )
    best = by_score if by_score is not None and by_score.errors > found.errors else found
    if doubtful and not best.shown:
        raise CheckError(
            f"{NOT_CLEAR}: {found.rows:,} {role} rows do not show that the model's output agrees with their labels",
            next=SAY,
        )
    return best


def _shares(labels: Any, truth: Any) -> tuple[Array, Array]:
    """Return predicted labels as shares, shape (rows, labels), and the actual labels' codes, where there are any."""
    import numpy as np

    said, actual = labels_of(labels), labels_of(truth)
    keys = {key: i for i, key in enumerate({**distinct_labels(said), **distinct_labels(actual)})}
    codes = actual.placed(keys)
    kept = codes >= 0
    return np.eye(len(keys))[said.placed(keys)][kept], codes[kept]


def _scored(predictions: Predictions, truth: Any, task: PredictionTask) -> tuple[Array, Array] | None:
    """Return scores as shares, and the actual labels' codes; None without scores of the labels."""
    import numpy as np

    scores, actual = predictions.scores, labels_of(truth)
    if scores is None:
        return None
    if scores.ndim == 1:
        good = label_key(task.favourable)
        codes = np.array([*(label_key(level) == good for level in actual.levels), False], dtype=int)[actual.codes]
        kept = actual.codes >= 0
        return np.column_stack([1 - scores, scores])[kept], codes[kept]
    keys = {str(label_key(label)): i for i, label in enumerate(predictions.score_labels)}
    places = np.array([*(keys.get(str(label_key(level)), -1) for level in actual.levels), -1])[actual.codes]
    return scores[places >= 0], places[places >= 0]


def _against_chance(shares: Array, actual: Array, role: str) -> Agreement:
    import numpy as np

    rows = len(actual)
    if rows < LEAST_ROWS:
        return Agreement(role, rows, 0.0, shown=False)
    parts = np.bincount(actual, minlength=shares.shape[1]) / rows
    centred = shares - shares.mean(axis=0)
    beyond = centred[np.arange(rows), actual] - centred @ parts
    return _proof(float(beyond.mean()), float(beyond.std(ddof=1)), rows, role)


def _proof(mean: float, deviation: float, rows: int, role: str) -> Agreement:
    if abs(mean) < 1e-12:
        return Agreement(role, rows, 0.0, shown=False)
    errors = mean / deviation * math.sqrt(rows) if deviation > 1e-12 else math.copysign(math.inf, mean)
    return Agreement(role, rows, errors, shown=errors >= BEYOND)


def are_exchanged(said: Array, actual: Array) -> bool:
    """Return whether codes of three or more labels agree better exchanged, by rows and by labels alike."""
    import numpy as np
    from scipy.optimize import linear_sum_assignment

    size = int(max(said.max(initial=0), actual.max(initial=0))) + 1
    if size < 3 or len(actual) < LEAST_ROWS:
        return False
    table = np.bincount(actual * size + said, minlength=size * size).reshape(size, size)
    place = linear_sum_assignment(-table)[1]  # the predicted label that each actual one agrees with best
    better, worse = (said == place[actual]), (said == actual)
    gained, lost = int((better & ~worse).sum()), int((worse & ~better).sum())
    by_label = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
    balanced = by_label[np.arange(size), place].sum() > by_label.trace()
    return bool(balanced and gained - lost > EXCHANGED * math.sqrt(gained + lost))


def _of_numbers(predictions: Predictions, truth: Any, role: str) -> Agreement:
    """Refuse numbers that fall where the actual ones rise: the correlation with its standard error (Fisher, 1915)."""
    import numpy as np
    import pandas as pd

    actual = pd.Series(truth).to_numpy(dtype=float, na_value=np.nan)
    said = np.asarray(predictions.labels, dtype=float)
    kept = np.isfinite(actual) & np.isfinite(said)
    actual, said = actual[kept], said[kept]
    rows = len(actual)
    if rows < LEAST_ROWS or not actual.std() or not said.std():
        return Agreement(role, rows, 0.0, shown=False)
    r = float(np.clip(np.corrcoef(actual, said)[0, 1], -0.999999, 0.999999))
    errors = math.atanh(r) * math.sqrt(rows - 3)
    if errors <= -BEYOND:
        raise CheckError(
            f"{NOT_CLEAR}: the model's numbers fall where the target of {rows:,} {role} rows rises",
            next="say predict=, a function (model, features) that returns the predicted numbers",
        )
    return Agreement(role, rows, errors, shown=errors >= BEYOND)

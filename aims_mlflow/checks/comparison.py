"""A model against the one in production, on the same rows: what each row changes, so that a small gain can be told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aims_mlflow.checks.claims import claim
from aims_mlflow.checks.metrics import OVER_PRODUCTION, UNDER_PRODUCTION
from aims_mlflow.checks.moments import group_moments
from aims_mlflow.checks.targets import classes, numbers

if TYPE_CHECKING:
    import numpy as np

    from aims_mlflow.checks.base import Dataset
    from aims_mlflow.records.evidence import Claim

    Array = np.ndarray[Any, Any]


def comparison_claims(data: Dataset, values: Array) -> list[Claim]:
    """Return by how much the model is better than the one in production; nothing where there is none.

    The interval is of the paired differences (rows that both get right, or wrong, say nothing), and normal.

    Args:
        data: With `rival`, the predictions of the model in production.
        values: 1 for a right label, or the absolute error; shape (rows,).

    Raises:
        DataError: the rival's predictions do not fit.
    """
    import dataclasses

    import numpy as np

    if data.rival is None:
        return []
    theirs = dataclasses.replace(data, predictions=data.rival, scores=None, threshold=None)
    if data.task == "regression":
        actual, predicted = numbers(theirs)
        gain, metric = np.abs(predicted - actual) - values, UNDER_PRODUCTION
        note = "mean absolute error of the model in production minus this model's, row by row"
    else:
        found = classes(theirs)
        gain, metric = values - (found.actual == found.predicted), OVER_PRODUCTION
        note = "accuracy minus that of the model in production, row by row"
    moments = group_moments({"gain": gain}, np.zeros(len(gain), dtype=np.int64), 1, data.weights)["gain"]
    low, mean, high = (float(part[0]) for part in moments.interval())
    n = int(moments.n[0])
    return [claim(metric, mean, role=data.role, n=n, interval=(low, high), method="paired, normal", note=note)]

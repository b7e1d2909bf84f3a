"""Comparison with the model in production on the same rows, paired by row so that a small gain is detected."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aims_mlflow.checks.claims import claim
from aims_mlflow.checks.metrics import OVER_PRODUCTION, UNDER_PRODUCTION
from aims_mlflow.checks.statistics.moments import group_moments
from aims_mlflow.checks.tables.predictions import Predictions
from aims_mlflow.checks.tables.targets import classes, numbers
from aims_mlflow.errors import DataError

if TYPE_CHECKING:
    import numpy as np

    from aims_mlflow.checks.tables.in_memory import InMemoryTable
    from aims_mlflow.checks.tables.predictions import Incumbent
    from aims_mlflow.records.evidence import Claim

    Array = np.ndarray[Any, Any]


def comparison_claims(data: InMemoryTable, values: Array) -> list[Claim]:
    """Return by how much the model is better than the one in production; nothing where there is none.

    Where its predictions do not fit, the claim has no value and says why. The interval is of the paired differences
    (rows that both get right, or wrong, say nothing), and normal.

    Args:
        data: With `model.incumbent`, the model in production and its predictions.
        values: 1 for a right label, or the absolute error; shape (rows,).
    """
    import numpy as np

    incumbent = data.model.incumbent
    if incumbent is None:
        return []
    metric = UNDER_PRODUCTION if data.task.kind == "regression" else OVER_PRODUCTION
    gain = _gain(data, incumbent, values)
    if isinstance(gain, str):
        return [claim(metric, None, role=data.role, note=f"not compared with {incumbent.name}: {gain}")]
    note = f"accuracy minus that of {incumbent.name}, row by row"
    if data.task.kind == "regression":
        note = f"mean absolute error of {incumbent.name} minus this model's, row by row"
    moments = group_moments({"gain": gain}, np.zeros(len(gain), dtype=np.int64), 1, data.weights)["gain"]
    low, mean, high = (float(part[0]) for part in moments.interval())
    n = int(moments.n[0])
    return [
        claim(metric, mean, role=data.role, n=n, interval=(low, high), method="approximate range, paired", note=note)
    ]


def _gain(data: InMemoryTable, incumbent: Incumbent, values: Array) -> Array | str:
    """Return the gain of each row, shape (rows,), or why there is none; the model's own claims do not depend on it."""
    import dataclasses

    import numpy as np

    if incumbent.predictions is None:
        return incumbent.lacking or "it was not asked"
    theirs = dataclasses.replace(
        data,
        predictions=Predictions(incumbent.predictions),
        task=dataclasses.replace(data.task, threshold=None),
    )
    try:
        if data.task.kind == "regression":
            actual, predicted = numbers(theirs)
            gain: Array = np.abs(predicted - actual) - values
        else:
            labels = classes(theirs)
            gain = values - (labels.actual == labels.predicted)
    except DataError as exc:
        return exc.what
    return gain

"""The inputs of a model: the columns that it really takes, for its signature and its card."""

from __future__ import annotations

import dataclasses
import time
from typing import TYPE_CHECKING, Any

from aims_mlflow.adapters.asking import ask, feature_names, takes_groups
from aims_mlflow.adapters.outputs import read_raw
from aims_mlflow.errors import AimsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from aims_mlflow.adapters.outputs import Output
    from aims_mlflow.adapters.tables import Table
    from aims_mlflow.checks.tables.task import PredictionTask

    Predict = Callable[[Any, Any], Any]

SECONDS = 0.5  # for leaving out one column after the other


def columns_taken(model: Any, table: Table, task: PredictionTask, function: Predict | None) -> list[str] | None:
    """Return the columns of a frame that a model takes, in the frame's order; None where the features are no frame.

    They are those that the model names, if no `function` stands before it. Else each column is left out once: one
    without which the answers to these rows are the same is not taken. After `SECONDS` the columns that are left count
    as taken. The logged model is asked for other rows afterwards, so that a column that matters rarely is not lost.
    """
    columns = getattr(table.features, "columns", None)
    if columns is None or not hasattr(table.features, "loc"):
        return None
    taken = [str(name) for name in columns]
    named = feature_names(model) if function is None else None
    if named:
        return named if set(named) <= {*taken, *table.frame.columns} else taken
    if takes_groups(model) and function is None:
        return [*taken, *(name for name in table.sensitive if name not in taken)]
    before = _answer(model, table, task, function, taken)
    end = time.monotonic() + SECONDS
    for name in list(taken):
        if before is None or len(taken) == 1 or time.monotonic() > end:
            break
        rest = [other for other in taken if other != name]
        if _same(before, _answer(model, table, task, function, rest)):
            taken = rest
    return taken


def _answer(
    model: Any, table: Table, task: PredictionTask, function: Predict | None, columns: list[str]
) -> Output | None:
    """Return the answer to some columns; None where the model does not answer."""
    narrow = dataclasses.replace(table, features=table.features[columns], frame=table.frame[columns])
    try:
        output = ask(model, narrow, task, function, scored=False).output
        return read_raw(output, len(table.frame), index=table.frame.index)
    except AimsError:
        return None


def _same(before: Output, after: Output | None) -> bool:
    import numpy as np

    if after is None or len(before.columns) != len(after.columns):
        return False
    return all(np.array_equal(a, b) for a, b in zip(before.columns, after.columns, strict=True))

"""Whether a logged model is a fitted object: both are asked about the rows at hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aims_mlflow.adapters.asking import ask
from aims_mlflow.adapters.outputs import read_raw
from aims_mlflow.adapters.tables import first_rows
from aims_mlflow.errors import AimsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from aims_mlflow.adapters.models import LoggedModel
    from aims_mlflow.adapters.tables import Table
    from aims_mlflow.checks.tables.task import PredictionTask

ROWS = 1000
WRAPPER = "python_function"  # a model of functions may be any class, and answers for the model that it wraps


def is_same(
    logged: LoggedModel, model: Any, tables: Iterable[Table], task: PredictionTask, function: Callable[..., Any] | None
) -> bool:
    """Tell whether a logged model is of a fitted object's class, or wraps one, and answers as it does.

    Both are asked about rows of each table: two trees that know the training rows by heart differ on the others. Where
    there are no rows, or one of both cannot be asked, nothing is proved.
    """
    is_wrapper = logged.flavor == WRAPPER
    if not is_wrapper and type(logged.predictor) is not type(model):
        return False
    asked = [first_rows(table, ROWS) for table in tables]
    try:
        return bool(asked) and all(
            _answers(logged.predictor, few, task, function, scored=not is_wrapper)
            == _answers(model, few, task, function, scored=not is_wrapper)
            for few in asked
        )
    except AimsError:
        return False


def _answers(
    model: Any, table: Table, task: PredictionTask, function: Callable[..., Any] | None, *, scored: bool
) -> list[Any]:
    raw = ask(model, table, task, function, scored=scored)
    columns: list[Any] = list(read_raw(raw.output, len(table.frame), index=table.frame.index).columns)
    if raw.scores is not None:
        columns.append(raw.scores.values)
    return [_rounded(column) for column in columns]


def _rounded(column: Any) -> Any:
    """Return a column as a list; threads that add numbers in another order make another last digit of them."""
    return (column.round(9) if column.dtype.kind == "f" else column).tolist()

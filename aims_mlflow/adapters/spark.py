"""Predictions for a Spark frame: Spark's workers predict, and this process gets counts of the predictions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aims_mlflow.adapters.predict import Question
from aims_mlflow.adapters.tables import Table
from aims_mlflow.cached_values import cached_property
from aims_mlflow.checks.engines.spark import SparkSource
from aims_mlflow.checks.statistics.labels import label_text
from aims_mlflow.errors import CheckError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pandas as pd

    from aims_mlflow.adapters.meaning import Interpretation
    from aims_mlflow.checks.engines.count_source import ColumnType, Key
    from aims_mlflow.checks.tables.predictions import Predictions
    from aims_mlflow.checks.tables.task import PredictionTask

PREDICTION, SCORE = "(prediction)", "(score)"
# The last line of a worker's traceback, which Spark quotes: the exception's class, and what it says.
WORKERS_LAST = re.compile(r"^(?:\w+\.)*(\w+)(?:: (.*))?$", re.MULTILINE)
LOOK = 2_000  # rows that show what the model's output means, and that it can predict at all


@dataclass(frozen=True)
class SparkPredictor:
    """How a model is asked, and what its output means; they travel to Spark's workers together."""

    question: Question
    meaning: Interpretation

    @property
    def task(self) -> PredictionTask:
        """What is predicted."""
        return self.question.task

    def __call__(self, frame: pd.DataFrame) -> Predictions:
        """Return the model's predictions for some rows."""
        return self.question.again(_table(frame, self.task), self.meaning)

    def pieces(self, pieces: Iterator[pd.DataFrame], names: Sequence[str]) -> Iterator[pd.DataFrame]:
        """Give each piece of a frame with the columns `names` beside it: predictions, and scores if there are two."""
        import pandas as pd

        for piece in pieces:
            predictions = self(piece)
            regression = self.task.kind == "regression"
            labels = predictions.labels if regression else [label_text(label) for label in predictions.labels]
            columns = dict(zip(names, (labels, predictions.scores), strict=False))
            yield pd.concat([piece, pd.DataFrame(columns, index=piece.index)], axis=1)


def _table(frame: pd.DataFrame, task: PredictionTask) -> Table:
    return Table("test", "test", frame, frame.drop(columns=[task.target], errors="ignore"), {})


class PredictedTable:
    """A Spark table beside a model's predictions, as a `CountSource`. Expectations see the table alone."""

    def __init__(self, table: SparkSource, predicted: SparkSource, names: tuple[str, ...]) -> None:
        """Put them together; `predicted` has the columns `names` too."""
        self._table, self._predicted, self._names = table, predicted, names
        self.engine, self.name, self.tools, self.handle = table.engine, table.name, table.tools, table.handle
        self.types: Mapping[str, ColumnType] = predicted.types

    @cached_property
    def _alone(self) -> SparkSource:
        return SparkSource(self._predicted.handle.select(*(f"`{name}`" for name in self._names)), self.name)

    def rows(self) -> int:
        """Return the number of rows."""
        return self._table.rows()

    def counts(self, keys: Sequence[Key], limit: int) -> pd.DataFrame | None:
        """Return one row for each combination; see `count_source.CountSource`."""
        predicted = any(key.name in self._names for key in keys)
        return (self._predicted if predicted else self._table).counts(keys, limit)

    def known(self) -> dict[str, int]:
        """Return for each column how many rows have a value."""
        return self._table.known() | self._alone.known()

    def levels(self) -> dict[str, int]:
        """Return for each column about how many values occur."""
        return self._table.levels() | self._alone.levels()

    def extremes(self, name: str) -> tuple[float, float] | None:
        """Return the smallest and largest finite number."""
        return (self._alone if name in self._names else self._table).extremes(name)

    def frequent(self, name: str, most: int) -> list[str]:
        """Return the texts that occur most often."""
        return (self._alone if name in self._names else self._table).frequent(name, most)

    def distinct(self, names: Sequence[str]) -> int:
        """Return how many different rows these columns have."""
        return self._table.distinct(names)


def predicted_table(
    source: SparkSource, model: Any, task: PredictionTask, known: Mapping[str, str]
) -> tuple[PredictedTable, str | None]:
    """Return the table with the model's predictions, and the name of the column of scores where it gives some.

    The model goes to Spark's workers, where aims_mlflow and the model's own library must be installed. Its predictions
    are kept by Spark, in memory or on its disks, for as long as the session lives: each row is predicted once.

    Raises:
        CheckError: the model cannot predict these rows, here or in Spark's workers.
    """
    frame = source.handle
    rows = _table(frame.limit(LOOK).toPandas(), task)
    answer = Question(model=model, task=task, known=known, proof=rows).answer(rows)
    predictor = SparkPredictor(Question(model=model, task=task, known=known), answer.meaning)
    has_scores = task.kind == "binary-classification" and answer.predictions.scores is not None
    columns = {PREDICTION: "double" if task.kind == "regression" else "string"}
    if has_scores:
        columns[SCORE] = "double"
    names = tuple(columns)
    schema = frame.limit(0)
    for name, kind in columns.items():
        schema = schema.selectExpr("*", f"CAST(NULL AS {kind}) AS `{name}`")
    predictions = frame.mapInPandas(lambda pieces: predictor.pieces(pieces, names), schema=schema.schema).persist()
    try:
        predictions.count()
    except Exception as exc:
        raise _of_workers(exc, source.name) from exc
    table = PredictedTable(source, SparkSource(predictions, source.name), names)
    return table, SCORE if has_scores else None


def _of_workers(exc: Exception, name: str) -> CheckError:
    """Return the sentence of an error in Spark's workers: our own, which names no data, or the type of a stranger's.

    What a module that is lacking says of itself is no data either.
    """
    kind, said = _last_line(str(exc))
    if kind == CheckError.__name__:
        what, _, advice = said.partition(". Next: ")
        return CheckError(f"in Spark's workers {what}", where=name, next=advice or None)
    if kind in ("ImportError", "ModuleNotFoundError"):
        kind = f"{kind}: {said}"
    return CheckError(
        f"the model could not predict in Spark's workers ({kind or type(exc).__name__})",
        where=name,
        next="install aims_mlflow and the model's library there, or name columns with --prediction and --score",
    )


def _last_line(message: str) -> tuple[str, str]:
    """Return class and text of the exception that ends the traceback in a message of Spark; empty without one."""
    _, begun, trace = message.rpartition("Traceback (most recent call last):\n")
    found = WORKERS_LAST.search(trace) if begun else None
    return (found[1], found[2] or "") if found else ("", "")

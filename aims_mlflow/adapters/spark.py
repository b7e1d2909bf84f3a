"""Predictions for a Spark frame: Spark's workers predict, and this process gets counts of the predictions."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from aims_mlflow.adapters.predict import predict
from aims_mlflow.adapters.tables import Table
from aims_mlflow.checks.engines.spark import SparkSource
from aims_mlflow.checks.statistics.labels import label_text
from aims_mlflow.errors import CheckError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pandas as pd

    from aims_mlflow.checks.engines.count_source import ColumnType, Key
    from aims_mlflow.checks.tables.predictions import Predictions
    from aims_mlflow.checks.tables.task import PredictionTask

PREDICTION, SCORE = "(prediction)", "(score)"
LOOK = 200  # rows that tell whether the model gives scores, and that it can predict at all


@dataclass(frozen=True)
class SparkPredictor:
    """A model and its task; they travel to Spark's workers together."""

    model: Any
    task: PredictionTask
    known: Mapping[str, str]

    def __call__(self, frame: pd.DataFrame) -> Predictions:
        """Return the model's predictions for some rows."""
        features = frame.drop(columns=[self.task.target], errors="ignore")
        return predict(self.model, Table("test", "test", frame, features, {}), self.task, known=self.known)

    def pieces(self, pieces: Iterator[pd.DataFrame], names: Sequence[str]) -> Iterator[pd.DataFrame]:
        """Give each piece of a frame with the columns `names` beside it: predictions, and scores if there are two."""
        import pandas as pd

        for piece in pieces:
            predictions = self(piece)
            regression = self.task.kind == "regression"
            labels = predictions.labels if regression else [label_text(label) for label in predictions.labels]
            columns = dict(zip(names, (labels, predictions.scores), strict=False))
            yield pd.concat([piece, pd.DataFrame(columns, index=piece.index)], axis=1)


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
    frame, predictor = source.handle, SparkPredictor(model, task, known)
    sample = predictor(frame.limit(LOOK).toPandas())
    has_scores = task.kind == "binary-classification" and sample.scores is not None
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
        raise CheckError(
            f"the model could not predict in Spark's workers ({type(exc).__name__})",
            where=source.name,
            next="install aims_mlflow and the model's library there, or name columns with --prediction and --score",
        ) from exc
    table = PredictedTable(source, SparkSource(predictions, source.name), names)
    return table, SCORE if has_scores else None

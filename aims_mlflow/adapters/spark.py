"""A model asked where a Spark frame is: its workers predict, and this process sees counts of what they said."""

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
    from aims_mlflow.records.pack import Task
    from aims_mlflow.records.system import Data

PREDICTION, SCORE = "(prediction)", "(score)"
LOOK = 200  # rows that tell whether the model gives scores, and that it can predict at all


@dataclass(frozen=True)
class Asked:
    """What `predict` is told for each piece of the frame; it travels to Spark's workers with the model."""

    model: Any
    target: str
    favourable: str | None
    task: Task
    known: Mapping[str, str]

    def __call__(self, frame: pd.DataFrame) -> Predictions:
        """Return what the model says of some rows."""
        features = frame.drop(columns=[self.target], errors="ignore")
        table = Table("test", "test", frame, features, {})
        return predict(self.model, table, self.target, self.favourable, None, self.task, self.known)


class Scored:
    """A Spark table beside a model's answers to its rows; a `CountSource`. Expectations see the table alone."""

    def __init__(self, table: SparkSource, said: SparkSource, names: tuple[str, ...]) -> None:
        """Put them together; `said` has the columns `names` too."""
        self._table, self._said, self._names = table, said, names
        self.engine, self.name, self.tools, self.handle = table.engine, table.name, table.tools, table.handle
        self.types: Mapping[str, ColumnType] = said.types

    @cached_property
    def _alone(self) -> SparkSource:
        return SparkSource(self._said.handle.select(*(f"`{name}`" for name in self._names)), self.name)

    def rows(self) -> int:
        """Return the number of rows."""
        return self._table.rows()

    def counts(self, keys: Sequence[Key], limit: int) -> pd.DataFrame | None:
        """Return one row for each combination; see `count_source.CountSource`."""
        told = any(key.name in self._names for key in keys)
        return (self._said if told else self._table).counts(keys, limit)

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


def scored(far: SparkSource, model: Any, data: Data, task: Task, known: Mapping[str, str]) -> tuple[Scored, str | None]:
    """Return the table with the model's predictions, and the name of the column of scores where it gives some.

    The model goes to Spark's workers, where aims_mlflow and the model's own library must be installed. What it says is
    kept by Spark, in memory or on its disks, for as long as the session lives: it is predicted once.

    Raises:
        CheckError: the model cannot predict these rows, here or in Spark's workers.
    """
    import pandas as pd

    frame = far.handle
    asked = Asked(model, data.target, data.favourable, task, known)
    look = asked(frame.limit(LOOK).toPandas())
    has_scores = task == "binary-classification" and look.scores is not None
    numbers = task == "regression"

    def said(pieces: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for piece in pieces:
            found = asked(piece)
            labels = found.labels if numbers else [label_text(label) for label in found.labels]
            more = {PREDICTION: labels, **({SCORE: found.scores} if has_scores else {})}
            yield pd.concat([piece, pd.DataFrame(more, index=piece.index)], axis=1)

    columns = {PREDICTION: "double" if numbers else "string", **({SCORE: "double"} if has_scores else {})}
    schema = frame.limit(0)
    for name, kind in columns.items():
        schema = schema.selectExpr("*", f"CAST(NULL AS {kind}) AS `{name}`")
    told = frame.mapInPandas(said, schema=schema.schema).persist()
    try:
        told.count()
    except Exception as exc:
        raise CheckError(
            f"the model could not predict in Spark's workers ({type(exc).__name__})",
            where=far.name,
            next="install aims_mlflow and the model's library there, or name columns with --prediction and --score",
        ) from exc
    table = Scored(far, SparkSource(told, far.name), tuple(columns))
    return table, SCORE if has_scores else None

"""A data set whose rows, or counts of rows, are in this process."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aims_mlflow.checks.statistics.columns import comparable
from aims_mlflow.checks.statistics.distances import finite
from aims_mlflow.checks.tables.predictions import UNREACHED, EvaluatedModel, Predictions
from aims_mlflow.checks.tables.task import BINARY, PredictionTask

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import pandas as pd

    from aims_mlflow.checks.statistics.columns import Kind


@dataclass(frozen=True, eq=False, kw_only=True)
class InMemoryTable:
    """A frame as a check reads it; rows of every part correspond by position. See `dataset.Dataset`.

    Where `weights` are given, a row of the frame represents that many rows of the data (a count table).

    Attributes:
        role: "train", "validation", "test", "cross-validation" or "operation".
        frame: Features and, where the task has a target, the label column. Never altered.
        task: What is predicted.
        sensitive: The sensitive columns; they may be in `frame` too.
        identifiers: Columns of `frame` that only name a row.
        personal: What the data sheet says of personal data: some, none, which columns, or nothing.
        predictions: What the model predicted for each row.
        model: The model itself, as far as it can be reached.
        weights: How many rows each row represents, shape (rows,); one each where None.
        binned: Columns that an engine put into bins, or of which it tells only frequent values apart.
        notes: What was done to columns of unusual types.
    """

    role: str
    frame: pd.DataFrame
    task: PredictionTask = BINARY
    sensitive: pd.DataFrame | None = None
    identifiers: tuple[str, ...] = ()
    personal: bool | tuple[str, ...] | None = None
    predictions: Predictions | None = None
    model: EvaluatedModel = UNREACHED
    weights: np.ndarray[Any, Any] | None = None
    binned: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def columns(self) -> list[str]:
        """Names of the features, the target and the identifiers, in the table's order."""
        return list(self.frame.columns)

    @property
    def features(self) -> list[str]:
        """The `columns` without the target and the identifiers."""
        left_out = {self.task.target, *self.identifiers}
        return [name for name in self.frame.columns if name not in left_out]

    @property
    def sensitive_names(self) -> tuple[str, ...]:
        """Names of the sensitive columns."""
        return () if self.sensitive is None else tuple(self.sensitive.columns)

    @property
    def rows(self) -> int:
        """Number of rows of the data."""
        return len(self.frame) if self.weights is None else int(self.weights.sum())

    @property
    def rows_in_memory(self) -> int:
        """Number of rows of the frame."""
        return len(self.frame)

    @property
    def has_predictions(self) -> bool:
        """Whether there are predicted labels or numbers."""
        return self.predictions is not None

    @property
    def has_scores(self) -> bool:
        """Whether there are scores."""
        return self.scores is not None

    @property
    def predicted(self) -> np.ndarray[Any, Any] | None:
        """Predicted labels or numbers, shape (rows,); None where there are none."""
        return None if self.predictions is None else self.predictions.labels

    @property
    def scores(self) -> np.ndarray[Any, Any] | None:
        """Scores, shape (rows,) or (rows, labels); None where there are none."""
        return None if self.predictions is None else self.predictions.scores

    def part(self, names: Sequence[str] = (), *, outcomes: bool = False, scores: bool = False) -> InMemoryTable:  # noqa: ARG002  an engine needs them
        """Return the whole table: all columns are here."""
        return self

    def column(
        self,
        name: str,
        within: tuple[float, float] | None = None,  # noqa: ARG002  an engine needs it
    ) -> tuple[pd.Series, np.ndarray[Any, Any] | None]:
        """Return one column's values, and how many rows have each where a value represents several."""
        return self.frame[name], self.weights

    def kind_of(self, name: str) -> tuple[Kind | None, str]:
        """Return how a column can be compared, and why not where it cannot."""
        return comparable(*self.column(name))

    def extremes(self, name: str) -> tuple[float, float] | None:
        """Return the smallest and largest finite number of a column; None where there is none."""
        values = finite(self.frame[name])
        return (float(values.min()), float(values.max())) if len(values) else None

    def filled(self, name: str) -> int:
        """Return how many rows have a value in a column of `frame`."""
        there = self.frame[name].notna().to_numpy()
        return int(there.sum() if self.weights is None else self.weights[there].sum())

    def is_empty(self, name: str) -> bool:
        """Return whether a column has no value in any row."""
        source = self.sensitive if self.sensitive is not None and name in self.sensitive.columns else self.frame
        return bool(source[name].isna().all())

    def crowded(self, name: str) -> bool:  # noqa: ARG002  an engine needs it
        """Return False: rows tell all values apart."""
        return False

    def with_model(self, model: EvaluatedModel) -> InMemoryTable:
        """Return the same table beside another reach of the model."""
        return dataclasses.replace(self, model=model)

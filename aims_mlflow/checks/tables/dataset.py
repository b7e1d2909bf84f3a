"""The protocol of a data set: the questions that a check may ask, whatever holds the rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import pandas as pd

    from aims_mlflow.checks.statistics.columns import Kind
    from aims_mlflow.checks.tables.in_memory import InMemoryTable
    from aims_mlflow.checks.tables.predictions import EvaluatedModel
    from aims_mlflow.checks.tables.task import PredictionTask


class Dataset(Protocol):
    """One data set as a check reads it.

    `InMemoryTable` answers with its rows. `engines.remote_table.RemoteTable` answers with count tables, whose rows
    each represent several rows of the data. The same check runs on both, and gives the same numbers.
    """

    @property
    def role(self) -> str:
        """What the data are to the model: "train", "validation", "test", "cross-validation" or "operation"."""
        ...

    @property
    def task(self) -> PredictionTask:
        """What is predicted."""
        ...

    @property
    def sensitive_names(self) -> tuple[str, ...]:
        """Names of the sensitive columns; they may be beside the `columns`."""
        ...

    @property
    def identifiers(self) -> tuple[str, ...]:
        """Columns that only name a row."""
        ...

    @property
    def personal(self) -> bool | tuple[str, ...] | None:
        """The data sheet's statement on personal data: some, none, which columns, or None without a statement."""
        ...

    @property
    def model(self) -> EvaluatedModel:
        """The model behind the predictions, as far as it can be reached."""
        ...

    @property
    def columns(self) -> list[str]:
        """Names of the features, the target and the identifiers, in the table's order."""
        ...

    @property
    def features(self) -> list[str]:
        """The `columns` without the target and the identifiers."""
        ...

    @property
    def rows(self) -> int:
        """Number of rows of the data."""
        ...

    @property
    def rows_in_memory(self) -> int:
        """Number of rows that this process holds; 0 where they stay in their engine."""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """What was done to read the data, where that is not the rule."""
        ...

    @property
    def has_predictions(self) -> bool:
        """Whether there are predicted labels or numbers."""
        ...

    @property
    def has_scores(self) -> bool:
        """Whether there are scores."""
        ...

    def part(self, names: Sequence[str] = (), *, outcomes: bool = False, scores: bool = False) -> InMemoryTable:
        """Return a table with at least these columns, of rows or of counts.

        Args:
            names: Names of columns, sensitive ones included.
            outcomes: Whether the target and the predictions are needed too.
            scores: Whether the target and the scores are needed too.

        Raises:
            DataError: there is no such column, or the columns have too many combinations to count.
        """
        ...

    def column(
        self, name: str, within: tuple[float, float] | None = None
    ) -> tuple[pd.Series, np.ndarray[Any, Any] | None]:
        """Return one column's values, and how many rows have each where a value represents several.

        Args:
            name: Name of the column.
            within: Ends of the bins, where an engine has to put numbers into bins.
        """
        ...

    def kind_of(self, name: str) -> tuple[Kind | None, str]:
        """Return how a column can be compared, and why not where it cannot; see `columns.comparable`."""
        ...

    def extremes(self, name: str) -> tuple[float, float] | None:
        """Return the smallest and largest finite number of a column; None where there is none."""
        ...

    def filled(self, name: str) -> int:
        """Return how many rows have a value in a column."""
        ...

    def is_empty(self, name: str) -> bool:
        """Return whether a column has no value in any row."""
        ...

    def crowded(self, name: str) -> bool:
        """Return whether a column has more values than its engine tells apart."""
        ...

    def with_model(self, model: EvaluatedModel) -> Dataset:
        """Return the same data set beside another reach of the model."""
        ...

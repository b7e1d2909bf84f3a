"""The table that a check reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import numpy as np
    import pandas as pd

    from aims_mlflow.checks.statistics.columns import Kind
    from aims_mlflow.records.pack import Task


@dataclass(frozen=True, eq=False)
class Rival:
    """The model in production, asked about the same rows.

    Attributes:
        name: What a reader finds it by, such as `models:/loans@champion (version 3)`.
        predictions: What it predicts, shape (rows,); None where it could not be asked.
        lacking: Why it could not be asked.
    """

    name: str
    predictions: np.ndarray[Any, Any] | None
    lacking: str | None = None


@dataclass(frozen=True, eq=False)
class Dataset:
    """One table as a check sees it; rows of every part correspond by position.

    Where `weights` are given, a row of the table stands for that many rows of the data (a count table).

    Attributes:
        role: "train", "validation", "test" or "cross-validation".
        frame: Features and, where `target` is set, the label column. Never altered.
        target: Name of the label column in `frame`.
        favourable: The label that is the good outcome for a person, as text.
        sensitive: The sensitive columns; they may or may not stand in `frame` too.
        predictions: Predicted labels (regression: numbers), shape (rows,).
        scores: Predicted probability of the favourable label, shape (rows,); of several labels
            one column for each of `score_labels`, shape (rows, labels).
        identifiers: Columns of `frame` that only name a row.
        task: What the model predicts.
        threshold: From which score (regression: which number) on a row is selected, as a decimal.
        weights: How many rows each row stands for, shape (rows,); one each where None.
        scores_method: How scores were put into bins, where an engine did that.
        rival: The model in production, where the predictions are compared with its own.
        predict: What the model answers to other rows with the columns of `frame`, where it can be asked.
        model_folder: Where the model's files are, for a look at how they are stored.
        personal: What the data sheet says of personal data: some, none, which columns, or nothing.
        binned: Columns that an engine put into bins, or of which it tells only frequent values apart.
    """

    role: str
    frame: pd.DataFrame
    target: str | None = None
    favourable: str | None = None
    sensitive: pd.DataFrame | None = None
    predictions: np.ndarray[Any, Any] | None = None
    scores: np.ndarray[Any, Any] | None = None
    identifiers: tuple[str, ...] = ()
    task: Task = "binary-classification"
    threshold: str | None = None
    weights: np.ndarray[Any, Any] | None = None
    scores_method: str = ""
    score_labels: tuple[str, ...] = ()
    binned: tuple[str, ...] = ()
    rival: Rival | None = None
    predict: Callable[[pd.DataFrame], np.ndarray[Any, Any]] | None = None
    model_folder: Path | None = None
    personal: bool | tuple[str, ...] | None = None

    @property
    def rows(self) -> int:
        """Number of rows of the data."""
        return len(self.frame) if self.weights is None else int(self.weights.sum())

    @property
    def features(self) -> list[str]:
        """Columns of `frame` without the target and the identifiers."""
        left_out = {self.target, *self.identifiers}
        return [name for name in self.frame.columns if name not in left_out]

    @property
    def sensitive_names(self) -> tuple[str, ...]:
        """Names of the sensitive columns."""
        return () if self.sensitive is None else tuple(self.sensitive.columns)

    # A table that is not in this process (engines.remote_table.FarDataset) answers these with counts of its own.

    def part(self, names: Sequence[str] = (), *, outcomes: bool = False, scores: bool = False) -> Dataset:  # noqa: ARG002
        """Return a data set with at least these columns; with `outcomes` or `scores`, with what the model said too."""
        return self

    def column(self, name: str, within: tuple[float, float] | None = None) -> tuple[pd.Series, Any]:  # noqa: ARG002
        """Return one column's values, and how many rows have each where a value stands for several."""
        return self.frame[name], self.weights

    def kind_of(self, name: str) -> tuple[Kind | None, str]:
        """Return what a column holds, as `columns.comparable` says it."""
        from aims_mlflow.checks.statistics.columns import comparable

        return comparable(*self.column(name))

    def extremes(self, name: str) -> tuple[float, float] | None:
        """Return the smallest and largest finite number of a column; None where there is none."""
        from aims_mlflow.checks.statistics.distances import finite

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

    def crowded(self, name: str) -> bool:  # noqa: ARG002
        """Return whether a column has more values than its engine tells apart."""
        return False

"""The model that a data set is evaluated with: its predictions, and the ways to ask it again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy as np
    import pandas as pd

    Array = np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False)
class Predictions:
    """Labels or numbers, one for each row, and scores.

    Attributes:
        labels: Predicted labels (regression: numbers), shape (rows,).
        scores: Predicted probability of the favourable label, shape (rows,); of several labels one column for
            each of `score_labels`, shape (rows, labels). None where the model gives none.
        score_labels: The labels that the columns of `scores` are for.
        scores_method: How an engine put the scores into bins; empty where it did not.
    """

    labels: Array
    scores: Array | None = None
    score_labels: tuple[str, ...] = ()
    scores_method: str = ""


@dataclass(frozen=True, eq=False)
class Incumbent:
    """The model in production, asked about the same rows.

    Attributes:
        name: What a reader finds it by, such as `models:/loans@champion (version 3)`.
        predictions: Its labels or numbers, shape (rows,); None where it could not be asked.
        lacking: Why it could not be asked.
    """

    name: str
    predictions: Array | None
    lacking: str | None = None


@dataclass(frozen=True, eq=False, kw_only=True)
class EvaluatedModel:
    """The model behind the predictions, as far as checks can reach it.

    Attributes:
        predict: What the model answers to other rows with the same columns; None where it cannot be asked.
        folder: Where the model's files are, for a look at how they are stored.
        incumbent: The model in production, where the predictions are compared with its own.
        inputs: The columns that it takes; empty where they are not known.
    """

    predict: Callable[[pd.DataFrame], Array] | None = None
    folder: Path | None = None
    incumbent: Incumbent | None = None
    inputs: tuple[str, ...] = ()


UNREACHED = EvaluatedModel()

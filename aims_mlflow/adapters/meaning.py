"""The meaning of a model's output: which of its columns is the prediction, and which label each score is for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from aims_mlflow.adapters.asking import FUNCTION, HINT
from aims_mlflow.checks.statistics.labels import is_label, label_key
from aims_mlflow.checks.tables.predictions import Predictions
from aims_mlflow.errors import CheckError

if TYPE_CHECKING:
    import numpy as np

    from aims_mlflow.adapters.outputs import Output
    from aims_mlflow.checks.tables.task import PredictionTask

    Array = np.ndarray[Any, Any]

NOT_CLEAR = "which output is the prediction is not clear"
SAY = f"say predict=, {FUNCTION}"


@dataclass(frozen=True, kw_only=True)
class Interpretation:
    """What the columns of a model's output mean.

    Attributes:
        form: Numbers or labels in one column, a score of one label, or a score of each label.
        source: What it was understood from, for a reader.
        doubtful: Whether only the training rows can prove it.
        column: Place of the numbers, the labels or the one score.
        score_columns: Places of the scores beside labels, or of `scores`.
        score_labels: The labels that those scores, or the one score, are for; ("",) for the label that is predicted.
        probable: Whether scores are probabilities, so that they are kept beside the labels.
        others: Keys of the target's labels, sorted.
    """

    form: Literal["numbers", "labels", "score", "scores"]
    source: str
    doubtful: bool = False
    column: int = 0
    score_columns: tuple[int, ...] = ()
    score_labels: tuple[str, ...] = ()
    probable: bool = True
    others: tuple[str, ...] = ()

    def read(self, output: Output, task: PredictionTask) -> Predictions:
        """Return the predictions in an output of the same form.

        Raises:
            CheckError: the output has another form.
        """
        import numpy as np

        if max((self.column, *self.score_columns)) >= len(output.columns):
            raise CheckError("the model's output has fewer columns than for the rows before", next=HINT)
        if self.form == "numbers":
            return Predictions(output.columns[self.column].astype(float), None)
        if self.form == "labels":
            labels = output.columns[self.column]
            return Predictions(labels, *self._beside(output, labels, task))
        if self.form == "score":
            score = output.columns[self.column].astype(float)
            (label,) = self.score_labels
            labels = np.where(score >= 0.5, label, self._other(label)).astype(object)
            return Predictions(labels, _of_favourable(score, label, task), ())
        values = np.column_stack([output.columns[i].astype(float) for i in self.score_columns])
        labels = np.asarray(self.score_labels, dtype=object)[values.argmax(axis=1)]
        return Predictions(labels, *(_scores(values, self.score_labels, task) if self.probable else (None, ())))

    def _other(self, label: str) -> str:
        return next(text for text in self.others if label_key(text) != label_key(label))

    def _beside(self, output: Output, labels: Array, task: PredictionTask) -> tuple[Array | None, tuple[str, ...]]:
        import numpy as np

        if not self.score_columns:
            return None, ()
        values = np.column_stack([output.columns[i].astype(float) for i in self.score_columns])
        if self.score_labels == ("",):  # of the label that is predicted
            chosen = is_label(labels, str(task.favourable))
            return np.where(chosen, values[:, 0], 1 - values[:, 0]), ()
        if len(self.score_labels) == 1:
            return _of_favourable(values[:, 0], self.score_labels[0], task), ()
        return _scores(values, self.score_labels, task)


def _of_favourable(score: Array, label: str, task: PredictionTask) -> Array:
    return score if task.favourable is None or label_key(label) == label_key(task.favourable) else 1 - score


def _scores(values: Array, labels: tuple[str, ...], task: PredictionTask) -> tuple[Array | None, tuple[str, ...]]:
    """Return scores as `Predictions` has them: of two labels the favourable one's, of several one column each."""
    if task.kind == "multiclass-classification":
        return values, labels
    keys = [label_key(label) for label in labels]
    good = label_key(task.favourable)
    return (values[:, keys.index(good)], ()) if task.favourable is not None and good in keys else (None, ())

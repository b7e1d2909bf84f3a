"""The prediction task that a data set is evaluated for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aims_mlflow.records.pack import Task
    from aims_mlflow.records.system import Data


@dataclass(frozen=True)
class PredictionTask:
    """What a model predicts, and which outcome is good for a person.

    Attributes:
        kind: One of two labels, one of several, or a number.
        target: Name of the label column; None where there are no labels.
        favourable: The label that is the good outcome, as text.
        threshold: From which score (regression: which number) on a row is selected, as a decimal.
        labels: The labels that are known from other data and from the model; a small table may lack one of them.
    """

    kind: Task = "binary-classification"
    target: str | None = None
    favourable: str | None = None
    threshold: str | None = None
    labels: tuple[str, ...] = ()

    @classmethod
    def of(cls, data: Data, kind: Task) -> PredictionTask:
        """Return the task that aims.yaml describes under `data`; its kind is the pack's."""
        return cls(kind, data.target, data.favourable, data.threshold)


BINARY = PredictionTask()  # of two labels, and nothing more is known

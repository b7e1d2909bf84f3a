"""The fit of a training: the results of the training function."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aims_mlflow.capture.parameters import Settings


@dataclass(frozen=True, kw_only=True)
class Fit:
    """The results of the training function.

    Attributes:
        models: Name and model for each model that was handed over: a fitted object, or the URI of a logged model.
        out_of_fold: Role of a data set, and the out-of-fold predictions for it.
        settings: Settings of the training, and those that are left out.
        seconds: Duration of the fit; 0 where the training did not start.
        error: The exception that ended the training.
        began: Whether the data were admitted, so that the function ran.
    """

    models: tuple[tuple[str, Any], ...]
    out_of_fold: tuple[str, Any] | None
    settings: Settings
    seconds: float
    error: BaseException | None
    began: bool

"""A trained model asked again about changed rows, where it can be asked, and its files looked at, whatever it is."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from aims_mlflow.adapters.predict import predict
from aims_mlflow.capture.recorder import record_outcome
from aims_mlflow.checks.runner import run_check
from aims_mlflow.checks.statistics.labels import distinct_labels
from aims_mlflow.checks.tables.in_memory import InMemoryTable
from aims_mlflow.checks.tables.predictions import EvaluatedModel
from aims_mlflow.evidence.tracking import model_folder

if TYPE_CHECKING:
    from collections.abc import Callable

    from aims_mlflow.adapters.models import LoggedModel
    from aims_mlflow.capture.underway import Underway


def probe(training: Underway, model: LoggedModel, data: InMemoryTable | None, prefix: str) -> None:
    """Sign the robustness record of a model; without `data` (nothing it could predict) only its files are looked at."""
    import pandas as pd

    described: dict[str, Any] = {}
    if data is None:
        data = InMemoryTable(role="test", frame=pd.DataFrame())
    else:
        described = {"data": {"test": training.tables["test"].described()}}
        data = data.with_model(EvaluatedModel(predict=_asking(training, model, data)))
    with model_folder(model.model_id) as folder:
        outcome = run_check(
            "robustness", data.with_model(dataclasses.replace(data.model, folder=folder)), training.setup.pack
        )
    record_outcome(training, outcome, [model.subject()], prefix=prefix, **described)


def _asking(training: Underway, model: LoggedModel, data: InMemoryTable) -> Callable[[Any], Any] | None:
    """Return how to ask the model about a changed frame.

    None for arrays and for functions of their own: what a changed row is there, only their author knows.
    """
    table, target = training.tables["test"], training.setup.config.data.target
    columns = getattr(table.features, "columns", None)
    if columns is None or training.predict is not None:
        return None
    known = distinct_labels(table.frame[target])

    def again(frame: Any) -> Any:
        asked = dataclasses.replace(table, frame=frame, features=frame[list(columns)])
        found = predict(model.predictor, asked, target, data.task.favourable, None, data.task.kind, known, scored=False)
        return found.labels

    return again

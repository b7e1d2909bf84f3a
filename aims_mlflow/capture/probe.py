"""The probe of a trained model: asks it about changed rows, where it can be asked, and inspects its files."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from aims_mlflow.adapters.predict import predict
from aims_mlflow.checks.runner import run_check
from aims_mlflow.checks.statistics.labels import distinct_labels
from aims_mlflow.checks.tables.in_memory import InMemoryTable
from aims_mlflow.checks.tables.predictions import EvaluatedModel
from aims_mlflow.evidence.tracking import model_folder

if TYPE_CHECKING:
    from collections.abc import Callable

    from aims_mlflow.adapters.models import LoggedModel
    from aims_mlflow.adapters.predict import Predict
    from aims_mlflow.adapters.tables import Table
    from aims_mlflow.checks.outcome import Outcome
    from aims_mlflow.checks.tables.task import PredictionTask
    from aims_mlflow.records.pack import Pack


def probe(model: LoggedModel, pack: Pack) -> Outcome:
    """Inspect the files of a model that cannot be asked."""
    import pandas as pd

    return _robustness(model, InMemoryTable(role="test", frame=pd.DataFrame()), pack)


def probe_on(model: LoggedModel, table: Table, dataset: InMemoryTable, pack: Pack, function: Predict | None) -> Outcome:
    """Ask a model about changed rows of `dataset`, which is made of `table`, and inspect its files."""
    answers = _answers(model, table, dataset.task) if function is None else None
    return _robustness(model, dataset.with_model(EvaluatedModel(predict=answers)), pack)


def _robustness(model: LoggedModel, dataset: InMemoryTable, pack: Pack) -> Outcome:
    with model_folder(model.model_id) as folder:
        return run_check("robustness", dataset.with_model(dataclasses.replace(dataset.model, folder=folder)), pack)


def _answers(model: LoggedModel, table: Table, task: PredictionTask) -> Callable[[Any], Any] | None:
    """Return the function that asks the model about a changed frame.

    None for arrays: only their author knows what a changed row is, as with a `predict=` of the author's own.
    """
    columns = getattr(table.features, "columns", None)
    if columns is None:
        return None
    known = distinct_labels(table.frame[task.target])

    def answers(frame: Any) -> Any:
        changed = dataclasses.replace(table, frame=frame, features=frame[list(columns)])
        return predict(model.predictor, changed, task, known=known, scored=False).labels

    return answers

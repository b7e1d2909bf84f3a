"""The probe of a trained model: asks it about changed rows, where it can be asked, and inspects its files."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from aims_mlflow.checks.runner import run_check
from aims_mlflow.checks.tables.in_memory import InMemoryTable
from aims_mlflow.checks.tables.predictions import EvaluatedModel
from aims_mlflow.evidence.model_files import model_folder

if TYPE_CHECKING:
    from collections.abc import Callable

    from aims_mlflow.adapters.meaning import Interpretation
    from aims_mlflow.adapters.models import LoggedModel
    from aims_mlflow.adapters.predict import Question
    from aims_mlflow.adapters.tables import Table
    from aims_mlflow.checks.outcome import Outcome
    from aims_mlflow.records.pack import Pack


def inspect_files(model: LoggedModel, pack: Pack) -> Outcome:
    """Inspect the files of a model that cannot be asked."""
    import pandas as pd

    return _robustness(model, InMemoryTable(role="test", frame=pd.DataFrame()), pack)


def probe_on(model: LoggedModel, dataset: InMemoryTable, pack: Pack) -> Outcome:
    """Ask a model about changed rows of `dataset`, where it can be asked, and inspect its files."""
    return _robustness(
        model, dataset.with_model(EvaluatedModel(predict=dataset.model.predict, inputs=model.inputs)), pack
    )


def _robustness(model: LoggedModel, dataset: InMemoryTable, pack: Pack) -> Outcome:
    with model_folder(model.model_id) as folder:
        return run_check("robustness", dataset.with_model(dataclasses.replace(dataset.model, folder=folder)), pack)


def answers_to(question: Question, table: Table, meaning: Interpretation) -> Callable[[Any], Any] | None:
    """Return the function that asks a model about a changed frame, whose output means what it meant for `table`.

    None for arrays: only their author knows what a changed row is, as with a `predict=` of the author's own.
    """
    columns = getattr(table.features, "columns", None)
    if columns is None or question.function is not None:
        return None
    unscored = dataclasses.replace(question, scored=False)

    def answers(frame: Any) -> Any:
        changed = dataclasses.replace(table, frame=frame, features=frame[list(columns)])
        return unscored.again(changed, meaning).labels

    return answers

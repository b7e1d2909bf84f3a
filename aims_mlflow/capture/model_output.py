"""The output of an evaluated model in its record: what it was read as, its proof, and the model loaded back."""

from __future__ import annotations

import contextlib
import dataclasses
import inspect
from typing import TYPE_CHECKING

from aims_mlflow.adapters.load_back import LoadBack
from aims_mlflow.canonical import sha256_hex
from aims_mlflow.errors import CheckError
from aims_mlflow.records.details.checks import LoadedModel, ModelOutput, PredictFunction

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aims_mlflow.adapters.load_back import LoadedBack
    from aims_mlflow.adapters.models import LoggedModel
    from aims_mlflow.adapters.predict import Answer, Predict
    from aims_mlflow.adapters.tables import Table
    from aims_mlflow.checks.outcome import Outcome


@contextlib.contextmanager
def loading_back(model: LoggedModel, table: Table) -> Iterator[LoadBack | None]:
    """Load a logged model back while the checks run inside.

    None where `predict=` stands beside a model that was logged without us: what it alone answers is no prediction.

    Raises:
        CheckError: `predict=` could not be stored with the model.
        Unreachable: the model's files cannot be read.
    """
    if model.function == "not stored":
        raise CheckError(
            "predict= cannot be stored with the model, since it cannot be pickled, so the logged model cannot predict",
            next="let predict= use nothing that is open or locked: no file, no connection, no generator",
        )
    if model.function == "beside the model":
        yield None
        return
    load_back = LoadBack(model, table)
    try:
        yield load_back
    finally:
        load_back.close()


def described(
    outcome: Outcome, answer: Answer, loaded: LoadedBack | None, function: Predict | None, stored: str
) -> Outcome:
    """Return the outcome of the performance check with what the model's output was read as.

    The source of a `predict=` that is not stored with the model becomes a file of the record.
    """
    proof = answer.proof
    source = _source(function) if function is not None else None
    output = ModelOutput(
        form=answer.meaning.form,
        understood_from=answer.meaning.source if function is None else "predict= of the person",
        proved_on=proof.role if proof is not None else None,
        proved_rows=proof.rows if proof is not None else None,
        proved=proof.shown if proof is not None else None,
        function=None
        if function is None
        else PredictFunction(
            name=getattr(function, "__qualname__", type(function).__name__),
            source_digest=sha256_hex(source.encode()) if source is not None else None,
            stored=stored,
        ),
        scores_left_out=answer.scores_left_out,
        loaded_back=LoadedModel(process=loaded.process, rows=loaded.rows) if loaded is not None else None,
    )
    reports = dict(outcome.reports)
    if source is not None and stored == "beside the model":
        reports["predict.py"] = source.encode()
    details = outcome.recorded_details().changed(output=output)
    return dataclasses.replace(outcome, details=details, reports=reports)


def _source(function: Predict) -> str | None:
    try:
        return inspect.getsource(inspect.unwrap(function))
    except (OSError, TypeError):
        return None

"""Loading a logged model back: it must answer what the evidence says, asked as a server asks it.

A model whose files name installed libraries alone is loaded in this process: another one would find the same code. A
model that carries code of its own (a pickled class or function, a folder of code, a module that no installed
distribution has) is loaded in a fresh process, which starts while the checks run.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import pickle
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mlflow

from aims_mlflow.adapters.asking import ask, features_for, takes_groups
from aims_mlflow.adapters.other_process import other_process
from aims_mlflow.adapters.outputs import read_raw
from aims_mlflow.adapters.own_words import words_of
from aims_mlflow.adapters.requirements import has_own_code
from aims_mlflow.adapters.tables import has_categories, rows_at
from aims_mlflow.checks.statistics.labels import label_key
from aims_mlflow.errors import CheckError
from aims_mlflow.evidence.model_files import model_folder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aims_mlflow.adapters.models import LoggedModel
    from aims_mlflow.adapters.outputs import Output
    from aims_mlflow.adapters.predict import Answer
    from aims_mlflow.adapters.tables import Table
    from aims_mlflow.checks.tables.task import PredictionTask

ROWS = 1_000  # of the held-out rows, evenly spread
SECONDS = 300  # that a fresh process may take
NATIVE = ("lightgbm", "xgboost", "catboost")  # their categories of pandas do not pass through mlflow.pyfunc
LIBRARIES = ("sklearn", "lightgbm", "xgboost", "catboost", "statsmodels")  # loaded in this process, without own code
PICKLES = (".pkl", ".pickle", ".joblib")
NEXT = "log the model yourself, with the code that it needs, and load it in a new process to see the whole error"


@dataclass(frozen=True)
class LoadedBack:
    """How a logged model was asked again: in this process or in a fresh one, for how many rows."""

    process: str
    rows: int


class LoadBack:
    """One logged model that is being asked again, in a fresh process or at the end in this one."""

    def __init__(self, model: LoggedModel, table: Table) -> None:
        """Ask a logged model for rows of a table; a fresh process starts at once.

        Raises:
            Unreachable: the model's files cannot be read.
        """
        import numpy as np

        rows, self._flavor = len(table.frame), model.flavor
        # A random model with a seed answers alike for the same rows alone.
        few = rows if takes_groups(model.predictor) else min(rows, ROWS)
        self._places = np.unique(np.linspace(0, rows - 1, few).astype(int))
        self._table = rows_at(dataclasses.replace(table, features=_features(model, table)), self._places)
        self._files = contextlib.ExitStack()
        try:
            self._model = self._files.enter_context(model_folder(model.model_id))
            self._job = Path(self._files.enter_context(tempfile.TemporaryDirectory(prefix="aims-")))
            self.is_fresh, self._waited = carries_code(self._model), False
            if self.is_fresh:
                self._send()
        except BaseException:
            self._files.close()
            raise

    def _send(self) -> None:
        (self._job / "model.txt").write_text(str(self._model), encoding="utf-8")
        (self._job / "rows.pickle").write_bytes(pickle.dumps(self._table.features))
        other_process.send(self._job)

    def confirm(self, answer: Answer, task: PredictionTask) -> LoadedBack:
        """Compare the logged model's answers with those that the evidence is made of.

        Raises:
            CheckError: it cannot be loaded, cannot answer, or answers something else.
        """
        import numpy as np

        self._waited = True
        output = self._answer_of_process() if self.is_fresh else self._answer_here(task)
        again = answer.meaning.read(output, task).labels
        before = np.asarray(answer.predictions.labels)[self._places]
        if task.kind == "regression":
            different = int((~np.isclose(again, before.astype(float), rtol=1e-6, equal_nan=True)).sum())
        else:
            different = sum(label_key(a) != label_key(b) for a, b in zip(again, before, strict=True))
        if different:
            raise CheckError(
                f"the logged model answers otherwise than the fitted one: {different:,} of {len(before):,} rows differ",
                next="make its answer depend on nothing but its own state and the row; or log it yourself",
            )
        return LoadedBack("fresh" if self.is_fresh else "this", len(before))

    def _answer_here(self, task: PredictionTask) -> Output:
        rows, index = len(self._table.frame), self._table.frame.index
        try:
            if self._flavor in NATIVE and has_categories(self._table.features):
                model = getattr(mlflow, self._flavor).load_model(str(self._model))
                return read_raw(ask(model, self._table, task, None, scored=False).output, rows, index=index)
            loaded = mlflow.pyfunc.load_model(str(self._model), suppress_warnings=True)
            return read_raw(loaded.predict(self._table.features), rows, index=index)
        except CheckError:
            raise
        except Exception as exc:
            raise self._failed(type(exc).__name__, str(exc)) from exc

    def _answer_of_process(self) -> Output:
        if not other_process.wait(self._job, SECONDS):
            raise CheckError(
                f"the logged model did not answer in a fresh process: it crashed, or took over {SECONDS} s", next=NEXT
            )
        answer = json.loads((self._job / "answer.json").read_text(encoding="utf-8"))
        if "error" in answer:
            raise self._failed(answer["error"], answer["message"])
        return _output(answer["columns"], answer["names"], len(self._table.frame))

    def _failed(self, kind: str, message: str) -> CheckError:
        said = words_of(kind, message, [self._table.frame], self._table.frame.columns)
        return CheckError(f"the logged model cannot predict once it is loaded again ({said})", next=NEXT)

    def close(self) -> None:
        """Delete the files; a job that nobody waited for is given up."""
        if self.is_fresh and not self._waited:
            other_process.forget()
        self._files.close()


def _features(model: LoggedModel, table: Table) -> Any:
    """Return what a logged model takes of a table: the columns of its signature, else those it was fitted on."""
    frame = getattr(table.features, "columns", None) is not None and hasattr(table.features, "loc")
    if frame and model.inputs and set(model.inputs) <= set(table.frame.columns):
        return table.frame[list(model.inputs)]
    return features_for(model.predictor, table)


def _output(columns: Sequence[Sequence[Any]], names: Sequence[str] | None, rows: int) -> Output:
    import pandas as pd

    if len(columns) == 1:
        return read_raw(pd.Series(columns[0], name=names[0] if names else None), rows)
    frame = pd.DataFrame(dict(enumerate(columns)))
    frame.columns = pd.RangeIndex(len(columns)) if names is None else list(names)
    return read_raw(frame, rows)


def carries_code(folder: Path) -> bool:
    """Tell whether a logged model's files hold code that no installed library has."""
    from mlflow.models import Model

    flavours = Model.load(str(folder)).flavors
    if not set(flavours) & set(LIBRARIES) or flavours.get("python_function", {}).get("code"):
        return True
    try:
        return any(has_own_code(path.read_bytes()) for path in folder.rglob("*") if path.suffix in PICKLES)
    except (ValueError, OSError):  # no pickle in spite of its name
        return True

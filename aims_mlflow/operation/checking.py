"""Data sets for checks without training code: a table, with predictions from a column of it or from a logged model."""

from __future__ import annotations

import contextlib
import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aims_mlflow.adapters.models import load
from aims_mlflow.adapters.predict import Question, known_labels
from aims_mlflow.adapters.reading.files import read_table, require_columns
from aims_mlflow.adapters.reading.frames import as_frame
from aims_mlflow.adapters.reading.read_table import AS_FOUND, ReadTable
from aims_mlflow.adapters.spark import PREDICTION, predicted_table
from aims_mlflow.checks.engines.count_source import Column
from aims_mlflow.checks.engines.opening import count_source_of, shown_name
from aims_mlflow.checks.engines.remote_table import remote_table
from aims_mlflow.checks.engines.spark import SparkSource
from aims_mlflow.checks.engines.sql import SqlSource
from aims_mlflow.checks.statistics.labels import distinct_labels
from aims_mlflow.checks.tables.plain_columns import plain
from aims_mlflow.checks.tables.predictions import EvaluatedModel, Incumbent, Predictions
from aims_mlflow.checks.tables.task import PredictionTask
from aims_mlflow.checks.tables.validation import MAX_CLASSES, make_dataset
from aims_mlflow.errors import ConfigError, DataError, did_you_mean
from aims_mlflow.evidence import tracking
from aims_mlflow.evidence.digests import arrow_digest
from aims_mlflow.evidence.model_files import model_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import pandas as pd

    from aims_mlflow.checks.engines.count_source import CountSource
    from aims_mlflow.checks.tables.dataset import Dataset
    from aims_mlflow.checks.tables.in_memory import InMemoryTable
    from aims_mlflow.records.pack import Task
    from aims_mlflow.records.system import Data, ReadingOptions

MAX_READ = 2_000_000  # rows of a database that are read to be predicted


@dataclass(frozen=True)
class Columns:
    """Columns of a table that contain predictions, so that no model is needed."""

    prediction: str | None = None
    score: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The columns that are named."""
        return tuple(name for name in (self.prediction, self.score) if name is not None)

    def among(self, known: Iterable[str]) -> Columns:
        """Return those of the columns that a table has."""
        there = set(known)
        return Columns(*(name if name in there else None for name in (self.prediction, self.score)))


def dataset_from(
    source: Any,
    role: str,
    data: Data,
    task: Task,
    columns: Columns | None = None,
    model: str | None = None,
    *,
    may_lack: bool = False,
) -> Dataset:
    """Return a table as a data set, with predictions where a column or a model gives them.

    Args:
        source: A file (`adapters.reading.files`), the address of a count source (`engines.opening`), or a table in
            memory (`adapters.reading.frames`).
        role: "train", "validation" or "test".
        data: Target, favourable label, sensitive columns and so on.
        task: What is predicted.
        columns: Columns with predictions and scores; they are no features.
        model: The MLflow URI of a logged model; not together with `columns`. Spark's workers run it there; rows of
            a database are read to be predicted.
        may_lack: Whether the table may lack the `columns`, as a reference table that nobody has scored does.

    Raises:
        Unreachable: file or model cannot be read.
        DataError: the table does not fit.
        CheckError: the model cannot predict it.
        ConfigError: the URI names no logged model.
    """
    columns, remote = columns or Columns(), count_source_of(source)
    if remote is not None and (model is None or isinstance(remote, SparkSource)):
        columns = columns.among(remote.types) if may_lack else columns
        return _remote(remote, role, data, task, columns, model)
    where = shown_name(source) if isinstance(source, str | Path) else f"{role} data"
    read = rows_of(source, role, data.reading)
    frame = read.frame
    columns = columns.among(frame.columns) if may_lack else columns
    require_columns(frame, columns.names, where)
    dataset = make_dataset(
        role,
        frame.drop(columns=list(columns.names)),
        PredictionTask.of(data, task),
        sensitive=data.sensitive,
        identifiers=data.identifiers,
        personal=data.personal,
    )
    dataset = dataclasses.replace(dataset, notes=(*read.notes, *dataset.notes))
    if model is not None:
        return predicted_by(model, dataset, frame, data)
    predictions = plain(frame[columns.prediction]).to_numpy() if columns.prediction else None
    scores = _numbers(frame[columns.score], where) if columns.score else None
    if predictions is None and scores is not None and data.threshold is not None:
        predictions = scores >= float(data.threshold)  # only stands in: the threshold decides
    if predictions is None:
        return dataset
    return dataclasses.replace(dataset, predictions=Predictions(predictions, scores))


def _numbers(column: pd.Series, where: str) -> Any:
    """Return scores as floating-point numbers, shape (rows,); missing ones as NaN."""
    import numpy as np

    try:
        return plain(column).to_numpy(dtype=float, na_value=np.nan)
    except (TypeError, ValueError):
        raise DataError(
            f"the column of scores {str(column.name)!r} holds something other than numbers",
            where=where,
            next="name the column with the score of each row, or mend it",
        ) from None


@contextlib.contextmanager
def beside_its_files(data: Dataset, model: str | None) -> Iterator[Dataset]:
    """Give the data set with the folder of a logged model's files, for as long as the checks run.

    Raises:
        Unreachable, ConfigError: the model cannot be found.
    """
    model_id = None if model is None else tracking.resolve(model).model_id
    if model_id is None:
        yield data
        return
    with model_folder(model_id) as folder:
        yield data.with_model(dataclasses.replace(data.model, folder=folder))


def _remote(remote: CountSource, role: str, data: Data, task: Task, columns: Columns, model: str | None) -> Dataset:
    prediction, score = columns.prediction, columns.score
    if model is not None and isinstance(remote, SparkSource):
        labels = {} if task == "regression" else _labels_of(remote, data.target)
        remote, score = predicted_table(remote, _loaded(model), PredictionTask.of(data, task), labels)
        prediction = PREDICTION
    return remote_table(
        role,
        remote,
        PredictionTask.of(data, task),
        sensitive=data.sensitive,
        identifiers=data.identifiers,
        personal=data.personal,
        prediction=prediction,
        score=score,
    )


def _labels_of(remote: SparkSource, target: str) -> dict[str, str]:
    if target not in remote.types:
        hint = did_you_mean(target, remote.types)
        raise DataError(f"there is no column {target!r}" + (f", {hint}" if hint else ""), where=remote.name)
    table = remote.counts((Column(target),), MAX_CLASSES)
    if table is None:
        raise DataError(
            f"{target!r} has over {MAX_CLASSES} labels", where=remote.name, next="name the column of outcomes"
        )
    return distinct_labels(table[target])


def rows_of(source: Any, role: str, reading: ReadingOptions = AS_FOUND) -> ReadTable:
    """Return the rows of a table in memory, of a file (read as `reading` says), or of a table of a database.

    Raises:
        Unreachable, DataError: they cannot be read, or there are too many to be read from a database.
        ConfigError: they stay in Spark.
    """
    remote = count_source_of(source)
    if remote is None:
        read = read_table(Path(source), reading) if isinstance(source, str | Path) else ReadTable(source)
        return dataclasses.replace(read, frame=as_frame(read.frame, role))
    if not isinstance(remote, SqlSource):
        raise ConfigError("rows of Spark stay there", where=remote.name, next="leave --against out")
    rows = remote.rows()
    if rows > MAX_READ:
        raise DataError(
            f"the table has {rows:,} rows, and up to {MAX_READ:,} are read from a database to be predicted",
            where=remote.name,
            next="score the table where it is, and name the columns with --prediction and --score; or use Spark",
        )
    import pandas as pd

    pieces = list(remote.pieces())
    return ReadTable(pd.concat(pieces, ignore_index=True) if pieces else pd.DataFrame(columns=list(remote.types)))


def with_incumbent(data: Dataset, uri: str, source: Any, described: Data) -> Dataset:
    """Return the data set with the predictions of another model, the one in production, beside its own.

    Raises:
        Unreachable, ConfigError, CheckError: the model cannot be found, loaded or used.
    """
    frame = rows_of(source, data.role, described.reading).frame
    theirs, _ = _asked(uri, data, frame, described)
    incumbent = Incumbent(tracking.resolve(uri).called(uri), theirs.labels)
    return data.with_model(dataclasses.replace(data.model, incumbent=incumbent))


def _loaded(uri: str) -> Any:
    target = tracking.resolve(uri)
    if target.model_id is None:
        raise ConfigError(f"{uri} names no logged model", next="use models:/m-ID, models:/NAME/VERSION or @ALIAS")
    return load(target.model_id)


def predicted_by(uri: str, data: InMemoryTable, frame: pd.DataFrame, described: Data) -> InMemoryTable:
    """Return the data set with the predictions of a logged model, which can be asked again.

    Raises:
        Unreachable, ConfigError, CheckError: the model cannot be found, loaded or used.
    """
    predictions, again = _asked(uri, data, frame, described)
    return dataclasses.replace(data, predictions=predictions, model=EvaluatedModel(predict=again))


def _asked(
    uri: str, data: Dataset, frame: pd.DataFrame, described: Data
) -> tuple[Predictions, Callable[[pd.DataFrame], Any]]:
    """Return a logged model's predictions for these rows, and the way to ask it about changed ones."""
    from aims_mlflow.adapters.tables import Table

    model, task = _loaded(uri), data.task
    features = frame.drop(columns=[described.target])
    table = Table(data.role, data.role, frame, features, {"arrowIpcSha256": arrow_digest(frame)})
    question = Question(model=model, task=task, known=known_labels(task, (table,), model), proof=table)
    answer, unscored = question.answer(table), dataclasses.replace(question, scored=False)

    def again(changed: pd.DataFrame) -> Any:
        asked = dataclasses.replace(table, frame=changed, features=changed[list(features.columns)])
        return unscored.again(asked, answer.meaning).labels

    return answer.predictions, again

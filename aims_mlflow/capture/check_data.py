"""Data sets for checks without training code: a file, with predictions from a column of it or from a logged model."""

from __future__ import annotations

import contextlib
import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aims_mlflow.capture.models import load
from aims_mlflow.capture.predict import predict
from aims_mlflow.capture.tables import as_frame, read_file
from aims_mlflow.checks.base import Rival
from aims_mlflow.checks.engines.dataset import far_dataset
from aims_mlflow.checks.engines.opening import far_table
from aims_mlflow.checks.inputs import make_dataset
from aims_mlflow.checks.labels import distinct_labels
from aims_mlflow.errors import ConfigError, DataError, did_you_mean
from aims_mlflow.evidence import store
from aims_mlflow.evidence.digests import arrow_digest

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from aims_mlflow.checks.base import Dataset
    from aims_mlflow.checks.engines.far import FarTable
    from aims_mlflow.records.pack import Task
    from aims_mlflow.records.system import Data


@dataclass(frozen=True)
class Columns:
    """Columns of a table that hold what a model said, so that no model is needed."""

    prediction: str | None = None
    score: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The columns that are named."""
        return tuple(name for name in (self.prediction, self.score) if name is not None)


def dataset_from(
    source: Any, role: str, data: Data, task: Task, columns: Columns | None = None, model: str | None = None
) -> Dataset:
    """Return a table as a data set, with predictions where a column or a model gives them.

    Args:
        source: A CSV, TSV or parquet file, the address of a far table (`engines.opening`), or a frame: pandas,
            polars, Arrow, Spark.
        role: "train", "validation" or "test".
        data: Target, favourable label, sensitive columns and so on.
        task: What is predicted.
        columns: Columns with predictions and scores; they are no features.
        model: The MLflow URI of a logged model; not together with `columns`.

    Raises:
        Unreachable: file or model cannot be read.
        DataError: the table does not fit.
        CheckError: the model cannot predict it.
        ConfigError: the URI names no logged model.
    """
    columns, far = columns or Columns(), far_table(source)
    if far is not None:
        return _far(far, role, data, task, columns, model)
    is_file = isinstance(source, str | Path)
    where = str(source) if is_file else f"{role} data"
    frame = as_frame(read_file(Path(source)) if is_file else source, role)
    for name in columns.names:
        if name not in frame.columns:
            hint = did_you_mean(name, [str(c) for c in frame.columns])
            raise DataError(
                f"there is no column {name!r}" + (f", {hint}" if hint else ""),
                where=where,
                next="correct the name",
            )
    found = make_dataset(
        role,
        frame.drop(columns=list(columns.names)),
        target=data.target,
        favourable=data.favourable,
        sensitive=data.sensitive,
        identifiers=data.identifiers,
        task=task,
        threshold=data.threshold,
    )
    found = dataclasses.replace(found, personal=data.personal)
    if model is not None:
        return predicted_by(model, found, frame, data)
    predictions = frame[columns.prediction].to_numpy() if columns.prediction else None
    scores = frame[columns.score].to_numpy(dtype=float) if columns.score else None
    if predictions is None and scores is not None and data.threshold is not None:
        predictions = scores >= float(data.threshold)  # only stands in: the threshold decides
    return dataclasses.replace(found, predictions=predictions, scores=scores)


@contextlib.contextmanager
def beside_its_files(data: Dataset, model: str | None) -> Iterator[Dataset]:
    """Give the data set with the folder of a logged model's files, for as long as the checks run.

    Raises:
        Unreachable, ConfigError: the model cannot be found.
    """
    model_id = None if model is None else store.resolve(model).model_id
    if model_id is None:
        yield data
        return
    with store.model_folder(model_id) as folder:
        yield dataclasses.replace(data, model_folder=folder)


def _far(far: FarTable, role: str, data: Data, task: Task, columns: Columns, model: str | None) -> Dataset:
    if model is not None:
        raise ConfigError(
            "a model is not run on a table that is not in this process",
            where=far.name,
            next="score the table where it is, and name the columns with --prediction and --score",
        )
    found = far_dataset(
        role,
        far,
        target=data.target,
        favourable=data.favourable,
        sensitive=data.sensitive,
        identifiers=data.identifiers,
        task=task,
        threshold=data.threshold,
        prediction=columns.prediction,
        score=columns.score,
    )
    return dataclasses.replace(found, personal=data.personal)


def with_rival(data: Dataset, uri: str, source: Any, described: Data) -> Dataset:
    """Return the data set with the predictions of another model, the one in production, beside its own.

    Raises:
        Unreachable, ConfigError, CheckError: the model cannot be found, loaded or used.
    """
    if far_table(source) is not None:
        raise ConfigError("a model is not run on a table that is not in this process", next="leave --against out")
    frame = as_frame(read_file(Path(source)) if isinstance(source, str | Path) else source, data.role)
    theirs = predicted_by(uri, data, frame, described)
    return dataclasses.replace(data, rival=Rival(store.resolve(uri).called(uri), theirs.predictions))


def predicted_by(uri: str, data: Dataset, frame: pd.DataFrame, described: Data) -> Dataset:
    """Return the data set with the predictions of a logged model.

    Raises:
        Unreachable, ConfigError, CheckError: the model cannot be found, loaded or used.
    """
    from aims_mlflow.capture.tables import Table

    target = store.resolve(uri)
    if target.model_id is None:
        raise ConfigError(f"{uri} names no logged model", next="use models:/m-ID, models:/NAME/VERSION or @ALIAS")
    model: Any = load(target.model_id)
    features = frame.drop(columns=[described.target])
    table = Table(data.role, data.role, frame, features, {"arrowIpcSha256": arrow_digest(frame)})
    known = distinct_labels(frame[described.target])
    found = predict(model, table, described.target, data.favourable, None, data.task, known)

    def again(changed: pd.DataFrame) -> Any:
        asked = dataclasses.replace(table, frame=changed, features=changed[list(features.columns)])
        return predict(model, asked, described.target, data.favourable, None, data.task, known, scored=False).labels

    return dataclasses.replace(
        data,
        predictions=found.labels,
        scores=found.scores,
        score_labels=found.score_labels,
        predict=again,
    )

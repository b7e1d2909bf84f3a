"""Validation of data sets: whatever does not fit the checks is reported before anything is fitted."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from aims_mlflow.checks.statistics.labels import distinct_labels, label_key, listing
from aims_mlflow.checks.tables.in_memory import InMemoryTable
from aims_mlflow.checks.tables.plain_columns import plain_frame
from aims_mlflow.checks.tables.task import BINARY, PredictionTask
from aims_mlflow.errors import DataError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pandas as pd

    from aims_mlflow.checks.tables.dataset import Dataset

MAX_LABELS_SHOWN = 20
MAX_CLASSES = 200


def make_dataset(
    role: str,
    frame: pd.DataFrame,
    task: PredictionTask = BINARY,
    *,
    sensitive: Sequence[str] = (),
    sensitive_frame: pd.DataFrame | None = None,
    identifiers: Sequence[str] = (),
    personal: bool | tuple[str, ...] | None = None,
) -> InMemoryTable:
    """Return a frame as a valid data set; column names become text.

    Args:
        role: "train", "validation", "test", "cross-validation" or "operation".
        frame: Features and target.
        task: What is predicted; the favourable label may be left out where the labels are 0 and 1.
        sensitive: Names, looked up in `sensitive_frame` first, then in `frame`.
        sensitive_frame: Sensitive columns that are no features; all of them when `sensitive` is empty.
        identifiers: Columns that only name a row; those that `frame` lacks are ignored.
        personal: What the data sheet says of personal data.

    Raises:
        DataError: one sentence for what does not fit (see `validate_dataset`).
    """
    frame, notes = plain_frame(_named(frame, role))
    _check_rows(len(frame), where_in(role))
    beside, more = (None, ()) if sensitive_frame is None else plain_frame(_named(sensitive_frame, role))
    if beside is not None and len(beside) != len(frame):
        raise DataError(
            f"the sensitive columns have {len(beside):,} rows, the table has {len(frame):,}",
            where=where_in(role),
            next="pass the sensitive columns of the same rows, in the same order",
        )
    names = tuple(sensitive) or (() if beside is None else tuple(beside.columns))
    data = InMemoryTable(
        role=role,
        frame=frame,
        task=task,
        sensitive=_sensitive(names, frame, beside, role) if names else None,
        identifiers=tuple(name for name in identifiers if name in frame.columns),
        personal=personal,
        notes=(*notes, *more),
    )
    validate_dataset(data)
    known = with_favourable(data)
    if known == task:
        return data
    supposed = f"no outcome of {task.target!r} is named favourable: {known.favourable} is supposed, of 0 and 1"
    return dataclasses.replace(data, task=known, notes=(*data.notes, supposed))


def with_favourable(data: Dataset) -> PredictionTask:
    """Return the task with its favourable label, where one follows from the labels.

    Raises:
        DataError: it was not given and does not follow from the labels.
    """
    task = data.task
    if task.target is None or task.favourable is not None or task.kind != "binary-classification":
        return task
    return dataclasses.replace(task, favourable=resolve_favourable(data))


def validate_dataset(data: Dataset) -> None:
    """Raise DataError unless checks can be run on `data`.

    Refused are: no rows, a column name that stands twice, a target that is not there or has no
    value, a target with other than two labels (several: fewer than two or too many of them; numbers:
    anything else), a favourable label that does not occur, a sensitive column without any value and, in
    training data, any other column without a value.
    """
    where = where_in(data.role)
    _check_rows(data.rows, where)
    if data.task.target is not None:
        if data.task.target not in data.columns:
            raise _no_column(data.task.target, data.columns, where, "target column", "correct data.target in aims.yaml")
        targets = data.part((data.task.target,))
        if data.task.kind == "regression":
            _check_numbers(targets, data.task.target, where)
        elif data.crowded(data.task.target):
            raise DataError(
                f"{data.task.target!r} has far more labels than expected", where=where, next=_advice(MAX_CLASSES + 1)
            )
        else:
            _check_labels(targets, data.task.target, where)
    for name in (*data.sensitive_names, *(data.columns if data.role == "train" else ())):
        if data.is_empty(name):
            raise _no_values(name, data.rows, where)


def validate_pair(train: Dataset, test: Dataset) -> None:
    """Raise DataError unless `test` has every feature of `train` and no label that `train` lacks."""
    where = where_in(test.role)
    for name in train.features:
        if name not in test.columns:
            what = f"column that {train.role} data has,"
            raise _no_column(name, test.columns, where, what, "give both tables the same columns")
    if train.task.target is None or test.task.target is None or train.task.kind != "binary-classification":
        return
    known = distinct_labels(train.column(train.task.target)[0])
    strange = [text for key, text in distinct_labels(test.column(test.task.target)[0]).items() if key not in known]
    if strange:
        raise DataError(
            f"{test.task.target!r} has a label outside the two expected",
            where=where,
            next="write the labels the same way in both",
            values=f"{listing(strange)}; {train.role} data has {listing(known.values())}",
        )


def resolve_favourable(data: Dataset) -> str:
    """Return the favourable label: the one given, else "1" where the labels are 0 and 1.

    Raises:
        DataError: it was not given and does not follow from the labels.
    """
    if data.task.favourable is not None:
        return data.task.favourable
    labels = distinct_labels(data.column(str(data.task.target))[0])
    if set(labels) <= {"0", "1"}:
        return labels.get("1", "1")
    raise DataError(
        f"which label of {data.task.target!r} is favourable is not said",
        where=where_in(data.role),
        next="set data.favourable in aims.yaml to the outcome that is good for the person",
        values=listing(labels.values()),
    )


def _check_rows(rows: int, where: str) -> None:
    if rows == 0:
        raise DataError("the table has no rows", where=where, next="check the path and the filters that made it")


def _check_numbers(data: InMemoryTable, target: str, where: str) -> None:
    import numpy as np
    import pandas as pd

    column = data.frame[target]
    if not pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column):
        raise DataError(
            f"{target!r} holds no numbers, and the pack's task is regression",
            where=where,
            next="name the column with the number, or a pack for labels",
        )
    if not np.isfinite(column.to_numpy(dtype=float, na_value=np.nan)).any():
        raise _no_values(target, data.rows, where)


def _check_labels(data: InMemoryTable, target: str, where: str) -> None:
    labels = distinct_labels(data.frame[target])
    if not labels:
        raise _no_values(target, data.rows, where)
    several = data.task.kind == "multiclass-classification"
    if len(labels) > (MAX_CLASSES if several else 2):
        shown = listing(labels.values()) if len(labels) <= MAX_LABELS_SHOWN else None
        expected = f"more labels than the {MAX_CLASSES} expected" if several else "a label outside the two expected"
        advice = "name the column with the outcomes" if several else _advice(len(labels))
        what = f"{target!r} has {expected}: {len(labels):,} labels"
        raise DataError(what, where=where, next=advice, values=shown)
    if len(labels) == 1 and data.role == "train":
        raise _one_label(data.frame[target], target, where)
    # A small held-out table may lack a label, the favourable one too: rates are then undefined.
    may_lack = len(labels) == 1 or (several and data.role != "train")
    if data.task.favourable is not None and label_key(data.task.favourable) not in labels and not may_lack:
        hint = did_you_mean(data.task.favourable, labels.values())
        raise DataError(
            f"the favourable label {data.task.favourable!r} does not occur in {target!r}",
            where=where,
            next="correct data.favourable in aims.yaml",
            values=f"it has {listing(labels.values())}" + (f", {hint}" if hint else ""),
        )


def _one_label(column: pd.Series[Any], target: str, where: str) -> DataError:
    """Return the error for a training table with one label; ways of writing that count as one are told."""
    written = [value for value in column.dropna().unique() if label_key(value) is not None]
    values = listing(distinct_labels(column).values())
    if len(written) > 1:
        values = f"{listing(map(str, written))} are one label: neither spaces, nor `.0`, nor `true` for 1 make another"
    return DataError(
        f"every row has the same label in {target!r}", where=where, next="take rows of both outcomes", values=values
    )


def _advice(labels: int) -> str:
    what = "task: multiclass-classification" if labels <= MAX_CLASSES else "task: regression"
    return f"name the column with the two outcomes, or a pack with `{what}`"


def _named(frame: pd.DataFrame, role: str) -> pd.DataFrame:
    """Return the same table with text for column names, each of them once."""
    names = [str(name) for name in frame.columns]
    find_twice(names, where_in(role))
    return frame if names == list(frame.columns) else frame.set_axis(names, axis=1)


def find_twice(names: list[str], where: str) -> None:
    """Raise DataError where a column name occurs twice."""
    twice = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
    if twice:
        raise DataError(
            f"several columns have the same name: {listing(twice)}", where=where, next="give each its own name"
        )


def _sensitive(names: Sequence[str], frame: pd.DataFrame, beside: pd.DataFrame | None, role: str) -> pd.DataFrame:
    import pandas as pd

    columns = {}
    for name in names:
        source = beside if beside is not None and name in beside.columns else frame
        if name not in source.columns:
            known = [*frame.columns, *(() if beside is None else beside.columns)]
            raise _no_column(name, known, where_in(role), "sensitive column", "correct data.sensitive in aims.yaml")
        columns[name] = source[name].reset_index(drop=True)
        _refuse_containers(columns[name], name, where_in(role))
    return pd.DataFrame(columns)


def _refuse_containers(column: pd.Series, name: str, where: str) -> None:
    """Raise DataError where cells hold lists, sets, dictionaries or arrays: they name no group."""
    import pandas as pd

    nested = str(column.dtype).startswith(("list", "large_list", "fixed_size_list", "struct", "map"))  # Arrow's own
    if column.dtype == object and pd.api.types.infer_dtype(column, skipna=True) == "mixed":
        nested = any(pd.api.types.is_list_like(value) for value in column)
    if nested:
        raise DataError(
            f"the sensitive column {name!r} holds lists or dictionaries, and a group is one value",
            where=where,
            next="make one column for each of the values, or one text of each cell",
        )


def find_columns(data: InMemoryTable, names: Iterable[str], entry: str) -> dict[str, pd.Series]:
    """Return columns that an entry of the pack names, from the table or from the sensitive columns beside it.

    Raises:
        DataError: one is in neither.
    """
    columns = {}
    for name in names:
        source = data.sensitive if data.sensitive is not None and name in data.sensitive.columns else data.frame
        if name not in source.columns:
            known = [*data.frame.columns, *data.sensitive_names]
            raise _no_column(name, known, where_in(data.role), "column", f"correct {entry} in the pack")
        columns[name] = source[name].reset_index(drop=True)
    return columns


def where_in(role: str) -> str:
    """Return the place that errors about a data set name."""
    return f"{role} data"


def _no_column(name: str, known: Any, where: str, what: str, advice: str) -> DataError:
    hint = did_you_mean(name, [str(k) for k in known])
    return DataError(
        f"there is no {what} {name!r}" + (f", {hint}" if hint else ""),
        where=where,
        next=advice,
    )


def _no_values(name: str, rows: int, where: str) -> DataError:
    return DataError(
        f"the column {name!r} has no value in any of its {rows:,} rows",
        where=where,
        next="load its values, or leave the column out",
    )

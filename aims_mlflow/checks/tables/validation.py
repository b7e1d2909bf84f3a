"""Data sets made ready for the checks: what does not fit is said before anything is fitted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aims_mlflow.checks.statistics.labels import distinct_labels, label_key, listing
from aims_mlflow.checks.tables.table import Dataset
from aims_mlflow.errors import DataError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pandas as pd

    from aims_mlflow.records.pack import Task

MAX_LABELS_SHOWN = 20
MAX_CLASSES = 200


def make_dataset(
    role: str,
    frame: pd.DataFrame,
    *,
    target: str | None = None,
    favourable: str | None = None,
    sensitive: Sequence[str] = (),
    sensitive_frame: pd.DataFrame | None = None,
    identifiers: Sequence[str] = (),
    task: Task = "binary-classification",
    threshold: str | None = None,
) -> Dataset:
    """Return a valid data set; column names become text.

    Args:
        role: "train", "validation", "test" or "cross-validation".
        frame: Features and target.
        target: Name of the label column.
        favourable: The good outcome; may be left out where the labels are 0 and 1.
        sensitive: Names, looked up in `sensitive_frame` first, then in `frame`.
        sensitive_frame: Sensitive columns that are no features; all of them when `sensitive` is empty.
        identifiers: Columns that only name a row; those that `frame` lacks are ignored.
        task: What is predicted: one of two labels, one of several, or a number.
        threshold: From which score or number on a row is selected, as a decimal.

    Raises:
        DataError: one sentence for what does not fit (see `validate_dataset`).
    """
    frame = _named(frame, role)
    _check_rows(len(frame), where_in(role))
    beside = None if sensitive_frame is None else _named(sensitive_frame, role)
    if beside is not None and len(beside) != len(frame):
        raise DataError(
            f"the sensitive columns have {len(beside):,} rows, the table has {len(frame):,}",
            where=where_in(role),
            next="pass the sensitive columns of the same rows, in the same order",
        )
    names = tuple(sensitive) or (() if beside is None else tuple(beside.columns))
    data = Dataset(
        role=role,
        frame=frame,
        target=target,
        sensitive=_sensitive(names, frame, beside, role) if names else None,
        identifiers=tuple(name for name in identifiers if name in frame.columns),
        favourable=favourable,
        task=task,
        threshold=threshold,
    )
    validate_dataset(data)
    if target is not None and favourable is None and task == "binary-classification":
        data = Dataset(**{**vars(data), "favourable": resolve_favourable(data)})
    return data


def validate_dataset(data: Dataset) -> None:
    """Raise DataError unless checks can be run on `data`.

    Refused are: no rows, a column name that stands twice, a target that is not there or has no
    value, a target with other than two labels (several: fewer than two or too many of them; numbers:
    anything else), a favourable label that does not occur, a sensitive column without any value and, in
    training data, any other column without a value.
    """
    where = where_in(data.role)
    _check_rows(data.rows, where)
    if data.target is not None:
        if data.target not in data.frame.columns:
            raise _no_column(data.target, data.frame.columns, where, "target column")
        targets = data.part((data.target,))
        if data.task == "regression":
            _check_numbers(targets, data.target, where)
        elif data.crowded(data.target):
            raise DataError(
                f"{data.target!r} has far more labels than expected", where=where, next=_advice(MAX_CLASSES + 1)
            )
        else:
            _check_labels(targets, data.target, where)
    for name in (*data.sensitive_names, *(data.frame.columns if data.role == "train" else ())):
        if data.is_empty(name):
            raise _no_values(name, data.rows, where)


def validate_pair(train: Dataset, test: Dataset) -> None:
    """Raise DataError unless `test` has every feature of `train` and no label that `train` lacks."""
    where = where_in(test.role)
    for name in train.features:
        if name not in test.frame.columns:
            raise _no_column(name, test.frame.columns, where, f"column that {train.role} data has,")
    if train.target is None or test.target is None or train.task != "binary-classification":
        return
    known = distinct_labels(train.column(train.target)[0])
    strange = [text for key, text in distinct_labels(test.column(test.target)[0]).items() if key not in known]
    if strange:
        raise DataError(
            f"{test.target!r} has a label outside the two expected: {listing(strange)}; "
            f"{train.role} data has {listing(known.values())}",
            where=where,
            next="write the labels the same way in both",
        )


def resolve_favourable(data: Dataset) -> str:
    """Return the favourable label: the one given, else "1" where the labels are 0 and 1.

    Raises:
        DataError: it was not given and does not follow from the labels.
    """
    if data.favourable is not None:
        return data.favourable
    labels = distinct_labels(data.column(str(data.target))[0])
    if set(labels) <= {"0", "1"}:
        return labels.get("1", "1")
    raise DataError(
        f"which label of {data.target!r} is favourable is not said: {listing(labels.values())}",
        where=where_in(data.role),
        next="set data.favourable in aims.yaml to the outcome that is good for the person",
    )


def _check_rows(rows: int, where: str) -> None:
    if rows == 0:
        raise DataError("the table has no rows", where=where, next="check the path and the filters that made it")


def _check_numbers(data: Dataset, target: str, where: str) -> None:
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


def _check_labels(data: Dataset, target: str, where: str) -> None:
    labels = distinct_labels(data.frame[target])
    if not labels:
        raise _no_values(target, data.rows, where)
    several = data.task == "multiclass-classification"
    if len(labels) > (MAX_CLASSES if several else 2):
        shown = f" ({listing(labels.values())})" if len(labels) <= MAX_LABELS_SHOWN else ""
        expected = f"more labels than the {MAX_CLASSES} expected" if several else "a label outside the two expected"
        advice = "name the column with the outcomes" if several else _advice(len(labels))
        raise DataError(f"{target!r} has {expected}: {len(labels):,} labels{shown}", where=where, next=advice)
    if len(labels) == 1 and data.role == "train":
        raise DataError(
            f"every row has the same label in {target!r}: {listing(labels.values())}",
            where=where,
            next="take rows of both outcomes",
        )
    # A small held-out table may lack a label, the favourable one too: rates are then undefined.
    may_lack = len(labels) == 1 or (several and data.role != "train")
    if data.favourable is not None and label_key(data.favourable) not in labels and not may_lack:
        hint = did_you_mean(data.favourable, labels.values())
        raise DataError(
            f"the favourable label {data.favourable!r} does not occur in {target!r}, which has "
            f"{listing(labels.values())}" + (f", {hint}" if hint else ""),
            where=where,
            next="correct data.favourable in aims.yaml",
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
    """Raise DataError where a column name stands twice."""
    twice = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
    if twice:
        raise DataError(f"the column name {twice[0]!r} stands twice", where=where, next="rename one of them")


def _sensitive(names: Sequence[str], frame: pd.DataFrame, beside: pd.DataFrame | None, role: str) -> pd.DataFrame:
    import pandas as pd

    columns = {}
    for name in names:
        source = beside if beside is not None and name in beside.columns else frame
        if name not in source.columns:
            known = [*frame.columns, *(() if beside is None else beside.columns)]
            raise _no_column(name, known, where_in(role), "sensitive column")
        columns[name] = source[name].reset_index(drop=True)
        _refuse_containers(columns[name], name, where_in(role))
    return pd.DataFrame(columns)


def _refuse_containers(column: pd.Series, name: str, where: str) -> None:
    """Raise DataError where cells hold lists, sets, dictionaries or arrays: they name no group."""
    import pandas as pd

    found = str(column.dtype).startswith(("list", "large_list", "fixed_size_list", "struct", "map"))  # Arrow's own
    if column.dtype == object and pd.api.types.infer_dtype(column, skipna=True) == "mixed":
        found = any(pd.api.types.is_list_like(value) for value in column)
    if found:
        raise DataError(
            f"the sensitive column {name!r} holds lists or dictionaries, and a group is one value",
            where=where,
            next="make one column for each of the values, or one text of each cell",
        )


def find_columns(data: Dataset, names: Iterable[str], what: str) -> dict[str, pd.Series]:
    """Return columns that a pack names, from the table or from the sensitive columns beside it.

    Raises:
        DataError: one is in neither.
    """
    found = {}
    for name in names:
        source = data.sensitive if data.sensitive is not None and name in data.sensitive.columns else data.frame
        if name not in source.columns:
            raise _no_column(name, [*data.frame.columns, *data.sensitive_names], where_in(data.role), what)
        found[name] = source[name].reset_index(drop=True)
    return found


def where_in(role: str) -> str:
    """Return the place that errors about a data set name."""
    return f"{role} data"


def _no_column(name: str, known: Any, where: str, what: str) -> DataError:
    hint = did_you_mean(name, [str(k) for k in known])
    return DataError(
        f"there is no {what} {name!r}" + (f", {hint}" if hint else ""),
        where=where,
        next="correct the name in aims.yaml" if hint else "name a column of the table",
    )


def _no_values(name: str, rows: int, where: str) -> DataError:
    return DataError(
        f"the column {name!r} has no value in any of its {rows:,} rows",
        where=where,
        next="load its values, or leave the column out",
    )

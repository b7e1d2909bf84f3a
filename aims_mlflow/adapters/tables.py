"""Tables: reads what a person passes (frame, array, path) as one table with the digest of its real bytes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aims_mlflow.adapters.fresh_process import in_row_order
from aims_mlflow.adapters.label_columns import target_column
from aims_mlflow.adapters.reading.files import file_digest, read_table
from aims_mlflow.adapters.reading.frames import as_frame
from aims_mlflow.adapters.reading.read_table import AS_FOUND
from aims_mlflow.errors import DataError
from aims_mlflow.evidence.digests import arrow_digest
from aims_mlflow.evidence.statement import Subject
from aims_mlflow.records.details.base import DatasetDescription

if TYPE_CHECKING:
    import pandas as pd

    from aims_mlflow.records.system import ReadingOptions


@dataclass(frozen=True)
class Table:
    """One data set in its role. `frame` holds features, target and sensitive columns given beside.

    `features` is what a model's `predict` gets: the X that was passed, or the frame without target and
    without columns that were given beside. `notes` says what was done to read the file.
    """

    role: str
    name: str
    frame: pd.DataFrame
    features: Any
    digest: dict[str, str]
    path: str | None = None
    beside: tuple[str, ...] = ()
    sensitive: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def described(self) -> DatasetDescription:
        """Return the data set as records describe it."""
        return DatasetDescription(
            name=self.name,
            digest=self.digest,
            rows=len(self.frame),
            columns=[str(c) for c in self.frame.columns],
            sensitive=list(self.sensitive),
            path=self.path or None,
            reading=list(self.notes) or None,
        )

    def subject(self) -> Subject:
        """Return the data set as a statement's subject."""
        return Subject(name=self.name, digest=self.digest)


def make_table(
    role: str,
    *,
    target: str,
    sensitive: tuple[str, ...],
    frame: Any = None,
    X: Any = None,
    y: Any = None,
    beside: Any = None,
    reading: ReadingOptions = AS_FOUND,
) -> Table:
    """Bind one data set: either `frame` with the target inside, or `X` and `y`; `beside` holds sensitive columns.

    Raises:
        DataError: parts are missing, do not fit together, or are no tables.
        Unreachable: a path cannot be read.
    """
    import numpy as np

    path, digest = None, {}
    notes: tuple[str, ...] = ()
    given = frame if X is None else X
    if isinstance(given, str | Path):
        path = Path(given)
        read = read_table(path, reading)
        given, notes = read.frame, read.notes
        digest.update(file_digest(path))
    given = _kept(given)
    table = as_frame(given, f"X_{role}" if X is not None else role)
    features: Any = None
    if X is not None:
        # A column without a name has the same one in every role, as the columns of an array have.
        table = table.rename(columns={f"X_{role}": "feature_0"})
        held = hasattr(given, "shape") and not hasattr(given, "to_arrow_table")  # rows are there, in the person's form
        if not held and isinstance(given, list) and list(table.columns) == ["feature_0"] and np.ndim(given[0]) == 0:
            given, held = table["feature_0"].to_numpy(), True  # texts, one after the other
        features = table.to_numpy() if isinstance(given, np.ndarray) and given.ndim == 2 else given if held else table
        table = _with_target(table, y, role, target)
        if beside is None:
            _require_sensitive(table, sensitive, role)
    extra: tuple[str, ...] = ()
    if beside is not None:
        columns = as_frame(beside, sensitive[0] if len(sensitive) == 1 else f"sensitive_{role}")
        columns = _of_same_rows(columns, table, f"sensitive_{role}")
        new = columns[[c for c in columns.columns if c not in table.columns]]
        table, extra = _join(table, new, f"sensitive_{role}"), tuple(new.columns)
    if features is None:
        features = table.drop(columns=[c for c in (target, *extra) if c in table.columns])
    digest["arrowIpcSha256"] = arrow_digest(table)
    name = path.name if path else None
    return Table(role, role, table, features, digest, path=name, beside=extra, sensitive=sensitive, notes=notes)


def _with_target(table: pd.DataFrame, y: Any, role: str, target: str) -> pd.DataFrame:
    if y is None:
        raise DataError(f"X_{role} came without y_{role}", next=f"pass y_{role} as well")
    column = target_column(as_frame(y, f"y_{role}"), f"y_{role}", target)
    return _join(table, column, f"y_{role}", replace=True)


def _require_sensitive(table: pd.DataFrame, sensitive: tuple[str, ...], role: str) -> None:
    lacking = [c for c in sensitive if c not in table.columns]
    if lacking:
        raise DataError(
            f"there is no sensitive column {lacking[0]!r} in X_{role}",
            next=f"pass it beside: sensitive_{role}=, of the same rows",
        )


def _kept(value: Any) -> Any:
    """Return a table that stays as it is when a function drops, adds or replaces columns of the one it was given.

    Values are not copied: `is_intact` tells whether they were written over.
    """
    import pandas as pd

    if isinstance(value, pd.DataFrame):
        return value.copy(deep=False)
    return value.copy() if hasattr(value, "toarray") else value


def is_intact(table: Table) -> bool:
    """Tell whether a table still holds the values that its digest was made of."""
    return arrow_digest(table.frame) == table.digest["arrowIpcSha256"]


def first_rows(table: Table, rows: int) -> Table:
    """Return the first rows of a table, in the form that its features have."""
    features = table.features
    few = features.head(rows) if hasattr(features, "head") else features[:rows]
    return replace(table, frame=table.frame.head(rows), features=few)


def has_categories(features: Any) -> bool:
    """Tell whether features have a column of pandas categories."""
    kinds = getattr(features, "dtypes", ())
    # Of a single column `dtypes` is one type, and no row of them.
    return any(str(kind) == "category" for kind in (kinds if hasattr(features, "columns") else [kinds]))


def rows_at(table: Table, places: Any) -> Table:
    """Return the rows of a table at these places (an array of whole numbers), in the form that its features have."""
    features = table.features
    some = features.iloc[places] if hasattr(features, "iloc") else _taken(features, places)
    return replace(table, frame=table.frame.iloc[places], features=some)


def _taken(features: Any, places: Any) -> Any:
    if type(features).__module__.startswith("pyarrow"):
        return features.take(places)
    return features[places] if hasattr(features, "shape") else [features[i] for i in places]


def _of_same_rows(columns: pd.DataFrame, table: pd.DataFrame, what: str) -> pd.DataFrame:
    """Return columns in the order of a table's rows, where both have an index with the same labels in another order.

    A table that counts from 0 has no labels of its own: it may have been made anew from the rows of another one.
    """
    import pandas as pd

    if isinstance(table.index, pd.RangeIndex):
        return columns
    try:
        ordered: pd.DataFrame = in_row_order(columns, table.index)
    except ValueError:
        raise DataError(
            f"{what} has its rows in another order than the data, and labels of its index occur several times",
            next="pass the sensitive columns of the same rows, in the same order",
        ) from None
    return ordered


def _join(table: pd.DataFrame, more: pd.DataFrame, what: str, *, replace: bool = False) -> pd.DataFrame:
    if len(table) != len(more):
        raise DataError(
            f"{what} has {len(more):,} rows, the data beside it {len(table):,}", next="pass rows that belong together"
        )
    same = [c for c in more.columns if c in table.columns]
    if same and replace:
        table = table.drop(columns=same)
    import pandas as pd

    # Beside each other, since `assign` cannot take a column named self.
    return pd.concat([table, more.set_axis(table.index, axis=0)], axis=1)

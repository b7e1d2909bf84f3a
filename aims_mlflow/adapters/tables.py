"""Tables: reads what a person passes (frame, array, path) as one table with the digest of its real bytes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aims_mlflow.adapters.label_columns import target_column
from aims_mlflow.checks.engines.spark import is_spark
from aims_mlflow.errors import DataError, Unreachable, did_you_mean
from aims_mlflow.evidence.digests import arrow_digest, sha256_file
from aims_mlflow.evidence.statement import Subject

if TYPE_CHECKING:
    import pandas as pd

READERS = (".csv", ".csv.gz", ".tsv", ".parquet", ".pq")


@dataclass(frozen=True)
class Table:
    """One data set in its role. `frame` holds features, target and sensitive columns given beside.

    `features` is what a model's `predict` gets: the X that was passed, or the frame without target and
    without columns that were given beside.
    """

    role: str
    name: str
    frame: pd.DataFrame
    features: Any
    digest: dict[str, str]
    path: str | None = None
    beside: tuple[str, ...] = ()
    sensitive: tuple[str, ...] = field(default=())

    def described(self) -> dict[str, Any]:
        """Return the data set as records describe it (`DATA` in docs/evidence-format.md)."""
        out: dict[str, Any] = {
            "name": self.name,
            "digest": self.digest,
            "rows": len(self.frame),
            "columns": [str(c) for c in self.frame.columns],
            "sensitive": list(self.sensitive),
        }
        return {**out, "path": self.path} if self.path else out

    def subject(self) -> Subject:
        """Return the data set as a statement's subject."""
        return Subject(name=self.name, digest=self.digest)


def read_file(path: Path) -> pd.DataFrame:
    """Read a CSV, TSV or parquet file.

    Raises:
        Unreachable: it cannot be read.
        DataError: it is of another kind, or not what its name says.
    """
    import pandas as pd
    import pyarrow as pa
    from pyarrow.fs import LocalFileSystem

    name = path.name.lower()
    if not path.is_file():
        raise Unreachable("there is no such file", where=str(path), next="check the path")
    try:
        if name.endswith((".parquet", ".pq")):
            # Handed over as Python's file, as pandas does by itself, it takes a third more memory.
            frame = pd.read_parquet(path, filesystem=LocalFileSystem())
            pa.default_memory_pool().release_unused()  # Arrow would keep as much again as the frame takes
            return frame
        if name.endswith((".csv", ".csv.gz", ".tsv")):
            mark = "\t" if name.endswith(".tsv") else ","
            _refuse_twice(pd.read_csv(path, sep=mark, header=None, nrows=1, dtype=str), path)
            return pd.read_csv(path, sep=mark)
    except OSError as exc:
        raise Unreachable(f"cannot be read ({exc.strerror or 'input error'})", where=str(path)) from None
    except UnicodeDecodeError:
        raise DataError("the file is not UTF-8 text", where=str(path), next="save it as UTF-8") from None
    except (ValueError, pa.ArrowException) as exc:
        what = f"not a readable table ({str(exc).splitlines()[0]})"
        raise DataError(what, where=str(path), next="give a file with a header and rows") from None
    known = ", ".join(READERS)
    raise DataError(f"files of this kind are not read ({known} are)", where=str(path), next="save it as one of these")


def _refuse_twice(header: pd.DataFrame, path: Path) -> None:
    """Refuse a file with two columns of one name, which pandas would rename silently."""
    names = header.iloc[0].dropna()
    if names.duplicated().any():
        repeated = names[names.duplicated()].iloc[0]
        raise DataError(
            f"there are two columns named {repeated!r}", where=str(path), next="give each column its own name"
        )


def require_columns(frame: pd.DataFrame, names: Iterable[str], path: Path) -> None:
    """Refuse a table that lacks a column that was named.

    Raises:
        DataError: it does; the nearest column is named, or that the separator is probably another one.
    """
    known = [str(c) for c in frame.columns]
    for name in names:
        if name in known:
            continue
        hint = did_you_mean(name, known)
        fix = "correct the name"
        if len(known) == 1 and any(mark in known[0] for mark in ";\t|"):
            hint, fix = "", "separate the columns by commas: this file has one column, named by its whole first line"
        raise DataError(f"there is no column {name!r}" + (f", {hint}" if hint else ""), where=str(path), next=fix)


def as_frame(value: Any, what: str) -> pd.DataFrame:
    """Return a frame, array, Arrow or polars table as a pandas frame; no copy where none is needed.

    Raises:
        DataError: it is no table.
    """
    import pandas as pd

    if is_spark(value):
        raise DataError(
            f"{what} is a Spark frame, which a training in this process cannot learn from",
            next="pass toPandas() or a parquet path; `aims check run spark:TABLE` checks it where it is",
        )
    if isinstance(value, pd.DataFrame):
        frame = value
    elif isinstance(value, pd.Series):
        frame = value.to_frame(name=value.name if value.name is not None else what)
    elif hasattr(value, "to_pandas"):  # polars and pyarrow
        frame = value.to_pandas()
        frame = frame.to_frame() if isinstance(frame, pd.Series) else frame
    elif isinstance(value, Mapping):
        frame = pd.DataFrame(dict(value))
    else:
        frame = _from_array(value, what)
    if any(not isinstance(c, str) for c in frame.columns):
        frame = frame.set_axis([str(c) for c in frame.columns], axis=1)
    repeated = frame.columns[frame.columns.duplicated()]
    if len(repeated):
        raise DataError(f"{what} has two columns named {repeated[0]!r}", next="give each column its own name")
    return frame


def _from_array(value: Any, what: str) -> pd.DataFrame:
    import numpy as np
    import pandas as pd

    array = value.toarray() if hasattr(value, "toarray") else np.asarray(value)
    if (array.dtype == object and array.ndim == 0) or array.ndim not in (1, 2):
        raise DataError(
            f"{what} is no table ({type(value).__name__}, {array.ndim} dimensions)",
            next="pass a frame, a two-dimensional array, or the path of a CSV or parquet file",
        )
    if array.ndim == 1:
        return pd.DataFrame({what: array})
    return pd.DataFrame(array, columns=[f"feature_{i}" for i in range(array.shape[1])])


def make_table(
    role: str,
    *,
    target: str,
    sensitive: tuple[str, ...],
    frame: Any = None,
    X: Any = None,
    y: Any = None,
    beside: Any = None,
) -> Table:
    """Bind one data set: either `frame` with the target inside, or `X` and `y`; `beside` holds sensitive columns.

    Raises:
        DataError: parts are missing, do not fit together, or are no tables.
        Unreachable: a path cannot be read.
    """
    import numpy as np

    path, digest = None, {}
    given = frame if X is None else X
    if isinstance(given, str | Path):
        path = Path(given)
        given = read_file(path)
        digest["sha256"] = sha256_file(path)
    given = _kept(given)
    table = as_frame(given, f"X_{role}" if X is not None else role)
    features: Any = None
    if X is not None:
        features = table.to_numpy() if isinstance(given, np.ndarray) and given.ndim == 2 else given
        table = _with_target(table, y, role, target)
        if beside is None:
            _require_sensitive(table, sensitive, role)
    extra: tuple[str, ...] = ()
    if beside is not None:
        columns = as_frame(beside, sensitive[0] if len(sensitive) == 1 else f"sensitive_{role}")
        new = columns[[c for c in columns.columns if c not in table.columns]]
        table, extra = _join(table, new, f"sensitive_{role}"), tuple(new.columns)
    if features is None:
        features = table.drop(columns=[c for c in (target, *extra) if c in table.columns])
    digest["arrowIpcSha256"] = arrow_digest(table)
    return Table(
        role, role, table, features, digest, path=path.name if path else None, beside=extra, sensitive=sensitive
    )


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


def rows_at(table: Table, places: Any) -> Table:
    """Return the rows of a table at these places (an array of whole numbers), in the form that its features have."""
    features = table.features
    some = features.iloc[places] if hasattr(features, "iloc") else _taken(features, places)
    return replace(table, frame=table.frame.iloc[places], features=some)


def _taken(features: Any, places: Any) -> Any:
    if type(features).__module__.startswith("pyarrow"):
        return features.take(places)
    return features[places] if hasattr(features, "shape") else [features[i] for i in places]


def _join(table: pd.DataFrame, more: pd.DataFrame, what: str, *, replace: bool = False) -> pd.DataFrame:
    if len(table) != len(more):
        raise DataError(
            f"{what} has {len(more):,} rows, the data beside it {len(table):,}", next="pass rows that belong together"
        )
    same = [c for c in more.columns if c in table.columns]
    if same and replace:
        table = table.drop(columns=same)
    return table.assign(**{c: more[c].to_numpy() for c in more.columns})

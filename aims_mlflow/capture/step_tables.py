"""Tables and files among the arguments and results of a data step."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aims_mlflow.adapters.reading.files import file_digest, is_table_file, read_table
from aims_mlflow.adapters.reading.frames import as_frame
from aims_mlflow.adapters.reading.read_table import AS_FOUND
from aims_mlflow.checks.claims import claim
from aims_mlflow.errors import DataError
from aims_mlflow.evidence.digests import arrow_digest, sha256_file
from aims_mlflow.records.details.base import DatasetDescription
from aims_mlflow.records.details.training import LOST_ROWS

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

    from aims_mlflow.records.evidence import Claim
    from aims_mlflow.records.system import ReadingOptions

MAX_PATH = 4096  # longer texts are no paths
MAX_GROUPS = 50  # a column of more values has no groups: an age in years, a name
AS_PREPARED = "prepared"  # the role of a table that is neither train nor test yet


def tables_in(value: Any, reading: ReadingOptions = AS_FOUND) -> dict[str, tuple[pd.DataFrame, dict[str, str], Any]]:
    """Return the tables in a value by name: (frame, digests, the object itself); other things are passed over.

    Paths are read as `reading` says.
    """
    items: dict[str, Any]
    if isinstance(value, Mapping):
        items = {str(k): v for k, v in value.items()}
    elif isinstance(value, tuple | list):
        items = {f"output {i}": v for i, v in enumerate(value, 1)}
    else:
        items = {"output": value}
    out = {}
    for name, item in items.items():
        if isinstance(item, str | Path):
            path = Path(item)
            if len(str(item)) < MAX_PATH and is_table_file(path):
                frame = as_frame(read_table(path, reading).frame, name)
                out[name] = (frame, {**file_digest(path), "arrowIpcSha256": arrow_digest(frame)}, None)
        elif hasattr(item, "shape") or hasattr(item, "to_pandas"):
            with contextlib.suppress(DataError):
                frame = as_frame(item, name)
                out[name] = (frame, {"arrowIpcSha256": arrow_digest(frame)}, item)
    return out


def described(name: str, frame: pd.DataFrame, digest: dict[str, str]) -> DatasetDescription:
    """Return a table as records describe it."""
    return DatasetDescription(
        name=name, digest=digest, rows=len(frame), columns=[str(c) for c in frame.columns], sensitive=[]
    )


@dataclass(frozen=True)
class StepInput:
    """The table that a step took: its description, and how many rows each group of its sensitive columns had."""

    description: DatasetDescription
    groups: Mapping[str, Mapping[str, int]]


def rows_by_group(frame: pd.DataFrame, sensitive: Iterable[str]) -> dict[str, dict[str, int]]:
    """Return the rows of each value of the sensitive columns that a table has once, with few values."""
    names = [str(c) for c in frame.columns]
    found: dict[str, dict[str, int]] = {}
    for column in (c for c in sensitive if names.count(c) == 1):
        values = frame.iloc[:, names.index(column)].dropna().astype(str)
        counts = values.value_counts()
        if 1 < len(counts) <= MAX_GROUPS:
            found[column] = {str(value): int(n) for value, n in counts.items()}
    return found


def rows_lost(before: StepInput, after: pd.DataFrame) -> tuple[Claim, ...]:
    """Return the share of rows that a step took away: of all, and of each group of a column that both tables have."""
    rows, left = before.description.rows or 0, len(after)
    if not rows or left >= rows:
        return ()
    out = [claim(LOST_ROWS, (rows - left) / rows, role=AS_PREPARED, n=rows)]
    names = [str(c) for c in after.columns]
    for column in (c for c in before.groups if names.count(c) == 1):
        now = after.iloc[:, names.index(column)].dropna().astype(str).value_counts()
        for value, n in before.groups[column].items():
            gone = max(0, n - int(now.get(value, 0)))
            out.append(claim(LOST_ROWS, gone / n, slice={column: value}, role=AS_PREPARED, n=n))
    return tuple(out)


def files_read(arguments: Iterable[Any]) -> dict[str, str]:
    """Return name and sha256 of each file among the arguments and in their lists.

    Files of one name are told apart by their path below the folder that they share.
    """
    values = [v for given in arguments for v in (given if isinstance(given, list | tuple | set) else (given,))]
    paths = sorted({Path(value).absolute() for value in values if _is_file(value)})
    if len({path.name for path in paths}) == len(paths):
        return {path.name: sha256_file(path) for path in paths}
    shared = os.path.commonpath(paths)
    return {path.relative_to(shared).as_posix(): sha256_file(path) for path in paths}


def _is_file(value: Any) -> bool:
    return isinstance(value, str | Path) and len(str(value)) < MAX_PATH and Path(value).is_file()


def some(tables: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the tables that a step returned.

    Raises:
        DataError: there is none.
    """
    if not tables:
        raise DataError(
            f"{name} returned no table", next="return a frame, an array, or the path of a CSV or parquet file"
        )
    return tables

"""Tables and files among the arguments and results of a data step."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aims_mlflow.adapters.reading.files import file_digest, is_table_file, read_table
from aims_mlflow.adapters.reading.frames import as_frame
from aims_mlflow.adapters.reading.read_table import AS_FOUND
from aims_mlflow.errors import DataError
from aims_mlflow.evidence.digests import arrow_digest
from aims_mlflow.records.details.base import DatasetDescription

if TYPE_CHECKING:
    import pandas as pd

    from aims_mlflow.records.system import ReadingOptions

MAX_PATH = 4096  # longer texts are no paths


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


def is_file(value: Any) -> bool:
    """Return whether an argument is the path of a file."""
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

"""Files that keep types: parquet (a file, or a folder of them), Feather, Arrow and ORC."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aims_mlflow.adapters.reading.read_table import ReadTable
from aims_mlflow.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

PARQUET = (".parquet", ".pq")
ARROW = (".feather", ".arrow", ".ipc")
ORC = (".orc",)
KINDS = (*PARQUET, *ARROW, *ORC)
EXACT = 2**53


def read_arrow_file(path: Path) -> ReadTable:
    """Read a file, or a folder of parquet files, with the values and types that it has.

    Raises:
        OSError, ValueError, pyarrow.ArrowException: it cannot be read.
        DataError: a folder holds no parquet file.
    """
    import pyarrow as pa

    name = path.name.lower()
    if path.is_dir() or name.endswith(PARQUET):
        frame = _parquet(path)
    else:
        frame = in_pandas(_orc(path) if name.endswith(ORC) else _ipc(path))
    pa.default_memory_pool().release_unused()  # Arrow would keep as much again as the frame takes
    notes = []
    index = [str(n) for n in frame.index.names if n is not None]
    if index:
        notes.append(f"the index {', '.join(map(repr, index))} is left out, as pandas keeps it beside the columns")
    return ReadTable(frame, tuple(notes))


def _parquet(path: Path) -> pd.DataFrame:
    import pandas as pd
    import pyarrow.parquet as pq
    from pyarrow.fs import LocalFileSystem

    if path.is_dir() and not any(file.name.endswith(PARQUET) for file in path.rglob("*")):
        raise DataError(
            "the folder holds no parquet file", where=str(path), next="name a file, or a folder of .parquet files"
        )
    # Handed over as Python's file, as pandas does by itself, it takes a third more memory.
    frame = pd.read_parquet(path, filesystem=LocalFileSystem())
    schema = pq.ParquetDataset(path, filesystem=LocalFileSystem()).schema
    large = _whole_with_gaps(frame, schema)
    if large:
        exact = in_pandas(pq.read_table(path, columns=large, filesystem=LocalFileSystem()))
        for name in large:
            frame[name] = exact[name].array
    return frame


def _orc(path: Path) -> Any:
    from pyarrow import orc

    return orc.read_table(path)


def _ipc(path: Path) -> Any:
    import pyarrow as pa
    from pyarrow import feather, ipc

    with path.open("rb") as stream:
        start = stream.read(6)
    if start == b"ARROW1" or start[:4] == b"FEA1":
        return feather.read_table(path, memory_map=False)
    with pa.OSFile(str(path)) as stream:  # a stream of batches, as `to_arrow` of many tools writes it
        return ipc.open_stream(stream).read_all()


def _whole_with_gaps(frame: pd.DataFrame, schema: Any) -> list[str]:
    """Return the columns of whole numbers, some of them beyond 2^53, that gaps have made floating-point numbers."""
    import pandas as pd
    import pyarrow as pa

    return [
        f.name
        for f in schema
        if pa.types.is_integer(f.type)
        and f.name in frame.columns
        and pd.api.types.is_float_dtype(frame[f.name])
        and frame[f.name].abs().max() >= EXACT
    ]


def in_pandas(table: Any) -> pd.DataFrame:
    """Return an Arrow table as a pandas frame; whole numbers beyond 2^53 stay whole beside gaps."""
    import pandas as pd
    import pyarrow as pa

    table = table.cast(pa.schema([f.with_type(_without_view(f.type)) for f in table.schema], table.schema.metadata))
    frame = table.to_pandas()
    kinds = {True: pd.UInt64Dtype(), False: pd.Int64Dtype()}
    for name in _whole_with_gaps(frame, table.schema):
        column = table.column(name)
        kind = kinds[pa.types.is_unsigned_integer(column.type)]
        frame[name] = kind.__from_arrow__(column)
    return frame


def _without_view(kind: Any) -> Any:
    import pyarrow as pa

    if pa.types.is_string_view(kind):
        return pa.large_string()
    return pa.large_binary() if pa.types.is_binary_view(kind) else kind

"""Digests of real bytes: files, model folders (in-toto `dirHash1`) and tables."""

from __future__ import annotations

import hashlib
import os
from stat import S_ISLNK, S_ISREG
from typing import TYPE_CHECKING, Any

from aims_mlflow.errors import DataError, EvidenceError, Unreachable

if TYPE_CHECKING:
    from collections.abc import Iterable
    from io import BufferedReader
    from pathlib import Path

    import pandas as pd

CHUNK = 1024 * 1024
# MLflow writes this file into a local model folder when a registered version is loaded from it.
LOAD_MARK = "registered_model_meta"
LOAD_MARK_MAX_BYTES = 4096


def sha256_file(path: Path) -> str:
    """Return the sha256 of a file, read in chunks of 1 MiB.

    Raises:
        Unreachable: the file cannot be read.
    """
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as exc:
        raise Unreachable(f"cannot be read ({exc.strerror})", where=str(path)) from None


def open_regular(path: Path) -> BufferedReader:
    """Open a file of a store that others write to: no link, and nothing that one waits for or that never ends.

    Raises:
        EvidenceError: it is a link, a folder, a pipe, a socket or a device.
        OSError: it cannot be opened.
    """
    require_regular(path.lstat().st_mode)
    # Between the two looks it may become a link or a pipe: neither is followed or waited for.
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    stream = os.fdopen(descriptor, "rb")
    try:
        require_regular(os.fstat(descriptor).st_mode)
    except EvidenceError:
        stream.close()
        raise
    return stream


def require_regular(mode: int) -> None:
    """Refuse what is no regular file, by the mode of its `stat`.

    Raises:
        EvidenceError: it is a link, a folder, a pipe, a socket or a device.
    """
    if not S_ISREG(mode):
        what = "a link" if S_ISLNK(mode) else "something that is no file (a folder, pipe, socket or device)"
        raise EvidenceError(f"{what} stands among the files", next="log the model again")


def sha256_regular(path: Path) -> str:
    """Return the sha256 of a file of a store that others write to: of as many bytes as it had when it was opened.

    Raises:
        EvidenceError: it is a link, a folder, a pipe, a socket or a device.
        Unreachable: it cannot be read, or grows meanwhile.
    """
    total = hashlib.sha256()
    try:
        with open_regular(path) as stream:
            left = os.fstat(stream.fileno()).st_size
            buffer = bytearray(min(CHUNK, left + 1))  # one byte more than it has shows that it grows
            view = memoryview(buffer)
            while count := stream.readinto(buffer):
                left -= count
                if left < 0:
                    raise Unreachable("is still being written", next="try again when it is complete")
                total.update(view[:count])
    except OSError as exc:
        raise Unreachable(f"cannot be read ({exc.strerror})", where=str(path)) from None
    return total.hexdigest()


def dir_hash1(files: Iterable[tuple[str, str]]) -> str:
    """Return the hex `dirHash1` of (relative path, sha256 hex) pairs.

    The sum is Go's h1 as in-toto's DigestSet names it: sha256 over the lines
    `<sha256 hex>  <relative path>` and a newline, sorted by path.

    Raises:
        EvidenceError: a name has a newline, or two files share a name.
    """
    ordered = sorted(files)
    total = hashlib.sha256()
    for index, (name, digest) in enumerate(ordered):
        if "\n" in name:
            raise EvidenceError(f"a file name has a line break: {name!r}")
        if index and ordered[index - 1][0] == name:
            raise EvidenceError(f"two files are named {name!r}")
        total.update(f"{digest}  {name}\n".encode())
    return total.hexdigest()


def is_load_mark(name: str, size: int, mlmodel: bytes) -> bool:
    """Return whether a file is the mark that MLflow writes on loading; it is not part of the model."""
    return name == LOAD_MARK and size <= LOAD_MARK_MAX_BYTES and LOAD_MARK.encode() not in mlmodel


def model_digest(folder: Path) -> str:
    """Return the `dirHash1` of a logged model's folder, MLflow's load mark left out.

    Raises:
        EvidenceError: the folder is empty, or holds a link, a pipe, a socket or a device.
        Unreachable: a file cannot be read.
    """
    mlmodel_path = folder / "MLmodel"
    mlmodel = mlmodel_path.read_bytes() if mlmodel_path.is_file() and not mlmodel_path.is_symlink() else b""
    files = []
    for path in folder.rglob("*"):
        if path.is_symlink():
            raise EvidenceError("a link stands in the model's folder", where=str(path))
        if not path.is_dir():
            name = path.relative_to(folder).as_posix()
            if not is_load_mark(name, path.stat().st_size, mlmodel):
                files.append((name, sha256_regular(path)))
    if not files:
        raise EvidenceError("the model's folder is empty", where=str(folder))
    return dir_hash1(files)


class _HashSink:
    """A write-only file object that only hashes."""

    closed = False

    def __init__(self) -> None:
        self.total = hashlib.sha256()

    def write(self, data: Any) -> int:
        self.total.update(data)
        return len(data)

    def flush(self) -> None: ...
    def close(self) -> None: ...


def arrow_digest(frame: pd.DataFrame) -> str:
    """Return the sha256 of a table's Arrow IPC stream (1M x 20 in about a second).

    Index, schema metadata and batch borders do not count: the same columns and rows in the
    same order give the same digest. A column that Arrow cannot type is written as text.

    Raises:
        DataError: a column cannot be written to Arrow even as text.
    """
    import pyarrow as pa

    try:
        try:
            table = pa.Table.from_pandas(frame, preserve_index=False)
        except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError):
            texts = frame.copy()
            for column in texts.columns[texts.dtypes == "object"]:
                texts[column] = texts[column].map(lambda v: None if v is None else str(v))
            table = pa.Table.from_pandas(texts, preserve_index=False)
        # string and large_string hold the same text; pandas 2 and 3 choose differently.
        schema = pa.schema([pa.field(f.name, _plain_type(f.type)) for f in table.schema])
        table = _compact(table.cast(schema).combine_chunks())
    except (pa.ArrowException, ValueError, TypeError) as exc:
        advice, said = "give its columns plain types", str(exc)
        raise DataError("the table cannot be written to Arrow", next=advice, values=said) from None
    sink = _HashSink()
    with pa.ipc.new_stream(pa.PythonFile(sink, mode="w"), table.schema) as writer:
        writer.write_table(table)
    return sink.total.hexdigest()


def _compact(table: Any) -> Any:
    """Return the table without what its buffers hold beyond its rows: of a slice Arrow writes more than its rows."""
    import numpy as np
    import pyarrow as pa

    for i, column in enumerate(table.columns):
        bits = pa.types.is_boolean(column.type) and len(column) % 8  # the last byte has bits beyond the rows
        if bits or column.nbytes != column.get_total_buffer_size():
            whole = column.take(pa.array(np.arange(len(column))))
            table = table.set_column(i, table.schema.field(i), whole)
    return table


def _plain_type(kind: Any) -> Any:
    import pyarrow as pa

    if pa.types.is_string(kind) or pa.types.is_string_view(kind):
        return pa.large_string()
    return kind

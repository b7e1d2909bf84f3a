"""The one reader of files: every command and the decorators read a path with it."""

from __future__ import annotations

import csv
import dataclasses
import zipfile
from typing import TYPE_CHECKING

from aims_mlflow.adapters.reading import arrow_files, json_files, text_files, workbooks
from aims_mlflow.adapters.reading.missing_texts import with_missing
from aims_mlflow.adapters.reading.read_table import AS_FOUND, ReadTable
from aims_mlflow.adapters.reading.text_source import not_text
from aims_mlflow.errors import DataError, Unreachable, did_you_mean
from aims_mlflow.evidence.digests import dir_hash1, sha256_file

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import pandas as pd

    from aims_mlflow.records.system import ReadingOptions

SHOWN_KINDS = ".csv, .tsv, .txt (also .gz, .bz2, .xz, .zip), .parquet, .feather, .arrow, .orc, .jsonl, .json, .xlsx"


def is_table_file(path: Path) -> bool:
    """Tell whether a path leads to a file, or a folder of parquet files, that `read_table` reads."""
    name = path.name.lower()
    if path.is_dir():
        return name.endswith(arrow_files.PARQUET)
    return path.is_file() and _is_known(name)


def _is_known(name: str) -> bool:
    plain = name.endswith((*arrow_files.KINDS, *workbooks.KINDS))
    return plain or text_files.is_text_table(name) or json_files.is_json_table(name)


def read_table(path: Path, reading: ReadingOptions = AS_FOUND) -> ReadTable:
    """Read a file, or a folder of parquet files, as a table.

    Args:
        path: Its kind follows from its name.
        reading: What a person says of its form; the rest is found.

    Raises:
        Unreachable: it cannot be read.
        DataError: it is of another kind, no table, or can be read in several ways.
        ConfigError: `reading` does not fit, or a library for this kind is not installed.
    """
    import pyarrow as pa

    if not path.exists():
        raise Unreachable("there is no such file", where=str(path), next="check the path")
    try:
        read = _read(path, reading)
    except UnicodeError as exc:
        raise not_text(path, reading.encoding or "utf-8", exc) from None
    except OSError as exc:
        raise Unreachable(f"cannot be read ({exc.strerror or 'input error'})", where=str(path)) from None
    except (ValueError, KeyError, EOFError, zipfile.BadZipFile, csv.Error, pa.ArrowException) as exc:
        first = (str(exc).splitlines() or [type(exc).__name__])[0]
        raise DataError(
            f"not a readable table ({first})", where=str(path), next="give a file with a header and rows"
        ) from None
    if reading.missing is None:
        return read
    return dataclasses.replace(read, frame=with_missing(read.frame, reading.missing))


def _read(path: Path, reading: ReadingOptions) -> ReadTable:
    name = path.name.lower()
    if path.is_dir() or name.endswith(arrow_files.KINDS):
        return arrow_files.read_arrow_file(path)
    if text_files.is_text_table(name):
        return text_files.read_text(path, reading)
    if json_files.is_json_table(name):
        return json_files.read_json(path, reading)
    if name.endswith(workbooks.KINDS):
        return workbooks.read_workbook(path, reading)
    raise DataError(
        f"files of this kind are not read ({SHOWN_KINDS} are)", where=str(path), next="save it as one of these"
    )


def file_digest(path: Path) -> dict[str, str]:
    """Return the digest of a file's bytes (`sha256`), or of all files in a folder (`dirHash1`).

    Raises:
        Unreachable: a file cannot be read.
    """
    if not path.is_dir():
        return {"sha256": sha256_file(path)}
    files = sorted(file for file in path.rglob("*") if file.is_file())
    return {"dirHash1": dir_hash1((file.relative_to(path).as_posix(), sha256_file(file)) for file in files)}


def require_columns(frame: pd.DataFrame, names: Iterable[str], where: str) -> None:
    """Refuse a table that lacks a column that was named.

    Raises:
        DataError: it does; the nearest column is named.
    """
    known = [str(c) for c in frame.columns]
    for name in names:
        if name not in known:
            hint = did_you_mean(name, known)
            what = f"there is no column {name!r}" + (
                f", {hint}" if hint else f"; it has {', '.join(map(repr, known[:10]))}"
            )
            raise DataError(what, where=where, next="correct the name")

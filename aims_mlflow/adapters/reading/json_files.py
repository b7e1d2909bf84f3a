"""JSON tables: one object a line, a list of objects, or columns by name as pandas writes them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from aims_mlflow.adapters.reading.cells import typed
from aims_mlflow.adapters.reading.read_table import ReadTable
from aims_mlflow.adapters.reading.text_source import PACKED, TextSource, text_source
from aims_mlflow.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from aims_mlflow.records.system import ReadingOptions

LINES = (".jsonl", ".ndjson")
KINDS = (".json", *LINES)
TWICE = "a JSON object has a name twice"


def is_json_table(name: str) -> bool:
    """Tell whether a file's name is that of a JSON table, compressed or not."""
    return name.endswith((*KINDS, *(kind + end for kind in KINDS for end in PACKED)))


def read_json(path: Path, reading: ReadingOptions) -> ReadTable:
    """Read a JSON table; texts stay texts.

    Raises:
        DataError: it is no JSON, or no table.
    """
    import pandas as pd

    source = text_source(path, reading.encoding)
    content = _lines(source) if any(kind in path.name.lower() for kind in LINES) else _whole(source)
    rows = _rows(content, path)
    columns = list(dict.fromkeys(name for row in rows for name in row))
    frame = pd.DataFrame({name: pd.Series([row.get(name) for row in rows], dtype=object) for name in columns})
    frame, notes = typed(frame, reading, numbers_in_text=False)
    return ReadTable(frame, tuple(notes))


def _whole(source: TextSource) -> Any:
    with source.opened() as stream:
        text = stream.read()
    try:
        return json.loads(text, object_pairs_hook=_object)
    except json.JSONDecodeError as exc:
        if exc.msg == "Extra data":  # an object a line, whatever the file is called
            return _lines(source)
        raise DataError(f"no JSON ({exc.msg}, line {exc.lineno:,})", where=str(source.path)) from None


def _lines(source: TextSource) -> list[Any]:
    found = []
    with source.opened() as stream:
        for number, line in enumerate(stream, 1):
            if line.strip():
                try:
                    found.append(json.loads(line, object_pairs_hook=_object))
                except json.JSONDecodeError as exc:
                    raise DataError(f"no JSON ({exc.msg}, line {number:,})", where=str(source.path)) from None
    return found


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError(TWICE)
    return found


def _rows(content: Any, path: Path) -> list[dict[str, Any]]:
    """Return one object a row: from objects, from columns by name, or from columns, index and data."""
    if isinstance(content, dict) and {"columns", "data"} <= set(content):
        content = [dict(zip(content["columns"], row, strict=False)) for row in content["data"]]
    elif isinstance(content, dict) and content and all(isinstance(v, dict | list) for v in content.values()):
        columns = [_values(v) for v in content.values()]
        if len({len(c) for c in columns}) == 1:
            content = [dict(zip(content, row, strict=True)) for row in zip(*columns, strict=True)]
    if not isinstance(content, list) or not all(isinstance(row, dict) for row in content):
        raise DataError("the JSON is no table", where=str(path), next="give a list of objects, or one object a line")
    return content


def _values(column: Any) -> list[Any]:
    values: Iterable[Any] = column.values() if isinstance(column, dict) else column
    return list(values)

"""Columns of single cells, as workbooks and JSON hold them: in the type that all their values have."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aims_mlflow.adapters.reading import missing_texts
from aims_mlflow.adapters.reading.missing_texts import replaced

if TYPE_CHECKING:
    import pandas as pd

    from aims_mlflow.records.system import ReadingOptions

LEADING_ZERO = re.compile(r"\s*[+-]?0\d")


def typed(frame: pd.DataFrame, reading: ReadingOptions, *, numbers_in_text: bool) -> tuple[pd.DataFrame, list[str]]:
    """Return a frame of objects with the types of its values, and notes.

    Args:
        frame: Columns of objects.
        reading: What is said of missing values.
        numbers_in_text: Whether texts that are all numbers become numbers; codes with leading zeros stay as they are.
    """
    changed: dict[str, pd.Series] = {}
    kept = {}
    for name in frame.columns:
        column = _exact(frame[name])
        if missing_texts.is_text(column):
            column = column.mask(column.isin([""]))
            marked = column.isin([] if reading.missing is not None else missing_texts.NA_TEXTS).to_numpy(dtype=bool)
            if marked.any() and missing_texts.mean_missing(column, marked):
                column = _exact(column.mask(marked))
            elif marked.any():
                kept[name] = marked
            column = _numbers(column) if numbers_in_text else column
        changed[name] = column
    frame = replaced(frame, changed)
    notes = [*missing_texts.kept_note(frame, kept)]
    return frame, [*notes, *(missing_texts.placeholder_notes(frame) if reading.missing is None else [])]


def _exact(column: pd.Series) -> pd.Series:
    """Return a column of objects in the type of its values; whole numbers beyond 2^53 stay whole beside gaps."""
    import pandas as pd

    if column.dtype != object:
        return column
    there = column.dropna()
    if len(there) < len(column) and pd.api.types.infer_dtype(there, skipna=True) == "integer":
        try:
            whole = column.astype("Int64")
        except (OverflowError, ValueError, TypeError):
            return column
        return whole if bool((whole.abs() >= 2**53).any()) else whole.astype(float)
    return column.infer_objects()


def _numbers(column: pd.Series) -> pd.Series:
    import pandas as pd

    there = column.dropna()
    if there.empty or not all(isinstance(text, str) for text in there.iloc[:1000]):
        return column
    read = pd.to_numeric(column, errors="coerce")
    same = read.notna().to_numpy() == column.notna().to_numpy()
    return read if bool(same.all()) and not there.map(str).str.match(LEADING_ZERO).any() else column

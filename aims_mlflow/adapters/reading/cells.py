"""Columns of single cells, as workbooks and JSON hold them: in the type that all their values have."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aims_mlflow.adapters.reading import missing_texts, number_texts
from aims_mlflow.adapters.reading.missing_texts import replaced
from aims_mlflow.adapters.reading.read_table import named

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
    notes = missing_texts.kept_note(frame, kept)
    doubtful: list[str] = []
    if numbers_in_text:
        frame, more, doubtful = _with_marks(frame, reading)
        notes += more
    if reading.missing is None:
        notes += missing_texts.placeholder_notes(frame.drop(columns=doubtful))
    return frame, notes


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


def _with_marks(frame: pd.DataFrame, reading: ReadingOptions) -> tuple[pd.DataFrame, list[str], list[str]]:
    """Return a frame with numbers in place of texts such as 1.234,5, notes, and the columns that may be such texts."""
    candidates = number_texts.marked_columns(frame)
    marks = number_texts.marks_of(candidates, reading)
    if marks is None:
        return frame, number_texts.uncertain_note(candidates), [*candidates]
    read = {name: number_texts.as_numbers(frame[name], *marks) for name in candidates}
    changed = {name: numbers for name, numbers in read.items() if numbers is not None}
    said = f"texts in {named([*changed])} are read as numbers with {marks[0]!r} before decimals"
    return replaced(frame, changed), [said] if changed else [], []


def _numbers(column: pd.Series) -> pd.Series:
    """Return numbers where all texts of a column are numbers, and what is no text is one too."""
    import pandas as pd

    there = column.dropna()
    texts = there[there.map(lambda value: isinstance(value, str))]
    others = there[~there.index.isin(texts.index)]
    if (
        texts.empty
        or not others.map(lambda value: isinstance(value, int | float) and not isinstance(value, bool)).all()
    ):
        return column
    read = pd.to_numeric(column, errors="coerce")
    same = read.notna().to_numpy() == column.notna().to_numpy()
    return read if bool(same.all()) and not texts.map(str).str.match(LEADING_ZERO).any() else column

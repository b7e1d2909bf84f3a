"""Texts such as NA: among numbers, dates and truth values they mean a missing cell; among texts they are a value.

pandas reads all of them as missing, polars, Arrow and Excel none. A group may be called NA (Namibia, Native American)
or None, and then no cell is missing.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from aims_mlflow.adapters.reading.read_table import named, option
from aims_mlflow.checks.statistics.columns import looks_like_dates

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    import pandas as pd

NA_TEXTS = (
    "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA", "NULL",
    "NaN", "None", "n/a", "nan", "null",
)  # fmt: skip
TRUTH = {"True", "TRUE", "true", "False", "FALSE", "false"}
PLACEHOLDER_LENGTH = 10
SIGNED = re.compile(r"\s*[+-]?(?:[%$€£]\s*[+-]?[\d.,]*\d|[\d.,]*\d\s*[%$€£])\s*")  # 12.5 %, $1,200


def na_texts(frame: pd.DataFrame) -> dict[str, np.ndarray[Any, Any]]:
    """Return for each column of texts that holds some of `NA_TEXTS` which rows do, shape (rows,)."""
    found = {}
    for name in frame.columns:
        if is_text(frame[name]):
            marked = frame[name].isin(NA_TEXTS).to_numpy(dtype=bool)
            if marked.any():
                found[name] = marked
    return found


def is_text(column: pd.Series) -> bool:
    """Tell whether a column may hold texts."""
    import pandas as pd

    return isinstance(column.dtype, pd.StringDtype) or column.dtype == object


def mean_missing(column: pd.Series, marked: np.ndarray[Any, Any]) -> bool:
    """Tell whether the marked texts of a column mean missing cells: the others are numbers, dates or truth values."""
    import pandas as pd

    others = column[~marked].dropna()
    if others.empty or pd.api.types.infer_dtype(others, skipna=True) not in ("string", "mixed"):
        return True  # numbers, dates or truth values as a workbook has them
    if set(others.iloc[:1000].map(str).unique()) <= TRUTH and set(others.map(str).unique()) <= TRUTH:
        return True
    if pd.to_numeric(others.iloc[:1000], errors="coerce").notna().all():
        return bool(pd.to_numeric(others, errors="coerce").notna().all())
    return looks_like_dates(others, min(len(others), 1000))


def kept_note(frame: pd.DataFrame, kept: Mapping[str, np.ndarray[Any, Any]]) -> list[str]:
    """Return the sentence about texts such as NA that were read as values, one for each text."""
    where: dict[str, list[str]] = {}
    for name, marked in kept.items():
        for text in frame[name][marked].unique():
            where.setdefault(str(text), []).append(name)
    return [
        f"{text} is read as a value of {named(columns)}, not as missing; if it means missing: {option('missing', text)}"
        for text, columns in sorted(where.items())
    ]


def missing_note(columns: Sequence[str]) -> list[str]:
    """Return the sentence about columns of texts in which NA and the like were read as missing."""
    if not columns:
        return []
    settle = option("missing", "").replace("=", "= ", 1)
    return [
        f"NA without quotation marks beside texts within them is read as missing in {named([*columns])}; else {settle}"
    ]


def placeholder_notes(frame: pd.DataFrame) -> list[str]:
    """Return a sentence for each column that is text only for texts among its numbers (`?`), or signs at them (%)."""
    import pandas as pd

    notes = []
    for name in frame.columns:
        column = frame[name]
        if not is_text(column):
            continue
        texts = column.dropna()
        some = texts.iloc[:1000]
        if not some.empty and bool(some.map(str).str.fullmatch(SIGNED).all()):
            notes.append(
                f"{name!r} is read as text: its numbers carry a sign, such as a currency or %; take it off to count"
            )
            continue
        if some.empty or some.map(type).eq(bool).any() or pd.to_numeric(some, errors="coerce").notna().mean() < 0.5:
            continue
        others = [
            text for text in texts[pd.to_numeric(texts, errors="coerce").isna()].unique() if isinstance(text, str)
        ]
        if len(others) == 1 and len(others[0]) <= PLACEHOLDER_LENGTH:
            shown = others[0].strip() or "a blank"
            notes.append(
                f"{name!r} is read as text: its numbers have {shown} between them; if it means missing: "
                f"{option('missing', others[0])}"
            )
        elif others:
            kinds = "a text" if len(others) == 1 else f"{len(others):,} different texts"
            notes.append(f"{name!r} is read as text: its numbers have {kinds} between them")
    return notes


def without(column: pd.Series, marked: np.ndarray[Any, Any]) -> pd.Series:
    """Return a column whose marked cells are missing, in the type that the others have."""
    import pandas as pd

    gone = column.mask(marked)
    if pd.api.types.infer_dtype(gone.dropna(), skipna=True) == "string":
        numbers = pd.to_numeric(gone, errors="coerce")
        return numbers if numbers.notna().equals(gone.notna()) else gone
    return gone.infer_objects()


def with_missing(frame: pd.DataFrame, texts: Sequence[str]) -> pd.DataFrame:
    """Return a frame in which these texts, and numbers that are written so, are missing."""
    import pandas as pd

    changed = {}
    for name in frame.columns:
        column = frame[name]
        marked = column.isin(texts)
        if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
            codes = pd.to_numeric(pd.Series([*texts], dtype=object), errors="coerce").dropna()
            marked = column.isin(codes)
        if marked.any():
            changed[name] = without(column, marked.to_numpy(dtype=bool)) if is_text(column) else column.mask(marked)
    return replaced(frame, changed)


def replaced(frame: pd.DataFrame, columns: Mapping[str, pd.Series]) -> pd.DataFrame:
    """Return a frame with some columns replaced, in its own order; a column may have any name."""
    import pandas as pd

    if not columns:
        return frame
    return pd.concat([columns.get(name, frame[name]).rename(name) for name in frame.columns], axis=1)

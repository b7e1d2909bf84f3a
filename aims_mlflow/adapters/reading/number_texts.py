"""Numbers that text files write with decimal commas or with marks between thousands."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aims_mlflow.adapters.reading.missing_texts import is_text
from aims_mlflow.adapters.reading.read_table import named, option

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from aims_mlflow.records.system import ReadingOptions

SAMPLE = 1000


def marks_of(texts: Mapping[str, pd.Series], reading: ReadingOptions) -> tuple[str, str | None] | None:
    """Return the marks of a file's numbers: before decimals, and between thousands; None if they are the usual ones.

    Found from columns in which every value is a number with such marks, and at least one can be read in one way alone:
    1.234,5 or 12,34 has a decimal comma, 1,234.5 or 1,234,567 a comma between thousands.
    """
    if reading.decimal == "," or reading.thousands is not None:
        decimal = reading.decimal or ("." if reading.thousands != "." else ",")
        return decimal, reading.thousands
    if reading.decimal == ".":
        return None
    certain = set()
    for column in texts.values():
        for decimal, thousands in ((",", "."), (".", ",")):
            if _all(column, decimal, thousands) and not _all(column, thousands, decimal):
                certain.add((decimal, thousands))
    return certain.pop() if len(certain) == 1 else None


def marked_columns(frame: pd.DataFrame, *, dots: bool = False) -> dict[str, pd.Series]:
    """Return the columns of texts whose values are all numbers with a comma as one of their marks.

    `dots`: or with several points between thousands, 1.234.567, which in a file with commas between columns are codes.
    """
    mark = r",|\.\d{3}\." if dots else ","
    found = {}
    for name in frame.columns:
        column = frame[name]
        if is_text(column):
            values = column.dropna()
            some = values.iloc[:SAMPLE]
            if some.empty or not some.map(type).eq(str).all() or not some.str.contains(mark).any():
                continue
            if _all(values, ",", ".") or _all(values, ".", ","):
                found[name] = values
    return found


def _all(values: pd.Series, decimal: str, thousands: str) -> bool:
    """Tell whether all texts are numbers written with these marks."""
    form = number_form(decimal, thousands)
    return bool(values.iloc[:SAMPLE].str.fullmatch(form).all()) and bool(values.str.fullmatch(form).all())


def number_form(decimal: str, thousands: str | None) -> str:
    """Return the pattern of a number with these marks; thousands are all marked or none, and 0.123 has none."""
    d = re.escape(decimal)
    grouped = rf"[1-9]\d{{0,2}}(?:{re.escape(thousands)}\d{{3}})+|" if thousands else ""
    return rf"\s*[+-]?(?:{grouped}\d+)?(?:{d}\d+)?(?<=\d)(?:[eE][+-]?\d+)?\s*"


def as_numbers(values: pd.Series, decimal: str, thousands: str | None) -> pd.Series | None:
    """Return texts as numbers; None where one of them is no number with these marks."""
    import pandas as pd

    there = values.dropna()
    if there.empty or not bool(there.str.fullmatch(number_form(decimal, thousands)).all()):
        return None
    plain = values if thousands is None else values.str.replace(thousands, "", regex=False)
    return pd.to_numeric(plain.str.replace(decimal, ".", regex=False))


def uncertain_note(columns: list[str]) -> list[str]:
    """Return the sentence about columns whose comma may stand before decimals or between thousands."""
    if not columns:
        return []
    settle = f"{option('decimal', ',')}, or {option('thousands', ',')}"
    what = f"{named(columns)} has numbers such as 1,234, which may mean 1.234 or 1234, and is read as text"
    return [f"{what}; to settle it: {settle}"]


def doubtful_note(texts: pd.DataFrame) -> list[str]:
    """Return the sentence about numbers such as 1.234 in a file whose columns no comma separates."""
    form, found = re.compile(r"\s*[+-]?[1-9]\d{0,2}(?:\.\d{3})?\s*"), []
    for name in texts.columns:
        values = texts[name].dropna()
        if len(values) and values.str.contains(".", regex=False).any() and values.str.fullmatch(form).all():
            found.append(name)
    if not found:
        return []
    settle = f"{option('thousands', '.')}, or {option('decimal', '.')}"
    what = f"{named(found)} has numbers such as 1.234, which may mean 1234, and is read with a point before decimals"
    return [f"{what}; to settle it: {settle}"]

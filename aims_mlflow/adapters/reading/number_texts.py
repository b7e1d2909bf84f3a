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
# The marks before decimals and between thousands that a file may have; the two usual pairs first.
PAIRS = ((",", "."), (".", ","), (",", " "), (".", " "), (".", "'"), (",", "'"))
# One mark between thousands is written in several ways: spaces that do not break, a typographic apostrophe.
ALSO_WRITTEN = {" ": "[ \u00a0\u2009\u202f]", "'": "['\u2019]"}
MARK = re.compile(r",|\d[ '\u2019\u00a0\u2009\u202f]\d{3}(?!\d)")
MARK_OR_DOTS = re.compile(rf"{MARK.pattern}|\.\d{{3}}\.")


def marks_of(texts: Mapping[str, pd.Series], reading: ReadingOptions) -> tuple[str, str | None] | None:
    """Return the marks of a file's numbers: before decimals, and between thousands; None if they are the usual ones.

    Found from columns in which every value is a number with such marks, and at least one can be read in one way alone:
    1.234,5 or 12,34 has a decimal comma, 1,234.5 or 1,234,567 a comma between thousands, and 1 234,5 a space.
    """
    if reading.decimal == "," or reading.thousands is not None:
        decimal = reading.decimal or ("." if reading.thousands != "." else ",")
        return decimal, reading.thousands
    if reading.decimal == ".":
        return None
    certain = [column for column in texts.values() if _is_certain(column)]
    fitting = [pair for pair in PAIRS if certain and all(_all(column, *pair) for column in certain)]
    # 12,5 leaves open what stands between thousands: another column of the file shows it
    return max(fitting, key=lambda pair: sum(_all(column, *pair) for column in texts.values()), default=None)


def _is_certain(column: pd.Series) -> bool:
    """Tell whether the numbers of a column can be read in one way alone."""
    usual = [pair for pair in PAIRS[:2] if _all(column, *pair)]
    if usual:
        return len(usual) == 1
    # 12 345 may be a code: a number has a mark before decimals too, or several between thousands
    return bool(column.str.contains(r"[.,]|[1-9]\d{0,2}(?:\D\d{3}){2}").any())


def marked_columns(frame: pd.DataFrame, *, dots: bool = False) -> dict[str, pd.Series]:
    """Return the columns of texts whose values are all numbers, some with a mark that numbers of Python do not have.

    `dots`: or with several points between thousands, 1.234.567, which in a file with commas between columns are codes.
    """
    mark = MARK_OR_DOTS if dots else MARK
    found = {}
    for name in frame.columns:
        column = frame[name]
        if is_text(column):
            values = column.dropna()
            some = values.iloc[:SAMPLE]
            if some.empty or not some.map(type).eq(str).all() or not some.str.contains(mark).any():
                continue
            if any(_all(values, *pair) for pair in PAIRS):
                found[name] = values
    return found


def _all(values: pd.Series, decimal: str, thousands: str) -> bool:
    """Tell whether all texts are numbers written with these marks."""
    form = number_form(decimal, thousands)
    return bool(values.iloc[:SAMPLE].str.fullmatch(form).all()) and bool(values.str.fullmatch(form).all())


def number_form(decimal: str, thousands: str | None) -> str:
    """Return the pattern of a number with these marks; thousands are all marked or none, and 0.123 has none."""
    d = re.escape(decimal)
    grouped = rf"[1-9]\d{{0,2}}(?:{_written(thousands)}\d{{3}})+|" if thousands else ""
    return rf"\s*[+-]?(?:{grouped}\d+)?(?:{d}\d+)?(?<=\d)(?:[eE][+-]?\d+)?\s*"


def _written(thousands: str) -> str:
    """Return the pattern of a mark between thousands, in all ways in which it is written."""
    return ALSO_WRITTEN.get(thousands, re.escape(thousands))


def as_numbers(values: pd.Series, decimal: str, thousands: str | None) -> pd.Series | None:
    """Return texts as numbers; None where one of them is no number with these marks."""
    import pandas as pd

    there = values.dropna()
    if there.empty or not bool(there.str.fullmatch(number_form(decimal, thousands)).all()):
        return None
    plain = values if thousands is None else values.str.replace(rf"(?<=\d){_written(thousands)}(?=\d)", "", regex=True)
    return pd.to_numeric(plain.str.replace(decimal, ".", regex=False))


def has_marks(values: pd.Series, decimal: str, thousands: str | None) -> bool:
    """Return whether one of these numbers in texts has one of the two marks."""
    marks = "|".join([re.escape(decimal), *([_written(thousands)] if thousands is not None else [])])
    return bool(values.str.strip().str.contains(marks, na=False).any())


def uncertain_note(columns: Mapping[str, pd.Series]) -> list[str]:
    """Return the sentences about columns whose marks may stand before decimals, between thousands, or in a code."""
    commas = [name for name, column in columns.items() if column.str.contains(",", regex=False).any()]
    others = [name for name in columns if name not in commas]
    notes = []
    if commas:
        what = f"{named(commas)} has numbers such as 1,234, which may mean 1.234 or 1234, and is read as text"
        notes.append(f"{what}; to settle it: {option('decimal', ',')}, or {option('thousands', ',')}")
    if others:
        mark = "'" if columns[others[0]].str.contains("['\u2019]").any() else " "
        what = f"{named(others)} has texts such as 1{mark}234, which may be numbers or codes, and is read as text"
        notes.append(f"{what}; if they are numbers: {option('thousands', mark)}")
    return notes


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

"""The form of a text table: separator, lines above the header, header, and fields beyond the header."""

from __future__ import annotations

import csv
import itertools
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aims_mlflow.adapters.reading.read_table import option
from aims_mlflow.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from aims_mlflow.adapters.reading.text_source import TextSource
    from aims_mlflow.records.system import ReadingOptions

LOOKED_AT = 200  # records from which the form is found
NAMES = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}
ALIKE = 0.9  # share of records that have as many fields as the header


@dataclass(frozen=True)
class Dialect:
    """The form of one text table.

    Attributes:
        separator: The mark between fields.
        skip: Lines above the header.
        header: Fields of the header.
        records: The first records below it.
        notes: What was found that is not the rule.
    """

    separator: str
    skip: int
    header: tuple[str, ...]
    records: tuple[list[str], ...]
    notes: tuple[str, ...] = ()

    @property
    def longest(self) -> int:
        """Most fields in one of the first records."""
        return max((len(record) for record in self.records), default=0)


def find_dialect(source: TextSource, reading: ReadingOptions, *, preferred: str) -> Dialect:
    """Return the form of a text table; what `reading` says is not looked for.

    Raises:
        DataError: the file is empty, or its separator or header cannot be told.
    """
    skip, mark, notes = _above_header(source, reading)
    candidates = [reading.separator or mark] if reading.separator or mark else [preferred, *NAMES]
    shapes = {c: _first_records(source, c, skip) for c in dict.fromkeys(candidates) if c is not None}
    fitting = [c for c, records in shapes.items() if _fits(records)]
    if len(fitting) > 1 and preferred not in fitting:
        raise DataError(
            f"the columns may be separated by {' or by '.join(NAMES.get(c, repr(c)) for c in fitting)}",
            where=str(source.path),
            next=f"say which: {option('separator', fitting[0])}",
        )
    separator = preferred if preferred in fitting or not fitting else fitting[0]
    separator = reading.separator or mark or separator
    records = shapes[separator]
    if not records or not any(field.strip() for field in records[0]):
        raise DataError("the file has no header", where=str(source.path), next="give a file with a header and rows")
    _refuse_title(records, source, separator, skip)
    if separator != preferred and reading.separator is None:
        notes.append(f"columns are separated by {NAMES.get(separator, repr(separator))}, not {NAMES[preferred]}")
    return Dialect(separator, skip, tuple(records[0]), tuple(records[1:]), tuple(notes))


def _above_header(source: TextSource, reading: ReadingOptions) -> tuple[int, str | None, list[str]]:
    """Return how many lines stand above the header, the separator if one of them names it, and notes."""
    if reading.skip is not None:
        return reading.skip, None, []
    with source.opened() as stream:
        lines = [line.rstrip("\r\n") for line in itertools.islice(stream, LOOKED_AT)]
    if lines and lines[0].lower().startswith("sep=") and len(lines[0]) == 5:  # Excel's own hint
        return 1, lines[0][4], []
    comments = len(list(itertools.takewhile(lambda line: line.startswith("#") or not line.strip(), lines)))
    comments = comments if any(line.startswith("#") for line in lines[:comments]) else 0
    if not comments or comments == len(lines):
        return 0, None, []
    last, first = lines[comments - 1], lines[comments]
    marks = [mark for mark in NAMES if last.count(mark) and last.count(mark) == first.count(mark)]
    comments -= 1 if marks else 0  # a header that begins with the mark, as genetics has it
    if not comments:
        return 0, None, []
    lines_of = "1 line" if comments == 1 else f"{comments} lines"
    return comments, None, [f"{lines_of} above the header with # are left out"]


def _first_records(source: TextSource, separator: str, skip: int) -> list[list[str]]:
    try:
        return [record for _, record in itertools.islice(records_of(source, separator, skip), LOOKED_AT + 1)]
    except csv.Error:
        return []


def records_of(source: TextSource, separator: str, skip: int) -> Iterator[tuple[int, list[str]]]:
    """Yield the number of its last line and the fields of each record that is not empty, header first."""
    with source.opened() as stream:
        for _ in range(skip):
            next(stream, None)
        reader = csv.reader(stream, delimiter=separator)
        for record in reader:
            if record:
                yield reader.line_num + skip, record


def _fits(records: list[list[str]]) -> bool:
    """Tell whether nearly all records have as many fields as the header, or one more, and these are several."""
    if not records or len(records[0]) < 2:
        return False
    header = len(records[0])
    alike = sum(len(record) in (header, header + 1) for record in records)
    return alike >= ALIKE * len(records)


def _refuse_title(records: list[list[str]], source: TextSource, separator: str, skip: int) -> None:
    """Refuse a file whose first lines are no header: most records have more fields than they, or more filled ones.

    Excel writes a title as one field, and the separators of all other columns after it.
    """
    usual, first = _usual(records[1:], len), len(records[0])
    said, filled = _filled(records[0]), _usual(records[1:], _filled)
    if usual <= first + 1 and not (is_title(said, filled) and usual > 1):
        return
    numbered = itertools.islice(records_of(source, separator, skip), LOOKED_AT)
    wide = (line for line, r in numbered if len(r) == usual and not is_title(_filled(r), filled))
    before = next(wide, skip + 2)
    few = f"{first}" if usual > first + 1 else f"{said} that is not empty"
    raise DataError(
        f"the first line has fewer fields ({few}) than most rows ({usual if usual > first + 1 else filled})",
        where=str(source.path),
        next=f"leave out the lines above the header: {option('skip', str(before - 1))}",
    )


def is_title(said: int, usual: int) -> bool:
    """Tell whether a row with so many filled cells is a title, where most rows have `usual` filled cells."""
    return said <= 1 and usual > 2


def _filled(record: list[str]) -> int:
    return sum(bool(field.strip()) for field in record)


def _usual(records: list[list[str]], size: Callable[[list[str]], int]) -> int:
    """Return the size that most records have; 0 without records."""
    sizes = Counter(map(size, records))
    return sizes.most_common(1)[0][0] if sizes else 0

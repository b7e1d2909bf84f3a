"""Text tables (CSV, TSV and their kin), read by pandas in the form that the file has."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aims_mlflow.adapters.reading import missing_texts, number_texts
from aims_mlflow.adapters.reading.dialect import Dialect, find_dialect, records_of
from aims_mlflow.adapters.reading.missing_texts import replaced
from aims_mlflow.adapters.reading.read_table import ReadTable, named
from aims_mlflow.adapters.reading.text_source import PACKED, TextSource, text_source, unpacked
from aims_mlflow.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pandas as pd

    from aims_mlflow.records.system import ReadingOptions

KINDS = {".csv": ",", ".tsv": "\t", ".tab": "\t", ".txt": ","}
LONGER = re.compile(r"Expected \d+ fields in line (\d+), saw \d+")
UNCLOSED = re.compile(r"EOF inside string starting at row (\d+)")
EXACT = 2**53  # whole numbers beyond it are not all floating-point numbers
LEAST = str(-(2**63))  # beside a gap pandas reads this whole number as missing: it marks gaps with it


def is_text_table(name: str) -> bool:
    """Tell whether a file's name is that of a text table, compressed or not."""
    return _kind(name) in KINDS


def _kind(name: str) -> str:
    stem = next((name[: -len(end)] for end in PACKED if name.endswith(end)), name)
    return "." + stem.rpartition(".")[2]


def read_text(path: Path, reading: ReadingOptions) -> ReadTable:
    """Read a text table.

    Raises:
        DataError: it is no table, or can be read in several ways.
        ConfigError: `reading` names an encoding that there is not.
        OSError, ValueError: the bytes cannot be read.
    """
    source = text_source(path, reading.encoding)
    dialect = find_dialect(source, reading, preferred=KINDS[_kind(path.name.lower())])
    _refuse_same_names(dialect, path)
    return _TextTable(source, dialect, reading).read()


def _refuse_same_names(dialect: Dialect, path: Path) -> None:
    """Refuse a file with two columns of one name, which pandas would rename."""
    names = [name for name in dialect.header if name]
    repeated = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if repeated:
        raise DataError(
            f"several columns have the same name: {named(repeated)}", where=str(path), next="give each its own name"
        )


@dataclass
class _TextTable:
    """One reading of a text table: each question is asked of the columns that it concerns."""

    source: TextSource
    dialect: Dialect
    reading: ReadingOptions
    notes: list[str] = field(default_factory=list)
    _extra: dict[str, Any] = field(default_factory=dict)
    _doubtful: list[str] = field(default_factory=list)  # columns whose marks are told already

    def read(self) -> ReadTable:
        """Return the table, each value as the file has it."""
        self.notes += self.dialect.notes
        self._extra = self._extra_fields()
        frame = self._named(self._pandas(**self._extra).reset_index(drop=True))
        frame = self._exact(self._without_na_texts(self._with_marks(frame)))
        self._note_rest(frame)
        return ReadTable(frame, tuple(self.notes))

    def _pandas(self, **more: Any) -> pd.DataFrame:
        import pandas as pd

        gone = ["", *(self.reading.missing or ())]
        settings: dict[str, Any] = {
            "sep": self.dialect.separator,
            "encoding": self.source.encoding,
            "skiprows": self.dialect.skip,
            "keep_default_na": False,
            "na_values": gone,
            "low_memory": False,  # read in pieces, one column would get numbers and texts
        }
        try:
            if self.source.path.suffix.lower() in PACKED:
                with unpacked(self.source.path) as stream:
                    return pd.read_csv(stream, **{**settings, **more})
            return pd.read_csv(self.source.path, **{**settings, **more})
        except pd.errors.ParserError as exc:
            raise self._unread(exc) or exc from None

    def _unread(self, exc: Exception) -> DataError | None:
        """Return what is wrong with a line behind those that the dialect was found from, as the parser reports it."""
        longer, unclosed = LONGER.search(str(exc)), UNCLOSED.search(str(exc))
        if longer:
            return self._more_fields(int(longer[1]))
        if unclosed:
            what = f"a quotation mark opens in line {int(unclosed[1]) + 1:,}, and none closes it"
            return DataError(what, where=str(self.source.path), next="close it, or double one that is part of a value")
        return None

    def _more_fields(self, line: int) -> DataError:
        return DataError(
            f"line {line:,} has more fields than the header, which has {len(self.dialect.header)}",
            where=str(self.source.path),
            next="give each column a name, or put a value that holds the separator into quotation marks",
        )

    def _extra_fields(self) -> dict[str, Any]:
        """Return how to read rows that have one field more than the header: a trailing separator, or R's row names."""
        header = len(self.dialect.header)
        if self.dialect.longest <= header:
            return {}
        empty, numbered = True, header > 1
        records = self._records()
        next(records)  # the header
        for row, (_, record) in enumerate(records, 1):
            empty = empty and not any(field.strip() for field in record[header:])
            numbered = numbered and len(record) == header + 1 and record[0] == str(row)
        if empty:
            self.notes.append("rows end with a separator that the header does not have; it is left out")
            return {"index_col": False, "usecols": list(range(header))}
        if numbered:
            self.notes.append(
                "rows begin with their number, which the header does not name, as R writes it; it is left out"
            )
            return {}  # pandas makes an index of it
        raise self._more_fields(next(line for line, record in self._records() if len(record) > header))

    def _records(self) -> Iterator[tuple[int, list[str]]]:
        return records_of(self.source, self.dialect.separator, self.dialect.skip)

    def _named(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the frame without an empty last column that has no name; other columns without a name are told."""
        unnamed = [n for n in frame.columns if str(n).startswith("Unnamed: ") and n not in self.dialect.header]
        empty = [n for n in unnamed if frame[n].isna().all() and n == frame.columns[-1]]
        if empty:
            self.notes.append("the last column has neither a name nor a value; it is left out")
            frame = frame.drop(columns=empty)
        unnamed = [n for n in unnamed if n not in empty]
        if unnamed:
            self.notes.append(f"columns without a name are called {named(unnamed)}, as pandas calls them")
        return frame

    def _with_marks(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the frame with numbers in place of texts such as 1.234,5."""
        import pandas as pd

        dots = self.dialect.separator != ","
        candidates = number_texts.marked_columns(_na_masked(frame), dots=dots)
        marks = number_texts.marks_of(candidates, self.reading)
        if marks is None:
            self.notes += number_texts.uncertain_note(candidates)
            self._doubtful = [*candidates]
            if dots and self.reading.decimal is None:
                floats = [n for n in frame.columns if pd.api.types.is_float_dtype(frame[n])]
                self.notes += number_texts.doubtful_note(self._columns(floats, dtype=str))
            return frame
        # A column of 1.234 alone is a number to pandas too, another one.
        doubtful = [n for n in frame.columns if pd.api.types.is_float_dtype(frame[n])] if marks[1] == "." else []
        texts = [*(n for n in frame.columns if missing_texts.is_text(frame[n])), *doubtful]
        raw = self._columns(texts, dtype=str)
        na = [*missing_texts.NA_TEXTS] if self.reading.missing is None else []
        there = {n: raw[n].mask(raw[n].isin(na)) for n in texts}
        found = {n: number_texts.as_numbers(values, *marks) for n, values in there.items()}
        changed = {n: numbers for n, numbers in found.items() if numbers is not None}
        with_marks = [n for n in changed if number_texts.has_marks(there[n], *marks)]
        if with_marks:
            between = f" and {marks[1]!r} between thousands" if marks[1] else ""
            self.notes.append(f"numbers are read with {marks[0]!r} before decimals{between} in {named(with_marks)}")
        return replaced(frame, changed)

    def _columns(self, names: list[str], **more: Any) -> pd.DataFrame:
        """Return some columns, read again in another way."""
        import pandas as pd

        if not names:
            return pd.DataFrame()
        extra = {"index_col": False} if self._extra.get("index_col") is False else {}
        return self._pandas(**{**extra, **more, "usecols": names}).reset_index(drop=True)

    def _without_na_texts(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the frame with NA and the like as missing where they mean it."""
        if self.reading.missing is not None:
            return frame
        marked = missing_texts.na_texts(frame)
        gone = [name for name, rows in marked.items() if missing_texts.mean_missing(frame[name], rows)]
        beside_quoted = [n for n in marked if n not in gone and self._only_na_unquoted(frame[n], marked[n])]
        again = [*gone, *beside_quoted]
        if again:
            na = ["", *missing_texts.NA_TEXTS]
            read = self._columns(again, na_values=na)
            frame = replaced(frame, {name: read[name] for name in again})
        self.notes += missing_texts.missing_note(beside_quoted)
        kept = {name: rows for name, rows in marked.items() if name not in again}
        self.notes += missing_texts.kept_note(frame, kept)
        return frame

    def _only_na_unquoted(self, column: pd.Series, marked: Any) -> bool:
        """Tell whether all texts of a column stand in quotation marks, and NA does not, as R writes a missing one."""
        import pyarrow as pa
        from pyarrow import csv as arrow_csv

        convert = arrow_csv.ConvertOptions(
            include_columns=[str(column.name)],
            column_types={str(column.name): pa.string()},
            null_values=[str(text) for text in column.dropna().unique()],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        )
        parse = arrow_csv.ParseOptions(delimiter=self.dialect.separator, newlines_in_values=True)
        read = arrow_csv.ReadOptions(skip_rows=self.dialect.skip, encoding=self.source.encoding.replace("-sig", ""))
        try:
            with unpacked(self.source.path) as stream:
                table = arrow_csv.read_csv(stream, read, parse, convert)
        except (pa.ArrowException, LookupError, csv.Error):
            return False
        unquoted = table.column(0).is_null().to_numpy()
        return len(unquoted) == len(marked) and bool((unquoted == (marked | column.isna().to_numpy())).all())

    def _exact(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the frame with whole numbers beyond 2^53 exact where gaps made floating-point numbers of them."""
        import pandas as pd

        frame_as_read = frame
        frame = replaced(frame, {n: frame[n].mask(rows) for n, rows in _blanks(frame).items()})
        floats = [n for n in frame.columns if pd.api.types.is_float_dtype(frame[n]) and frame[n].isna().any()]
        whole = [n for n in floats if (frame[n].dropna() % 1 == 0).all()]
        is_lost = bool(whole) and self.source.holds(LEAST)
        large = [n for n in whole if is_lost or frame[n].abs().max() >= EXACT]
        large += [n for n in _blanks(frame_as_read) if n not in large]
        changed = {}
        for name in large:
            na = ["", *(missing_texts.NA_TEXTS if self.reading.missing is None else self.reading.missing)]
            for kind in ("Int64", "UInt64"):
                try:
                    changed[name] = self._columns([name], dtype={name: kind}, na_values=na)[name]
                    break
                except (ValueError, OverflowError, TypeError):  # written as 1e20, or larger
                    continue
        return replaced(frame, changed)

    def _note_rest(self, frame: pd.DataFrame) -> None:
        """Say what pandas does in silence: short rows, codes with leading zeros, placeholders among numbers."""
        import pandas as pd

        if len(frame.columns) and len(frame) and frame.iloc[:, -1].isna().any():
            header = len(self.dialect.header)
            short = sum(len(record) < header for _, record in self._records())
            if short:
                rows = "1 row has" if short == 1 else f"{short:,} rows have"
                self.notes.append(f"{rows} fewer fields than the header; the other cells are missing")
        whole = {n for n in frame.columns if pd.api.types.is_integer_dtype(frame[n])}
        at = {i: name for i, name in enumerate(self.dialect.header) if name in whole}
        zeros = {
            at[i]
            for r in self.dialect.records
            for i, f in enumerate(r)
            if i in at and f[:1] == "0" and f[1:2].isdigit()
        }
        if zeros:
            self.notes.append(f"codes with leading zeros are read as numbers in {named(sorted(zeros))}")
        if self.reading.missing is None:
            self.notes += missing_texts.placeholder_notes(frame.drop(columns=self._doubtful))


def _na_masked(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame without NA and the like, so that they do not hide numbers."""
    marked = missing_texts.na_texts(frame)
    return replaced(frame, {name: frame[name].mask(rows) for name, rows in marked.items()})


def _blanks(frame: pd.DataFrame) -> dict[str, Any]:
    """Return the empty cells of columns in which pandas keeps them as texts: unsigned numbers of 64 bits."""
    found = {n: frame[n].isin([""]).to_numpy(dtype=bool) for n in frame.columns if missing_texts.is_text(frame[n])}
    return {name: rows for name, rows in found.items() if rows.any()}

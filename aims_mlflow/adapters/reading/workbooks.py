"""Excel workbooks: one sheet, each cell in the type that the workbook gives it. Only this file reads with openpyxl."""

from __future__ import annotations

import importlib.util
import zipfile
from typing import TYPE_CHECKING, Any

from aims_mlflow.adapters.reading.cells import typed
from aims_mlflow.adapters.reading.dialect import is_title
from aims_mlflow.adapters.reading.read_table import ReadTable, named, option
from aims_mlflow.errors import ConfigError, DataError, did_you_mean, how_to_install

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from aims_mlflow.records.system import ReadingOptions

KINDS = (".xlsx", ".xlsm")


def read_workbook(path: Path, reading: ReadingOptions) -> ReadTable:
    """Read a sheet of a workbook: the named one, else the first.

    Raises:
        ConfigError: openpyxl is not installed.
        DataError: there is no such sheet, two columns have one name, or a formula has no value.
    """
    import pandas as pd

    if importlib.util.find_spec("openpyxl") is None:
        fix = f"{how_to_install('excel')}, or save as CSV"
        raise ConfigError("reading workbooks needs openpyxl", where=str(path), next=fix)
    with pd.ExcelFile(path, engine="openpyxl") as book:
        names = [str(name) for name in book.sheet_names]
        sheet, notes = _sheet(names, reading, path)
        cells = book.parse(sheet, header=None, dtype=object, keep_default_na=False, na_values=[""])
        if cells.isna().to_numpy().any() and _may_have_formulas(path):
            _require_values(book.book[sheet], path)
    frame = _with_header(cells.iloc[reading.skip or 0 :], path, sheet)
    frame, more = typed(frame, reading, numbers_in_text=True)
    return ReadTable(frame, (*notes, *more))


def _sheet(names: list[str], reading: ReadingOptions, path: Path) -> tuple[str, list[str]]:
    if reading.sheet is None:
        several = f"the workbook has {len(names)} sheets, and the first, {names[0]!r}, is read; another: "
        return names[0], [several + option("sheet", names[1])] if len(names) > 1 else []
    if reading.sheet not in names:
        hint = did_you_mean(reading.sheet, names)
        raise DataError(
            f"there is no sheet {reading.sheet!r}" + (f", {hint}" if hint else ""),
            where=str(path),
            next=f"name one of {named(names)}",
        )
    return reading.sheet, []


def _may_have_formulas(path: Path) -> bool:
    """Tell whether a sheet has the mark of a formula: most have none, and are not read twice."""
    with zipfile.ZipFile(path) as book:
        return any(b"<f" in book.read(name) for name in book.namelist() if name.startswith("xl/worksheets/"))


def _require_values(values: Any, path: Path) -> None:
    """Refuse a sheet whose formulas have no value: programs that do not compute write them so.

    Raises:
        DataError: there is such a formula.
    """
    import openpyxl

    book = openpyxl.load_workbook(path, read_only=True, data_only=False)
    try:
        formulas = {cell.coordinate for row in book[values.title].iter_rows() for cell in row if cell.data_type == "f"}
    finally:
        book.close()
    # An empty text that a formula gave is stored as such ("str").
    lacking = [
        cell.coordinate
        for row in (values.iter_rows() if formulas else ())
        for cell in row
        if cell.value is None and cell.data_type == "n" and getattr(cell, "coordinate", None) in formulas
    ]
    if lacking:
        many = f"{len(lacking):,} cells have formulas" if len(lacking) > 1 else "1 cell has a formula"
        raise DataError(
            f"{many} without a value, such as {lacking[0]}: a program that does not compute wrote the workbook",
            where=f"{path}, sheet {values.title!r}",
            next="open it in Excel or LibreOffice and save it, or save the values as CSV",
        )


def _with_header(cells: pd.DataFrame, path: Path, sheet: str) -> pd.DataFrame:
    """Return the cells below the first row that is not empty, which names them; empty rows and columns are left out."""
    where = f"{path}, sheet {sheet!r}"
    cells = cells.dropna(how="all").dropna(axis=1, how="all")
    if cells.empty:
        raise DataError("the sheet is empty", where=where, next="give a sheet with a header and rows")
    header = cells.iloc[0]
    filled = cells.notna().sum(axis=1)
    if is_title(int(filled.iloc[0]), int(filled.mode().iloc[0])):
        before = next((row for row, n in filled.items() if not is_title(int(n), int(filled.mode().iloc[0]))), 1)
        raise DataError(
            "the first row has 1 cell that is not empty, and most rows have more",
            where=where,
            next=f"leave out the rows above the header: {option('skip', str(before))}",
        )
    names = [
        f"Unnamed: {i}" if missing else str(n) for i, (n, missing) in enumerate(zip(header, header.isna(), strict=True))
    ]
    repeated = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if repeated:
        raise DataError(
            f"several columns have the same name: {named(repeated)}", where=where, next="give each its own name"
        )
    return cells.iloc[1:].set_axis(names, axis=1).reset_index(drop=True)

"""The protocol of a count source: an engine that counts the rows of each combination of a few columns.

Checks run on such a count table as they run on rows (`InMemoryTable.weights`), so every engine gives the same numbers.
Up to `MAX_CELLS` combinations a count table is exact. Above that, numbers are cut into equal bins, each standing
at the mean of its values, and only the most frequent texts are told apart; the data set names those columns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

from aims_mlflow.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

ColumnType = Literal["integer", "number", "boolean", "date", "text", "other"]
ROWS = "(rows)"  # the column of counts
MAX_CELLS = 200_000
BINS = 2048
FREQUENT = 49
OTHER = "(other)"


@dataclass(frozen=True)
class Column:
    """The column as it is."""

    name: str


@dataclass(frozen=True)
class Bins:
    """Numbers in equal bins, counted from `low`; missing and infinite ones are missing."""

    name: str
    low: float
    width: float
    bins: int = BINS


@dataclass(frozen=True)
class FrequentLevels:
    """Texts: these levels by themselves, all others as one."""

    name: str
    levels: tuple[str, ...]


@dataclass(frozen=True)
class ThresholdFlag:
    """1 where a score reaches a threshold, else 0."""

    name: str
    threshold: float


Key = Column | Bins | FrequentLevels | ThresholdFlag


class CountSource(Protocol):
    """What an engine must answer; every answer is small, whatever the number of rows.

    Attributes:
        engine: "sqlite", "duckdb", "postgresql", "spark", ...
        name: The table's name for people; it holds no password.
        types: Column -> type, in the table's order.
        tools: Distributions whose versions belong to the evidence.
        handle: What Great Expectations' own engine takes: a Spark frame or a `sql_address.SqlAddress`.
    """

    engine: str
    name: str
    types: Mapping[str, ColumnType]
    tools: tuple[str, ...]
    handle: Any

    def rows(self) -> int:
        """Return the number of rows."""
        ...

    def counts(self, keys: Sequence[Key], limit: int) -> pd.DataFrame | None:
        """Return one row for each combination, columns named by the keys and `ROWS`; None if there are over `limit`."""
        ...

    def known(self) -> dict[str, int]:
        """Return for each column how many rows have a value (NaN is none)."""
        ...

    def levels(self) -> dict[str, int]:
        """Return for each column how many values occur; may be an estimate where there are thousands."""
        ...

    def extremes(self, name: str) -> tuple[float, float] | None:
        """Return the smallest and largest finite number of a column; None where there is none."""
        ...

    def frequent(self, name: str, most: int) -> list[str]:
        """Return at most so many of the texts that occur most often."""
        ...

    def distinct(self, names: Sequence[str]) -> int:
        """Return exactly how many different rows these columns have."""
        ...


def tidy(frame: pd.DataFrame, types: Mapping[str, ColumnType]) -> pd.DataFrame:
    """Return a count table in the types that pandas would read from a file: whole numbers with gaps become floats."""
    import numpy as np
    import pandas as pd

    out: dict[str, Any] = {}
    for name in frame.columns:
        column, kind = frame[name], types.get(name)
        if kind in ("integer", "number") or name == ROWS:
            try:
                numbers = pd.to_numeric(column)
            except (TypeError, ValueError):  # SQLite keeps to no type
                raise DataError(f"the column {name!r} is declared as numbers and holds something else") from None
            whole = (kind == "integer" and not numbers.isna().any() and bool((numbers % 1 == 0).all())) or name == ROWS
            out[name] = numbers.astype(np.int64 if whole else float)
        elif kind == "boolean":
            true = column.map(lambda value: None if pd.isna(value) else bool(value))
            out[name] = true if column.isna().any() else true.astype(bool)
        elif kind == "date":
            out[name] = pd.to_datetime(column, utc=True, errors="coerce")
        else:
            out[name] = column.astype(object).where(column.notna(), None)
    return pd.DataFrame(out)


def refuse_infinite(table: pd.DataFrame, known: Mapping[str, int], names: Sequence[str], where: str) -> None:
    """Raise DataError where one of these columns in bins has infinite numbers, which bins make missing.

    Args:
        table: A count table.
        known: For each column how many rows have a value; infinite ones count.
        names: Sensitive columns whose numbers are in bins.
        where: The table's name.
    """
    for name in names:
        infinite = known[name] - int(table.loc[table[name].notna(), ROWS].sum())
        if infinite > 0:
            raise DataError(
                f"the sensitive column {name!r} has {infinite:,} infinite numbers, which its bins cannot tell from "
                "missing ones",
                where=where,
                next="write what they stand for, or make bands of the column",
            )

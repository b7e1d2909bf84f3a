"""Spark frames as count sources: the rows stay in Spark, and only counts come to this process."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from aims_mlflow.checks.engines.count_source import (
    OTHER,
    ROWS,
    Bins,
    Column,
    ColumnType,
    FrequentLevels,
    Key,
    ThresholdFlag,
    tidy,
)
from aims_mlflow.checks.tables.validation import find_twice
from aims_mlflow.errors import ConfigError, DataError, Unreachable, how_to_install

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

TYPES: dict[str, ColumnType] = {
    **dict.fromkeys(("tinyint", "smallint", "int", "bigint"), "integer"),
    **dict.fromkeys(("float", "double"), "number"),
    **dict.fromkeys(("date", "timestamp", "timestamp_ntz"), "date"),
    **dict.fromkeys(("string", "varchar", "char"), "text"),
    "boolean": "boolean",
    "decimal": "number",
}


class SparkSource:
    """A Spark frame; see `count_source.CountSource`."""

    tools: tuple[str, ...] = ("pyspark",)

    def __init__(self, frame: Any, name: str = "a Spark frame") -> None:
        """Read the schema.

        Raises:
            DataError: a column name stands twice.
        """
        find_twice(list(frame.columns), name)
        self.engine = "spark"
        self.handle = frame
        self.name = name
        where = "pyspark.sql.connect" if ".connect." in type(frame).__module__ else "pyspark.sql"
        self._functions: Any = importlib.import_module(f"{where}.functions")
        self.types: Mapping[str, ColumnType] = {
            column: TYPES.get(kind.split("(")[0], "other") for column, kind in frame.dtypes
        }

    def rows(self) -> int:
        """Return the number of rows."""
        return int(self.handle.count())

    def counts(self, keys: Sequence[Key], limit: int) -> pd.DataFrame | None:
        """Return one row for each combination; see `count_source.CountSource`."""
        f = self._functions
        parts = [self._key(key).alias(f"k{i}") for i, key in enumerate(keys)]
        binned = [i for i, key in enumerate(keys) if isinstance(key, Bins)]
        raw = [self._value(keys[i].name).alias(f"v{i}") for i in binned]
        grouped = self.handle.select(*parts, *raw).groupBy(*(f"k{i}" for i in range(len(keys))))
        means = [f.avg(f"v{i}").alias(f"m{i}") for i in binned]
        answer = grouped.agg(f.count(f.lit(1)).alias("n"), *means)
        shown = [
            f.when(f.col(f"k{i}").isNull(), f.lit(None)).otherwise(f.col(f"m{i}")).alias(f"c{i}")
            if i in binned
            else f.col(f"k{i}").alias(f"c{i}")
            for i in range(len(keys))
        ]
        combinations = answer.select(*shown, "n").limit(limit + 1).toPandas()
        if len(combinations) > limit:
            return None
        changed: dict[type, ColumnType] = {Bins: "number", ThresholdFlag: "integer"}
        kinds = {key.name: changed.get(type(key), self.types[key.name]) for key in keys}
        return tidy(combinations.set_axis([*(key.name for key in keys), ROWS], axis=1), kinds)

    def known(self) -> dict[str, int]:
        """Return for each column how many rows have a value."""
        f = self._functions
        return self._for_each(lambda name: f.count(self._value(name)))

    def levels(self) -> dict[str, int]:
        """Return for each column about how many values occur, from one pass over the rows."""
        f = self._functions
        return self._for_each(lambda name: f.approx_count_distinct(self._value(name)))

    def extremes(self, name: str) -> tuple[float, float] | None:
        """Return the smallest and largest finite number."""
        f = self._functions
        number = self._finite(name)
        low, high = self.handle.select(f.min(number).alias("low"), f.max(number).alias("high")).first()
        return None if low is None else (float(low), float(high))

    def frequent(self, name: str, most: int) -> list[str]:
        """Return the texts that occur most often."""
        f = self._functions
        sizes = self.handle.select(self._value(name).alias("v")).where(f.col("v").isNotNull()).groupBy("v").count()
        return [str(row[0]) for row in sizes.orderBy(f.desc("count"), "v").limit(most).collect()]

    def distinct(self, names: Sequence[str]) -> int:
        """Return how many different rows these columns have."""
        return int(
            self.handle.select(*(self._value(name).alias(f"c{i}") for i, name in enumerate(names))).distinct().count()
        )

    def _for_each(self, of: Any) -> dict[str, int]:
        names = list(self.types)
        if not names:
            return {}
        row = self.handle.select(*(of(name).alias(f"c{i}") for i, name in enumerate(names))).first()
        return dict(zip(names, (int(value) for value in row), strict=True))

    def _column(self, name: str) -> Any:
        f = self._functions
        return f.col("`" + name.replace("`", "``") + "`")

    def _value(self, name: str) -> Any:
        """Return a column in a form that can be counted; not-a-number is no value."""
        f = self._functions
        kind, column = self.types[name], self._column(name)
        if kind == "number":
            number = column.cast("double")
            return f.when(f.isnan(number), f.lit(None)).otherwise(number)
        return f.to_json(f.struct(column)) if kind == "other" else column

    def _finite(self, name: str) -> Any:
        f = self._functions
        number, infinite = self._column(name).cast("double"), float("inf")
        gone = f.isnan(number) | (number == infinite) | (number == -infinite)
        return f.when(gone, f.lit(None)).otherwise(number)

    def _key(self, key: Key) -> Any:
        f = self._functions
        value = self._value(key.name)
        match key:
            case Column():
                return value
            case FrequentLevels(levels=levels):
                other = f.when(value.isNull(), f.lit(None)).otherwise(f.lit(OTHER))
                return f.when(value.isin(list(levels)), value).otherwise(other)
            case ThresholdFlag(threshold=threshold):
                return f.when(value.isNull(), f.lit(None)).otherwise((value >= threshold).cast("int"))
            case Bins(low=low, width=width, bins=bins):
                place = f.floor((self._finite(key.name) - low) / width)
                return f.when(place >= bins, f.lit(bins - 1)).otherwise(place)


def is_spark(value: object) -> bool:
    """Return whether this is a Spark frame, without importing Spark."""
    return type(value).__name__ == "DataFrame" and type(value).__module__.startswith("pyspark.sql")


def spark_source(name: str) -> SparkSource:
    """Return a table of the running Spark session; `SPARK_REMOTE` chooses a Connect server.

    Raises:
        ConfigError: Spark is not installed.
        Unreachable: it does not start, or has no such table.
    """
    try:
        from pyspark.sql import SparkSession
    except ImportError:
        raise ConfigError("Spark is not installed", where=f"spark:{name}", next=how_to_install("spark")) from None
    try:
        return SparkSource(SparkSession.builder.getOrCreate().table(name), f"spark:{name}")
    except DataError:
        raise
    except Exception as exc:  # noqa: BLE001  whatever Spark or Java raise
        kind = type(exc).__name__
        what = "there is no such table in Spark" if kind == "AnalysisException" else f"Spark does not answer ({kind})"
        raise Unreachable(what, where=f"spark:{name}", next="check the name, and that Java is installed") from None

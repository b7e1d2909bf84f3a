"""Tables of SQLite, DuckDB and PostgreSQL as count sources, through SQLAlchemy."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
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
from aims_mlflow.errors import ConfigError, DataError, Unreachable, did_you_mean, how_to_install

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pandas as pd

    from aims_mlflow.checks.engines.sql_address import SqlAddress

FINITE = 1.7976931348623157e308
EXTRAS = {"duckdb": "duckdb", "postgresql": "postgresql"}
# Type names as databases write them, by how they begin.
TYPES: tuple[tuple[ColumnType, tuple[str, ...]], ...] = (
    ("boolean", ("BOOL",)),
    ("date", ("DATE", "TIME")),
    ("integer", ("INT", "BIGINT", "SMALLINT", "TINYINT", "HUGEINT", "UBIGINT", "UINTEGER", "USMALLINT", "UTINYINT")),
    ("number", ("FLOAT", "DOUBLE", "REAL", "NUMERIC", "DECIMAL")),
    ("text", ("VARCHAR", "TEXT", "CHAR", "STRING", "NVARCHAR", "CLOB", "ENUM", "UUID")),
)


class SqlSource:
    """A table or view of a database; see `count_source.CountSource`."""

    def __init__(self, place: SqlAddress) -> None:
        """Connect and read the columns.

        Raises:
            ConfigError: the driver is missing.
            Unreachable: the database cannot be reached.
            DataError: there is no such table.
        """
        self.handle = place
        self.engine = place.url.get_backend_name()
        self.name = place.name
        self.tools = ("SQLAlchemy", *(("duckdb",) if self.engine == "duckdb" else ()))
        self._database = _database(place, self.name)
        self.types: Mapping[str, ColumnType] = self._columns(place)

    def _columns(self, place: SqlAddress) -> dict[str, ColumnType]:
        import sqlalchemy as sa

        if self.engine == "duckdb":  # its dialect cannot reflect under SQLAlchemy 2.1
            known = self._read(sa.text("SELECT table_name, column_name, data_type FROM information_schema.columns"))
            tables = list(known["table_name"].unique())
            mine = known[known["table_name"] == place.table]
            columns = dict(zip(mine["column_name"], mine["data_type"], strict=True))
        else:
            with self._reached():
                inspector = sa.inspect(self._database)
                tables = [*inspector.get_table_names(place.schema), *inspector.get_view_names(place.schema)]
                known = inspector.get_columns(place.table, place.schema) if place.table in tables else []
            columns = {column["name"]: str(column["type"]) for column in known}
        if not columns:
            hint = did_you_mean(place.table, tables)
            raise DataError(
                f"there is no table {place.table!r}" + (f", {hint}" if hint else ""),
                where=self.name,
                next="name a table of the database after the `#`",
            )
        return {str(name): _type(text) for name, text in columns.items()}

    def rows(self) -> int:
        """Return the number of rows."""
        import sqlalchemy as sa

        return self._number(sa.select(sa.func.count()).select_from(self._table()))

    def counts(self, keys: Sequence[Key], limit: int) -> pd.DataFrame | None:
        """Return one row for each combination; see `count_source.CountSource`."""
        import sqlalchemy as sa

        parts = [self._key(key).label(f"k{i}") for i, key in enumerate(keys)]
        binned = [i for i, key in enumerate(keys) if isinstance(key, Bins)]
        raw = [self._float(keys[i].name).label(f"v{i}") for i in binned]
        # Grouped outside of a subquery: PostgreSQL takes the same expression with two parameters for two.
        inner = sa.select(*parts, *raw).select_from(self._table()).subquery()
        groups = [inner.c[f"k{i}"] for i in range(len(keys))]
        means = {i: sa.func.avg(inner.c[f"v{i}"]) for i in binned}
        shown = [
            sa.case((group.is_(None), None), else_=means[i]).label(f"c{i}") if i in means else group.label(f"c{i}")
            for i, group in enumerate(groups)
        ]
        asked = sa.select(*shown, sa.func.count().label(ROWS)).group_by(*groups).limit(limit + 1)
        combinations = self._read(asked)
        if len(combinations) > limit:
            return None
        return tidy(combinations.set_axis([*(key.name for key in keys), ROWS], axis=1), self._types_of(keys))

    def known(self) -> dict[str, int]:
        """Return for each column how many rows have a value."""
        import sqlalchemy as sa

        return self._for_each(lambda name: sa.func.count(self._value(name)))

    def levels(self) -> dict[str, int]:
        """Return for each column how many values occur."""
        import sqlalchemy as sa

        return self._for_each(lambda name: sa.func.count(sa.distinct(self._value(name))))

    def extremes(self, name: str) -> tuple[float, float] | None:
        """Return the smallest and largest finite number."""
        import pandas as pd
        import sqlalchemy as sa

        number = self._float(name)
        inside = sa.and_(number >= -FINITE, number <= FINITE)
        ends = sa.select(sa.func.min(number), sa.func.max(number)).select_from(self._table()).where(inside)
        low, high = self._read(ends).iloc[0]
        return None if pd.isna(low) else (float(low), float(high))

    def frequent(self, name: str, most: int) -> list[str]:
        """Return the texts that occur most often."""
        import sqlalchemy as sa

        value = self._value(name)
        asked = sa.select(value.label("v")).select_from(self._table()).where(value.is_not(None)).group_by(value)
        return [str(v) for v in self._read(asked.order_by(sa.func.count().desc(), value).limit(most))["v"]]

    def distinct(self, names: Sequence[str]) -> int:
        """Return how many different rows these columns have."""
        import sqlalchemy as sa

        inner = sa.select(*(self._value(name) for name in names)).select_from(self._table()).distinct().subquery()
        return self._number(sa.select(sa.func.count()).select_from(inner))

    def frame(self) -> pd.DataFrame:
        """Return all rows, for an engine whose database is this process (DuckDB)."""
        import sqlalchemy as sa

        return self._read(sa.select(*(self._value(name).label(name) for name in self.types)).select_from(self._table()))

    def pieces(self, rows: int = 50_000) -> Iterator[pd.DataFrame]:
        """Yield all rows, so many at a time, in the types that pandas would read from a file."""
        import pandas as pd
        import sqlalchemy as sa

        asked = sa.select(*(self._value(name).label(name) for name in self.types)).select_from(self._table())
        with self._reached(), self._database.connect().execution_options(stream_results=True) as connection:
            answer = connection.execute(asked)
            while some := answer.fetchmany(rows):
                yield tidy(pd.DataFrame(some, columns=list(self.types)), self.types)

    def _for_each(self, of: Any, at_once: int = 100) -> dict[str, int]:
        import sqlalchemy as sa

        names = list(self.types)
        answers: dict[str, int] = {}
        for start in range(0, len(names), at_once):
            some = names[start : start + at_once]
            row = self._read(sa.select(*(of(n).label(f"c{i}") for i, n in enumerate(some))).select_from(self._table()))
            answers.update(zip(some, (int(value) for value in row.iloc[0]), strict=True))
        return answers

    def _types_of(self, keys: Sequence[Key]) -> dict[str, ColumnType]:
        changed: dict[type, ColumnType] = {Bins: "number", ThresholdFlag: "integer"}
        return {key.name: changed.get(type(key), self.types[key.name]) for key in keys}

    def _table(self) -> Any:
        import sqlalchemy as sa

        place = self.handle
        return sa.table(sa.quoted_name(place.table, True), schema=place.schema)

    def _column(self, name: str) -> Any:
        import sqlalchemy as sa

        return sa.column(sa.quoted_name(name, True))

    def _value(self, name: str) -> Any:
        """Return a column in a form that can be counted; not-a-number is no value."""
        import sqlalchemy as sa

        kind, column = self.types[name], self._column(name)
        if kind == "number":
            number = self._float(name)
            return number if self.engine == "sqlite" else sa.func.nullif(number, sa.cast("NaN", sa.Double))
        return sa.cast(column, sa.String) if kind == "other" else column

    def _float(self, name: str) -> Any:
        import sqlalchemy as sa

        return sa.cast(self._column(name), sa.Double) if self.engine != "sqlite" else self._column(name)

    def _key(self, key: Key) -> Any:
        import sqlalchemy as sa

        value = self._value(key.name)
        match key:
            case Column():
                return value
            case FrequentLevels(levels=levels):
                return sa.case((value.is_(None), None), (value.in_(levels), value), else_=OTHER)
            case ThresholdFlag(threshold=threshold):
                return sa.case((value.is_(None), None), (value >= threshold, 1), else_=0)
            case Bins(low=low, width=width, bins=bins):
                place = (self._float(key.name) - low) / width
                whole = sa.cast(place, sa.Integer) if self.engine == "sqlite" else sa.func.floor(place)
                number = self._float(key.name)
                inside = sa.and_(number >= -FINITE, number <= FINITE)
                return sa.case((inside, sa.case((whole >= bins, bins - 1), else_=whole)), else_=None)

    def _number(self, query: Any) -> int:
        return int(self._read(query).iloc[0, 0])

    def _read(self, query: Any) -> pd.DataFrame:
        import pandas as pd

        with self._reached(), self._database.connect() as connection:
            answer = connection.execute(query)
            return pd.DataFrame(answer.fetchall(), columns=list(answer.keys()))

    def _reached(self) -> Any:
        return _DatabaseErrors(self.name)


@dataclass(frozen=True)
class _DatabaseErrors:
    """Turns a database's error into one sentence; it quotes no value of the table."""

    name: str

    def __enter__(self) -> None:
        """Nothing to prepare."""

    def __exit__(self, kind: object, exc: BaseException | None, trace: object) -> None:
        """Raise our own error in place of the database's."""
        import sqlalchemy as sa

        if isinstance(exc, sa.exc.OperationalError):
            first = str(exc.orig).strip().splitlines()[:1]
            raise Unreachable(f"the database cannot be reached or read ({''.join(first)})", where=self.name) from None
        if isinstance(exc, sa.exc.SQLAlchemyError):
            kind_of = type(getattr(exc, "orig", None) or exc).__name__
            raise DataError(f"the database refused the question ({kind_of})", where=self.name) from exc


def _database(place: SqlAddress, name: str) -> Any:
    import sqlalchemy as sa

    kind, file = place.url.get_backend_name(), place.url.database
    if kind in ("sqlite", "duckdb") and not (file and Path(file).is_file()):
        raise Unreachable("there is no such database file", where=name, next="check the path")
    try:
        arguments = {"read_only": True} if kind == "duckdb" else {}
        return sa.create_engine(place.url, connect_args=arguments)
    except (sa.exc.NoSuchModuleError, ImportError):
        extra = EXTRAS.get(kind)
        fix = how_to_install(extra) if extra else "install its SQLAlchemy driver"
        raise ConfigError(f"the driver for {kind} is not installed", where=name, next=fix) from None


def _type(text: str) -> ColumnType:
    upper = text.upper()
    if "[]" in upper or upper.startswith(("INTERVAL", "TIMESTAMP")):
        return "date" if upper.startswith("TIMESTAMP") and "[]" not in upper else "other"
    return next((kind for kind, starts in TYPES if upper.startswith(starts)), "other")

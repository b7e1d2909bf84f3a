"""A far table as a data set: each check gets the count table of the columns that it asks for."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from aims_mlflow.checks.engines.count_source import (
    BINS,
    FREQUENT,
    MAX_CELLS,
    ROWS,
    Bins,
    Column,
    Frequent,
    Key,
    Reached,
)
from aims_mlflow.checks.statistics.columns import MAX_LEVELS, Kind, comparable
from aims_mlflow.checks.tables.table import Dataset
from aims_mlflow.checks.tables.validation import find_twice, resolve_favourable, validate_dataset
from aims_mlflow.errors import DataError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from aims_mlflow.checks.engines.count_source import ColumnType, FarTable
    from aims_mlflow.records.pack import Task

MAX_COLUMNS = 1000
EMPTY: dict[ColumnType, str] = {"integer": "int64", "number": "float64", "boolean": "bool", "date": "datetime64[ns]"}


@dataclass(frozen=True, eq=False)
class FarDataset(Dataset):
    """A data set whose rows stay in their engine; `frame` has its columns and no rows.

    Attributes:
        far: The table.
        prediction: Column with the predicted labels or numbers.
        score: Column with the scores.
    """

    far: FarTable = None  # type: ignore[assignment]  # a default, since the fields of Dataset have some
    prediction: str | None = None
    score: str | None = None

    @cached_property
    def _rows(self) -> int:
        return self.far.rows()

    @property
    def rows(self) -> int:
        """Number of rows of the data."""
        return self._rows

    @cached_property
    def known(self) -> dict[str, int]:
        """Column -> how many rows have a value."""
        return self.far.known()

    @cached_property
    def levels(self) -> dict[str, int]:
        """Column -> about how many values occur."""
        return self.far.levels()

    @cached_property
    def _parts(self) -> dict[tuple[Key, ...], tuple[pd.DataFrame, dict[str, int]]]:
        return {}

    def part(self, names: Sequence[str] = (), *, outcomes: bool = False, scores: bool = False) -> Dataset:
        """Return these columns as a count table; with `outcomes` or `scores`, target and predictions or scores too.

        Raises:
            DataError: there is no such column, or there are too many combinations even of bins.
        """
        keys: dict[str, Key] = {name: Column(self._there(name)) for name in names}
        if (outcomes or scores) and self.target:
            keys[self.target] = Column(self.target)
        reached = outcomes and self.threshold is not None and self.task == "binary-classification"
        if reached and self.score:
            keys[self.score] = Reached(self.score, float(self.threshold or 0))
        elif outcomes and self.prediction:
            keys[self.prediction] = Column(self.prediction)
        if scores and self.score:
            keys[self.score] = Column(self.score)
        table, binned = self._counted(tuple(keys.values()))
        beside = [name for name in (self.prediction, self.score) if name in table.columns]
        sensitive = [name for name in self.sensitive_names if name in table.columns]
        found = Dataset(
            role=self.role,
            frame=table.drop(columns=[*beside, ROWS]),
            target=self.target,
            favourable=self.favourable,
            sensitive=table[sensitive] if sensitive else None,
            predictions=table[self.prediction].to_numpy() if self.prediction in table.columns else None,
            scores=table[self.score].to_numpy() if self.score in table.columns else None,
            identifiers=self.identifiers,
            task=self.task,
            threshold="0.5" if reached else self.threshold,  # reached or not, as a score of 1 or 0
            weights=table[ROWS].to_numpy(),
            scores_method=f"scores in {binned[self.score]} bins" if self.score in binned else "",
            binned=tuple(sorted(binned)),
        )
        if outcomes and found.predictions is None and found.scores is not None:
            found = dataclasses.replace(found, predictions=found.scores)  # stands in: the threshold decides
        return found

    def column(self, name: str, within: tuple[float, float] | None = None) -> tuple[pd.Series, Any]:
        """Return one column's values and how many rows have each; `within` are the ends of bins, where some are."""
        table, _ = self._counted((Column(self._there(name)),), {name: within} if within else {})
        return table[name], table[ROWS].to_numpy()

    def kind_of(self, name: str) -> tuple[Kind | None, str]:
        """Return what a column holds as `columns.comparable` says it, whatever its size."""
        declared, crowded = self.far.types[name], self.crowded(name)
        found: tuple[Kind | None, str] | None = None
        if declared == "date":
            found = None, "dates move on by themselves"
        elif declared == "other":
            found = None, "its values are of mixed or unusual types"
        elif crowded and declared == "text":
            found = None, f"text or identifier: over {MAX_LEVELS:,} different values"
        elif crowded and declared == "integer":
            unique = self.far.distinct((name,)) == self.known[name]
            found = (None, "identifier: a whole number that is different in every row") if unique else ("numeric", "")
        return found or comparable(*self.column(name))

    def filled(self, name: str) -> int:
        """Return how many rows have a value in a column."""
        return self.known[name]

    def is_empty(self, name: str) -> bool:
        """Return whether a column has no value in any row."""
        return self.known[name] == 0

    def crowded(self, name: str) -> bool:
        """Return whether a column has more values than are told apart."""
        return self.levels[name] > MAX_CELLS

    def extremes(self, name: str) -> tuple[float, float] | None:
        """Return the smallest and largest finite number of a column."""
        return self.far.extremes(name)

    def column_types(self) -> dict[str, str]:
        """Return what each column of `frame` holds, in the words of `columns.column_types`."""
        return {name: _word(self.far.types[name]) for name in self.frame.columns}

    def _there(self, name: str) -> str:
        if name not in self.far.types:
            hint = did_you_mean(name, self.far.types)
            raise DataError(f"there is no column {name!r}" + (f", {hint}" if hint else ""), where=self.far.name)
        return name

    def _counted(
        self, keys: tuple[Key, ...], ends: dict[str, tuple[float, float]] | None = None
    ) -> tuple[pd.DataFrame, dict[str, int]]:
        """Return the count table, and which columns are in how many bins, or pooled (0)."""
        ends = ends or {}
        wanted = tuple(self._coarse(k, ends) if self._crowded(k) or k.name in ends else k for k in keys)
        if wanted not in self._parts:
            table = self.far.counts(wanted, MAX_CELLS)
            if table is None:  # each column fits, but not all together
                wanted = tuple(self._coarse(key, {}, few=True) for key in wanted)
                table = self.far.counts(wanted, MAX_CELLS)
            if table is None:
                raise DataError(
                    f"{', '.join(key.name for key in keys)} have over {MAX_CELLS:,} combinations, even in bins",
                    where=self.far.name,
                    next="name fewer sensitive, control or slice columns",
                )
            coarse = {k.name: k.bins if isinstance(k, Bins) else 0 for k in wanted if isinstance(k, Bins | Frequent)}
            self._parts[wanted] = table, coarse
        return self._parts[wanted]

    def _crowded(self, key: Key) -> bool:
        return isinstance(key, Column) and self.crowded(key.name)

    def _coarse(self, key: Key, ends: dict[str, tuple[float, float]], *, few: bool = False) -> Key:
        """Return bins of numbers, or the frequent texts by themselves; `few` where several columns share the cells."""
        if isinstance(key, Reached | Frequent):
            return key
        bins = 64 if few else BINS
        if self.levels[key.name] <= (bins if few else 0):
            return key
        if self.far.types[key.name] in ("integer", "number"):
            low, high = ends.get(key.name) or self.far.extremes(key.name) or (0.0, 0.0)
            return Bins(key.name, low, (high - low) / bins or 1.0, bins)
        top = self.far.frequent(key.name, FREQUENT)
        return Frequent(key.name, tuple(top))


def _word(kind: str) -> str:
    return "number" if kind == "integer" else kind


def far_dataset(
    role: str,
    far: FarTable,
    *,
    target: str | None = None,
    favourable: str | None = None,
    sensitive: Sequence[str] = (),
    identifiers: Sequence[str] = (),
    task: Task = "binary-classification",
    threshold: str | None = None,
    prediction: str | None = None,
    score: str | None = None,
) -> FarDataset:
    """Return a valid data set over a far table; arguments as in `inputs.make_dataset`.

    Args:
        role: "train", "validation" or "test".
        far: The table.
        target: Name of the label column.
        favourable: The good outcome.
        sensitive: Names of the sensitive columns.
        identifiers: Columns that only name a row.
        task: What is predicted.
        threshold: From which score or number on a row is selected.
        prediction: Column with predictions; no feature.
        score: Column with scores; no feature.

    Raises:
        DataError: it does not fit; see `inputs.validate_dataset`.
    """
    import numpy as np
    import pandas as pd

    said = tuple(name for name in (prediction, score) if name is not None)
    _require_columns(far, (*said, *sensitive))
    columns = {name: pd.Series(dtype=EMPTY.get(kind, "object")) for name, kind in far.types.items() if name not in said}
    frame = pd.DataFrame(columns)
    data = FarDataset(
        role=role,
        frame=frame,
        target=target,
        favourable=favourable,
        sensitive=pd.DataFrame({name: columns[name] for name in sensitive if name in columns}) if sensitive else None,
        predictions=np.empty(0) if said else None,
        scores=np.empty(0) if score else None,
        identifiers=tuple(name for name in identifiers if name in columns),
        task=task,
        threshold=threshold,
        far=far,
        prediction=prediction,
        score=score,
    )
    validate_dataset(data)
    if target is not None and favourable is None and task == "binary-classification":
        data = dataclasses.replace(data, favourable=resolve_favourable(data))
    return data


def _require_columns(far: FarTable, named: Sequence[str]) -> None:
    """Require distinct columns, not too many to be asked for one by one, the named ones among them."""
    find_twice(list(far.types), far.name)
    if len(far.types) > MAX_COLUMNS:
        raise DataError(
            f"the table has {len(far.types):,} columns; up to {MAX_COLUMNS:,} are asked for one by one where it is",
            where=far.name,
            next="make a view of the columns that the model uses, or pass the table as a parquet file",
        )
    for name in named:
        if name not in far.types:
            hint = did_you_mean(name, far.types)
            raise DataError(
                f"there is no column {name!r}" + (f", {hint}" if hint else ""), where=far.name, next="correct the name"
            )

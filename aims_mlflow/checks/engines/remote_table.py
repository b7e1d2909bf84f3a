"""A data set whose rows stay in their engine: a check gets the count table of the columns that it needs."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aims_mlflow.cached_values import cached_property
from aims_mlflow.checks.engines.count_source import (
    BINS,
    FREQUENT,
    MAX_CELLS,
    ROWS,
    Bins,
    Column,
    FrequentLevels,
    Key,
    ThresholdFlag,
    refuse_infinite,
)
from aims_mlflow.checks.statistics.columns import MAX_LEVELS, Kind, comparable
from aims_mlflow.checks.tables.in_memory import InMemoryTable
from aims_mlflow.checks.tables.predictions import UNREACHED, EvaluatedModel, Predictions
from aims_mlflow.checks.tables.task import BINARY, PredictionTask
from aims_mlflow.checks.tables.validation import find_twice, validate_dataset, with_favourable
from aims_mlflow.errors import DataError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from aims_mlflow.checks.engines.count_source import CountSource

MAX_COLUMNS = 1000


@dataclass(frozen=True, eq=False, kw_only=True)
class RemoteTable:
    """A data set that a count source answers for. See `dataset.Dataset`.

    Attributes:
        role: "train", "validation", "test" or "operation".
        source: The engine that has the rows.
        task: What is predicted.
        sensitive_names: Names of the sensitive columns.
        identifiers: Columns that only name a row.
        personal: What the data sheet says of personal data.
        prediction: Column with the predicted labels or numbers; no feature.
        score: Column with the scores; no feature.
        model: The model itself, as far as it can be reached.
        notes: None: an engine's types are its own.
    """

    role: str
    source: CountSource
    task: PredictionTask = BINARY
    sensitive_names: tuple[str, ...] = ()
    identifiers: tuple[str, ...] = ()
    personal: bool | tuple[str, ...] | None = None
    prediction: str | None = None
    score: str | None = None
    model: EvaluatedModel = UNREACHED
    notes: tuple[str, ...] = ()

    @cached_property
    def rows(self) -> int:
        """Number of rows of the data."""
        return self.source.rows()

    @cached_property
    def known(self) -> dict[str, int]:
        """Column -> how many rows have a value."""
        return self.source.known()

    @cached_property
    def levels(self) -> dict[str, int]:
        """Column -> about how many values occur."""
        return self.source.levels()

    @cached_property
    def _parts(self) -> dict[tuple[Key, ...], tuple[pd.DataFrame, dict[str, int]]]:
        return {}

    @property
    def columns(self) -> list[str]:
        """Names of the features, the target and the identifiers, in the table's order."""
        return [name for name in self.source.types if name not in (self.prediction, self.score)]

    @property
    def features(self) -> list[str]:
        """The `columns` without the target and the identifiers."""
        left_out = {self.task.target, *self.identifiers}
        return [name for name in self.columns if name not in left_out]

    @property
    def rows_in_memory(self) -> int:
        """0: the rows stay in their engine."""
        return 0

    @property
    def has_predictions(self) -> bool:
        """Whether a column holds predictions, or scores that the threshold decides by."""
        return self.prediction is not None or self.score is not None

    @property
    def has_scores(self) -> bool:
        """Whether a column holds scores."""
        return self.score is not None

    def with_model(self, model: EvaluatedModel) -> RemoteTable:
        """Return the same table beside another reach of the model."""
        return dataclasses.replace(self, model=model)

    def part(self, names: Sequence[str] = (), *, outcomes: bool = False, scores: bool = False) -> InMemoryTable:
        """Return these columns as a count table; with `outcomes` or `scores`, target and predictions or scores too.

        Raises:
            DataError: there is no such column, or there are too many combinations even of bins.
        """
        task, keys = self.task, self._keys(names, outcomes=outcomes, scores=scores)
        table, binned = self._counted(keys)
        beside = [name for name in (self.prediction, self.score) if name in table.columns]
        sensitive = [name for name in self.sensitive_names if name in table.columns]
        refuse_infinite(table, self.known, [name for name in sensitive if binned.get(name)], self.source.name)
        if any(isinstance(key, ThresholdFlag) for key in keys):
            task = dataclasses.replace(task, threshold="0.5")  # reached or not, as a score of 1 or 0
        return InMemoryTable(
            role=self.role,
            frame=table.drop(columns=[*beside, ROWS]),
            task=task,
            sensitive=table[sensitive] if sensitive else None,
            identifiers=self.identifiers,
            predictions=self._predictions(table, binned),
            weights=table[ROWS].to_numpy(),
            binned=tuple(sorted(binned)),
        )

    def _keys(self, names: Sequence[str], *, outcomes: bool, scores: bool) -> tuple[Key, ...]:
        """Return what rows are counted by, each column once."""
        task = self.task
        keys: dict[str, Key] = {name: Column(self._there(name)) for name in names}
        if (outcomes or scores) and task.target:
            keys[task.target] = Column(task.target)
        if outcomes and self.score and task.threshold is not None and task.kind == "binary-classification":
            keys[self.score] = ThresholdFlag(self.score, float(task.threshold))
        elif outcomes and self.prediction:
            keys[self.prediction] = Column(self.prediction)
        if scores and self.score:
            keys[self.score] = Column(self.score)
        return tuple(keys.values())

    def _predictions(self, table: pd.DataFrame, binned: dict[str, int]) -> Predictions | None:
        """Return the predictions of a count table; scores without predictions stand in for them."""
        labels = table[self.prediction].to_numpy() if self.prediction in table.columns else None
        scores = table[self.score].to_numpy() if self.score in table.columns else None
        decided = scores if labels is None else labels
        if decided is None:
            return None
        method = f"scores in {binned[self.score]} bins" if self.score in binned else ""
        return Predictions(decided, scores, scores_method=method)

    def column(self, name: str, within: tuple[float, float] | None = None) -> tuple[pd.Series, Any]:
        """Return one column's values and how many rows have each; `within` are the ends of bins, where some are."""
        table, _ = self._counted((Column(self._there(name)),), {name: within} if within else {})
        return table[name], table[ROWS].to_numpy()

    def kind_of(self, name: str) -> tuple[Kind | None, str]:
        """Return what a column holds as `columns.comparable` says it, whatever its size."""
        declared, crowded = self.source.types[name], self.crowded(name)
        kind: tuple[Kind | None, str] | None = None
        if declared == "date":
            kind = None, "dates move on by themselves"
        elif declared == "other":
            kind = None, "its values are of mixed or unusual types"
        elif crowded and declared == "text":
            kind = None, f"text or identifier: over {MAX_LEVELS:,} different values"
        elif crowded and declared == "integer":
            unique = self.source.distinct((name,)) == self.known[name]
            kind = (None, "identifier: a whole number that is different in every row") if unique else ("numeric", "")
        return kind or comparable(*self.column(name))

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
        return self.source.extremes(name)

    def _there(self, name: str) -> str:
        if name not in self.source.types:
            hint = did_you_mean(name, self.source.types)
            raise DataError(f"there is no column {name!r}" + (f", {hint}" if hint else ""), where=self.source.name)
        return name

    def _counted(
        self, keys: tuple[Key, ...], ends: dict[str, tuple[float, float]] | None = None
    ) -> tuple[pd.DataFrame, dict[str, int]]:
        """Return the count table, and which columns are in how many bins, or pooled (0)."""
        ends = ends or {}
        wanted = tuple(self._coarse(k, ends) if self._crowded(k) or k.name in ends else k for k in keys)
        if wanted not in self._parts:
            table = self.source.counts(wanted, MAX_CELLS)
            if table is None:  # each column fits, but not all together
                wanted = tuple(self._coarse(key, {}, few=True) for key in wanted)
                table = self.source.counts(wanted, MAX_CELLS)
            if table is None:
                raise DataError(
                    f"{', '.join(key.name for key in keys)} have over {MAX_CELLS:,} combinations, even in bins",
                    where=self.source.name,
                    next="name fewer sensitive, control or slice columns",
                )
            coarse = {
                k.name: k.bins if isinstance(k, Bins) else 0 for k in wanted if isinstance(k, Bins | FrequentLevels)
            }
            self._parts[wanted] = table, coarse
        return self._parts[wanted]

    def _crowded(self, key: Key) -> bool:
        return isinstance(key, Column) and self.crowded(key.name)

    def _coarse(self, key: Key, ends: dict[str, tuple[float, float]], *, few: bool = False) -> Key:
        """Return bins of numbers, or the frequent texts by themselves; `few` where several columns share the cells."""
        if isinstance(key, ThresholdFlag | FrequentLevels):
            return key
        bins = 64 if few else BINS
        if self.levels[key.name] <= (bins if few else 0):
            return key
        if self.source.types[key.name] in ("integer", "number"):
            low, high = ends.get(key.name) or self.source.extremes(key.name) or (0.0, 0.0)
            return Bins(key.name, low, (high - low) / bins or 1.0, bins)
        return FrequentLevels(key.name, tuple(self.source.frequent(key.name, FREQUENT)))


def remote_table(
    role: str,
    source: CountSource,
    task: PredictionTask = BINARY,
    *,
    sensitive: Sequence[str] = (),
    identifiers: Sequence[str] = (),
    personal: bool | tuple[str, ...] | None = None,
    prediction: str | None = None,
    score: str | None = None,
) -> RemoteTable:
    """Return a count source as a valid data set; arguments as in `validation.make_dataset`.

    Args:
        role: "train", "validation", "test" or "operation".
        source: The engine that has the rows.
        task: What is predicted.
        sensitive: Names of the sensitive columns.
        identifiers: Columns that only name a row.
        personal: What the data sheet says of personal data.
        prediction: Column with predictions; no feature.
        score: Column with scores; no feature.

    Raises:
        DataError: it does not fit; see `validation.validate_dataset`.
    """
    _require_columns(source, [name for name in (prediction, score, *sensitive) if name is not None])
    data = RemoteTable(
        role=role,
        source=source,
        task=task,
        sensitive_names=tuple(dict.fromkeys(sensitive)),
        identifiers=tuple(name for name in identifiers if name in source.types),
        personal=personal,
        prediction=prediction,
        score=score,
    )
    validate_dataset(data)
    task = with_favourable(data)
    return data if task is data.task else dataclasses.replace(data, task=task)  # it remembers what it asked


def _require_columns(source: CountSource, named: Sequence[str]) -> None:
    """Require distinct columns, not too many to be asked for one by one, the named ones among them."""
    find_twice(list(source.types), source.name)
    if len(source.types) > MAX_COLUMNS:
        raise DataError(
            f"the table has {len(source.types):,} columns; up to {MAX_COLUMNS:,} are asked for one by one where it is",
            where=source.name,
            next="make a view of the columns that the model uses, or pass the table as a parquet file",
        )
    for name in named:
        if name not in source.types:
            hint = did_you_mean(name, source.types)
            what = f"there is no column {name!r}" + (f", {hint}" if hint else "")
            raise DataError(what, where=source.name, next="correct the name")

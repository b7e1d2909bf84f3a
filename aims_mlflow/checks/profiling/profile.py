"""Profile of an unknown table: the kind of each column, and the columns that a first model should not learn from."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from aims_mlflow.checks.quality.leaking_columns import suspicious_name
from aims_mlflow.checks.statistics.columns import every, looks_like_dates
from aims_mlflow.checks.statistics.labels import distinct_labels
from aims_mlflow.checks.statistics.single_column import target_rows, told_by
from aims_mlflow.errors import DataError, did_you_mean
from aims_mlflow.records.pack import Leakage
from aims_mlflow.records.wording import figure_text, share_text

if TYPE_CHECKING:
    import pandas as pd

    from aims_mlflow.checks.statistics.single_column import TargetRows
    from aims_mlflow.records.pack import Task

ColumnKind = Literal["target", "identifier", "date", "text", "empty", "constant", "leaking", "numeric", "categorical"]
MOSTLY_EMPTY = 0.8  # share of missing cells
LEAKING = Leakage()  # the limits of the check, which say why
MANY_LEVELS = 100
FEW_NUMBERS = 20  # a target of numbers with more different values than these is a number, not a label
_ID_NAME = re.compile(
    r"(^|[_\W])(id|ids|uuid|guid|key|nr|no|number|index|ssn|iban|email|phone)([_\W]|$)|[a-z]I[Dd]$", re.IGNORECASE
)


@dataclass(frozen=True)
class ColumnProfile:
    """What a column is and why.

    Attributes:
        name: The column.
        kind: "numeric" columns may hold numbers as text: read them with `pandas.to_numeric(errors="coerce")`.
        reason: One sentence for people; it quotes no value.
        use: Whether a model should learn from it.
    """

    name: str
    kind: ColumnKind
    reason: str

    @property
    def use(self) -> bool:
        """Whether a model should learn from this column."""
        return self.kind in ("numeric", "categorical")


def profile(frame: pd.DataFrame, target: str, task: Task | None = None) -> list[ColumnProfile]:
    """Return what each column is, in the table's order; the task follows from the target where none is given.

    Raises:
        DataError: there is no such target column.
    """
    if target not in frame.columns:
        hint = did_you_mean(target, [str(c) for c in frame.columns])
        raise DataError(
            f"there is no target column {target!r}" + (f", {hint}" if hint else ""),
            next="name a column of the table",
        )
    outcome = target_rows(frame[target], task or task_of(frame[target]))
    return [
        ColumnProfile(target, "target", "what the model predicts")
        if name == target
        else _one(frame[name], target, outcome)
        for name in frame.columns
    ]


def task_of(target: pd.Series) -> Task:
    """Return the task that a target's values suggest: two labels, more of them, or numbers."""
    import pandas as pd

    labels = len(distinct_labels(target))
    if pd.api.types.is_numeric_dtype(target) and labels > FEW_NUMBERS:
        return "regression"
    return "multiclass-classification" if labels > 2 else "binary-classification"


def _one(column: pd.Series, target: str, outcome: TargetRows | None) -> ColumnProfile:
    name, values = str(column.name), column.dropna()
    missing = 1 - len(values) / len(column) if len(column) else 1.0
    kind: ColumnKind
    kind, reason = ("empty", "it has no value") if values.empty else _kind(name, values)
    if kind not in ("identifier", "constant", "empty") and outcome is not None:
        leaks = _leaks(column, target, outcome)
        if leaks:
            return ColumnProfile(name, "leaking", leaks)
    if missing > MOSTLY_EMPTY:
        return ColumnProfile(name, "empty", f"mostly empty: {share_text(missing)} of its cells are missing")
    return ColumnProfile(name, kind, reason)


def _leaks(column: pd.Series, target: str, outcome: TargetRows) -> str | None:
    """Return why a column may be the target in other words, or None."""
    told, suspicion = told_by(column, outcome), suspicious_name(str(column.name), target)
    if told.label is None:
        limit, measure = LEAKING.named_r2 if suspicion else LEAKING.column_r2, "explained share of variance"
    else:
        limit, measure = LEAKING.named_auc if suspicion else LEAKING.column_auc, "AUC"
    if told.value < float(limit):
        return None
    figure = f"{measure} {figure_text(told.value)}"
    why = f"tells {target!r} by itself ({figure}), so it may be made from it or known only after it"
    return f"{why}; {suspicion}" if suspicion else why


def _kind(name: str, values: pd.Series) -> tuple[ColumnKind, str]:
    """Return (kind, reason) of a column without its missing cells."""
    import pandas as pd

    try:
        distinct = values.nunique()
    except TypeError:
        return "text", "its cells hold lists or dictionaries"
    kind: tuple[ColumnKind, str]
    if distinct == 1:
        kind = "constant", "it has the same value in every row"
    elif pd.api.types.is_bool_dtype(values):
        kind = "categorical", "true or false"
    elif pd.api.types.is_datetime64_any_dtype(values) or pd.api.types.is_timedelta64_dtype(values):
        kind = "date", "dates and times"
    elif pd.api.types.is_numeric_dtype(values):
        kind = _number(name, values, distinct)
    elif looks_like_dates(values):
        kind = "date", "dates written as text"
    else:
        kind = _words(name, values, distinct)
    return kind


def _number(name: str, values: pd.Series, distinct: int) -> tuple[ColumnKind, str]:
    import pandas as pd

    if distinct == len(values) and len(values) > 20:
        whole = bool((values % 1 == 0).all())
        counted = whole and bool(values.is_monotonic_increasing or values.is_monotonic_decreasing)
        if counted or (whole and _ID_NAME.search(name)):
            return "identifier", "a whole number that is different in every row"
    if pd.api.types.is_integer_dtype(values) and distinct <= 2:
        return "categorical", "two values"
    return "numeric", f"numbers, {distinct:,} different"


def _words(name: str, values: pd.Series, distinct: int) -> tuple[ColumnKind, str]:
    """Tell categories, identifiers, free text and numbers written as text apart."""
    import pandas as pd

    share, texts = distinct / len(values), [str(value) for value in every(values, 500)]
    numeric = pd.to_numeric(pd.Series(texts), errors="coerce").notna().mean()
    words = sum(len(text.split()) for text in texts) / len(texts)
    if share > 0.9 and len(values) > 20 and (words < 3 or _ID_NAME.search(name)) and (numeric < 0.95 or share == 1):
        return "identifier", f"{distinct:,} different values in {len(values):,} rows"
    if numeric >= 0.95 and distinct > 20:
        return "numeric", f"numbers written as text, {share_text(numeric)} of them readable"
    if distinct > 20 and (words >= 5 or share > 0.5):
        return "text", f"free text: {figure_text(round(words))} words on average, {distinct:,} different"
    if distinct > MANY_LEVELS and share > 0.05:
        return "text", f"too many categories for the rows: {distinct:,} in {len(values):,}"
    return "categorical", f"{distinct:,} categories"

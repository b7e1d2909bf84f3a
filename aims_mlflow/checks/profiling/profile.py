"""Profile of an unknown table: the kind of each column, and the columns that a first model should not learn from."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from aims_mlflow.checks.statistics.columns import every, looks_like_dates
from aims_mlflow.checks.statistics.labels import distinct_labels, factorize, is_label
from aims_mlflow.checks.statistics.scores import roc_auc, score_table
from aims_mlflow.errors import DataError, did_you_mean

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

ColumnKind = Literal["target", "identifier", "date", "text", "empty", "constant", "leaking", "numeric", "categorical"]
MOSTLY_EMPTY = 0.8  # share of missing cells
LEAKING_AUC = 0.99
MANY_LEVELS = 100
SEED = 42001
_ID_NAME = re.compile(
    r"(^|[_\W])(id|ids|uuid|guid|key|nr|no|number|index|ssn|iban|email|phone)([_\W]|$)|[a-z]I[Dd]$", re.IGNORECASE
)
_SENSITIVE = re.compile(
    r"(^|[_\W])(sex|gender|race|ethnic\w*|age|religio\w*|national\w*|marital\w*|disab\w*|orientation|personal_status)([_\W]|$)",
    re.IGNORECASE,
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


def profile(frame: pd.DataFrame, target: str) -> list[ColumnProfile]:
    """Return what each column is, in the table's order.

    Raises:
        DataError: there is no such target column.
    """
    if target not in frame.columns:
        hint = did_you_mean(target, [str(c) for c in frame.columns])
        raise DataError(
            f"there is no target column {target!r}" + (f", {hint}" if hint else ""),
            next="name a column of the table",
        )
    outcome = _outcome(frame[target])
    return [
        ColumnProfile(target, "target", "what the model predicts")
        if name == target
        else _one(frame[name], target, outcome)
        for name in frame.columns
    ]


def suggest_sensitive(columns: Any) -> list[str]:
    """Return the column names that sound like a protected characteristic (sex, age, race, ...)."""
    return [str(name) for name in columns if _SENSITIVE.search(str(name))]


def _one(column: pd.Series, target: str, outcome: np.ndarray[Any, Any] | None) -> ColumnProfile:
    name, values = str(column.name), column.dropna()
    missing = 1 - len(values) / len(column) if len(column) else 1.0
    if missing > MOSTLY_EMPTY:
        return ColumnProfile(name, "empty", f"mostly empty: {missing:.0%} of its cells are missing")
    kind, reason = _kind(name, values)
    if kind in ("numeric", "categorical") and outcome is not None:
        area = single_auc(column, kind, outcome)
        if area >= LEAKING_AUC:
            return ColumnProfile(
                name, "leaking", f"tells {target!r} by itself (AUC {area:.3f}), so it may be made from it"
            )
    return ColumnProfile(name, kind, reason)


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
        return "numeric", f"numbers written as text, {numeric:.0%} of them readable"
    if distinct > 20 and (words >= 5 or share > 0.5):
        return "text", f"free text: {words:.0f} words on average, {distinct:,} different"
    if distinct > MANY_LEVELS and share > 0.05:
        return "text", f"too many categories for the rows: {distinct:,} in {len(values):,}"
    return "categorical", f"{distinct:,} categories"


def _outcome(labels: pd.Series) -> np.ndarray[Any, Any] | None:
    """Return which rows have the second of two labels; None where there are not two, or too few rows of one."""
    texts = distinct_labels(labels)
    if len(texts) != 2 or labels.isna().any():
        return None
    second = is_label(labels, list(texts)[1])
    return second if min(second.sum(), (~second).sum()) >= 10 else None


def single_auc(column: pd.Series, kind: str, outcome: np.ndarray[Any, Any]) -> float:
    """Return how well one column alone orders the outcome: 0.5 not at all, 1 perfectly.

    Args:
        column: With missing cells, which count as a value of their own.
        kind: "numeric" or "categorical".
        outcome: Boolean, shape (rows,).
    """
    import numpy as np
    import pandas as pd

    if kind == "categorical":
        return _rate_auc(factorize(column)[0] + 1, outcome)
    numbers = pd.to_numeric(column, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    area = roc_auc(score_table(outcome, np.where(np.isnan(numbers), -np.inf, numbers)))[0]
    return max(area, 1 - area)


def _rate_auc(codes: np.ndarray[Any, Any], outcome: np.ndarray[Any, Any]) -> float:
    """Return the AUC of the outcome's rate by category, each half of the rows scored by the other half.

    Scored by themselves, rare categories would know their own outcome.
    """
    import numpy as np

    half = np.random.default_rng(SEED).random(len(codes)) < 0.5
    size, areas = int(codes.max()) + 1, []
    for mine in (half, ~half):
        seen = np.bincount(codes[~mine], minlength=size)
        hits = np.bincount(codes[~mine], weights=outcome[~mine], minlength=size)
        rate = np.where(seen > 0, hits / np.maximum(seen, 1), outcome[~mine].mean())
        areas.append(roc_auc(score_table(outcome[mine], rate[codes[mine]]))[0])
    defined = [area for area in areas if not np.isnan(area)]  # a half may hold one outcome only
    return sum(defined) / len(defined) if defined else 0.5

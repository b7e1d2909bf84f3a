"""Kinds of columns: numbers, categories, or neither, as far as a comparison with another table needs it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import pandas as pd

Kind = Literal["numeric", "categorical"]
FEW_INTEGERS = 10  # Evidently's bound: whole numbers with at most so many values are categories
MAX_LEVELS = 1000
_DATE = re.compile(r"^\s*(\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{4})([ T]\d{1,2}:\d{2}.*)?\s*$")


def column_types(frame: pd.DataFrame) -> dict[str, str]:
    """Return the type of each column: "number", "boolean", "date", "text" or "other"."""
    import pandas as pd

    def one(column: pd.Series) -> str:
        kinds = pd.api.types
        if kinds.is_bool_dtype(column):
            return "boolean"
        if kinds.is_numeric_dtype(column):
            return "number"
        if kinds.is_datetime64_any_dtype(column) or kinds.is_timedelta64_dtype(column):
            return "date"
        values = column.dropna()
        if not values.empty and all_true_or_false(values):
            return "boolean"
        return "text" if isinstance(column.dtype, pd.CategoricalDtype) or all_text(values) else "other"

    return {str(name): one(frame[name]) for name in frame.columns}


def comparable(column: pd.Series, weights: Any = None) -> tuple[Kind | None, str]:
    """Return (kind, "") for a column whose distribution can be compared, else (None, the reason why not).

    The kinds are those that Evidently infers; identifiers, dates and texts are left out, since
    their values differ from table to table whatever the population does. `weights` says how many rows each value
    stands for, one each by default.
    """
    import pandas as pd

    values = column.dropna()
    rows = len(values) if weights is None else int(weights[column.notna().to_numpy()].sum())
    if values.empty:
        return None, "it has no value"
    if all_true_or_false(values):
        return "categorical", ""
    if pd.api.types.is_numeric_dtype(column):
        return _number_kind(values, rows)
    why = _unlike_categories(values, rows)
    return (None, why) if why else ("categorical", "")


def _unlike_categories(values: pd.Series, rows: int) -> str | None:
    """Return why values that are no numbers are no categories either, or None."""
    import pandas as pd

    moves_on, why = "dates move on by themselves", None
    if pd.api.types.is_datetime64_any_dtype(values) or pd.api.types.is_timedelta64_dtype(values):
        return moves_on
    if not (isinstance(values.dtype, pd.CategoricalDtype) or all_text(values)):
        return f"its values are of mixed or unusual types ({values.dtype})"
    distinct = values.nunique()
    if looks_like_dates(values):
        why = moves_on
    elif distinct > rows * 0.5 and distinct > FEW_INTEGERS:
        why = f"text or identifier: {distinct:,} different values in {rows:,} rows"
    elif distinct > MAX_LEVELS:
        why = f"too many categories to compare: {distinct:,}"
    return why


def _number_kind(values: pd.Series, rows: int) -> tuple[Kind | None, str]:
    import pandas as pd

    if not pd.api.types.is_integer_dtype(values.dtype):
        if pd.api.types.is_complex_dtype(values.dtype):
            return None, "complex numbers"
        return "numeric", ""
    distinct = values.nunique()
    if distinct == rows and distinct > 100:
        return None, "identifier: a whole number that is different in every row"
    return ("categorical" if distinct <= FEW_INTEGERS else "numeric"), ""


def all_text(values: pd.Series) -> bool:
    """Return whether the values (none missing) are texts."""
    import pandas as pd

    return bool(pd.api.types.is_string_dtype(values)) or pd.api.types.infer_dtype(values, skipna=True) == "string"


def all_true_or_false(values: pd.Series) -> bool:
    """Return whether the values (none missing) are truth values; with gaps most engines hand them over as objects."""
    import pandas as pd

    if pd.api.types.is_bool_dtype(values):
        return True
    # The first value is a cheap look before all are.
    objects = values.dtype == object and str(values.iloc[0]) in ("True", "False")
    return objects and pd.api.types.infer_dtype(values, skipna=True) == "boolean"


def looks_like_dates(values: pd.Series, sample: int = 200) -> bool:
    """Return whether nearly all of a sample of texts (none missing) are written as dates."""
    texts = [str(value) for value in every(values, sample)]
    return bool(texts) and sum(bool(_DATE.match(text)) for text in texts) >= 0.95 * len(texts)


def every(values: pd.Series, sample: int) -> list[Any]:
    """Return at most `sample` values, taken at even distances."""
    step = max(len(values) // sample, 1)
    return list(values.iloc[::step][:sample])

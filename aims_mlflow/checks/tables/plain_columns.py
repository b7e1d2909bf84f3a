"""Columns in the types that the checks count with, whatever library made them: the same values give the same checks.

Decimals, sparse, nullable and Arrow-backed columns, and columns of objects that all have one type, become numbers,
texts, truth values or dates as numpy and pandas have them. A value is never another one afterwards: whole numbers
beyond 2^53 stay whole, and decimals that floating-point numbers cannot tell apart are named.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

EXACT = 2**53  # whole numbers beyond it are not all floating-point numbers


def plain_frame(frame: pd.DataFrame) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return the same table in plain columns, itself where they are so already, and what a person should know of it.

    Args:
        frame: Columns whose names are texts, each once.
    """
    import pandas as pd

    columns, notes = {}, []
    for name in frame.columns:
        before = frame[name]
        column = plain(before)
        if column is not before:
            columns[name] = column
            note = _changed(before, column)
            notes += [f"{name!r}: {note}"] if note else []
    if not columns:
        return frame, ()
    return pd.concat([columns.get(name, frame[name]).rename(name) for name in frame.columns], axis=1), tuple(notes)


def plain(column: pd.Series) -> pd.Series:
    """Return a column in a plain type; itself where it has one already."""
    import pandas as pd

    kind = column.dtype
    if isinstance(kind, pd.SparseDtype):
        return column.sparse.to_dense()
    if isinstance(kind, pd.ArrowDtype):
        return _from_arrow(column)
    if kind.kind == "O" and not pd.api.types.is_extension_array_dtype(kind):
        return _from_objects(column)
    if pd.api.types.is_extension_array_dtype(kind) and (
        pd.api.types.is_bool_dtype(kind) or pd.api.types.is_numeric_dtype(kind)
    ):
        return _from_nullable(column)
    return column


def _from_nullable(column: pd.Series) -> pd.Series:
    """Return a nullable column as numpy's: with gaps, numbers become floating-point, truth values become objects."""
    import numpy as np
    import pandas as pd

    gaps = column.isna()
    if pd.api.types.is_bool_dtype(column.dtype):
        return column.astype(object).mask(gaps, None) if gaps.any() else column.astype(bool)
    if not gaps.any():
        return column.astype(column.dtype.numpy_dtype)
    if pd.api.types.is_integer_dtype(column.dtype) and bool((column.dropna().abs() >= EXACT).any()):
        return column
    return pd.Series(column.to_numpy(dtype=float, na_value=np.nan), index=column.index, name=column.name)


def _from_arrow(column: pd.Series) -> pd.Series:
    import pandas as pd
    import pyarrow as pa

    kind = column.dtype.pyarrow_dtype
    if pa.types.is_integer(kind) and column.isna().any():
        whole = pd.UInt64Dtype() if pa.types.is_unsigned_integer(kind) else pd.Int64Dtype()
        return _from_nullable(column.astype(whole))
    values = column.array.__arrow_array__().to_pandas()  # as pandas reads it from a file
    read = pd.Series(values.array, index=column.index, name=column.name)
    return plain(read) if read.dtype == object else read


def _from_objects(column: pd.Series) -> pd.Series:
    """Return a column of objects in the one type that all its values have; itself where they have several."""
    import pandas as pd

    found = pd.api.types.infer_dtype(column, skipna=True)
    convert = {
        "decimal": _from_decimals,
        "bytes": _from_bytes,
        "integer": _from_whole,
        "floating": _from_floats,
        "mixed-integer-float": _from_floats,
        "boolean": _from_truth,
        "date": _from_dates,
        "datetime": _from_dates,
        "datetime64": _from_dates,
    }.get(found)
    if convert is None:
        return column
    try:
        return convert(column)
    except (ValueError, TypeError, OverflowError, ArithmeticError):
        return column


def _from_decimals(column: pd.Series) -> pd.Series:
    import pandas as pd

    gaps = column.isna()  # a decimal NaN is one too
    if all(value.as_tuple().exponent >= 0 for value in column[~gaps] if value.is_finite()) and not gaps.all():
        whole = [None if gap or not v.is_finite() else int(v) for v, gap in zip(column, gaps, strict=True)]
        if sum(v is None for v in whole) == int(gaps.sum()):  # none is infinite
            return _from_whole(pd.Series(whole, index=column.index, name=column.name, dtype=object))
    return column.astype(float)


def _from_whole(column: pd.Series) -> pd.Series:
    """Return whole numbers as numpy's; those that no 64 bits hold as texts."""
    import pandas as pd

    there = column.dropna()
    low, high = (int(there.min()), int(there.max())) if len(there) else (0, 0)
    if low >= -(2**63) and high < 2**63:
        return _from_nullable(column.astype(pd.Int64Dtype()))
    if low >= 0 and high < 2**64:
        return _from_nullable(column.astype(pd.UInt64Dtype()))
    return column.map(str, na_action="ignore")


def _from_floats(column: pd.Series) -> pd.Series:
    there = column.dropna()
    beyond = any(isinstance(value, int) and abs(value) >= EXACT for value in there)
    return column if beyond else column.astype(float)


def _from_truth(column: pd.Series) -> pd.Series:
    return column if column.isna().any() else column.astype(bool)


def _from_bytes(column: pd.Series) -> pd.Series:
    return column.map(lambda value: value.decode(), na_action="ignore")


def _from_dates(column: pd.Series) -> pd.Series:
    import pandas as pd

    return pd.to_datetime(column)


def _changed(before: pd.Series, after: pd.Series) -> str:
    """Return what a person should know of a change of type; empty where the values are the same."""
    import pandas as pd

    from_objects = before.dtype == object
    kind = pd.api.types.infer_dtype(before, skipna=True) if from_objects else str(before.dtype)
    if "decimal" in kind and pd.api.types.is_float_dtype(after):
        lost = before.nunique() - after.nunique()
        more = f"; {lost:,} of its values differ in digits that those do not hold" if lost else ""
        return f"decimals are read as floating-point numbers{more}"
    if kind == "bytes":
        return "bytes are read as UTF-8 text"
    return ""


def plain_values(values: Any) -> Any:
    """Return an array of predictions in a plain type, shape as given."""
    import numpy as np
    import pandas as pd

    array = np.asarray(values)
    if array.dtype != object or array.ndim != 1:
        return array
    return plain(pd.Series(array)).to_numpy()

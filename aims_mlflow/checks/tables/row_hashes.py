"""Rows as 64-bit hashes, in memory only: to find rows that repeat, and rows that two tables share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import pandas as pd


def row_hashes(frame: pd.DataFrame) -> np.ndarray[Any, Any]:
    """Return one hash for each row, shape (rows,); equal rows of tables with equal types have equal hashes.

    Raises:
        TypeError: a cell cannot be hashed (a list, a dictionary).
    """
    import pandas as pd

    # Each different text is hashed once; a category and its text have the same hash.
    texts = {name: "category" for name, kind in frame.dtypes.items() if isinstance(kind, pd.StringDtype)}
    frame = frame.astype(texts) if texts else frame
    hashes: np.ndarray[Any, Any] = pd.util.hash_pandas_object(frame, index=False).to_numpy()
    return hashes


def duplicate_share(frame: pd.DataFrame) -> float | None:
    """Return the share of rows that repeat an earlier row; None where cells cannot be compared."""
    import numpy as np

    try:
        hashes = row_hashes(frame)
    except TypeError:
        return None
    ascending = np.sort(hashes)  # numpy's own count of different values takes ten times as long
    return float((ascending[1:] == ascending[:-1]).sum()) / len(hashes)


def shared_rows(frame: pd.DataFrame, other: pd.DataFrame, columns: Sequence[str]) -> np.ndarray[Any, Any]:
    """Return a boolean array: which rows of `frame` occur in `other` too, as far as `columns` go.

    Raises:
        TypeError: a cell cannot be hashed.
    """
    return shared_of(*hashes_alike(frame, other, columns))


def hashes_alike(
    frame: pd.DataFrame, other: pd.DataFrame, columns: Sequence[str]
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return the hashes of two tables' rows, as far as `columns` go: equal for equal values of different types.

    Raises:
        TypeError: a cell cannot be hashed.
    """
    return row_hashes(_alike(frame, other, columns)), row_hashes(_alike(other, frame, columns))


def shared_of(one: np.ndarray[Any, Any], two: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return a boolean array: which hashes of `one` are among those of `two`."""
    import pandas as pd

    shared: np.ndarray[Any, Any] = pd.Series(one).isin(two).to_numpy()  # numpy's own isin takes eight times as long
    return shared


def repeats(hashes: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return how often each different hash occurs."""
    import numpy as np

    ascending = np.sort(hashes)  # numpy's own count of different values takes ten times as long
    starts = np.flatnonzero(np.concatenate([[True], ascending[1:] != ascending[:-1]]))
    counts: np.ndarray[Any, Any] = np.diff(np.append(starts, len(ascending)))
    return counts


def _alike(frame: pd.DataFrame, other: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Return `columns` in types that hash alike in both tables: 1 and 1.0, a category and its text."""
    import numpy as np
    import pandas as pd

    out = {}
    for name in columns:
        column, twin = frame[name], other[name]
        if column.dtype != twin.dtype or isinstance(column.dtype, pd.CategoricalDtype):
            numeric = all(pd.api.types.is_numeric_dtype(c) for c in (column, twin))
            if numeric:
                out[name] = column.to_numpy(dtype=float, na_value=np.nan)
                continue
            if all(isinstance(c.dtype, pd.CategoricalDtype) for c in (column, twin)):
                texts = [str(value) for value in column.cat.categories]
                if len(set(texts)) == len(texts):  # each level is written and hashed once, not in each row
                    out[name] = column.array.rename_categories(texts)
                    continue
            text = column.astype(object)
            out[name] = text.where(text.isna(), text.astype(str)).to_numpy(dtype=object)
        else:
            out[name] = column.array
    return pd.DataFrame(out, copy=False)

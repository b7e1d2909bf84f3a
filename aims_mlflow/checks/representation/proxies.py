"""Proxies: mutual information between a column and the group that a person belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aims_mlflow.checks.statistics import count_tables
from aims_mlflow.checks.statistics.point_masses import cells_of, point_masses, tenths

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    Array = np.ndarray[Any, Any]

MAX_LEVELS = 1000  # of more, `columns.comparable` says that they are too many to compare


def feature_codes(column: pd.Series, weights: Array | None = None) -> tuple[Array, int]:
    """Return (code of each row, number of codes): tenths of numbers, frequent categories; missing is a code too.

    Numbers that a tenth of the rows have are codes of their own, and the others are cut into tenths. Of more than 1,000
    categories the rarer ones count as one.
    """
    import numpy as np
    import pandas as pd

    from aims_mlflow.checks.statistics.labels import factorize

    kinds = pd.api.types
    if kinds.is_numeric_dtype(column) and not kinds.is_bool_dtype(column) and not kinds.is_complex_dtype(column):
        values = column.to_numpy(dtype=float, na_value=np.nan)
        finite = np.isfinite(values)
        if not finite.any():
            return np.zeros(len(values), dtype=np.int64), 1
        whole = bool(finite.all())
        rows = weights if weights is None or whole else weights[finite]
        there = values if whole else values[finite]
        masses = point_masses(there, rows)
        edges = tenths(there, masses, rows)
        codes, levels = cells_of(values if whole else np.where(finite, values, 0.0), masses, edges), len(masses)
        levels += len(edges) + 1
        return codes if whole else np.where(finite, codes, levels), levels + 1
    try:
        codes, levels = factorize(column)
    except TypeError:  # lists or dictionaries
        return np.zeros(len(column), dtype=np.int64), 1
    sizes = count_tables.count(codes[codes >= 0], len(levels), None if weights is None else weights[codes >= 0])
    frequent = _frequent(sizes, levels)
    recode = np.full(len(levels) + 1, min(len(levels), MAX_LEVELS))
    recode[frequent] = np.arange(len(frequent))
    recode[-1] = len(frequent) + 1  # missing has code -1
    recoded: Array = recode[codes]
    return recoded, len(frequent) + 2


def _frequent(sizes: Array, levels: Any) -> Array:
    """Return the places of the most frequent levels, by size and then by text: the same in every order of the rows."""
    import numpy as np

    least = np.partition(sizes, -MAX_LEVELS)[-MAX_LEVELS] if len(sizes) > MAX_LEVELS else 0
    some = np.flatnonzero(sizes >= least)
    texts = np.array([str(levels[i]) for i in some], dtype=object)
    largest: Array = some[np.lexsort((texts, -sizes[some]))][:MAX_LEVELS]
    return largest


def information(counts: Array) -> Array:
    """Return the uncertainty coefficient I(feature; group) / H(group) for counts of shape (..., groups, levels).

    0: the feature tells nothing; 1: it tells the group. The information that chance alone gives is taken off
    (Miller and Madow, 1955: (groups - 1)(levels - 1) / 2n), so that without any relation it lies about 0, on both
    sides of it. Theil, "On the estimation of relationships", 1970.
    """
    n = counts.sum(axis=(-1, -2)).astype(float)
    by_group, by_level = counts.sum(axis=-1), counts.sum(axis=-2)
    known = _entropy(by_group, n) + _entropy(by_level, n) - _entropy(counts.reshape(*counts.shape[:-2], -1), n)
    chance = ((by_group > 0).sum(axis=-1) - 1) * ((by_level > 0).sum(axis=-1) - 1) / (2 * n)
    return count_tables.divide(known - chance, _entropy(by_group, n))


def _entropy(counts: Array, n: Array) -> Array:
    """Return the entropy (nats) of counts along the last axis; n is their sum."""
    import numpy as np

    share = counts / n[..., None]
    entropy: Array = -np.where(share > 0, share * np.log(np.where(share > 0, share, 1.0)), 0.0).sum(axis=-1)
    return entropy

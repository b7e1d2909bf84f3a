"""Groups of rows by sensitive columns; small groups are judged together, so that nobody can be singled out."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aims_mlflow.checks.statistics.bands import cut_into_bands
from aims_mlflow.checks.statistics.count_tables import count
from aims_mlflow.checks.statistics.labels import distinct_labels, labels_of, short_name

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

MISSING = "(missing)"
OWN_NAMES = re.compile(r'"*(?:\*|\(missing\)|\(others(?:: .*)?\))"*')  # that claims give; `*` stands for all groups
MAX_NUMBERS = 12  # a numeric column with more values is cut into bands
MAX_COUNTED = 1_000_000


def pooled_name(pool_under: int) -> str:
    """Return the name of the group that all small groups make up together."""
    return f"(others: groups under {pool_under} rows)"


@dataclass(frozen=True, eq=False)
class Groups:
    """Groups of one column, or of the combinations of several.

    Attributes:
        columns: The sensitive columns.
        names: For each group, one value for each column.
        codes: Group of each row, shape (rows,); -1 for rows left out.
        pooled: How many small groups were put together.
        left_out: Rows in small groups that even together stay under the limit.
        small: Those groups, with the rows of each.
        aside: Groups that the caller set aside by name, with the rows of each.
        bands: Columns cut into bands -> width of a band.
        within: Control columns and the level that all these rows have.
    """

    columns: tuple[str, ...]
    names: tuple[tuple[str, ...], ...]
    codes: np.ndarray[Any, Any]
    pooled: int
    left_out: int
    bands: dict[str, str]
    within: dict[str, str] = field(default_factory=dict)
    small: tuple[tuple[tuple[str, ...], int], ...] = ()
    aside: tuple[tuple[tuple[str, ...], int], ...] = ()

    def slice(self, group: int) -> dict[str, str]:
        """Return the claim slice of one group."""
        return self.slice_of(self.names[group])

    def slice_of(self, names: tuple[str, ...]) -> dict[str, str]:
        """Return the claim slice of the group with these names."""
        return {**self.within, **dict(zip(self.columns, names, strict=True))}

    @property
    def all(self) -> dict[str, str]:
        """The claim slice of a value that compares these groups."""
        return {**self.within, **dict.fromkeys(self.columns, "*")}


def group_rows(
    sensitive: pd.DataFrame,
    columns: tuple[str, ...],
    pool_under: int,
    weights: np.ndarray[Any, Any] | None = None,
    *,
    control: Groups | None = None,
    level: int = 0,
    aside: frozenset[tuple[str, str]] = frozenset(),
) -> Groups:
    """Return the groups of `columns` taken together, sorted by name.

    `weights` says how many rows each row stands for, one each by default. With `control`, only the
    rows of its group `level` are put into groups. Rows of a group in `aside` (column, name) are in none.

    Groups with fewer than `pool_under` rows become one. If that one is still too small its rows
    are left out (code -1), and `left_out` counts them. Whoever subtracts the shown groups from the
    whole table can still count those rows; who minds that leaves the overall numbers out too.
    """
    import numpy as np

    within = {} if control is None else control.slice(level)
    levels, codes, bands = [], np.zeros(len(sensitive), dtype=np.int64), {}
    for name in columns:
        own, names, width = levels_of(sensitive[name], weights)
        codes = codes * len(names) + own
        levels.append(names)
        bands.update({name: width} if width else {})
    inside = np.ones(len(codes), dtype=bool) if control is None else control.codes == level
    shape = tuple(len(names) for names in levels)
    present, codes = _compact(codes[inside], math.prod(shape))
    sizes = count(codes, len(present), None if weights is None else weights[inside])

    def name_of(cell: int) -> tuple[str, ...]:
        return tuple(levels[i][int(code)] for i, code in enumerate(np.unravel_index(present[cell], shape)))

    cells = range(len(present) if aside else 0)
    put_aside = np.isin(np.arange(len(present)), [i for i in cells if aside & {*zip(columns, name_of(i), strict=True)}])
    small = (sizes < pool_under) & ~put_aside
    left_out = int(sizes[small].sum()) if sizes[small].sum() < pool_under else 0
    large = np.flatnonzero(~small & ~put_aside)
    texts = [name_of(int(i)) for i in large]
    new_code = np.full(len(present), -1)
    new_code[large] = np.arange(len(large))
    if small.any() and not left_out:
        new_code[small] = len(texts)
        texts.append((pooled_name(pool_under),) * len(columns))
    group = np.full(len(sensitive), -1)
    group[inside] = new_code[codes]
    unseen = [
        tuple((name_of(int(i)), int(sizes[i])) for i in which)
        for which in (np.flatnonzero(small & bool(left_out)), np.flatnonzero(put_aside))
    ]
    return Groups(columns, tuple(texts), group, int(small.sum()), left_out, bands, within, *unseen)


def _compact(codes: np.ndarray[Any, Any], size: int) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return (codes that occur, their positions among those); counting beats sorting while the codes are few."""
    import numpy as np

    if size > MAX_COUNTED:
        return np.unique(codes, return_inverse=True)
    present = np.flatnonzero(np.bincount(codes, minlength=size))
    position = np.zeros(size, dtype=np.int64)
    position[present] = np.arange(len(present))
    return present, position[codes]


def levels_of(
    column: pd.Series, weights: np.ndarray[Any, Any] | None = None
) -> tuple[np.ndarray[Any, Any], list[str], str | None]:
    """Return (codes, sorted names with the missing one last, band width or None) of one column."""
    import numpy as np
    import pandas as pd

    numeric = pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)
    if numeric:
        values = column.to_numpy(dtype=float, na_value=np.nan)
        finite = values[np.isfinite(values)]
        # A cheap look first: among a thousand numbers there are mostly too many already.
        if len(np.unique(finite[:1000])) > MAX_NUMBERS or len(np.unique(finite)) > MAX_NUMBERS:
            codes, bands, width = cut_into_bands(values, weights)
            return codes, [*bands, MISSING], width
    labels = labels_of(column)
    texts = distinct_labels(labels)
    order = sorted(texts, key=float) if numeric else list(texts)
    names = [group_name(texts[key]) for key in order]
    codes = labels.placed({key: i for i, key in enumerate(order)}, missing=len(names))
    return codes, [*names, MISSING], None


def group_name(text: str) -> str:
    """Return the name of the rows with a text; one that claims use for something else is put into quotation marks."""
    name = short_name(text)
    return f'"{name}"' if OWN_NAMES.fullmatch(name) else name

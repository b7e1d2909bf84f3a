"""The slice where the model is worst, among all slices of the declared columns, alone and in pairs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

from aims_mlflow.checks.claims import claim
from aims_mlflow.checks.metrics import WORST_RIGHT, WORST_WRONG
from aims_mlflow.checks.statistics import count_tables
from aims_mlflow.checks.statistics.groups import levels_of
from aims_mlflow.checks.statistics.moments import group_moments

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import pandas as pd

    from aims_mlflow.checks.statistics.groups import Groups
    from aims_mlflow.records.evidence import Claim

    Array = np.ndarray[Any, Any]
    Levels = tuple[Array, list[str]]  # code of each row, name of each code

MAX_SLICES = 200_000
MAX_NAMED = 6


@dataclass(frozen=True)
class Slice:
    """Rows with the same levels: the mean of their values, with its number of rows and standard error."""

    mean: float
    at: dict[str, str]
    n: float
    error: float


def worst_slice(
    values: Array,
    columns: Mapping[str, pd.Series],
    shown: Mapping[str, Groups],
    least_rows: int,
    role: str,
    weights: Array | None = None,
    *,
    errors: bool = False,
) -> list[Claim]:
    """Return the claim about the slice with the lowest mean of `values`, of errors the highest; none without columns.

    All groups of a single column that are shown are among them, so none of those is worse. The worst of many slices
    looks bad by chance too, so its interval is widened to hold for all of them at once (Bonferroni).

    Args:
        values: 0 or 1 for a right label, or an absolute error; shape (rows,).
        columns: Declared columns by name.
        shown: The groups of each of them, as they are shown.
        least_rows: Slices of two columns with fewer rows are not looked at.
        role: Role of the data.
        weights: How many rows each row stands for; one each by default.
        errors: Whether `values` are errors.
    """
    if not columns:
        return []
    metric = WORST_WRONG if errors else WORST_RIGHT
    levels = {name: levels_of(column, weights)[:2] for name, column in columns.items()}
    slices: dict[tuple[str, ...], list[Levels]] = {
        (name,): [(groups.codes, [text for (text,) in groups.names])] for name, groups in shown.items()
    }
    slices.update({names: [levels[name] for name in names] for names in combinations(levels, 2)})
    worst, looked = _search(values, slices, least_rows, weights, errors=errors)
    if worst is None:
        note = f"not evaluated: no slice of {', '.join(levels)} has enough rows"
        return [claim(metric, None, role=role, note=note)]
    found = _claim(metric, worst, looked, role, errors=errors)
    skipped = f"; pairs of groups under {least_rows:,} rows are not looked at" if len(levels) > 1 else ""
    return [found.model_copy(update={"note": f"{found.note}{_left_out(shown)}{skipped}"})]


def _left_out(shown: Mapping[str, Groups]) -> str:
    """Return which groups of a single column have too few rows to be among the slices; empty where none has."""
    named = [f"{name}={group}" for name, groups in shown.items() for (group,), _ in groups.small]
    more = f" and {len(named) - MAX_NAMED} more" if len(named) > MAX_NAMED else ""
    return f"; not among them, with too few rows to show: {', '.join(named[:MAX_NAMED])}{more}" if named else ""


def _search(
    values: Array,
    slices: Mapping[tuple[str, ...], list[Levels]],
    least_rows: int,
    weights: Array | None,
    *,
    errors: bool,
) -> tuple[Slice | None, int]:
    """Return the worst slice with enough rows, and how many slices were looked at."""
    worst: Slice | None = None
    looked = 0
    for names, levels in slices.items():
        codes, texts = _crossed(levels)
        size = math.prod(map(len, texts))
        if not 0 < size <= MAX_SLICES:
            continue
        moments = group_moments({"value": values}, codes, size, weights)["value"]
        enough = moments.n >= (least_rows if len(names) > 1 else 1)
        looked += int(enough.sum())
        if not enough.any():
            continue
        place = _extreme(moments.mean, enough, highest=errors)
        mean = float(moments.mean[place])
        if worst is None or (mean > worst.mean if errors else mean < worst.mean):
            at = dict(zip(names, _named(place, texts), strict=True))
            worst = Slice(mean, at, float(moments.n[place]), float(moments.error[place]))
    return worst, looked


def _crossed(levels: list[Levels]) -> tuple[Array, list[list[str]]]:
    """Return the code of each row's combination of levels, and each column's levels as text."""
    codes: Any = levels[0][0]
    for own, texts in levels[1:]:
        codes = codes * len(texts) + own
    return codes, [texts for _, texts in levels]


def _extreme(means: Array, enough: Array, *, highest: bool) -> int:
    import numpy as np

    return int(np.where(enough, means, -np.inf).argmax() if highest else np.where(enough, means, np.inf).argmin())


def _named(place: int, texts: list[list[str]]) -> list[str]:
    import numpy as np

    return [texts[i][int(code)] for i, code in enumerate(np.unravel_index(place, [len(t) for t in texts]))]


def _claim(metric: str, worst: Slice, looked: int, role: str, *, errors: bool) -> Claim:
    import numpy as np
    from scipy.stats import norm

    z = float(norm.ppf(1 - 0.025 / looked))
    low, high = worst.mean - z * worst.error, worst.mean + z * worst.error
    if not errors:
        hits, rows = np.rint(worst.mean * worst.n), np.asarray(worst.n)
        low, high = (float(end[()]) for end in count_tables.exact_interval(hits, rows, z))
    where = ", ".join(f"{name}={text}" for name, text in worst.at.items())
    return claim(
        metric,
        worst.mean,
        role=role,
        n=worst.n,
        interval=(max(low, 0.0), high),
        method=f"{'approximate range, normal' if errors else count_tables.EXACT}, Bonferroni over {looked} slices",
        note=f"worst of {looked} slices: {where}",
    )

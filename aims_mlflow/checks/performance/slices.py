"""Where the model is worst: all slices of the declared columns, alone and in pairs."""

from __future__ import annotations

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

    from aims_mlflow.records.evidence import Claim

    Array = np.ndarray[Any, Any]

MAX_SLICES = 200_000


def worst_slice(
    values: Array,
    columns: Mapping[str, pd.Series],
    least_rows: int,
    role: str,
    weights: Array | None = None,
    *,
    errors: bool = False,
) -> list[Claim]:
    """Return the claim about the slice with the lowest mean of `values`, of errors the highest; none without columns.

    The worst of many slices looks bad by chance too, so its interval is widened to hold for all of them at
    once (Bonferroni).

    Args:
        values: 0 or 1 for a right label, or an absolute error; shape (rows,).
        columns: Declared columns by name.
        least_rows: Slices with fewer rows are not looked at.
        role: Role of the data.
        weights: How many rows each row stands for; one each by default.
        errors: Whether `values` are errors.
    """
    if not columns:
        return []
    metric = WORST_WRONG if errors else WORST_RIGHT
    levels = {name: levels_of(column, weights)[:2] for name, column in columns.items()}
    worst: tuple[float, dict[str, str], float, float] | None = None
    looked = 0
    for names in [*((name,) for name in levels), *combinations(levels, 2)]:
        size = 1
        codes: Any = 0
        for name in names:
            own, texts = levels[name]
            codes, size = codes * len(texts) + own, size * len(texts)
        if size > MAX_SLICES:
            continue
        found = group_moments({"value": values}, codes, size, weights)["value"]
        enough = found.n >= least_rows
        looked += int(enough.sum())
        if not enough.any():
            continue
        place = _extreme(found.mean, enough, highest=errors)
        if worst is None or (found.mean[place] > worst[0] if errors else found.mean[place] < worst[0]):
            at = _named(place, [levels[name][1] for name in names])
            worst = float(found.mean[place]), dict(zip(names, at, strict=True)), *_both(found, place)
    if worst is None:
        note = f"not evaluated: no slice of {', '.join(levels)} has {least_rows:,} rows"
        return [claim(metric, None, role=role, note=note)]
    return [_claim(metric, worst, looked, role, errors=errors)]


def _both(found: Any, place: int) -> tuple[float, float]:
    return float(found.n[place]), float(found.error[place])


def _extreme(means: Array, enough: Array, *, highest: bool) -> int:
    import numpy as np

    return int(np.where(enough, means, -np.inf).argmax() if highest else np.where(enough, means, np.inf).argmin())


def _named(place: int, texts: list[list[str]]) -> list[str]:
    import numpy as np

    return [texts[i][int(code)] for i, code in enumerate(np.unravel_index(place, [len(t) for t in texts]))]


def _claim(
    metric: str, worst: tuple[float, dict[str, str], float, float], looked: int, role: str, *, errors: bool
) -> Claim:
    import numpy as np
    from scipy.stats import norm

    value, at, n, error = worst
    z = float(norm.ppf(1 - 0.025 / looked))
    low, high = value - z * error, value + z * error
    if not errors:
        low, high = (float(end[()]) for end in count_tables.wilson(np.asarray(value * n), np.asarray(n), z))
    where = ", ".join(f"{name}={text}" for name, text in at.items())
    return claim(
        metric,
        value,
        role=role,
        n=n,
        interval=(max(low, 0.0), high),
        method=f"{'normal' if errors else 'Wilson'}, Bonferroni over {looked} slices",
        note=f"worst of {looked} slices: {where}",
    )

"""Drift in operation: new data against the baseline of a training, without any row of it.

Each column is compared cell by cell (the baseline's bins and categories) by the Jensen-Shannon distance, the one
that Evidently takes for categories. Many columns are looked at every time, so some distance is large by chance now
and then: a column is in breach only where its distance reaches the limit and a chi-square test, corrected for the
number of columns (Holm, "A simple sequentially rejective multiple test procedure", 1979), finds chance unlikely.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aims_mlflow.checks.base import Dataset, Outcome, versions
from aims_mlflow.checks.baseline import POOLED, PREDICTION, TARGET
from aims_mlflow.checks.charts import drift_chart
from aims_mlflow.checks.claims import NOT_ENOUGH, claim, held, reason_of
from aims_mlflow.checks.distances import numbers_of, value_counts
from aims_mlflow.checks.groups import NAME_LENGTH
from aims_mlflow.checks.labels import label_text
from aims_mlflow.checks.report import claims_page
from aims_mlflow.checks.tables import histogram
from aims_mlflow.errors import DataError
from aims_mlflow.records.base import decimal_text
from aims_mlflow.records.evidence import Claim, result_of
from aims_mlflow.records.pack import Limit, Monitor

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import pandas as pd

    Array = np.ndarray[Any, Any]

KIND = "monitor-run"
METHOD = "Jensen-Shannon distance over the baseline's cells"
SURE = 1e-12
CALLED = {PREDICTION: "prediction", TARGET: "label"}


@dataclass(frozen=True, eq=False)
class Compared:
    """One column in the baseline's cells, shape (cells,) each; `unknown` is the cell of rare and new categories."""

    before: Array
    now: Array
    missing: tuple[float, float]
    unknown: int | None = None

    @property
    def distance(self) -> float:
        """The Jensen-Shannon distance (natural logarithm), 0 to 0.83."""
        from scipy.spatial.distance import jensenshannon

        found = float(jensenshannon(self.before / self.before.sum(), self.now / self.now.sum()))
        return 0.0 if found != found else found  # noqa: PLR0124  NaN: rounding just below 0

    @property
    def p_value(self) -> float:
        """Chi-square test of both having the same distribution."""
        import numpy as np
        from scipy.stats import chi2_contingency

        table = np.stack([self.before, self.now])
        table = table[:, table.sum(axis=0) > 0]
        return float(chi2_contingency(table)[1]) if table.shape[1] > 1 else 1.0


def compare(data: Dataset, baseline: Mapping[str, Any], settings: Monitor) -> Outcome:
    """Hold a table of operation to a baseline (the content of drift_baseline.json).

    Args:
        data: The new rows, with the model's predictions where there are any; its target may be missing.
        baseline: Of the model's training.
        settings: The pack's limits.

    Raises:
        DataError: the baseline describes no column.
    """
    described = baseline["columns"]
    if not described:
        raise DataError("the baseline describes no column", where="drift baseline")
    compared: dict[str, Compared | str] = {}
    for name, column in described.items():
        found = _column_of(data, name, baseline)
        if found is not None:
            compared[name] = found if isinstance(found, str) else _compared(*found, column, baseline)
    adjusted = holm({n: c.p_value for n, c in compared.items() if isinstance(c, Compared)})
    claims = [c for name, found in compared.items() for c in _claims(name, found, adjusted.get(name), data, settings)]
    judged = [c for c in claims if c.metric == "drift" and c.passed is not None]
    share = sum(c.passed is False for c in judged) / len(judged) if judged else None
    claims.append(claim("drifted_share", share, role=data.role, n=len(judged), note="n counts columns"))
    return Outcome(
        kind=KIND,
        result=result_of(claims),
        reason=reason_of(claims),
        claims=tuple(claims),
        controls=settings.controls,
        details={
            "rows": data.rows,
            "baseline_rows": baseline["rows"],
            "method": METHOD,
            "columns_in_breach": drifted(claims),
            "left_out": dict(baseline.get("left_out") or {}),
            "p_values_holm": {name: decimal_text(float(f"{p:.6g}")) for name, p in adjusted.items()},
            "noise": noise(len(adjusted), settings),
        },
        reports=_reports(claims, len(adjusted), settings),
        tools=versions("scipy", "numpy", "pandas"),
    )


def noise(columns: int, settings: Monitor) -> str:
    """Return why more than the distance decides, in one sentence."""
    alone = 1 - (1 - float(settings.p_value)) ** columns
    return (
        f"{columns} columns were compared: tested one by one at {settings.p_value}, at least one would be flagged by "
        f"chance alone in {alone:.0%} of the runs, so p-values are corrected for their number (Holm)"
    )


def drifted(claims: list[Claim] | tuple[Claim, ...]) -> list[str]:
    """Return the columns that broke a limit, furthest first."""
    broken = [c for c in claims if c.passed is False and "column" in c.slice]
    broken.sort(key=lambda c: -float(c.value or 0))
    return list(dict.fromkeys(c.slice["column"] for c in broken))


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """Return p-values that hold for all of them at once (Holm, 1979), by the same names."""
    found, largest = {}, 0.0
    for i, name in enumerate(sorted(p_values, key=lambda n: p_values[n])):
        largest = max(largest, min((len(p_values) - i) * p_values[name], 1.0))
        found[name] = largest
    return found


def _column_of(
    data: Dataset, name: str, baseline: Mapping[str, Any]
) -> tuple[pd.Series, Array | None, int] | str | None:
    """Return (values, weights, rows), why there are none, or None where the table need not have them."""
    import pandas as pd

    if name == PREDICTION:
        if data.predictions is None:
            return None
        part = data.part(outcomes=True)
        return pd.Series(part.predictions), part.weights, data.rows
    source = baseline.get("target") if name == TARGET else name
    if source is None or source not in data.frame.columns:
        return None if name == TARGET else "not evaluated: the column is not in these data"
    numbers = baseline["columns"][name]["kind"] == "numeric"
    within = data.extremes(source) if numbers and data.crowded(source) else None
    column, weights = data.column(source, within)
    if numbers and not pd.api.types.is_numeric_dtype(column):
        return "not evaluated: numbers in training data, but not here"
    return column, weights, data.rows


def _compared(
    column: pd.Series, weights: Array | None, rows: int, described: Mapping[str, Any], baseline: Mapping[str, Any]
) -> Compared | str:
    import numpy as np

    known = column.notna().to_numpy()
    there = int(known.sum() if weights is None else weights[known].sum())
    # What was under the pooled size is not told; none and few are the same to a share.
    gone = described["missing"] if isinstance(described["missing"], int) else 0
    missing = gone / max(int(baseline["rows"]), 1), 1 - there / rows
    if described["kind"] == "numeric":
        numbers = numbers_of(column, weights)
        edges = np.array([float(edge) for edge in described["edges"]])
        found = Compared(np.array(described["counts"]), histogram(numbers.values, edges, numbers.weights), missing)
    else:
        cells = dict.fromkeys((*described["counts"], POOLED), 0)
        for level, n in value_counts(column, weights).items():
            name = str(label_text(level))[:NAME_LENGTH]
            cells[name if name in cells else POOLED] += int(n)
        before = [described["counts"].get(name, 0) for name in cells]
        found = Compared(np.array(before), np.array(list(cells.values())), missing, list(cells).index(POOLED))
    return found if found.now.sum() else "not evaluated: no value to compare"


def _claims(name: str, found: Compared | str, p: float | None, data: Dataset, settings: Monitor) -> list[Claim]:
    at, n = {"column": name}, data.rows
    limit = _limit("drift", "<", settings.threshold, settings)
    if isinstance(found, str) or p is None:
        return [held(claim("drift", None, slice=at, role=data.role, n=n, note=str(found)), limit)]
    what = f"{CALLED[name]} drift: " if name in CALLED else ""
    note = (
        f"{what}{METHOD}; corrected p-value {'under 1e-12' if p < SURE else f'{p:.2g}'}"  # further digits say nothing
    )
    distance = held(claim("drift", found.distance, slice=at, role=data.role, n=int(found.now.sum()), note=note), limit)
    if distance.passed is False and p >= float(settings.p_value):
        lacking = f"{NOT_ENOUGH}: among this many columns, chance alone makes such a distance; {note}"
        distance = distance.model_copy(update={"passed": None, "note": lacking})
    claims = [distance]
    before, now = found.missing
    if before or now:
        risen = claim("missing_rate_rise", now - before, slice=at, role=data.role, n=n, note=f"{now:.1%} are missing")
        claims.append(held(risen, _limit("missing_rate_rise", "<=", settings.missing, settings)))
    if found.unknown is not None and found.now[found.unknown]:
        share = float(found.now[found.unknown] / found.now.sum() - found.before[found.unknown] / found.before.sum())
        note = "categories that training had in too few rows to tell, or never"
        new = claim("unseen_share_rise", share, slice=at, role=data.role, n=int(found.now.sum()), note=note)
        claims.append(held(new, _limit("unseen_share_rise", "<=", settings.unseen, settings)))
    return claims


def _limit(metric: str, comparator: Any, limit: str, settings: Monitor) -> Limit:
    return Limit(metric=metric, comparator=comparator, limit=limit, severity=settings.severity, why=settings.why)


def _reports(claims: list[Claim], columns: int, settings: Monitor) -> dict[str, bytes]:
    title = "Data in operation against the training baseline"
    picture = drift_chart(claims, title)
    notes = [noise(columns, settings) + "."]
    page = claims_page(title, claims, picture, notes)
    return {"monitor.svg": picture, "monitor.html": page} if picture else {"monitor.html": page}

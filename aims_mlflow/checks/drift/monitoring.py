"""Drift in operation: new data are compared with the baseline of a training, which has no row of it.

Each column is compared cell by cell (the baseline's point masses, bins and categories) by the Jensen-Shannon distance,
the one that Evidently takes for categories; beside that, missing cells (infinite numbers count as such) and categories
that training hardly had may become more. Much is looked at every time, so something is large by chance now and then: a
column is in breach only where a value breaks its limit and a test finds chance unlikely. Distances are tested by
chi-square (of homogeneity: both tables are samples), rises by Fisher's exact test of one side, and the p-values of all
of them are corrected for their number at once (Holm, "A simple sequentially rejective multiple test procedure", 1979).
A value that breaks its limit where chance is likely is "not enough data": neither a breach nor a pass. Columns that the
baseline leaves out are named: a change in them is not found.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aims_mlflow.checks.claims import claim, held, reason_of
from aims_mlflow.checks.drift.baseline import POOLED, PREDICTION, TARGET
from aims_mlflow.checks.outcome import Outcome, versions
from aims_mlflow.checks.pages.charts import drift_chart
from aims_mlflow.checks.pages.report import claims_page
from aims_mlflow.checks.statistics.count_tables import count
from aims_mlflow.checks.statistics.distances import holm, numbers_of, value_counts
from aims_mlflow.checks.statistics.homogeneity import TINY, categories_p_value, p_value_text
from aims_mlflow.checks.statistics.labels import label_key, label_text, short_name
from aims_mlflow.checks.statistics.point_masses import cells_of
from aims_mlflow.checks.statistics.rise import Rise
from aims_mlflow.errors import DataError
from aims_mlflow.records.base import decimal_text
from aims_mlflow.records.details.checks import MonitorRunDetails
from aims_mlflow.records.evidence import Claim, result_of
from aims_mlflow.records.pack import Limit, Monitor
from aims_mlflow.records.verdicts import NOT_ENOUGH
from aims_mlflow.records.wording import share_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import pandas as pd

    from aims_mlflow.checks.tables.dataset import Dataset

    Array = np.ndarray[Any, Any]

KIND = "monitor-run"
METHOD = "Jensen-Shannon distance over the baseline's cells"
METRICS = ("drift", "missing_rate_rise", "unseen_share_rise")
CALLED = {PREDICTION: "prediction", TARGET: "label"}


@dataclass(frozen=True, eq=False)
class ColumnComparison:
    """One column in the baseline's cells, shape (cells,) each; `unseen` is of the cell of rare and new categories.

    A cell of 0 in the baseline may have held up to `hidden` - 1 rows, too few to tell: the others are told with them.
    """

    before: Array
    now: Array
    missing: Rise
    unseen: Rise | None = None
    hidden: int = 1

    @property
    def p_values(self) -> dict[str, float]:
        """Metric -> p-value, for everything that is judged."""
        rises = {"missing_rate_rise": self.missing, "unseen_share_rise": self.unseen}
        return {"drift": self.p_value, **{metric: rise.p_value for metric, rise in rises.items() if rise and rise.now}}

    @property
    def alike(self) -> Array:
        """The training's counts, of all that the baseline may mean those which are most like the new ones.

        A cell that it tells as 0 gets as many of the hidden rows as that takes, out of the cells they are shared among.
        """
        import numpy as np

        rows = self.before.sum()
        wanted = np.rint(self.now * (rows / self.now.sum()))
        held = np.where(self.before == 0, np.minimum(wanted, self.hidden - 1), 0)
        told = self.before * (max(rows - held.sum(), 0) / rows)
        counts: Array = np.rint(told + held).astype(np.int64)
        return counts

    @property
    def distance(self) -> float:
        """The Jensen-Shannon distance (natural logarithm), 0 to 0.83; Endres and Schindelin, 2003."""
        from scipy.spatial.distance import jensenshannon

        before = self.alike
        distance = float(jensenshannon(before / before.sum(), self.now / self.now.sum()))
        return 0.0 if distance != distance else distance  # noqa: PLR0124  NaN: rounding just below 0

    @property
    def p_value(self) -> float:
        """Two-sample test of both having the same distribution."""
        return categories_p_value(self.alike, self.now)

    @property
    def why_open(self) -> str:
        """Why nothing decides although more rows are looked at than the baseline is of; empty where that is not so."""
        rows = int(self.before.sum())
        return f"; the baseline is of {rows:,} rows, and more new rows decide no more" if self.now.sum() > rows else ""


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
    compared = _compared_columns(data, described, baseline)
    p_values = {n: c.p_values for n, c in compared.items() if isinstance(c, ColumnComparison)}
    adjusted = holm({(n, metric): p for n, ps in p_values.items() for metric, p in ps.items()})
    claims = [c for name, comparison in compared.items() for c in _claims(name, comparison, adjusted, data, settings)]
    judged = [c for c in claims if c.metric == "drift" and c.passed is not None]
    share = sum(c.passed is False for c in judged) / len(judged) if judged else None
    unseen = unwatched(data, baseline)
    claims.append(claim("drifted_share", share, role=data.role, n=len(judged), note="n counts columns"))
    return Outcome(
        kind=KIND,
        result=result_of(claims),
        reason=reason_of(claims),
        claims=tuple(claims),
        controls=settings.controls,
        details=MonitorRunDetails(
            rows=data.rows,
            baseline_rows=baseline["rows"],
            method=METHOD,
            columns_in_breach=drifted(claims),
            left_out=unseen,
            p_values_holm={
                metric: {name: _p_value(p) for (name, of), p in adjusted.items() if of == metric} for metric in METRICS
            },
            noise=noise(len(adjusted), settings),
        ),
        reports=_reports(claims, len(adjusted), settings, unseen),
        tools=versions("scipy", "numpy", "pandas"),
    )


def _compared_columns(
    data: Dataset, described: Mapping[str, Any], baseline: Mapping[str, Any]
) -> dict[str, ColumnComparison | str]:
    """Return each column of the baseline beside the new rows, or why they cannot be compared."""
    compared: dict[str, ColumnComparison | str] = {}
    for name, column in described.items():
        values = _column_of(data, name, baseline)
        if values is not None:
            compared[name] = values if isinstance(values, str) else _compared(*values, column, baseline)
    return compared


def unwatched(data: Dataset, baseline: Mapping[str, Any]) -> dict[str, str]:
    """Return the columns that the monitor cannot see, and why: a change in them is not found."""
    known = {*baseline["columns"], baseline.get("target")}
    left_out = dict(baseline.get("left_out") or {})
    return {**left_out, **{n: "not in the baseline" for n in data.columns if n not in known and n not in left_out}}


def _p_value(p: float) -> str | None:
    return decimal_text(max(float(f"{p:.6g}"), TINY))


def noise(tests: int, settings: Monitor) -> str:
    """Return why more than the measured value decides, in one sentence."""
    alone = 1 - (1 - float(settings.p_value)) ** tests
    return (
        f"{tests} tests were made (distances, missing cells, new categories): one by one at {settings.p_value}, at "
        f"least one would be flagged by chance alone in {share_text(round(alone, 2))} of the runs, so p-values are "
        "corrected for their number (Holm)"
    )


def drifted(claims: list[Claim] | tuple[Claim, ...]) -> list[str]:
    """Return the columns that broke a limit, furthest first."""
    broken = [c for c in claims if c.passed is False and "column" in c.slice]
    broken.sort(key=lambda c: -float(c.value or 0))
    return list(dict.fromkeys(c.slice["column"] for c in broken))


def _column_of(
    data: Dataset, name: str, baseline: Mapping[str, Any]
) -> tuple[pd.Series, Array | None, int] | str | None:
    """Return (values, weights, rows), why there are none, or None where the table need not have them."""
    import pandas as pd

    if name == PREDICTION:
        if not data.has_predictions:
            return "not evaluated: the baseline has predictions, and there are none of these data"
        part = data.part(outcomes=True)
        return pd.Series(part.predicted), part.weights, data.rows
    source = baseline.get("target") if name == TARGET else name
    if source is None or source not in data.columns:
        return None if name == TARGET else "not evaluated: the column is not in these data"
    numbers = baseline["columns"][name]["kind"] == "numeric"
    within = data.extremes(source) if numbers and data.crowded(source) else None
    column, weights = data.column(source, within)
    if numbers and not pd.api.types.is_numeric_dtype(column):
        return "not evaluated: numbers in training data, but not here"
    return column, weights, data.rows


def _compared(
    column: pd.Series, weights: Array | None, rows: int, described: Mapping[str, Any], baseline: Mapping[str, Any]
) -> ColumnComparison | str:
    import numpy as np

    told, before_rows, few = described["missing"], int(baseline["rows"]), int(baseline.get("pool_under", 1))

    def missing(there: int) -> Rise:
        return Rise(told if isinstance(told, int) else None, before_rows, rows - there, rows, few)

    if described["kind"] == "numeric":
        numbers = numbers_of(column, weights)
        apart = described.get("masses", {})
        masses, edges = (np.array([float(value) for value in values]) for values in (apart, described["edges"]))
        before_cells = np.array([*apart.values(), *described["counts"]])
        counted = count(cells_of(numbers.values, masses, edges), len(before_cells), numbers.weights)
        comparison = ColumnComparison(before_cells, counted, missing(numbers.rows), hidden=few)
    else:
        cells = dict.fromkeys((*described["counts"], POOLED), 0)
        named = {label_key(name): name for name in described["counts"]}  # True of the baseline may be 1 in operation
        for level, n in value_counts(column, weights).items():
            cells[named.get(label_key(short_name(str(label_text(level)))), POOLED)] += int(n)
        before, there = [described["counts"].get(name, 0) for name in cells], sum(cells.values())
        unseen = Rise(described["counts"].get(POOLED), sum(before), cells[POOLED], max(there, 1), few)
        comparison = ColumnComparison(np.array(before), np.array(list(cells.values())), missing(there), unseen, few)
    return comparison if comparison.now.sum() else "not evaluated: no value to compare"


def _claims(
    name: str,
    comparison: ColumnComparison | str,
    adjusted: Mapping[tuple[str, str], float],
    data: Dataset,
    settings: Monitor,
) -> list[Claim]:
    at, n = {"column": name}, data.rows
    drift = _limit("drift", "<", settings.threshold, settings)
    if isinstance(comparison, str):
        return [held(claim("drift", None, slice=at, role=data.role, n=n, note=comparison), drift)]

    def judged(metric: str, value: float, n: int, note: str, limit: Limit) -> Claim:
        p = adjusted[name, metric]
        note = f"{note}; corrected p-value {p_value_text(p)}"
        one = held(claim(metric, value, slice=at, role=data.role, n=n, note=note), limit)
        if one.passed is not False or p < float(settings.p_value):
            return one
        lacking = f"{NOT_ENOUGH}: among this much that is looked at, chance alone makes such a value"
        lacking += f"{comparison.why_open}; {note}"
        return one.model_copy(update={"passed": None, "note": lacking})

    what = f"{CALLED[name]} drift: " if name in CALLED else ""
    values = int(comparison.now.sum())
    claims = [judged("drift", comparison.distance, values, f"{what}{METHOD}", drift)]
    gone, new = comparison.missing, comparison.unseen
    if gone.now:
        limit = _limit("missing_rate_rise", "<=", settings.missing, settings)
        claims.append(
            judged("missing_rate_rise", gone.value, n, f"{share_text(gone.now / gone.rows)} are missing", limit)
        )
    if new is not None and new.now:
        limit = _limit("unseen_share_rise", "<=", settings.unseen, settings)
        note = "categories that training had in too few rows to tell, or never"
        claims.append(judged("unseen_share_rise", new.value, values, note, limit))
    return claims


def _limit(metric: str, comparator: Any, limit: str, settings: Monitor) -> Limit:
    severity, why = settings.severity, settings.why
    return Limit(metric=metric, comparator=comparator, limit=limit, severity=severity, why=why, **settings.author)


def _reports(claims: list[Claim], tests: int, settings: Monitor, unseen: Mapping[str, str]) -> dict[str, bytes]:
    title = "Data in operation against the training baseline"
    picture = drift_chart(claims, title)
    notes = [noise(tests, settings) + ".", *(f"{name} is not watched: {why}." for name, why in unseen.items())]
    page = claims_page(title, claims, picture, notes)
    return {"monitor.svg": picture, "monitor.html": page} if picture else {"monitor.html": page}

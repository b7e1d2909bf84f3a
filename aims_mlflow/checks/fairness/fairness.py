"""Fairness check: each group's outcomes against a reference group's; rates are confirmed by Fairlearn.

Rows are counted once into a table of group x actual x predicted (numbers: into sums by group); metrics,
intervals and Fairlearn itself work on the counts, which gives the same numbers as the rows at a
fraction of the time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aims_mlflow.checks.claims import held_by, hold, is_description, is_too_small, reason_of
from aims_mlflow.checks.fairness.by_group import Measure, measures_of
from aims_mlflow.checks.fairness.comparisons import rows_to_judge, unseen_groups, why_alone
from aims_mlflow.checks.fairness.selection import SEED
from aims_mlflow.checks.metrics import GROUP_RATES
from aims_mlflow.checks.outcome import Outcome, versions
from aims_mlflow.checks.pages.report import claims_page
from aims_mlflow.checks.statistics import count_tables
from aims_mlflow.checks.statistics.groups import Groups, group_rows
from aims_mlflow.checks.tables.validation import find_columns
from aims_mlflow.errors import CheckError, DataError
from aims_mlflow.records.details.checks import FairnessDetails
from aims_mlflow.records.evidence import Claim, result_of, worst

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    import pandas as pd

    from aims_mlflow.checks.tables.dataset import Dataset
    from aims_mlflow.checks.tables.in_memory import InMemoryTable
    from aims_mlflow.records.pack import Fairness, Pack

KIND = "fairness"
TOLERANCE = 1e-12


def run(data: Dataset, pack: Pack, reference: Dataset | None = None) -> Outcome:  # noqa: ARG001
    """Compare the groups of every sensitive column and, where the pack asks for it, of all of them crossed.

    Raises:
        DataError: there are no sensitive columns, or labels and predictions do not fit.
        CheckError: Fairlearn gives another number than the count tables.
    """
    if not data.sensitive_names:
        raise DataError(
            "no sensitive columns are named, so groups cannot be compared",
            where=f"{data.role} data",
            next="name them by data.sensitive in aims.yaml",
        )
    settings = pack.fairness
    part = data.part((*data.sensitive_names, *settings.control), outcomes=True)
    with count_tables.replicates_followed() as ran:
        measured, tables, alone = _by_groups(part, settings)
    described = [c for c in measured if is_description(c)]
    compared = [c for c in measured if not is_description(c)]
    claims = hold(compared, held_by(settings.limits), role=data.role, min_n=settings.min_n) + described
    return Outcome(
        kind=KIND,
        result=worst([result_of(claims), "not_evaluated"]) if alone else result_of(claims),
        reason=_reason(claims, settings, alone),
        claims=tuple(claims),
        controls=settings.controls,
        details=FairnessDetails(
            target=data.task.target,
            favourable=data.task.favourable,
            task=data.task.kind,
            threshold=data.task.threshold,
            rows=data.rows,
            in_bins=list(part.binned) or None,
            pool_under=settings.pool_under,
            min_n=settings.min_n,
            set_aside=[entry.model_dump() for entry in settings.set_aside],
            bootstrap=count_tables.bootstrap_details(ran, settings.bootstrap, SEED),
            tables=tables,
        ),
        reports=_reports(tuple(claims), data),
        tools=versions("fairlearn", "numpy", "pandas"),
    )


def _by_groups(part: InMemoryTable, settings: Fairness) -> tuple[list[Claim], list[dict[str, Any]], list[str]]:
    """Return the claims and the details of each grouping, and why nothing is compared of a column with one group."""
    measures = measures_of(part, settings)
    claims: list[Claim] = []
    details: list[dict[str, Any]] = []
    alone: list[str] = []
    for groups in _groupings(part, settings):
        if len(groups.names) < 2 and len(groups.columns) == 1 and not groups.within:
            alone.append(f"{groups.columns[0]}: {why_alone(groups, rows_to_judge(settings))}")
        measured, counted = _measured(measures, groups)
        claims += measured + unseen_groups(groups, settings, measured, part.role)
        details.append(counted)
    return claims, details, alone


def _reason(claims: list[Claim], settings: Fairness, alone: list[str]) -> str | None:
    """Return why the result is what it is, with the ways on where groups are too small, and what was set aside."""
    said = [reason_of(claims) or "; ".join(alone)]
    if any(is_too_small(c) and c.limit is not None for c in claims):
        said.append("the ways on: more held-out rows, or set the group aside by name with a reason (set_aside)")
    said += [f"set aside by the pack: {s.column}={s.group}, {s.reason}" for s in settings.set_aside]
    return "; ".join(text for text in said if text) or None


def _groupings(data: InMemoryTable, settings: Fairness) -> Iterator[Groups]:
    """Yield the groups of each column, of all columns crossed, and of each column within each control level."""
    names, sensitive = data.sensitive_names, data.sensitive
    assert sensitive is not None  # noqa: S101  run() has refused that
    crossed = [names] if settings.intersections and len(names) > 1 else []
    aside = frozenset((entry.column, entry.group) for entry in settings.set_aside)
    least = rows_to_judge(settings)
    for columns in [*((name,) for name in names), *crossed]:
        yield group_rows(sensitive, columns, least, data.weights, aside=aside)
    for name, column in find_columns(data, settings.control, "fairness.control").items():
        levels = group_rows(column.to_frame(), (name,), settings.pool_under, data.weights)
        for level in range(len(levels.names)):
            for other in names:
                if other != name:
                    yield group_rows(sensitive, (other,), least, data.weights, control=levels, level=level, aside=aside)


def _measured(measures: list[Measure], groups: Groups) -> tuple[list[Claim], dict[str, Any]]:
    claims: list[Claim] = []
    details: dict[str, Any] = {}
    for measure in measures:
        measured, counted, counts = measure(groups)
        claims += measured
        details.update(counted)
        if counts is not None:
            confirm_by_fairlearn(counts)
    return claims, details


def fairlearn_rates(counts: np.ndarray[Any, Any]) -> pd.DataFrame:
    """Return Fairlearn's MetricFrame by group, computed from at most four weighted rows a group.

    Args:
        counts: Shape (groups, 2, 2): [group, actual, predicted].
    """
    import numpy as np
    from fairlearn import metrics

    group, actual, predicted = np.nonzero(counts)
    weight = {"sample_weight": counts[group, actual, predicted]}
    functions = {name: getattr(metrics, name) for name in GROUP_RATES}
    frame = metrics.MetricFrame(
        metrics=functions,
        y_true=actual,
        y_pred=predicted,
        sensitive_features=group,
        sample_params=dict.fromkeys(functions, weight),
    )
    return frame.by_group


def confirm_by_fairlearn(counts: np.ndarray[Any, Any]) -> None:
    """Compare every defined rate with Fairlearn's.

    Raises:
        CheckError: they differ by more than 1e-12.
    """
    import numpy as np

    if not counts.sum():
        return
    theirs = fairlearn_rates(counts)
    for metric, ours in count_tables.rates(counts).items():
        if metric in theirs:
            difference = np.abs(theirs[metric].to_numpy(float) - ours[theirs.index.to_numpy()])
            if np.nanmax(difference, initial=0.0) > TOLERANCE:
                raise CheckError(f"Fairlearn gives another {metric} than the count table", where="fairness")


def _reports(claims: tuple[Claim, ...], data: Dataset) -> dict[str, bytes]:
    from aims_mlflow.checks.pages.charts import fairness_chart

    chosen = (
        f"predicted {data.task.favourable!r}" if data.task.threshold is None else f"at {data.task.threshold} or above"
    )
    picture = fairness_chart(claims, chosen)
    page = claims_page("Fairness by group", claims, picture)
    return {"fairness.svg": picture, "fairness.html": page} if picture else {"fairness.html": page}

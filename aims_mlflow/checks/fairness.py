"""Fairness: how outcomes differ between groups, in Fairlearn's definitions and confirmed by Fairlearn.

Rows are counted once into a table of group x actual x predicted; metrics, intervals and Fairlearn
itself work on the counts, which gives the same numbers as the rows at a fraction of the time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aims_mlflow.checks import tables
from aims_mlflow.checks.base import Dataset, Outcome, versions
from aims_mlflow.checks.claims import LEFT_OUT, claim, hold, reason_of
from aims_mlflow.checks.groups import Groups, group_rows, pooled_name
from aims_mlflow.checks.inputs import outcomes
from aims_mlflow.checks.metrics import BETWEEN_GROUPS, GROUP_RATES, GROUP_RATIO
from aims_mlflow.checks.report import claims_page
from aims_mlflow.errors import CheckError, DataError
from aims_mlflow.records.evidence import Claim, Result, result_of, worst

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from aims_mlflow.records.pack import Fairness, Pack

KIND = "fairness"
SEED = 42001
BOOTSTRAP = "bootstrap, percentile"
TOLERANCE = 1e-12
UNDEFINED = {
    "true_positive_rate": "undefined: no positives in this group",
    "false_negative_rate": "undefined: no positives in this group",
    "false_positive_rate": "undefined: no negatives in this group",
    GROUP_RATIO: "undefined: no row was selected in any group",
}


def run(data: Dataset, pack: Pack, reference: Dataset | None = None) -> Outcome:  # noqa: ARG001
    """Compare the groups of every sensitive column and, where the pack says so, of all of them crossed.

    Raises:
        DataError: there are no sensitive columns, or labels and predictions do not fit.
        CheckError: Fairlearn gives another number than the count tables.
    """
    if data.sensitive is None:
        raise DataError(
            "no sensitive columns are named, so groups cannot be compared",
            where=f"{data.role} data",
            next="name them under data.sensitive in aims.yaml",
        )
    settings = pack.fairness
    actual, predicted = outcomes(data)
    names = data.sensitive_names
    crossed = [names] if settings.intersections and len(names) > 1 else []
    claims: list[Claim] = []
    details: list[dict[str, Any]] = []
    results: list[Result] = []
    for columns in [*((name,) for name in names), *crossed]:
        groups = group_rows(data.sensitive, columns, settings.pool_under)
        counts = tables.contingency(actual, predicted, groups.codes, len(groups.names))
        if len(groups.names) < 2 and len(columns) == 1:
            results.append("not_evaluated")
        claims += group_claims(counts, groups, settings, data.role)
        details.append(_described(counts, groups))
        confirm_by_fairlearn(counts)
    claims = hold(claims, settings.limits, role=data.role)
    held = tuple(claims)
    return Outcome(
        kind=KIND,
        result=worst([result_of(claims), *results]),
        reason=reason_of(claims),
        claims=held,
        controls=settings.controls,
        details={
            "target": data.target,
            "favourable": data.favourable,
            "rows": len(data.frame),
            "pool_under": settings.pool_under,
            "bootstrap": {"replicates": settings.bootstrap, "seed": SEED, "of": "the count table, multinomial"},
            "tables": details,
        },
        reports=_reports(held, data),
        tools=versions("fairlearn", "numpy", "pandas"),
    )


def group_claims(counts: np.ndarray[Any, Any], groups: Groups, settings: Fairness, role: str) -> list[Claim]:
    """Return the claims of one column, or of several crossed: by group, then between groups.

    Args:
        counts: Shape (groups, 2, 2): [group, actual, predicted].
        groups: The same groups, with their names.
        settings: Pooling and bootstrap of the pack.
        role: Role of the data.
    """
    drawn = tables.resample(counts, settings.bootstrap, SEED) if settings.bootstrap and counts.sum() else None
    alone = _alone(groups, settings.pool_under)
    claims = _rate_claims(counts, groups, role)
    claims += _ratio_claims(counts, groups, drawn, alone, role)
    if groups.left_out:
        hidden = dict.fromkeys(groups.columns, pooled_name(settings.pool_under))
        claims.append(claim("selection_rate", None, slice=hidden, role=role, note=LEFT_OUT))
    return claims + _between_claims(counts, groups, drawn, alone, role)


def _alone(groups: Groups, pool_under: int) -> str | None:
    """Return why groups cannot be compared, or None where there are two or more."""
    if len(groups.names) >= 2:
        return None
    if not groups.names:
        return f"no group with at least {pool_under} rows: rates cannot be compared"
    name = ", ".join(groups.names[0])
    return f"only one group ({name}) with at least {pool_under} rows: rates cannot be compared"


def _rate_claims(counts: np.ndarray[Any, Any], groups: Groups, role: str) -> list[Claim]:
    claims = []
    fractions = tables.fractions(counts)
    for metric in GROUP_RATES:
        part, whole = fractions[metric]
        values = tables.divide(part, whole)
        low, high = tables.wilson(part, whole)
        for g in range(len(groups.names)):
            note = None if whole[g] else UNDEFINED[metric]
            at, ends = groups.slice(g), (low[g], high[g])
            claims.append(
                claim(metric, values[g], slice=at, role=role, n=whole[g], interval=ends, method="Wilson", note=note)
            )
    return claims


def _ratio_claims(
    counts: np.ndarray[Any, Any], groups: Groups, drawn: np.ndarray[Any, Any] | None, alone: str | None, role: str
) -> list[Claim]:
    """Each group's selection rate over that of the most selected group (the four-fifths rule's ratio)."""
    import numpy as np

    if not groups.names:
        return []
    ratio = tables.ratio_to_highest(tables.rates(counts)["selection_rate"])
    if alone:
        ratio = np.full(len(ratio), np.nan)
    interval = None
    if drawn is not None:
        interval = tables.percentiles(tables.ratio_to_highest(tables.rates(drawn)["selection_rate"]))
    claims = []
    for g in range(len(groups.names)):
        undefined = bool(np.isnan(ratio[g]))
        ends = None if undefined or interval is None else (interval[0][g], interval[1][g])
        note = (alone or UNDEFINED[GROUP_RATIO]) if undefined else None
        n, at = counts[g].sum(), groups.slice(g)
        claims.append(
            claim(GROUP_RATIO, ratio[g], slice=at, role=role, n=n, interval=ends, method=BOOTSTRAP, note=note)
        )
    return claims


def _between_claims(
    counts: np.ndarray[Any, Any], groups: Groups, drawn: np.ndarray[Any, Any] | None, alone: str | None, role: str
) -> list[Claim]:
    import numpy as np

    n = int(counts.sum())
    if alone:
        return [claim(metric, None, slice=groups.all, role=role, n=n, note=alone) for metric in BETWEEN_GROUPS]
    values = tables.between_groups(counts)
    replicas = tables.between_groups(drawn) if drawn is not None else {}
    lacking = _undefined_in(counts, groups)
    claims = []
    for metric in BETWEEN_GROUPS:
        value = float(values[metric])
        interval = tables.percentiles(replicas[metric]) if metric in replicas and not np.isnan(value) else None
        note = lacking if metric.startswith("equalized") else None
        if np.isnan(value):
            note = "undefined: the highest rate is 0" if metric.endswith("ratio") else "undefined in all groups but one"
        claims.append(
            claim(metric, value, slice=groups.all, role=role, n=n, interval=interval, method=BOOTSTRAP, note=note)
        )
    return claims


def _undefined_in(counts: np.ndarray[Any, Any], groups: Groups) -> str | None:
    """Return the note that says in which groups a rate is undefined and therefore left out."""
    said = []
    for metric, row in (("true_positive_rate", 1), ("false_positive_rate", 0)):
        empty = [" ".join(groups.names[g]) for g in range(len(groups.names)) if counts[g, row].sum() == 0]
        if empty:
            said.append(f"{metric} is undefined in {', '.join(empty)}")
    return "over the groups where it is defined: " + "; ".join(said) if said else None


def _described(counts: np.ndarray[Any, Any], groups: Groups) -> dict[str, Any]:
    """Return the counts from which a reader can compute every number again."""
    return {
        "columns": list(groups.columns),
        "cells": "[[true negatives, false positives], [false negatives, true positives]]",
        "groups": [{"slice": groups.slice(g), "counts": counts[g].tolist()} for g in range(len(groups.names))],
        "groups_pooled": groups.pooled,
        "rows_left_out": bool(groups.left_out),
        "bands": groups.bands,
    }


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
    for metric, ours in tables.rates(counts).items():
        if metric in theirs:
            difference = np.abs(theirs[metric].to_numpy(float) - ours[theirs.index.to_numpy()])
            if np.nanmax(difference, initial=0.0) > TOLERANCE:
                raise CheckError(f"Fairlearn gives another {metric} than the count table", where="fairness")


def _reports(claims: tuple[Claim, ...], data: Dataset) -> dict[str, bytes]:
    from aims_mlflow.checks.charts import fairness_chart

    picture = fairness_chart(claims, str(data.favourable))
    page = claims_page("Fairness by group", claims, picture)
    return {"fairness.svg": picture, "fairness.html": page} if picture else {"fairness.html": page}

"""Claims about selected rows by group: Fairlearn's metrics and their intervals, from counts alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aims_mlflow.checks.claims import LEFT_OUT, claim
from aims_mlflow.checks.metrics import BETWEEN_GROUPS, GROUP_RATES, GROUP_RATIO
from aims_mlflow.checks.statistics import count_tables
from aims_mlflow.checks.statistics.groups import Groups, pooled_name

if TYPE_CHECKING:
    import numpy as np

    from aims_mlflow.records.evidence import Claim
    from aims_mlflow.records.pack import Fairness

    Array = np.ndarray[Any, Any]

SEED = 42001
BOOTSTRAP = "bootstrap, percentile"
UNDEFINED = {
    "true_positive_rate": "undefined: no positives in this group",
    "false_negative_rate": "undefined: no positives in this group",
    "false_positive_rate": "undefined: no negatives in this group",
    GROUP_RATIO: "undefined: no row was selected in any group",
}


def selection_claims(counts: Array, groups: Groups, settings: Fairness, role: str) -> list[Claim]:
    """Return the claims of one column, or of several crossed: by group, then between groups.

    Args:
        counts: Shape (groups, 2, 2): [group, actual, predicted].
        groups: The same groups, with their names.
        settings: Pooling and bootstrap of the pack.
        role: Role of the data.
    """
    drawn = count_tables.resample(counts, settings.bootstrap, SEED) if settings.bootstrap and counts.sum() else None
    alone = alone_in(groups, settings.pool_under)
    claims = _rate_claims(counts, groups, role)
    claims += _ratio_claims(counts, groups, drawn, alone, role)
    if groups.left_out:
        hidden = {**groups.within, **dict.fromkeys(groups.columns, pooled_name(settings.pool_under))}
        claims.append(claim("selection_rate", None, slice=hidden, role=role, note=LEFT_OUT))
    return claims + _between_claims(counts, groups, drawn, alone, role)


def alone_in(groups: Groups, pool_under: int) -> str | None:
    """Return why groups cannot be compared, or None where there are two or more."""
    if len(groups.names) >= 2:
        return None
    if not groups.names:
        return f"no group with at least {pool_under} rows: rates cannot be compared"
    name = ", ".join(groups.names[0])
    return f"only one group ({name}) with at least {pool_under} rows: rates cannot be compared"


def _rate_claims(counts: Array, groups: Groups, role: str) -> list[Claim]:
    claims = []
    fractions = count_tables.fractions(counts)
    for metric in GROUP_RATES:
        part, whole = fractions[metric]
        values = count_tables.divide(part, whole)
        low, high = count_tables.wilson(part, whole)
        for g in range(len(groups.names)):
            note = None if whole[g] else UNDEFINED[metric]
            at, ends = groups.slice(g), (low[g], high[g])
            claims.append(
                claim(metric, values[g], slice=at, role=role, n=whole[g], interval=ends, method="Wilson", note=note)
            )
    return claims


def _ratio_claims(counts: Array, groups: Groups, drawn: Array | None, alone: str | None, role: str) -> list[Claim]:
    """Each group's selection rate over that of the most selected group (the four-fifths rule's ratio)."""
    import numpy as np

    if not groups.names:
        return []
    ratio = count_tables.ratio_to_highest(count_tables.rates(counts)["selection_rate"])
    if alone:
        ratio = np.full(len(ratio), np.nan)
    interval = None
    if drawn is not None:
        interval = count_tables.percentiles(count_tables.ratio_to_highest(count_tables.rates(drawn)["selection_rate"]))
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


def _between_claims(counts: Array, groups: Groups, drawn: Array | None, alone: str | None, role: str) -> list[Claim]:
    import numpy as np

    n = int(counts.sum())
    if alone:
        return [claim(metric, None, slice=groups.all, role=role, n=n, note=alone) for metric in BETWEEN_GROUPS]
    values = count_tables.between_groups(counts)
    replicas = count_tables.between_groups(drawn) if drawn is not None else {}
    lacking = _undefined_in(counts, groups)
    claims = []
    for metric in BETWEEN_GROUPS:
        value = float(values[metric])
        interval = count_tables.percentiles(replicas[metric]) if metric in replicas and not np.isnan(value) else None
        note = lacking if metric.startswith("equalized") else None
        if np.isnan(value):
            note = "undefined: the highest rate is 0" if metric.endswith("ratio") else "undefined in all groups but one"
        claims.append(
            claim(metric, value, slice=groups.all, role=role, n=n, interval=interval, method=BOOTSTRAP, note=note)
        )
    return claims


def _undefined_in(counts: Array, groups: Groups) -> str | None:
    """Return the note with the groups in which a rate is undefined and therefore left out."""
    said = []
    for metric, row in (("true_positive_rate", 1), ("false_positive_rate", 0)):
        empty = [" ".join(groups.names[g]) for g in range(len(groups.names)) if counts[g, row].sum() == 0]
        if empty:
            said.append(f"{metric} is undefined in {', '.join(empty)}")
    return "over the groups where it is defined: " + "; ".join(said) if said else None


def described(counts: Array, groups: Groups) -> dict[str, Any]:
    """Return the counts from which a reader can compute every number again."""
    return {
        "columns": list(groups.columns),
        "cells": "[[true negatives, false positives], [false negatives, true positives]]",
        "groups": [{"slice": groups.slice(g), "counts": counts[g].tolist()} for g in range(len(groups.names))],
        "groups_pooled": groups.pooled,
        "rows_left_out": bool(groups.left_out),
        "bands": groups.bands,
    }

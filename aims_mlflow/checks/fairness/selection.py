"""Claims about selected rows by group: rates, comparisons with the reference group, and Fairlearn's descriptions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aims_mlflow.checks.claims import claim
from aims_mlflow.checks.fairness.comparisons import Comparison, share_claims
from aims_mlflow.checks.metrics import BETWEEN_GROUPS, COMPARED_RATES, GROUP_RATES
from aims_mlflow.checks.statistics import count_tables

if TYPE_CHECKING:
    import numpy as np

    from aims_mlflow.checks.statistics.groups import Groups
    from aims_mlflow.records.evidence import Claim

    Array = np.ndarray[Any, Any]

SEED = 42001
BOOTSTRAP = "bootstrap range, percentile"
UNDEFINED = {
    "true_positive_rate": "undefined: no positives in this group",
    "false_negative_rate": "undefined: no positives in this group",
    "false_positive_rate": "undefined: no negatives in this group",
}


def selection_claims(counts: Array, compared: Comparison, bootstrap: int) -> list[Claim]:
    """Return the claims of one column, or of several crossed: by group, against the reference group, and between all.

    Args:
        counts: Shape (groups, 2, 2): [group, actual, predicted].
        compared: The same groups, and their reference.
        bootstrap: Replicates behind the ranges of the descriptions; 0 for none.
    """
    import numpy as np

    claims = _rate_claims(counts, compared.groups, compared.role)
    fractions = count_tables.fractions(counts)
    hits, n = (np.stack([fractions[rate][part] for rate in COMPARED_RATES]) for part in (0, 1))
    claims += share_claims(COMPARED_RATES, hits, n, compared)
    drawn = count_tables.resample(counts, bootstrap, SEED) if bootstrap and counts.sum() else None
    return claims + _between_claims(counts, compared, drawn)


def _rate_claims(counts: Array, groups: Groups, role: str) -> list[Claim]:
    claims = []
    fractions = count_tables.fractions(counts)
    for metric in GROUP_RATES:
        part, whole = fractions[metric]
        values = count_tables.divide(part, whole)
        low, high = count_tables.exact_interval(part, whole)
        for g in range(len(groups.names)):
            note = None if whole[g] else UNDEFINED[metric]
            at, ends, how = groups.slice(g), (low[g], high[g]), count_tables.EXACT
            claims.append(
                claim(
                    metric,
                    values[g],
                    slice=at,
                    role=role,
                    n=whole[g],
                    interval=ends,
                    method=how,
                    note=note,
                )
            )
    return claims


def _between_claims(counts: Array, compared: Comparison, drawn: Array | None) -> list[Claim]:
    import numpy as np

    groups, role, n = compared.groups, compared.role, compared.least
    if len(groups.names) < 2:
        return [claim(m, None, slice=groups.all, role=role, n=n, note=compared.why_not) for m in BETWEEN_GROUPS]
    values = count_tables.between_groups(counts)
    replicas = count_tables.between_groups(drawn) if drawn is not None else {}
    lacking, fewest = _undefined_in(counts, groups), _fewest_labels(counts, groups)
    claims = []
    for metric in BETWEEN_GROUPS:
        value = float(values[metric])
        interval = count_tables.percentiles(replicas[metric]) if metric in replicas and not np.isnan(value) else None
        odds = metric.startswith("equalized")
        note = "; ".join(filter(None, (lacking, fewest.note))) if odds else None
        if np.isnan(value):
            note = "undefined: the highest rate is 0" if metric.endswith("ratio") else "undefined in all groups but one"
        rows = fewest.n if odds else n
        made = claim(metric, value, slice=groups.all, role=role, n=rows, interval=interval, method=BOOTSTRAP, note=note)
        claims.append(made.model_copy(update={"n_of": fewest.of}) if odds else made)
    return claims


@dataclass(frozen=True)
class FewestLabels:
    """The smallest count behind a true or false positive rate of a group: how many rows, of which group, and a note."""

    n: int
    of: dict[str, str]
    note: str


def _fewest_labels(counts: Array, groups: Groups) -> FewestLabels:
    """Return on how many rows equalized odds rest: rates of positives and negatives, not of all rows of a group."""
    import numpy as np

    labels = counts.sum(axis=2)
    group, label = np.unravel_index(np.where(labels > 0, labels, labels.max() + 1).argmin(), labels.shape)
    what = ("negatives", "positives")[label]
    note = f"n counts the {what} of one group, the fewest rows that a true or false positive rate rests on"
    return FewestLabels(int(labels[group, label]), groups.slice(int(group)), note)


def _undefined_in(counts: Array, groups: Groups) -> str | None:
    """Return the note with the groups in which a rate is undefined and therefore left out."""
    said = []
    for metric, row in (("true_positive_rate", 1), ("false_positive_rate", 0)):
        empty = [" ".join(groups.names[g]) for g in range(len(groups.names)) if counts[g, row].sum() == 0]
        if empty:
            said.append(f"{metric} is undefined in {', '.join(empty)}")
    return "over the groups where it is defined: " + "; ".join(said) if said else None


def described(counts: Array, compared: Comparison) -> dict[str, Any]:
    """Return the counts from which a reader can compute every number again."""
    groups = compared.groups
    return {
        "columns": list(groups.columns),
        "cells": "[[true negatives, false positives], [false negatives, true positives]]",
        "groups": [{"slice": groups.slice(g), "counts": counts[g].tolist()} for g in range(len(groups.names))],
        "groups_pooled": groups.pooled,
        "rows_left_out": bool(groups.left_out),
        "bands": groups.bands,
    }

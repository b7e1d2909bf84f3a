"""Missing cells of each feature, in all rows and in each group."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aims_mlflow.checks.claims import NOTHING_MISSING, claim
from aims_mlflow.checks.statistics import count_tables

if TYPE_CHECKING:
    from aims_mlflow.checks.representation.grouping import Grouping
    from aims_mlflow.checks.tables.dataset import Dataset
    from aims_mlflow.records.evidence import Claim

RATE = "missing_rate"


def missing_claims(data: Dataset) -> list[Claim]:
    """Return the share of missing cells of each feature that has some; where none has, one claim of 0."""
    import numpy as np

    gone = {name: data.rows - data.filled(name) for name in data.features}
    lacking = {name: n for name, n in gone.items() if n}
    low, high = count_tables.exact_interval(np.array([*lacking.values(), 0]), np.full(len(lacking) + 1, data.rows))
    if not lacking:
        ends = (low[0], high[0])
        return [
            claim(RATE, 0, role=data.role, n=data.rows, interval=ends, method=count_tables.EXACT, note=NOTHING_MISSING)
        ]
    return [
        claim(
            RATE,
            n / data.rows,
            slice={"column": name},
            role=data.role,
            n=data.rows,
            interval=(low[i], high[i]),
            method=count_tables.EXACT,
        )
        for i, (name, n) in enumerate(lacking.items())
    ]


def missing_by_group(grouped: Grouping, data: Dataset) -> list[Claim]:
    """Return each group's share of missing cells and the groups' differences, for each feature with missing cells."""
    names = [name for name in data.features if name != grouped.name and data.filled(name) < data.rows]
    claims: list[Claim] = []
    for name in names:
        part, groups = grouped.with_(name)
        gone = part.frame[name].isna().to_numpy()
        counts = count_tables.contingency(gone * 0, gone, groups.codes, len(groups.names), weights=part.weights)[:, 0]
        rates = grouped.rates(groups)
        claims += rates.claims(RATE, counts[:, 1], counts.sum(axis=1), more={"column": name}, tests=len(names))
    if not claims:
        at, n = {grouped.name: "*"}, data.rows
        claims.append(claim(f"{RATE}_difference", 0, slice=at, role=data.role, n=n, note=NOTHING_MISSING))
    return claims

"""Claims of a share for each group and of the difference between the extreme groups, with intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aims_mlflow.checks.claims import claim
from aims_mlflow.checks.statistics import count_tables

if TYPE_CHECKING:
    import numpy as np

    from aims_mlflow.checks.statistics.groups import Groups
    from aims_mlflow.records.evidence import Claim
    from aims_mlflow.records.pack import Representativeness

    Array = np.ndarray[Any, Any]

SEED = 42001
BOOTSTRAP = "bootstrap range, percentile"


def rate_claims(
    metric: str,
    part: Array,
    whole: Array,
    groups: Groups,
    settings: Representativeness,
    *,
    role: str,
    more: dict[str, str] | None = None,
) -> list[Claim]:
    """Return each group's share with its interval, and the difference between the extreme groups with its own."""
    import numpy as np

    more = more or {}
    share = count_tables.divide(part, whole)
    low, high = count_tables.wilson(part, whole)
    claims = []
    for g in range(len(groups.names)):
        if whole[g]:
            at, ends = {**more, **groups.slice(g)}, (low[g], high[g])
            claims.append(claim(metric, share[g], slice=at, role=role, n=whole[g], interval=ends, method="Wilson"))
    apart = None
    if settings.bootstrap and whole.sum():
        drawn = count_tables.resample(np.stack([part, whole - part], axis=-1), settings.bootstrap, SEED)
        apart = count_tables.percentiles(count_tables.spread(count_tables.divide(drawn[..., 0], drawn.sum(axis=-1)))[0])
    difference = count_tables.spread(share)[0]
    note = "undefined: fewer than two groups" if np.isnan(difference) else None
    between = claim(
        f"{metric}_difference",
        difference,
        slice={**more, **groups.all},
        role=role,
        n=int(whole.sum()),
        interval=None if note else apart,
        method=BOOTSTRAP,
        note=note,
    )
    return [*claims, between]

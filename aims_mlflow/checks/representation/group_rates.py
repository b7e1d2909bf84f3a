"""Claims of a share for each group, against the reference group's, and of the extreme groups as a description.

The methods are those of fairness: exact intervals (Clopper and Pearson) for shares, score intervals (Miettinen and
Nurminen) for differences from the reference group, simultaneous over all groups and columns that are compared.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from aims_mlflow.checks.claims import claim
from aims_mlflow.checks.fairness.comparisons import (
    Comparison,
    Estimates,
    comparison,
    difference_claims,
    without_comparison,
)
from aims_mlflow.checks.statistics import count_tables
from aims_mlflow.checks.statistics.score_intervals import difference_interval, simultaneous_z
from aims_mlflow.records.pack import Fairness

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from aims_mlflow.checks.statistics.groups import Groups
    from aims_mlflow.records.evidence import Claim
    from aims_mlflow.records.pack import Representativeness

    Array = np.ndarray[Any, Any]

SEED = 42001
BOOTSTRAP = "bootstrap range, percentile"


@dataclass(frozen=True, eq=False)
class GroupRates:
    """How shares of the groups of one column are claimed.

    Attributes:
        groups: The groups.
        settings: The least rows to show, and the replicates behind descriptions.
        role: Role of the data.
        reference: Column to its declared reference group; without one, the largest group is it.
    """

    groups: Groups
    settings: Representativeness
    role: str
    reference: Mapping[str, str] = field(default_factory=dict)

    def compared(self, sizes: Array, more: Mapping[str, str]) -> Comparison:
        """Return the groups with their reference group; `more` says what else the claims are about."""
        asked = Fairness(reference=dict(self.reference), pool_under=self.settings.pool_under)
        return comparison(replace(self.groups, within={**more, **self.groups.within}), sizes, asked, self.role)

    def claims(
        self, metric: str, part: Array, whole: Array, *, more: Mapping[str, str] | None = None, tests: int = 1
    ) -> list[Claim]:
        """Return each group's share, its difference from the reference group's, and the difference of the extremes.

        Args:
            metric: Name of the share.
            part: Rows of each group that count, shape (groups,).
            whole: Rows of each group.
            more: What else the claims are about, such as a column.
            tests: How many such comparisons are made at once, of other columns or labels.
        """
        compared = self.compared(whole, more or {})
        share = count_tables.divide(part, whole)
        low, high = count_tables.exact_interval(part, whole)
        claims = [
            claim(
                metric,
                share[g],
                slice=compared.groups.slice(g),
                role=self.role,
                n=whole[g],
                interval=(low[g], high[g]),
                method=count_tables.EXACT,
            )
            for g in range(len(share))
            if whole[g]
        ]
        claims += share_differences(f"{metric}_difference", part, whole, compared, tests)
        return [*claims, self._extremes(f"{metric}_difference", part, whole, compared)]

    def _extremes(self, metric: str, part: Array, whole: Array, compared: Comparison) -> Claim:
        """Return how far the highest share is from the lowest: a description, on which no verdict rests."""
        import numpy as np

        apart, difference = None, count_tables.spread(count_tables.divide(part, whole))[0]
        note = "undefined: fewer than two groups" if np.isnan(difference) else None
        if self.settings.bootstrap and whole.sum() and not note:
            drawn = count_tables.resample(np.stack([part, whole - part], axis=-1), self.settings.bootstrap, SEED)
            shares = count_tables.divide(drawn[..., 0], drawn.sum(axis=-1))
            apart = count_tables.percentiles(count_tables.spread(shares)[0])
        at, n = compared.groups.all, compared.least
        return claim(metric, difference, slice=at, role=self.role, n=n, interval=apart, method=BOOTSTRAP, note=note)


def share_differences(metric: str, part: Array, whole: Array, compared: Comparison, tests: int) -> list[Claim]:
    """Return the difference of each group's share from that of the reference group."""
    import numpy as np

    base = compared.reference
    if base is None:
        return without_comparison((metric,), compared)
    hits, n = np.asarray(part, float), np.asarray(whole, float)
    share = count_tables.divide(hits, n)
    ends = difference_interval(hits, n, hits[base], n[base], simultaneous_z(len(compared.others) * tests))
    how = compared.method("score") + (f", {tests} at once" if tests > 1 else "")
    return difference_claims(metric, Estimates(share - share[base], *ends, n, how), compared)

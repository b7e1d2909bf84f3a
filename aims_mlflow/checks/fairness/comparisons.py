"""Each group against one reference group that was fixed beforehand, with intervals for all groups together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aims_mlflow.checks.claims import SET_ASIDE, THE_REFERENCE, TOO_SMALL, claim
from aims_mlflow.checks.metrics import HELD_BY
from aims_mlflow.checks.statistics.count_tables import divide
from aims_mlflow.checks.statistics.groups import MISSING, Groups, group_name, pooled_name
from aims_mlflow.checks.statistics.score_intervals import difference_interval, ratio_interval, simultaneous_z
from aims_mlflow.records.differences import ABOVE, BELOW

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

    from aims_mlflow.records.evidence import Claim
    from aims_mlflow.records.pack import Fairness

    Array = np.ndarray[Any, Any]

HIDDEN = 20  # counts under this stand in no record


@dataclass(frozen=True, eq=False)
class Estimates:
    """A value for each group, the ends of its interval, the rows behind it, and how the intervals were made.

    `divisor` is what a ratio is divided by, which may be 0.
    """

    value: Array
    low: Array
    high: Array
    n: Array
    method: str
    divisor: str = f"the value of {THE_REFERENCE}"

    def inverted(self, value: Array) -> Estimates:
        """Return the estimates of the inverse ratios, whose values are given: their intervals are the inverse ones."""
        import numpy as np

        with np.errstate(divide="ignore"):
            low, high = 1 / np.asarray(self.high, float), 1 / np.asarray(self.low, float)
        return Estimates(value, low, high, self.n, self.method)


@dataclass(frozen=True, eq=False)
class Comparison:
    """The groups of one column (or crossing), and the group that all others are compared with.

    Attributes:
        groups: The groups.
        sizes: Rows of each group.
        reference: Position of the reference group; None where there is none to compare with.
        why_not: Why nothing can be compared, or None.
        role: Role of the data.
    """

    groups: Groups
    sizes: Array
    reference: int | None
    why_not: str | None
    role: str

    @property
    def others(self) -> list[int]:
        """The groups that are compared with the reference group."""
        return [g for g in range(len(self.groups.names)) if g != self.reference]

    @property
    def least(self) -> int | None:
        """Rows of the smallest group, which decide how much a comparison of all groups says."""
        return int(self.sizes.min()) if len(self.sizes) else None

    def method(self, name: str) -> str:
        """Return how the intervals were made."""
        k = len(self.others)
        return f"{name}, Bonferroni over {k} {'groups' if k > 1 else 'group'} and both directions"


def comparison(groups: Groups, sizes: Array, settings: Fairness, role: str) -> Comparison:
    """Return the comparison of `groups` with their reference group: the declared one, else the largest.

    Neither the pool of small groups nor the rows without a group are a reference, as long as there is another.
    """
    least = rows_to_judge(settings)
    if len(groups.names) < 2:
        return Comparison(groups, sizes, None, why_alone(groups, least), role)
    declared = {c: settings.reference[c] for c in groups.columns if c in settings.reference}
    fit = [g for g in range(len(sizes)) if all(groups.slice(g)[c] in (v, group_name(v)) for c, v in declared.items())]
    if not fit:
        named = ", ".join(f"{column}={group}" for column, group in declared.items())
        return Comparison(groups, sizes, None, f"the reference group {named} has under {least} rows, or none", role)
    plain = [g for g in fit if not {MISSING, pooled_name(least)} & set(groups.names[g])]
    return Comparison(groups, sizes, max(plain or fit, key=lambda g: sizes[g]), None, role)


def rows_to_judge(settings: Fairness) -> int:
    """Return the least rows of a group that is judged by itself; smaller groups are judged together."""
    return max(settings.pool_under, settings.min_n)


def why_alone(groups: Groups, least: int) -> str:
    """Return why groups cannot be compared of which fewer than two have `least` rows."""
    if not groups.names:
        return f"no group with at least {least} rows: rates cannot be compared"
    name = ", ".join(groups.names[0])
    return f"only one group ({name}) with at least {least} rows: rates cannot be compared"


def share_claims(metrics: Sequence[str], hits: Array, n: Array, compared: Comparison) -> list[Claim]:
    """Return the ratio and the difference of each group's share hits / n to that of the reference group.

    Args:
        metrics: Names of shares; the claims are `<metric>_ratio` and `<metric>_difference`.
        hits: Rows with the outcome; shape (shares, groups).
        n: Rows; the same shape.
        compared: The groups and their reference.
    """
    base = compared.reference
    if base is None:
        return without_comparison([f"{m}_{how}" for m in metrics for how in ("ratio", "difference")], compared)
    hits, n, how = hits.astype(float), n.astype(float), compared.method("score")
    shares, z = divide(hits, n), simultaneous_z(len(compared.others))
    ratio_ends = ratio_interval(hits, n, hits[:, [base]], n[:, [base]], z)
    apart_ends = difference_interval(hits, n, hits[:, [base]], n[:, [base]], z)
    claims = []
    for i, metric in enumerate(metrics):
        ratios = Estimates(divide(shares[i], shares[i, base]), ratio_ends[0][i], ratio_ends[1][i], n[i], how)
        apart = Estimates(shares[i] - shares[i, base], apart_ends[0][i], apart_ends[1][i], n[i], how)
        claims += ratio_claims(f"{metric}_ratio", ratios, ratios.inverted(divide(shares[i, base], shares[i])), compared)
        claims += difference_claims(f"{metric}_difference", apart, compared)
    return claims


def without_comparison(metrics: Sequence[str], compared: Comparison) -> list[Claim]:
    """Return a claim without a value for each metric and group, with the reason."""
    at = [compared.groups.slice(g) for g in range(len(compared.groups.names))] or [compared.groups.all]
    return [claim(m, None, slice=where, role=compared.role, note=compared.why_not) for m in metrics for where in at]


def ratio_claims(
    metric: str, ratios: Estimates, back: Estimates, compared: Comparison, better: str = "that is most clearly above it"
) -> list[Claim]:
    """Return the ratio of each group to the reference group, and one for the reference group itself.

    The reference group can be the one that is worse off. Its claim is its ratio to the group that is above it most
    clearly; where no group is, the claim only names it.

    Args:
        metric: Name of the ratio.
        ratios: Of each group to the reference group.
        back: Of the reference group to each group.
        compared: The groups and their reference.
        better: What the note says of the group that the reference group is held against.
    """
    base = int(compared.reference or 0)
    claims = [_pair(metric, ratios, (g, base), compared) for g in compared.others]
    above = [g for g in compared.others if back.value[g] < 1]
    if not above:
        at = compared.groups.slice(base)
        lone = claim(metric, ratios.value[base], slice=at, role=compared.role, n=ratios.n[base], note=THE_REFERENCE)
        return [*claims, lone.model_copy(update={"reference": at})]
    clearest = min(above, key=lambda g: (back.high[g] >= 1, back.value[g]))
    note = f"{THE_REFERENCE}, held against the group {better}"
    return [*claims, _pair(metric, back, (base, clearest), compared, note)]


def difference_claims(
    metric: str, apart: Estimates, compared: Comparison, notes: Mapping[int, str] | None = None
) -> list[Claim]:
    """Return how far each group is from the reference group, never negative; the note says on which side.

    Interval and value both point to that side, so that limits on the size hold for both; texts give them their sign
    (`records.wording`).

    Args:
        metric: Name of the difference.
        apart: The differences, group minus reference.
        compared: The groups and their reference.
        notes: For each group, what the note says before the side.
    """
    import numpy as np

    below, base = apart.value < 0, int(compared.reference or 0)
    ends = np.where(below, -apart.high, apart.low), np.where(below, -apart.low, apart.high)
    sizes = Estimates(np.abs(apart.value), *ends, apart.n, apart.method)
    claims = []
    for g in compared.others:
        side = f"{(notes or {}).get(g, '')}{BELOW if below[g] else ABOVE}"
        claims.append(_pair(metric, sizes, (g, base), compared, side if apart.value[g] else None))
    return claims


def _pair(
    metric: str, estimates: Estimates, pair: tuple[int, int], compared: Comparison, note: str | None = None
) -> Claim:
    """Return the claim about the first group of a pair, against the second."""
    mine, theirs = pair
    at, n = mine if theirs == compared.reference else theirs, estimates.n
    measured = claim(
        metric,
        estimates.value[at],
        slice=compared.groups.slice(mine),
        role=compared.role,
        n=min(n[mine], n[theirs]),
        interval=(estimates.low[at], estimates.high[at]),
        method=estimates.method,
        note=note,
    )
    update: dict[str, Any] = {"reference": compared.groups.slice(theirs)}
    if n[theirs] < n[mine]:
        update["n_of"] = update["reference"]
    if measured.value is None:
        update["note"] = _why_undefined(n, pair, estimates.divisor)
    return measured.model_copy(update=update)


def _why_undefined(n: Array, pair: tuple[int, int], divisor: str) -> str:
    for group, name in zip(pair, ("this group", THE_REFERENCE), strict=True):
        if not n[group]:
            return f"undefined: {name} has no row to count"
    return f"undefined: {divisor} is 0"


def unseen_groups(groups: Groups, settings: Fairness, measured: Sequence[Claim], role: str) -> list[Claim]:
    """Return claims without numbers: of groups that are too small (they are held), or set aside (they are not).

    They are about the comparisons that were measured of the other groups, and no other.
    """
    told = dict.fromkeys(c.metric for c in measured)
    metrics = [m for m in told if m.endswith(("_ratio", "_difference")) and m not in HELD_BY]
    least = rows_to_judge(settings)
    claims = []
    for names, rows in groups.small:
        note = f"{TOO_SMALL}: {_rows_text(rows)} rows, groups are judged from {least} on"
        at = groups.slice_of(names)
        claims += [
            claim(metric, None, slice=at, role=role, n=rows if rows >= HIDDEN else None, note=note)
            for metric in metrics
        ]
    reasons = {(entry.column, entry.group): entry.reason for entry in settings.set_aside}
    for names, rows in groups.aside:
        at = groups.slice_of(names)
        why = next(reasons[pair] for pair in at.items() if pair in reasons)
        note = f"{SET_ASIDE}{why} ({_rows_text(rows)} rows)"
        claims += [claim(metric, None, slice=at, role=role, note=note) for metric in metrics]
    return claims


def _rows_text(rows: int) -> str:
    return f"{rows:,}" if rows >= HIDDEN else f"under {HIDDEN}"

"""The server's own limits against the values that the evidence holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aims_mlflow.checks.claims import holds, is_left_out, matches
from aims_mlflow.gates.counting_evidence import DATA_KINDS
from aims_mlflow.records.decision import Unmet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aims_mlflow.gates.counting_evidence import CountingEvidence
    from aims_mlflow.records.evidence import Claim
    from aims_mlflow.records.policy import PolicyLimit

HELD_OUT = "test"


def beyond_limit(limit: PolicyLimit, line: str, counted: CountingEvidence, sensitive: Sequence[str]) -> list[Unmet]:
    """Return what does not hold of one limit: values beyond it, and slices that were not measured at all.

    Of a model only held-out data count. A limit that speaks of no claim is unmet: what was not measured is
    never within a limit, and rows that were too few to show are no measurement.
    """
    claims = [
        (record, claim)
        for record in counted.of(limit.kind)
        for claim in record.evidence.claims
        if (claim.role == HELD_OUT or limit.kind in DATA_KINDS) and matches(limit, claim) and not is_left_out(claim)
    ]
    out = []
    unmeasured = [c for c in sensitive if limit.slice is None and not any(set(x.slice) == {c} for _, x in claims)]
    if limit.kind == "fairness" and unmeasured:
        columns = ", ".join(unmeasured)
        text = f"{words(limit.metric)} was not measured by {columns}"
        out.append(_unmet(limit, line, text, f"name {columns} under data.sensitive in aims.yaml and train again"))
    elif not claims:
        where = "".join(f" for {k}={v}" for k, v in (limit.slice or {}).items())
        data = "" if limit.kind in DATA_KINDS else " on held-out data"
        text = f"{words(limit.metric)}{where} was not measured{data}"
        out.append(_unmet(limit, line, text, "measure it and train again"))
    for record, claim in claims:
        within = claim.value is not None and holds(claim.value, limit.comparator, limit.limit)
        if not within:
            text = f"limit {limit.comparator} {limit.limit} ({line})"
            out.append(unmet_claim(claim, limit.kind, limit.control, record.id, text, line))
    return out


def _unmet(limit: PolicyLimit, line: str, text: str, following: str) -> Unmet:
    return Unmet(control=limit.control, kind=limit.kind, text=text, next=following, where=line, metric=limit.metric)


def words(metric: str) -> str:
    """Return a metric's name as people say it."""
    return metric.replace("_", " ").replace("selection rate", "selection-rate")


def unmet_claim(claim: Claim, kind: str, control: str, evidence: str, limit: str, where: str | None = None) -> Unmet:
    """Return a claim that does not hold, in words: value, interval, rows and limit."""
    column = claim.slice.get("column")
    where_text = f" of column {column!r}" if column else ""
    groups = ", ".join(f"{k}={v}" for k, v in claim.slice.items() if v != "*" and k != "column") or ", ".join(
        k for k in claim.slice if k != "column"
    )
    text = f"{words(claim.metric)}{where_text}" + (f" for {groups}" if groups else "")
    text += (
        f" is {float(claim.value):.2f}" if claim.value is not None else f" is undefined ({claim.note or 'no value'})"
    )
    extra = []
    if claim.interval is not None:
        extra.append(f"95% {float(claim.interval.low):.2f}-{float(claim.interval.high):.2f}")
    if claim.n is not None:
        extra.append(f"n={claim.n:,}")
    text += f" ({', '.join(extra)})" if extra else ""
    return Unmet(
        control=control,
        kind=kind,
        text=text + (f", {limit}" if limit else ""),
        next="mitigate and train again, or ask for a waiver",
        where=where,
        evidence=evidence,
        metric=claim.metric,
        slice=claim.slice,
    )

"""Comparison of the values in the evidence with the server's own limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aims_mlflow.checks.claims import is_left_out, matches
from aims_mlflow.gates.counting_evidence import DATA_KINDS
from aims_mlflow.records.decision import Unmet
from aims_mlflow.records.limit import holds
from aims_mlflow.records.wording import limit_text, measured_text, metric_text, slice_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aims_mlflow.gates.counting_evidence import CountingEvidence
    from aims_mlflow.records.evidence import Claim
    from aims_mlflow.records.policy import PolicyLimit

HELD_OUT = "test"
PACK = "the pack's"


def beyond_limit(limit: PolicyLimit, line: str, counted: CountingEvidence, sensitive: Sequence[str]) -> list[Unmet]:
    """Return the violations of a limit: values beyond it, and slices without a measurement.

    Of a model only held-out data count. A limit that speaks of no claim is unmet: what was not measured is
    never within a limit, and rows that were too few to show are no measurement.
    """
    claims = [
        (record, claim)
        for record in counted.captured(limit.kind)
        for claim in record.evidence.claims
        if (claim.role == HELD_OUT or limit.kind in DATA_KINDS) and matches(limit, claim) and not is_left_out(claim)
    ]
    out = []
    unmeasured = [c for c in sensitive if limit.slice is None and not any(set(x.slice) == {c} for _, x in claims)]
    if limit.kind == "fairness" and unmeasured:
        columns = ", ".join(unmeasured)
        text = f"{metric_text(limit.metric)} was not measured by {columns}"
        out.append(_unmet(limit, line, text, f"name {columns} under data.sensitive in aims.yaml and train again"))
    elif not claims:
        where = "".join(f" for {k}={v}" for k, v in (limit.slice or {}).items())
        data = "" if limit.kind in DATA_KINDS else " on held-out data"
        text = f"{metric_text(limit.metric)}{where} was not measured{data}"
        out.append(_unmet(limit, line, text, "measure it and train again"))
    for record, claim in claims:
        within = claim.value is not None and holds(claim.value, limit.comparator, limit.limit)
        if not within:
            asked = claim.model_copy(update={"comparator": limit.comparator, "limit": limit.limit})
            out.append(unmet_claim(asked, limit.kind, limit.control, record.id, line))
    return out


def _unmet(limit: PolicyLimit, line: str, text: str, following: str) -> Unmet:
    return Unmet(
        control=limit.control,
        kind=limit.kind,
        text=text,
        next=following,
        where=line,
        metric=limit.metric,
        condition="unmeasured",
    )


def unmet_claim(claim: Claim, kind: str, control: str, evidence: str, where: str | None = None) -> Unmet:
    """Return the unmet condition of a claim that misses its limit; its text has value, interval, rows and limit.

    `where` is the line of policy.yaml that the limit is from; None means the trainer's own pack.
    """
    column = claim.slice.get("column")
    rows = slice_text({k: v for k, v in claim.slice.items() if k != "column"})
    text = metric_text(claim.metric) + (f" of column {column!r}" if column else "") + (f" for {rows}" if rows else "")
    text += f" is {measured_text(claim)}"
    text += f", {limit_text(claim)} ({where or PACK})" if claim.limit is not None else ""
    return Unmet(
        control=control,
        kind=kind,
        text=text,
        next="mitigate and train again, or ask for a waiver",
        where=where,
        evidence=evidence,
        metric=claim.metric,
        slice=claim.slice,
        condition="unmeasured" if claim.value is None else "limit",
        value=claim.value,
        comparator=claim.comparator,
    )

"""Comparison of the values in the evidence with the server's own limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aims_mlflow.checks.claims import (
    held,
    held_by,
    is_description,
    is_left_out,
    is_of_extremes,
    is_set_aside,
    is_too_small,
    matches,
)
from aims_mlflow.gates.counting_evidence import DATA_KINDS
from aims_mlflow.records.decision import Unmet
from aims_mlflow.records.details import read_details
from aims_mlflow.records.details.training import SessionStartDetails
from aims_mlflow.records.wording import limit_text, measured_text, metric_text, origin_text, remark_text, slice_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from aims_mlflow.evidence.statement import SealedRecord
    from aims_mlflow.gates.counting_evidence import CountingEvidence
    from aims_mlflow.records.evidence import Claim
    from aims_mlflow.records.policy import PolicyLimit, PolicySystem

HELD_OUT = "test"
PACK = "the pack's"
FAIRNESS = "fairness"


def beyond_limit(
    limit: PolicyLimit, line: str, counted: CountingEvidence, sensitive: Sequence[str], system: PolicySystem | None
) -> list[Unmet]:
    """Return the violations of a limit: values that fail it or do not decide, and slices without a measurement.

    `records.verdicts` has the rule, the same as a pack's. Of a model only held-out data count. A limit that speaks of
    no claim is unmet: what was not measured is never within a limit, and rows that were too few to show are no
    measurement. Groups that the policy sets aside are left out.
    """
    claims = [
        (record, judged)
        for record in counted.captured(limit.kind)
        for judged in _judged(limit, record)
        if (judged.role == HELD_OUT or limit.kind in DATA_KINDS) and not is_left_out(judged)
    ]
    out = []
    unmeasured = [c for c in sensitive if limit.slice is None and not _is_measured_by(c, claims)]
    if limit.kind == FAIRNESS and unmeasured:
        claims = [(r, c) for r, c in claims if c.slice and not c.slice.keys() & set(unmeasured)]
        columns = ", ".join(unmeasured)
        text = f"{metric_text(limit.metric)} was not measured by {columns}"
        out.append(_unmet(limit, line, text, f"{_how_to_compare(unmeasured, counted)} in aims.yaml and train again"))
    elif not claims:
        where = "".join(f" for {k}={v}" for k, v in (limit.slice or {}).items())
        data = "" if limit.kind in DATA_KINDS else " on held-out data"
        text = f"{metric_text(limit.metric)}{where} was not measured{data}"
        out.append(_unmet(limit, line, text, "measure it and train again"))
    return out + [
        unmet_claim(judged, limit.kind, limit.control, record.id, line)
        for record, judged in claims
        if judged.passed is not True and judged.reference != judged.slice and not is_aside(judged, system)
    ]


def _is_measured_by(column: str, claims: Iterable[tuple[SealedRecord, Claim]]) -> bool:
    """Return whether claims are about the groups of a column: those that only name a group are no measurement."""
    return any(set(c.slice) == {column} and not is_too_small(c) and not is_set_aside(c) for _, c in claims)


def _how_to_compare(columns: Sequence[str], counted: CountingEvidence) -> str:
    """Return what to name, so that outcomes are compared by these columns: the columns, or a favourable outcome."""
    stated = [read_details(start.evidence, SessionStartDetails) for start in counted.starts]
    named = {column for start in stated for column in start.sensitive or ()}
    if stated and named >= set(columns) and not any(s.favourable or s.threshold for s in stated):
        return "name the outcome that people want as data.favourable (of numbers: data.threshold)"
    return f"name {', '.join(columns)} under data.sensitive"


def _judged(limit: PolicyLimit, record: SealedRecord) -> Iterator[Claim]:
    """Yield the claims of a record that a limit speaks of, with the server's verdict.

    A record on fairness from before groups were compared with a reference group has no interval that was shown to
    cover: there the value alone decides, of the highest against the lowest group, too. So it is for a record on
    representativeness from before.
    """
    claims = record.evidence.claims
    compared = any(c.reference is not None or is_too_small(c) or is_set_aside(c) for c in claims)
    earlier = limit.kind == FAIRNESS and not compared
    for asked in [limit] if earlier or limit.kind != FAIRNESS else held_by([limit]):
        for measured in claims:
            described = is_description(measured) if limit.kind == FAIRNESS else is_of_extremes(measured)
            if not matches(asked, measured) or (compared and described):
                continue
            known = measured.model_copy(update={"interval": None}) if earlier else measured
            yield held(known, asked, asked.min_n or 1).model_copy(update={"interval": measured.interval})


def is_aside(measured: Claim, system: PolicySystem | None) -> bool:
    """Return whether a claim is about a group that the policy sets aside."""
    named = system.set_aside or () if system is not None else ()
    return any(measured.slice.get(entry.column) == entry.group for entry in named)


def undecided(record: SealedRecord, system: PolicySystem | None) -> bool:
    """Return whether a check could not be evaluated, for more than the groups that the policy sets aside."""
    body = record.evidence
    if body.result != "not_evaluated":
        return False
    open_ = [c for c in body.claims if c.limit is not None and c.passed is None and c.severity != "warning"]
    return not open_ or not all(is_aside(c, system) for c in open_)


def set_aside(system: PolicySystem | None, counted: CountingEvidence) -> list[Unmet]:
    """Return what a decision says of the groups in its evidence that the policy sets aside."""
    out = []
    for entry in (system.set_aside or ()) if system is not None else ():
        for record in counted.captured(FAIRNESS):
            at = {entry.column: entry.group}
            if any(c.slice == at for c in record.evidence.claims):
                text = f"{slice_text(at)} is set aside by the policy: {entry.reason}"
                out.append(Unmet(control="A.6.2.4", kind=FAIRNESS, text=text, evidence=record.id, slice=at))
    return out


def other_references(system: PolicySystem, counted: CountingEvidence) -> list[Unmet]:
    """Return the columns whose groups were compared with another group than the policy's reference group."""
    out = []
    for column, group in (system.reference or {}).items():
        for record in counted.captured(FAIRNESS):
            pairs = [c for c in record.evidence.claims if c.reference is not None and set(c.slice) == {column}]
            if any(group not in (c.slice[column], (c.reference or {}).get(column)) for c in pairs):
                text = f"groups of {column} were compared with another group than {group}, the policy's reference group"
                advice = f"write reference: {{{column}: {group}}} under data in aims.yaml and train again"
                out.append(Unmet(control="A.6.2.4", kind=FAIRNESS, text=text, next=advice, evidence=record.id))
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
    source = ", ".join(part for part in (where or PACK, origin_text(claim)) if part)
    text += f", {limit_text(claim)} ({source})" if claim.limit is not None else ""
    text += remark_text(claim)
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

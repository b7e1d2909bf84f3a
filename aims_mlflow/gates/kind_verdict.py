"""The verdict on the evidence of one kind: present, evaluated, within limits, and recent. Gate and pages share it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from aims_mlflow.catalog.loader import controls_for_kind, kinds
from aims_mlflow.checks.claims import is_too_small
from aims_mlflow.gates.limits import undecided, unmet_claim
from aims_mlflow.gates.person_statements import CLOCK_SKEW
from aims_mlflow.gates.verdict import Judgement, Outcome
from aims_mlflow.records.base import parse_time, utc_text
from aims_mlflow.records.decision import Condition, Unmet
from aims_mlflow.records.wording import describe, metric_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from aims_mlflow.evidence.statement import SealedRecord
    from aims_mlflow.records.policy import PolicySystem

TRAIN_AGAIN = "train with @aims.trains (register=True registers when the evidence is complete)"
MEND = "mend that and train again"
TOO_SMALL = (
    "train again with more held-out rows of groups that are too small, or set such a group aside by name with a reason "
    "(fairness.set_aside in the pack, set_aside in policy.yaml)"
)


def control_of(kind: str) -> str:
    """Return the control that a missing kind counts against: the first Annex A control that requires it."""
    linked = controls_for_kind(kind)
    required = [c for c, need in linked if need == "required" and c.startswith("A.")]
    return required[0] if required else (linked[0][0] if linked else "A.6.1.3")


def how_to_add(kind: str) -> str:
    """Return the missing kind, and how to produce it."""
    if kinds()[kind].captured == "human":
        return f"no {kind}: `aims document new {kind}`"
    ways = {"acquisition": "@aims.acquires", "preparation": "@aims.prepares"}
    return f"no {kind}" + (f": {ways[kind]}" if kind in ways else "")


def failed(record: SealedRecord) -> list[Unmet]:
    """Return what failed by the trainer's own pack: it stays failed, since packs can only add to the policy."""
    body, control = record.evidence, control_of(record.evidence.kind)
    claims = [c for c in body.claims if c.passed is False and c.severity != "warning"]
    if body.result == "failed" and not claims:
        text = f"{body.kind} failed: {body.reason or 'no reason given'}"
        return [Unmet(control=control, kind=body.kind, text=text, next=MEND, evidence=body.id, condition="failed")]
    return [unmet_claim(c, body.kind, control, body.id) for c in claims]


def stale(record: SealedRecord, max_age_days: int | None, at: datetime) -> str | None:
    """Return why a record is no longer recent enough, or None."""
    body = record.evidence
    made = parse_time(body.time)
    if body.valid_until and parse_time(body.valid_until) < at:
        return f"{body.kind} evidence was valid until {body.valid_until}"
    if max_age_days is not None and at - made > timedelta(days=max_age_days):
        return f"{body.kind} evidence is {(at - made).days} days old, the policy takes {max_age_days}"
    return None


# The outcome of a condition by the name of its shortfall.
OUTCOMES: dict[Condition, Outcome] = {
    "missing": "missing",
    "not-evaluated": "not evaluated",
    "future": "not evaluated",
    "stale": "stale",
}
Shortcoming = tuple[Condition, str, str, str | None]


def shortcomings(
    kind: str,
    records: Sequence[SealedRecord],
    at: datetime,
    max_age_days: int | None = None,
    system: PolicySystem | None = None,
) -> list[Shortcoming]:
    """Return why the records of a kind do not suffice: (name of the shortfall, reason, next step, record).

    Groups that the policy sets aside for the system leave nothing unevaluated.
    """
    stated = bool(records)
    records = [r for r in records if not r.evidence.by_hand]
    if not records:
        text = f"there is no {kind} evidence for this model"
        return [("missing", text + (" but what a person recorded by hand" if stated else ""), TRAIN_AGAIN, None)]
    out: list[Shortcoming] = []
    for record in records:
        body = record.evidence
        if undecided(record, system):
            text = f"{kind} could not be evaluated: {body.reason or 'no reason given'}"
            following = TOO_SMALL if any(is_too_small(c) and c.limit is not None for c in body.claims) else MEND
            out.append(("not-evaluated", text, following, body.id))
        if parse_time(body.time) > at + CLOCK_SKEW:
            text = f"{kind} evidence is dated in the future ({body.time})"
            out.append(("future", text, "set the clock right", body.id))
    last = max(records, key=lambda r: (r.evidence.time, r.id))
    why = stale(last, max_age_days, at)
    if why:
        out.append(("stale", why, "train or evaluate again", last.id))
    return out


def warnings_of(records: Sequence[SealedRecord]) -> tuple[str, ...]:
    """Return what holds only with a warning: claims beyond a limit that warns, else the record's reason."""
    out = []
    for body in (r.evidence for r in records):
        claims = [c for c in body.claims if c.passed is False and c.severity == "warning"]
        out += [describe(c, f"{body.kind}: {metric_text(c.metric)}") for c in claims]
        if body.result == "warned" and not claims:
            out.append(f"{body.kind}: {body.reason or 'a warning without a reason'}")
    return tuple(dict.fromkeys(out))


def judge_records(
    kind: str,
    records: Sequence[SealedRecord],
    at: datetime,
    max_age_days: int | None = None,
    also: Sequence[Unmet] = (),
    system: PolicySystem | None = None,
) -> Judgement:
    """Return the verdict on all records of a kind that the hooks capture.

    Args:
        kind: the evidence kind.
        records: the records that count, none of them superseded.
        at: the time at which it is judged.
        max_age_days: the policy's limit of age.
        also: what else failed, such as a limit of the policy.
        system: the policy's system, whose groups set aside leave nothing unevaluated.
    """
    beyond = [item for record in records for item in failed(record)]
    beyond += [u for u in also if u.text not in {b.text for b in beyond}]
    if beyond:
        text = "; ".join(dict.fromkeys(u.text for u in beyond))
        return Judgement("failed", text, unmet=tuple(beyond)).about(*records)
    lacking = shortcomings(kind, records, at, max_age_days, system)
    if lacking:
        order: tuple[Outcome, ...] = ("stale", "not evaluated", "missing")
        outcome: Outcome = next(o for o in order if any(OUTCOMES[x[0]] == o for x in lacking))
        reasons = [text for each, text, _, _ in lacking if OUTCOMES[each] == outcome]
        text = how_to_add(kind) if outcome == "missing" and not records else "; ".join(reasons)
        return Judgement(outcome, text).about(*records)
    warnings = warnings_of(records)
    verdict = Judgement("warned" if warnings else "holds", f"{kind}: evaluated", warnings=warnings).about(*records)
    return _bounded(verdict, kind, max_age_days)


def _bounded(verdict: Judgement, kind: str, max_age_days: int | None) -> Judgement:
    """Return the verdict with the day on which the policy's limit of age ends it, where that comes first."""
    if max_age_days is None or verdict.since is None:
        return verdict
    ends = utc_text(parse_time(verdict.since) + timedelta(days=max_age_days))
    if verdict.until is not None and verdict.until < ends:
        return verdict
    return replace(verdict, until=ends, ends=f"{kind}, by the policy's limit of age")

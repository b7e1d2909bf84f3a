"""Conditions about monitoring: runs that were due, on enough rows, and their breaches (A.6.2.6, clause 9.1)."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

from aims_mlflow.gates.control_conditions.by_document import absent, judged
from aims_mlflow.gates.control_conditions.operation import deployments
from aims_mlflow.gates.document_content.monitoring import (
    acknowledgement,
    is_breach,
    other_baseline,
    rows_of,
    watches,
    why_late,
)
from aims_mlflow.gates.document_content.watched_metrics import beyond, unmeasured
from aims_mlflow.gates.kind_verdict import judge_records
from aims_mlflow.gates.shapes import number
from aims_mlflow.gates.status_subject import MONITORING
from aims_mlflow.gates.verdict import Judgement, joined
from aims_mlflow.records.base import parse_time
from aims_mlflow.records.counts import how_many
from aims_mlflow.records.documents.lifecycle import MonitoringPlanDocument

if TYPE_CHECKING:
    from datetime import datetime

    from aims_mlflow.evidence.statement import SealedRecord
    from aims_mlflow.gates.control_conditions.by_document import ConditionCheck
    from aims_mlflow.gates.person_statements import PublishedDocument
    from aims_mlflow.gates.status_subject import StatusSubject
    from aims_mlflow.gates.verdict import Problem

UNKNOWN = "no monitoring run is known here (the ledger knows those that `aims ledger ingest` added)"
# A condition beside one plan; None where no plan is here.
ByPlan = Callable[["StatusSubject", "datetime", "PublishedDocument | None"], Judgement]


def by_plans(condition: ByPlan) -> ConditionCheck:
    """Return the condition that holds beside each plan that watches the model."""

    @functools.wraps(condition)
    def judge(subject: StatusSubject, at: datetime) -> Judgement:
        parts = [condition(subject, at, plan) for plan in subject.newest(MONITORING) or (None,)]
        return parts[0] if len(parts) == 1 else joined(parts, "; ".join(p.sentence for p in parts))

    return judge


def watched_here(document: PublishedDocument, subject: StatusSubject, at: datetime) -> Problem:  # noqa: ARG001
    """A plan that names MODEL@ALIAS watches this one."""
    named = document.fields.get("model")
    if watches(named, subject.places):
        return None
    return "missing", f"it watches {named}, not {' or '.join(subject.places)}"


def _plan(
    subject: StatusSubject, at: datetime, document: PublishedDocument | None
) -> tuple[Judgement, PublishedDocument | None]:
    """Return the verdict on a monitoring plan, and the plan where it counts."""
    if document is None:
        return absent(MONITORING), None
    verdict = judged(subject, document, at, (watched_here,))
    return verdict, document if verdict.outcome == "holds" else None


def _runs(
    subject: StatusSubject, at: datetime, document: PublishedDocument | None
) -> tuple[list[SealedRecord], Judgement]:
    """Return the monitoring runs, and the verdict on them as evidence: without any, whether one was due.

    The first is due an interval after the day on which the bytes came into use or the plan applies, the later of them.
    """
    runs = subject.of("monitor-run")
    _, plan = _plan(subject, at, document)
    every = number(plan.fields.get("every_days")) if plan else None
    if runs or plan is None or not every:
        return runs, judge_monitoring(runs, at)
    used = next((d.time for d in deployments(subject)), plan.time)
    begun = date.fromisoformat(max(used[:10], plan.effective_from or ""))
    due = begun + timedelta(days=every)
    last = due + timedelta(days=number(plan.fields.get("grace_days")) or 0)
    if at.date() > last:
        text = f"{UNKNOWN}; by {plan.name} the first was due on {due}"
        return runs, Judgement("missing", text, (plan.id,), basis="person")
    text = f"{UNKNOWN}; by {plan.name} the first is due on {due}"
    ends = f"{last}T23:59:59Z"
    return runs, Judgement("not due", text, (plan.id,), plan.time, ends, "the first monitoring run", basis="person")


def judge_monitoring(runs: list[SealedRecord], at: datetime) -> Judgement:
    """Return the verdict on monitoring runs as evidence; a breach is judged by `breaches`."""
    verdict = judge_records("monitor-run", runs, at)
    return Judgement("holds", "").about(*runs) if verdict.outcome in ("warned", "failed") else verdict


@by_plans
def due_runs(subject: StatusSubject, at: datetime, document: PublishedDocument | None) -> Judgement:
    """The newest run is not older than the plan's interval with its grace, both in whole days (UTC)."""
    verdict, plan = _plan(subject, at, document)
    if plan is None:
        return verdict
    every, grace = number(plan.fields.get("every_days")), number(plan.fields.get("grace_days")) or 0
    if not every:
        return Judgement(
            "missing", "the monitoring plan states no interval (every_days)", verdict.evidence, basis="person"
        )
    runs, found = _runs(subject, at, document)
    if not runs or found.outcome != "holds":
        return found
    last = max(parse_time(r.evidence.time) for r in runs).date()
    due = last + timedelta(days=every)
    ends = due + timedelta(days=grace)
    if at.date() > ends:
        text = f"the last run was on {last}; the plan asks for one every {every} days"
        return Judgement("stale", text).about(*runs)
    held = replace(Judgement("holds", "").about(*runs), until=f"{ends}T23:59:59Z", ends="the next monitoring run")
    text = f"{how_many(len(runs), 'run')}, the last on {last}, the next due on {due}"
    return joined([verdict, held], text)


@by_plans
def enough_rows(subject: StatusSubject, at: datetime, document: PublishedDocument | None) -> Judgement:
    """Each run saw at least the rows that the plan asks for, beside the baseline of this model."""
    verdict, plan = _plan(subject, at, document)
    if plan is None:
        return verdict
    least = number(plan.fields.get("least_rows"))
    if not least:
        text = "the monitoring plan states no least number of rows"
        return Judgement("missing", text, verdict.evidence, basis="person")
    runs, found = _runs(subject, at, document)
    if not runs:
        return found
    few = [n for r in runs if (n := rows_of(r)) < least]
    if few:
        text = f"{len(few)} runs saw under {least:,} rows (the least {min(few):,})"
        return Judgement("not evaluated", text).about(*runs)
    baselines = [r for r in subject.records if r.evidence.kind == "drift-baseline"]
    other = [r for r in runs if other_baseline(r, baselines)]
    if other:
        text = f"{len(other)} of {len(runs)} runs compared with a baseline that is none of this model"
        return Judgement("failed", text).about(*other)
    return Judgement("holds", f"{len(runs)} runs on at least {least:,} rows").about(*runs)


@by_plans
def watched(subject: StatusSubject, at: datetime, document: PublishedDocument | None) -> Judgement:
    """Each metric of the plan was measured within the last interval, and no value beyond the plan's limit is open."""
    verdict, plan = _plan(subject, at, document)
    if plan is None:
        return verdict
    runs, found = _runs(subject, at, document)
    if not runs:
        return found
    metrics = plan.written.metrics if isinstance(plan.written, MonitoringPlanDocument) else ()
    if not metrics:
        return Judgement("missing", "the monitoring plan names no metric", verdict.evidence, basis="person")
    measuring = _measuring(subject, plan, runs)
    lacking = unmeasured(metrics, measuring)
    if lacking:
        text = f"the plan watches {', '.join(lacking)}, and neither the last run nor an evaluation in operation has it"
        return Judgement("missing", text).about(*runs)
    plans = [plan.written] if isinstance(plan.written, MonitoringPlanDocument) else []
    open_ones = [(r, text) for r, text in beyond(metrics, measuring) if acknowledgement(r, plans) is None]
    if open_ones:
        text = "; ".join(dict.fromkeys(text for _, text in open_ones))
        return Judgement("failed", f"{text}, and nobody acknowledged it").about(*(r for r, _ in open_ones))
    text = f"measured within the plan's limits: {', '.join(m.metric for m in metrics)}"
    return joined([verdict, Judgement("holds", "").about(*runs)], text)


def _measuring(subject: StatusSubject, plan: PublishedDocument, runs: list[SealedRecord]) -> list[SealedRecord]:
    """Return the runs and the evaluations since the bytes came into use that are no older than an interval."""
    span = (number(plan.fields.get("every_days")) or 0) + (number(plan.fields.get("grace_days")) or 0)
    begun = max(parse_time(r.evidence.time) for r in runs) - timedelta(days=span)
    used = next((parse_time(d.time) for d in deployments(subject)), None)
    evaluations = [r for r in subject.records if used is not None and parse_time(r.evidence.time) >= used]
    return [r for r in (*runs, *evaluations) if parse_time(r.evidence.time) >= begun]


@by_plans
def breaches(subject: StatusSubject, at: datetime, document: PublishedDocument | None) -> Judgement:
    """Each run in breach is acknowledged by name in a plan's document, within the hours of the plan that watches it."""
    verdict, plan = _plan(subject, at, document)
    runs, found = _runs(subject, at, document)
    if not runs:
        return found
    written = [d.written for d in subject.written(MONITORING) if judged(subject, d, at, ()).outcome == "holds"]
    seen_in = [w for w in written if isinstance(w, MonitoringPlanDocument)]
    breached = [(r, acknowledgement(r, seen_in)) for r in runs if is_breach(r)]
    open_ones = [r for r, seen in breached if seen is None]
    if open_ones:
        text = f"{len(open_ones)} of {len(runs)} runs are in breach, and nobody acknowledged it"
        return Judgement("failed", text).about(*open_ones)
    hours = number(plan.fields.get("within_hours")) if plan else None
    late = [(r, why) for r, seen in breached if seen and (why := why_late(r, seen, hours))]
    if late:
        text = f"the breach of {late[0][0].evidence.time[:10]} was {late[0][1]}"
        return Judgement("warned", text, warnings=(text,)).about(late[0][0])
    return joined([verdict, Judgement("holds", "").about(*runs)], f"no breach of {len(runs)} runs is open")


@by_plans
def evaluated_runs(subject: StatusSubject, at: datetime, document: PublishedDocument | None) -> Judgement:
    """Each monitoring run has a result, and none in breach is open."""
    runs, found = _runs(subject, at, document)
    if not runs:
        return found
    bare = [r for r in runs if not rows_of(r)]
    if bare:
        return Judgement("not evaluated", f"{len(bare)} of {len(runs)} runs do not say on how many rows").about(*bare)
    return joined([judge_records("monitor-run", runs, at), breaches(subject, at)], f"{len(runs)} runs evaluated")


CHECKS: dict[str, ConditionCheck] = {
    "A.6.2.6/runs": due_runs,
    "A.6.2.6/data": enough_rows,
    "A.6.2.6/metrics": watched,
    "A.6.2.6/breaches": breaches,
    "9.1/evaluated": evaluated_runs,
}

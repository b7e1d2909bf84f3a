"""Findings L1-L3: plans that cannot be carried out, runs that were missed, limits that were moved; L4-L11 with them."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from aims_mlflow.gates.document_content.monitoring import (
    acknowledgement,
    is_breach,
    other_baseline,
    rows_of,
    watches,
    why_late,
)
from aims_mlflow.gates.document_content.rollback import rollback_version, why_no_way_back
from aims_mlflow.management.findings.corrective_actions import corrective_findings
from aims_mlflow.management.findings.incidents import incident_findings
from aims_mlflow.management.findings.plans_of_version import plan_findings
from aims_mlflow.management.findings.rules import ManagementFinding
from aims_mlflow.records.documents.information import QualityRequirementsDocument
from aims_mlflow.records.documents.lifecycle import (
    DeploymentPlanDocument,
    DevelopmentObjectivesDocument,
    MonitoringPlanDocument,
    RequirementsDocument,
)
from aims_mlflow.records.wording import bound_text, metric_text, rule_text, slice_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from aims_mlflow.management.findings.state import DeployedVersion, ManagementState
    from aims_mlflow.records.documents.base import WrittenDocument
    from aims_mlflow.records.documents.lifecycle import AcceptanceLimit
    from aims_mlflow.records.evidence import Claim

BASELINE = "drift-baseline"


def findings(state: ManagementState, now: datetime) -> Iterator[ManagementFinding]:
    """Yield every finding about the life of versions in use, and about incidents."""
    for system, version in state.live:
        yield from plan_findings(system, version, state, now.date())
        yield from _rollback(system, version, state)
        yield from _slots(system, version, state, now)
        yield from _breaches(system, version, state)
        yield from _runs(system, version, state)
        yield from _required(system, version, state)
        yield from _required_later(system, version, state)
    yield from _without_limit(state)
    yield from incident_findings(state, now)
    yield from corrective_findings(state, now)


def _rollback(system: str, version: DeployedVersion, state: ManagementState) -> Iterator[ManagementFinding]:
    """Yield L1: the version to go back to is gone, retired, or the one that is in use."""
    for plan in state.about(DeploymentPlanDocument, system):
        target = rollback_version(plan.rollback_to or "")
        if target is None or (plan.model_digests and version.digest not in plan.model_digests):
            continue
        why = why_no_way_back(target, version.version, version.versions, version.retired)
        if why:
            fact = f"plan {plan.id} of {version.name} goes back to version {target}, {why}"
            fix = f"name a version that is there and was allowed, and try going back: rollback_to in {plan.id}"
            about = f"{system}/{version.model}@{version.place}"
            yield ManagementFinding("L1", about, fact, fix, system, (plan.id,))


def _slots(system: str, version: DeployedVersion, state: ManagementState, now: datetime) -> Iterator[ManagementFinding]:
    """Yield L2: days on which a run of the monitor was due, grace included, and none was sealed."""
    for plan in state.about(MonitoringPlanDocument, system):
        if not plan.every_days or not watches(plan.model, (f"{version.model}@{version.place}",)):
            continue
        begun = date.fromisoformat(max(version.since[:10], plan.effective_from or ""))
        runs = sorted(date.fromisoformat(r.evidence.time[:10]) for r in version.of("monitor-run"))
        missed = missed_slots(begun, plan.every_days, plan.grace_days or 0, runs, now.date())
        if missed:
            fact = (
                f"{len(missed)} runs of the monitor of {version.name} were missed, by plan {plan.id} (every "
                f"{plan.every_days} days since {begun}): the first was due on {missed[0]}"
            )
            fix = f"aims monitor run {version.address} --data FILE, and seal its run"
            about = f"{system}/{version.model}@{version.place}/{plan.id}"
            yield ManagementFinding("L2", about, fact, fix, system, (plan.id,))


def _breaches(system: str, version: DeployedVersion, state: ManagementState) -> Iterator[ManagementFinding]:
    """Yield L10: breaches that nobody acknowledged, or not in the time of the plan that watches the version."""
    plans = state.about(MonitoringPlanDocument, system)
    mine = [p for p in plans if watches(p.model, (f"{version.model}@{version.place}",))]
    hours = min((p.within_hours for p in mine if p.within_hours), default=None)
    for run in version.of("monitor-run"):
        seen = acknowledgement(run, plans)
        why = f"{seen.by} {late}" if seen and (late := why_late(run, seen, hours)) else None
        if is_breach(run) and (seen is None or why):
            fact = f"the monitor run of {run.evidence.time[:10]} of {version.name} is beyond a limit, and "
            fact += f"{why or 'nobody acknowledged it'} ({run.id})"
            fix = "judge it: state run, by and reason in `acknowledged` of the monitoring plan, or open an incident"
            about = f"{system}/{version.model}@{version.place}/{run.id}"
            yield ManagementFinding("L10", about, fact, fix, system, (run.id, *(p.id for p in mine or plans)))


def _runs(system: str, version: DeployedVersion, state: ManagementState) -> Iterator[ManagementFinding]:
    """Yield L16 for runs on fewer rows than the plan asks for, and L17 for runs beside another version's baseline."""
    at, baselines = (
        f"{system}/{version.model}@{version.place}",
        [r for r in version.records if r.evidence.kind == BASELINE],
    )
    again = f"aims monitor run {version.address} --data FILE"
    for plan in state.about(MonitoringPlanDocument, system):
        few = [r for r in version.of("monitor-run") if plan.least_rows and rows_of(r) < plan.least_rows]
        if few and watches(plan.model, (f"{version.model}@{version.place}",)):
            more = f" ({len(few)} runs saw fewer)" if len(few) > 1 else ""
            fact = (
                f"the monitor run of {few[-1].evidence.time[:10]} of {version.name} saw {rows_of(few[-1]):,} rows, and "
            )
            fact += f"plan {plan.id} asks for {plan.least_rows:,}{more}"
            fix = f"wait until there are enough rows, and run it again: {again}; or change least_rows of {plan.id}"
            yield ManagementFinding("L16", f"{at}/{plan.id}", fact, fix, system, (plan.id, *(r.id for r in few)))
    for run in version.of("monitor-run"):
        named = other_baseline(run, baselines)
        if named:
            fact = (
                f"the monitor run of {run.evidence.time[:10]} compared {version.name} with the baseline {named[:13]}, "
            )
            fact += "which is none of this version"
            yield ManagementFinding("L17", f"{at}/{run.id}", fact, f"run it again: {again}", system, (run.id,))


def missed_slots(begun: date, every: int, grace: int, runs: list[date], today: date) -> list[date]:
    """Return the days on which a run was due, and until the end of whose grace there was none since the day before it.

    `every` and `grace` are in days. A run counts for one slot: the first that it is not too late for.
    """
    missed, unused = [], sorted(runs)
    last, due = begun, begun + timedelta(days=every)
    while due + timedelta(days=grace) < today:
        made = next((run for run in unused if last < run <= due + timedelta(days=grace)), None)
        if made is None:
            missed.append(due)
        else:
            unused.remove(made)  # one run is not two
        last, due = due, due + timedelta(days=every)
    return missed


def _required(system: str, version: DeployedVersion, state: ManagementState) -> Iterator[ManagementFinding]:
    """Yield L3: a required limit that was not measured, or that was compared with a looser one."""
    claims = [c for r in version.counting for c in r.evidence.claims]
    for document in state.about(RequirementsDocument, system):
        for limit in document.acceptance:
            why = _why_not_held(limit, claims)
            if why:
                rows = slice_text(dict(limit.slice))
                name = f"{metric_text(limit.metric)}{f' for {rows}' if rows else ''}"
                asked = rule_text(limit.metric, limit.comparator, limit.limit)
                fact = f"{document.id} asks for {name} {asked}: {why} ({version.name})"
                fix = "measure it, or set the pack's and the policy's limit to the required one: aims gate lint"
                about = f"{system}/{version.model}@{version.place}/{limit.metric}/{rows}"
                yield ManagementFinding("L3", about, fact, fix, system, (document.id,))


def _required_later(system: str, version: DeployedVersion, state: ManagementState) -> Iterator[ManagementFinding]:
    """Yield L3: requirements on the system or its data that counted only after the training of the version in use."""
    begun = [r.evidence.time for kind in ("session-start", "training-provenance") for r in version.of(kind)]
    required: list[WrittenDocument] = [
        *state.about(RequirementsDocument, system), *state.about(QualityRequirementsDocument, system)
    ]  # fmt: skip
    for document in required:
        since = _required_since(document, state)
        # A day that a document names counts whole; an approval has a time.
        if begun and since and since > min(begun)[: len(since)]:
            how = "was approved on" if len(since) > len("2026-01-31") else "applies from"
            fact = f"{document.id} {how} {since[:10]}, and {version.name} was trained before, on {min(begun)[:10]}"
            fix = f"approve requirements before training; show by evidence that {version.name} meets {document.id}"
            about = f"{system}/{version.model}@{version.place}/{document.id}"
            yield ManagementFinding("L3", about, fact, fix, system, (document.id,))


def _required_since(document: WrittenDocument, state: ManagementState) -> str | None:
    required = _required_of(document)
    return state.counted_since(document, lambda earlier: _required_of(earlier) == required)


def _required_of(document: WrittenDocument) -> tuple[object, ...]:
    """Return what a document requires, without its header: a later version that requires the same is no later word."""
    return tuple(getattr(document, name, None) for name in ("requirements", "acceptance"))


def _without_limit(state: ManagementState) -> Iterator[ManagementFinding]:
    """Yield L9: objectives of high priority for which no limit decides whether a model is accepted."""
    for system, entry in state.systems.items():
        if not entry.models or entry.stage not in ("deployment", "operation") or entry.in_scope is False:
            continue
        kinds = {
            r.kind
            for d in state.about(RequirementsDocument, system)
            for r in d.requirements
            if any(limit.requirement == r.id for limit in d.acceptance)
        }
        named = {
            o.objective.casefold()
            for d in state.about(DevelopmentObjectivesDocument, system)
            for o in d.objectives
            if o.limit
        }
        for objective, priority in entry.objectives.items():
            if priority.priority == "high" and objective not in kinds and objective.casefold() not in named:
                fact = f"{system} has high priority for {objective}, and no requirement with a limit is about it"
                fix = f"state a metric and a limit for it: aims document new development-objectives --system {system}"
                yield ManagementFinding("L9", f"{system}/{objective}", fact, fix, system, (entry.id,))


def _why_not_held(limit: AcceptanceLimit, claims: list[Claim]) -> str | None:
    mine = [c for c in claims if (c.metric, c.slice, c.role) == (limit.metric, dict(limit.slice), limit.role)]
    if not mine:
        return f"it was not measured on {limit.role} data"
    newest = mine[-1]
    if limit.min_n and (newest.n or 0) < limit.min_n:
        return f"it was measured on {newest.n or 'no stated number of'} rows, at least {limit.min_n} are required"
    looser = [c for c in mine if _is_looser(c, limit)]
    if looser:
        return f"it was compared with {bound_text(looser[-1])}, which is looser"
    if newest.value is not None and limit.limit and not _holds(newest.value, str(limit.comparator), limit.limit):
        return f"its value is {newest.value}"
    return None


def _is_looser(claim: Claim, limit: AcceptanceLimit) -> bool:
    """Return whether a claim's own limit lets more pass than the required one."""
    own, asked = _number(claim.limit), _number(limit.limit)
    if own is None or asked is None or claim.comparator != limit.comparator:
        return False
    return own < asked if str(limit.comparator).startswith(">") else own > asked


def _holds(value: str, comparator: str, limit: str) -> bool:
    one, other = _number(value), _number(limit)
    if one is None or other is None:
        return True
    return {">=": one >= other, ">": one > other, "<=": one <= other, "<": one < other}.get(comparator, True)


def _number(text: str | None) -> Decimal | None:
    try:
        return Decimal(text) if text is not None else None
    except InvalidOperation:
        return None

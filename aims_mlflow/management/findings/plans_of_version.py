"""Findings L1, L2, L11 and L14: plans that are not about what is in use, or too old, and what validation decided."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import TYPE_CHECKING

from aims_mlflow.gates.document_content.content_words import affirmed
from aims_mlflow.gates.document_content.decisions import why_not_fit
from aims_mlflow.gates.document_content.duties import duties_on
from aims_mlflow.gates.document_content.monitoring import watches
from aims_mlflow.management.findings.rules import ManagementFinding
from aims_mlflow.management.stated_numbers import days_in
from aims_mlflow.records.documents.lifecycle import (
    DeploymentPlanDocument,
    LogPlanDocument,
    MonitoringPlanDocument,
    ValidationDocument,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aims_mlflow.management.findings.state import DeployedVersion, ManagementState

YEAR = timedelta(days=365)
HIGH_RISK = re.compile(r"(?<!\bnon[- ])high[- ]risk", re.IGNORECASE)
HIGH_RISK_DAYS = 183  # Art. 19 and 26(6) of the AI Act: six months
NO_VERSION = re.compile(r"\b(no|none|nothing|stop|without|manual(ly)?|paper|by hand)\b", re.IGNORECASE)


def plan_findings(
    system: str, version: DeployedVersion, state: ManagementState, today: date
) -> Iterator[ManagementFinding]:
    """Yield what the plans and the validation of a version in use lack; W7 says which plans are not there at all."""
    about = f"{system}/{version.model}@{version.place}"
    yield from _release(about, system, version, state)
    yield from _drilled(about, system, version, state, today)
    yield from _logs(system, state)
    watched = f"{version.model}@{version.place}"
    plans = state.about(MonitoringPlanDocument, system)
    if plans and not any(watches(p.model, (watched,)) for p in plans):
        named = ", ".join(str(p.model) for p in plans)
        fact = f"no monitoring plan of {system} watches {watched}: {plans[-1].id} watches {named}"
        fix = f"name {watched} in `model` of {plans[-1].id}, or write a plan for it: monitoring-plan"
        yield ManagementFinding("L2", about, fact, fix, system, tuple(p.id for p in plans))
    yield from _validation(about, system, version, state, today.isoformat())


def _release(about: str, system: str, version: DeployedVersion, state: ManagementState) -> Iterator[ManagementFinding]:
    plans = state.about(DeploymentPlanDocument, system)
    mine = [p for p in plans if not p.model_digests or version.digest in p.model_digests]
    if plans and not mine and version.digest:
        named = ", ".join(d[:12] for p in plans for d in p.model_digests)
        fact = f"no deployment plan of {system} is about {version.name} ({version.digest[:12]}): {plans[-1].id} is "
        fact += f"about {named}"
        fix = f"plan the release of {version.name}, and name its bytes in model_digests: deployment-plan"
        yield ManagementFinding("L1", about, fact, fix, system, tuple(p.id for p in plans))
    for plan in mine:
        words = plan.rollback_to or ""
        if words and not re.search(r"\d", words) and not NO_VERSION.search(words):
            fact = f"plan {plan.id} of {version.name} goes back to {words!r}, which names no version"
            fix = f"name the version in rollback_to of {plan.id}; where there is none, say what is done without it"
            yield ManagementFinding("L1", about, fact, fix, system, (plan.id,))


def _drilled(
    about: str, system: str, version: DeployedVersion, state: ManagementState, today: date
) -> Iterator[ManagementFinding]:
    """Yield L1: going back was last tried over a year ago."""
    for plan in state.about(DeploymentPlanDocument, system):
        if plan.drill_date and date.fromisoformat(plan.drill_date) + YEAR < today:
            fact = f"going back from {version.name} was last tried on {plan.drill_date}, over a year ago ({plan.id})"
            fix = f"try it, and state the day in drill_date: aims document publish {plan.id}"
            yield ManagementFinding("L1", f"{about}/{plan.id}/drill", fact, fix, system, (plan.id,))


def _logs(system: str, state: ManagementState) -> Iterator[ManagementFinding]:
    """Yield L14: logs that are deleted before the monitor runs again, or before a law allows it."""
    entry = state.systems.get(system)
    risky = entry is not None and any(HIGH_RISK.search(affirmed(c.legal_class)) for c in entry.legal_class)
    runs = [p.every_days + (p.grace_days or 0) for p in state.about(MonitoringPlanDocument, system) if p.every_days]
    law, least = HIGH_RISK_DAYS if risky else 0, max(runs, default=0)
    why = f"the monitor runs every {least} days"
    if law >= least:
        least, why = law, f"a system of high risk keeps them {law} days or more"
    for plan in state.about(LogPlanDocument, system):
        for what, text in (("logs", plan.retention), *((e.event, e.retention) for e in plan.events)):
            kept = days_in(text or "")
            if kept is not None and kept < least:
                fact = f"{plan.id} keeps {what} for {text}, and {why}"
                fix = f"keep them longer, and state it in retention: aims document publish {plan.id}"
                yield ManagementFinding("L14", f"{plan.id}/{what}", fact, fix, system, (plan.id,))


def _validation(
    about: str, system: str, version: DeployedVersion, state: ManagementState, today: str
) -> Iterator[ManagementFinding]:
    """Yield L11: a report by who trained the version, one that does not find it fit, or none about this version."""
    reports = state.about(ValidationDocument, system)
    trainers = state.trainers_of(version)
    mine = [r for r in reports if not r.model_digests or version.digest in r.model_digests]
    if reports and not mine:
        named = ", ".join(d[:12] for r in reports for d in r.model_digests)
        fact = f"{version.name} is in use, and the validation of {system} is about {named} ({reports[-1].id})"
        fix = f"let somebody who did not train {version.name} validate it: validation-report"
        yield ManagementFinding("L11", about, fact, fix, system, tuple(r.id for r in reports))
    for report in mine:
        if state.same_person(report.author) in {state.same_person(t) for t in trainers}:
            fact = f"{report.author} trained {version.name}, and wrote its validation {report.id}"
            fix = "let somebody else measure the results again and write the report: validation-report"
        elif wrong := why_not_fit(report, duties_on(state, today).holders(("validate",), system), state):
            fact = f"{version.name} is in use, and of its validation {report.id}: {wrong[1]}"
            fix = f"take the version out of use, or let whose duty it is validate it again: {report.id}"
        else:
            continue
        yield ManagementFinding("L11", f"{about}/{report.id}", fact, fix, system, (report.id,))

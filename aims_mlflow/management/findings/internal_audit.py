"""Findings I1-I5: audits by people who may not or cannot, audits that were not held, findings that are not closed."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from aims_mlflow.catalog.loader import clauses, controls
from aims_mlflow.gates.document_content.audits import (
    CYCLE_YEARS,
    YEAR,
    cycle_begin,
    is_overdue,
    lacking_competence,
    meet,
    planned_audit,
    without_report,
)
from aims_mlflow.gates.document_content.own_work import behind_document, work_in_scope
from aims_mlflow.gates.person_statements import says
from aims_mlflow.management.findings.beginnings import begun
from aims_mlflow.management.findings.rules import ManagementFinding
from aims_mlflow.records.documents.context import BEFORE_USE, IN_USE
from aims_mlflow.records.documents.improvement import AuditProgrammeDocument, AuditReportDocument
from aims_mlflow.registers.seeded_draw import order_by_seed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from aims_mlflow.management.findings.state import ManagementState
    from aims_mlflow.records.documents.improvement import AuditFindingEntry, AuditSample


def findings(state: ManagementState, now: datetime) -> Iterator[ManagementFinding]:
    """Yield every finding about internal audits."""
    today = now.strftime("%Y-%m-%d")
    reports = state.of(AuditReportDocument)
    for report in reports:
        scope = _scope(report, state)
        yield from _independence(report, scope, state)
        yield from _competence(report, scope, state)
        yield from _sample(report, state)
        for number, entry in enumerate(report.findings):
            yield from _closing(report, entry, number, state, today)
    yield from _planned(state)
    yield from _programme(state, reports, now)


def _scope(report: AuditReportDocument, state: ManagementState) -> tuple[str, ...]:
    """Return what an audit covers, as the programme has it."""
    planned = planned_audit(report, state)
    return planned.scope if planned else ()


def _independence(
    report: AuditReportDocument, scope: Iterable[str], state: ManagementState
) -> Iterator[ManagementFinding]:
    own: dict[str, list[str]] = {}
    for item in report.sample.items if report.sample else ():
        for name in _people_behind(item, state):
            own.setdefault(state.same_person(name), []).append(f"signed or answers for {item}")
    for name, does in work_in_scope(scope, state):
        own.setdefault(state.same_person(name), []).append(does)
    for member in report.team:
        reasons = list(dict.fromkeys(own.get(state.same_person(member.person), ())))
        if reasons:
            fact = f"{member.person}, of the team of audit {report.id}, {reasons[0]}"
            fact += f" ({len(reasons) - 1} more)" if len(reasons) > 1 else ""
            fix = "let another person audit that part, and say so in the report"
            yield ManagementFinding(
                "I1", f"{report.id}/{state.same_person(member.person)}", fact, fix, None, (report.id,)
            )


def _people_behind(item: str, state: ManagementState) -> set[str]:
    """Return who signed a sampled record, or wrote, owns or approved a sampled document."""
    found = set(state.signers.get(item, ())) | behind_document(item, state)
    for _, version in state.live:
        name = f"models:/{version.model}"
        if item in (version.digest, f"{name}/{version.version}", f"{name}/{version.place}", f"{name}@{version.place}"):
            found |= {c.owner for c in version.consents} | state.trainers_of(version)
    return found


def _is_there(item: str, state: ManagementState) -> bool:
    """Return whether a sampled item is a document, a record, or a version that exists."""
    versions = (f"models:/{v.model}/{number}" for _, v in state.live for number in v.versions)
    return item in versions or bool(_people_behind(item, state))


def _planned(state: ManagementState) -> Iterator[ManagementFinding]:
    """Yield I1 before the audit is held: who is to audit owns a system of its scope, or has a duty for it."""
    for programme in state.of(AuditProgrammeDocument):
        for audit in programme.audits:
            reports = (r for r in state.of(AuditReportDocument) if r.held and r.audit == audit.id)
            told = {state.same_person(member.person) for report in reports for member in report.team}
            auditors = {state.same_person(name) for name in audit.auditors} - told  # the finding of the report says it
            for system in (s for s in audit.scope if s in state.systems):
                work = list(work_in_scope((system,), state))
                for name, does in {n: (n, what) for n, what in reversed(work)}.values():
                    if state.same_person(name) not in auditors:
                        continue
                    fact = f"audit {audit.id or 'without an id'} of {programme.id} is planned with {name}, who {does}"
                    fix = f"plan {system} with another auditor: {programme.id}"
                    about = f"{programme.id}/{audit.id}/{name}"
                    yield ManagementFinding("I1", about, fact, fix, system, (programme.id,))


def _competence(
    report: AuditReportDocument, scope: Iterable[str], state: ManagementState
) -> Iterator[ManagementFinding]:
    day, lacking = report.held, lacking_competence(report, scope, state)
    if lacking:
        when = f"on {day}" if day else "on the day, which the report does not state"
        fact = f"the team of audit {report.id} has no evidence of competence in {', '.join(lacking)} that held {when}"
        fix = "add somebody who has it (a team may be mixed), or write its evidence: competence-record"
        yield ManagementFinding("I2", report.id, fact, fix, None, (report.id,))


def _sample(report: AuditReportDocument, state: ManagementState) -> Iterator[ManagementFinding]:
    sample, wrong = report.sample, []
    if sample is None:
        wrong.append("says nothing about what was looked at")
    else:
        if not says(sample.seed):
            wrong.append("has no seed, so that nobody can draw it again")
        if not sample.items:
            wrong.append("does not list what was drawn")
        if len(sample.items) > sample.population_size:
            wrong.append(f"has {len(sample.items)} items of {sample.population_size}")
        elif len(sample.items) < sample.population_size:
            wrong += _not_drawn(sample)
        unknown = [i for i in sample.items if not _is_there(i, state)]
        if unknown:
            wrong.append(
                f"has {len(unknown)} of {len(sample.items)} items that are not found here, such as {unknown[0]}"
            )
    if wrong:
        fact = f"the sample of audit {report.id} {', and '.join(wrong)}"
        yield ManagementFinding("I4", report.id, fact, f"complete `sample` of {report.id}", None, (report.id,))


def _not_drawn(sample: AuditSample) -> list[str]:
    """Say why the draw of a part cannot be repeated, or what it gives instead."""
    if not sample.drawn_from:
        return ["does not list what it was drawn from (drawn_from), so that nobody can draw it again"]
    if len(set(sample.drawn_from)) != sample.population_size:
        listed = len(set(sample.drawn_from))
        return [f"was drawn from {sample.population_size} items, and lists {listed}"]
    again = order_by_seed(str(sample.seed), sorted(set(sample.drawn_from)))[: len(sample.items)]
    others = sorted(set(sample.items) - set(again))
    return [f"gives other items when it is drawn again: {others[0]} is none of them"] if others else []


def _closing(
    report: AuditReportDocument, entry: AuditFindingEntry, number: int, state: ManagementState, today: str
) -> Iterator[ManagementFinding]:
    wrong = [
        f"no {n}" for n, v in (("owner", entry.owner), ("due day", entry.due), ("cause", entry.cause)) if not says(v)
    ]
    if is_overdue(entry, today):
        wrong.append(f"is due since {entry.due} and open")
    if entry.due and entry.closed_on and entry.closed_on > entry.due:
        wrong.append(f"was closed on {entry.closed_on}, after {entry.due}")
    if entry.closed_on and not entry.closed_by:
        wrong.append("is closed without evidence")
    ids = (name for name in entry.closed_by if " " not in name.strip())
    unknown = [name for name in ids if state.deployed is not None and not state.has_record(name)]
    if unknown:
        wrong.append(f"is closed by {unknown[0]}, which is no record and no document")
    wrong += _opened_again(entry)
    if wrong:
        name = entry.id or str(number + 1)
        fact = f"finding {name} of audit {report.id}: {', '.join(wrong)}"
        about = f"{report.id}/{name}"
        yield ManagementFinding(
            "I5", about, fact, f"complete it in {report.id}: aims document lint {report.id}", entry.system, (report.id,)
        )


def _opened_again(entry: AuditFindingEntry) -> Iterator[str]:
    """Yield what is wrong with a finding that was closed too early, and so was opened again."""
    last = max(entry.reopened, default=None)
    times = f"was opened again {len(entry.reopened)} times" if len(entry.reopened) > 1 else "was opened again"
    if last and entry.closed_on and entry.closed_on < last:
        yield f"{times}, on {last} after it was closed on {entry.closed_on}"
    elif last and entry.closed_on and not says(entry.effectiveness):
        yield f"{times}, on {last}, and nothing shows that it stays closed (effectiveness)"


def _programme(
    state: ManagementState, reports: list[AuditReportDocument], now: datetime
) -> Iterator[ManagementFinding]:
    fix = "plan and hold what is missing: audit-programme"
    programmes = state.of(AuditProgrammeDocument)
    if not programmes:
        yield ManagementFinding("I3", "programme", "there is no audit programme", state.bring("audit-programme"))
        return
    for programme in programmes:
        for audit in without_report(programme, reports, f"{now:%Y-%m-%d}"):
            number = audit.id or programme.audits.index(audit) + 1
            fact = f"the audit {number} of {programme.id} was planned for {audit.planned}, and has no report"
            about, mend = f"{programme.id}/{number}", f"hold it, and write its audit-report with audit: {audit.id}"
            yield ManagementFinding("I3", about, fact, mend, None, (programme.id,))
    ids = tuple(p.id for p in programmes)
    years = min(p.cycle_years or CYCLE_YEARS for p in programmes)
    since = cycle_begin(programmes, f"{now:%Y-%m-%d}")
    planned = _planned_first(state, reports, since, f"{now:%Y-%m-%d}")
    held = _covered(state, reports, since) | planned
    parts = [*clauses(), *_applicable(state)]
    bare = [part for part in parts if not any(meet(part, h) for h in held)]
    if bare:
        fact = f"{len(bare)} of {len(parts)} clauses and applicable controls were not audited within {years} years: "
        fact += ", ".join(bare[:8]) + (" and more" if len(bare) > 8 else "")
        yield ManagementFinding("I3", "clauses and controls", fact, fix, None, ids)
    year_ago = (now - timedelta(days=YEAR)).strftime("%Y-%m-%d")
    last_year = _covered(state, reports, year_ago)
    for system, entry in state.systems.items():
        high = [o for o, p in entry.objectives.items() if p.priority == "high"]
        began = min((d for s, d in entry.stage_dates.items() if s in IN_USE), default="")
        last_year_or_planned = last_year | (planned if began > year_ago else set())
        if entry.in_scope is False or entry.stage in BEFORE_USE or system in (last_year_or_planned if high else held):
            continue
        within = f"a year, and has high priority for {', '.join(high)}" if high else f"{years} years"
        yield ManagementFinding(
            "I3", system, f"{system} was not audited within {within}", fix, system, (*ids, entry.id)
        )


def _planned_first(state: ManagementState, reports: list[AuditReportDocument], since: str, today: str) -> set[str]:
    """Return what audits that are still to come will cover, until the first cycle of audits ends."""
    programmes = state.of(AuditProgrammeDocument)
    first = begun(state, programmes)
    if (first and first[0] < since) or any(r.held and r.held < since for r in reports):
        return set()
    return {part for p in programmes for a in p.audits if a.planned and a.planned >= today for part in a.scope}


def _covered(state: ManagementState, reports: list[AuditReportDocument], since: str) -> set[str]:
    return {part for r in reports if (r.held or "") >= since for part in _scope(r, state)}


def _applicable(state: ManagementState) -> list[str]:
    """Return the controls that the newest statement of applicability does not leave out."""
    out = {c.control for c in state.statement.controls if not c.applies} if state.statement else set()
    return [c for c in controls() if c not in out]

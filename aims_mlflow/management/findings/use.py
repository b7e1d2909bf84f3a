"""Findings O1-O3: oversight that was promised and not made, by whom, and reports and concerns that nobody answered."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from aims_mlflow.gates.document_content.duties import DutyRegister
from aims_mlflow.gates.person_statements import says
from aims_mlflow.management.findings.rules import ManagementFinding
from aims_mlflow.records.documents.incident import IncidentDocument
from aims_mlflow.records.documents.information import OversightDocument, ReportChannelDocument, ReportLogDocument
from aims_mlflow.records.documents.leadership import ConcernLogDocument, RoleAssignmentDocument, RolesDocument
from aims_mlflow.signing.owners import is_among

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from aims_mlflow.management.findings.state import ManagementState
    from aims_mlflow.records.documents.leadership import Activity

YEAR = timedelta(days=365)
IN_USE = ("deployment", "operation")
# Duties with which somebody may watch over a system and overrule it.
WATCHING: tuple[Activity, ...] = ("operate", "stop", "approve", "validate", "report")


def findings(state: ManagementState, now: datetime) -> Iterator[ManagementFinding]:
    """Yield every finding about the use of systems by people and about reports of outsiders."""
    for document in state.of(OversightDocument):
        for number, period in enumerate(document.periods):
            made, promised, decisions = period.reviewed, period.promised, period.decisions
            wrong = None
            if made is not None and promised is not None and made < promised:
                wrong = f"{made:,} of {promised:,} promised reviews were made"
            elif made is not None and decisions is not None and made > decisions:
                wrong = f"{made:,} reviews of {decisions:,} decisions cannot be"
            elif made is not None and period.overruled is not None and period.overruled > made:
                wrong = f"{period.overruled:,} decisions overruled of {made:,} that were reviewed cannot be"
            if wrong:
                fact = f"{document.id}, period {number + 1}{f' until {period.end}' if period.end else ''}: {wrong}"
                fix = "make the reviews, or change what was promised in the same approval, with a reason"
                about = f"{document.id}/{period.end or number + 1}"
                yield ManagementFinding("O1", about, fact, fix, document.system, (document.id,))
        yield from _overseers(document, state, now.date())
    yield from _concerns(state, now.date())
    targets = [c.target_days for c in state.of(ReportChannelDocument) if c.target_days is not None]
    for log in state.of(ReportLogDocument):
        yield from _reports(log, max(targets, default=None), now.date())
        yield from _harm(log, state)


def _overseers(document: OversightDocument, state: ManagementState, today: date) -> Iterator[ManagementFinding]:
    """Yield O1 for oversight that stopped, and O3 for oversight by somebody who has no duty for the system."""
    system = str(document.system)
    last = max((p.end for p in document.periods if p.end), default=None)
    entry = state.systems.get(system)
    if last and entry and entry.stage in IN_USE and date.fromisoformat(last) + YEAR < today:
        fact = f"{system} is in {entry.stage}, and the last period of oversight ended on {last} ({document.id})"
        fix = f"record the oversight since {last} in {document.id}"
        yield ManagementFinding("O1", f"{document.id}/since", fact, fix, document.system, (document.id,))
    for number, period in enumerate(document.periods):
        day = period.end or today.isoformat()
        duties = DutyRegister(
            tuple(state.of(RoleAssignmentDocument)), tuple(state.of(RolesDocument)), state.people, day
        )
        held = duties.holders(WATCHING, system)
        if held and period.by and not is_among(period.by, held):
            fact = f"{period.by} watched over {system} until {day} ({document.id}), and held no duty for it; "
            fact += f"{', '.join(dict.fromkeys(held))} did"
            fix = f"give {period.by} the duty in role-assignment of {system}, or let whoever holds it watch"
            about = f"{document.id}/{period.end or number + 1}"
            yield ManagementFinding("O3", about, fact, fix, document.system, (document.id,))


def _concerns(state: ManagementState, today: date) -> Iterator[ManagementFinding]:
    """Yield O2 for a channel for concerns that nobody tested within a year."""
    for log in state.of(ConcernLogDocument):
        if log.tested and date.fromisoformat(log.tested) + YEAR < today:
            fact = f"{log.id}: the channel for concerns was last tested on {log.tested}, over a year ago"
            fix = f"let somebody send a test, and state the day in `tested` of {log.id}"
            yield ManagementFinding("O2", f"{log.id}/test", fact, fix, log.system, (log.id,), "A.3.3")


def _harm(log: ReportLogDocument, state: ManagementState) -> Iterator[ManagementFinding]:
    """Yield O2 for a report of harm that no incident followed."""
    known = {d.id for d in state.of(IncidentDocument)}
    for report in (r for r in log.reports if r.harm or r.incident):
        if report.incident in known:
            continue
        named = f"names the incident {report.incident}, which is not there" if report.incident else "opened no incident"
        fact = f"report {report.id} of {log.id}{' says that somebody was harmed, and' if report.harm else ''} {named}"
        fix = f"aims document new incident --system {log.system}, and name it in {log.id}"
        yield ManagementFinding("O2", f"{log.id}/{report.id}/incident", fact, fix, log.system, (log.id,))


def _reports(log: ReportLogDocument, target: int | None, today: date) -> Iterator[ManagementFinding]:
    """Yield O2: a channel that nobody from outside tested within a year, and reports without triage in their time."""
    last = max((t.reached for t in log.tests if t.reached), default=None)
    if last is None or date.fromisoformat(last) + YEAR < today:
        fact = f"{log.id}: no test from outside reached the channel " + (f"since {last}" if last else "yet")
        fix = f"let somebody from outside send a test report, and record when it arrived in {log.id}"
        yield ManagementFinding("O2", f"{log.id}/test", fact, fix, log.system, (log.id,))
    for report in log.reports:
        due = date.fromisoformat(report.received) + timedelta(days=target) if report.received and target else None
        if report.triage is None or not says(report.triage.by):
            when = f", received on {report.received}" if report.received else ""
            fact = f"report {report.id} of {log.id}{when}: nobody judged it"
        elif due and not report.answered and due < today:
            fact = f"report {report.id} of {log.id} had to be answered by {due}, and was not"
        else:
            continue
        fix = f"judge and answer it, open an incident where people were harmed, and record that in {log.id}"
        yield ManagementFinding("O2", f"{log.id}/{report.id}", fact, fix, log.system, (log.id,))

"""Finding O2: reports and concerns that nobody answered, and channels that nobody tested."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from aims_mlflow.gates.person_statements import says
from aims_mlflow.management.findings.rules import ManagementFinding
from aims_mlflow.records.documents.incident import IncidentDocument
from aims_mlflow.records.documents.information import ReportChannelDocument, ReportLogDocument
from aims_mlflow.records.documents.leadership import ConcernLogDocument

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from aims_mlflow.management.findings.state import ManagementState

YEAR = timedelta(days=365)


def findings(state: ManagementState, now: datetime) -> Iterator[ManagementFinding]:
    """Yield every finding about concerns, and about reports of outsiders."""
    yield from _concerns(state, now.date())
    for log in state.of(ReportLogDocument):
        targets = [c.target_days for c in state.about(ReportChannelDocument, str(log.system)) if c.target_days]
        yield from _reports(log, min(targets, default=None), now.date())
        yield from _harm(log, state)


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

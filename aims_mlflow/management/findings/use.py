"""Findings O1 and O2: oversight that was promised and not made, and reports from outside that nobody answered."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from aims_mlflow.gates.person_statements import says
from aims_mlflow.management.findings.rules import ManagementFinding
from aims_mlflow.records.documents.information import OversightDocument, ReportChannelDocument, ReportLogDocument

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from aims_mlflow.management.findings.state import ManagementState

YEAR = timedelta(days=365)


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
            if wrong:
                fact = f"{document.id}, period {number + 1}{f' until {period.end}' if period.end else ''}: {wrong}"
                fix = "make the reviews, or change what was promised in the same approval, with a reason"
                about = f"{document.id}/{period.end or number + 1}"
                yield ManagementFinding("O1", about, fact, fix, document.system, (document.id,))
    targets = [c.target_days for c in state.of(ReportChannelDocument) if c.target_days is not None]
    for log in state.of(ReportLogDocument):
        yield from _reports(log, max(targets, default=None), now.date())


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

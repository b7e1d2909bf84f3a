"""Findings O2 about the days of outside reports: answers and judgements that came late, and targets too far away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aims_mlflow.management.findings.beginnings import days_after
from aims_mlflow.management.findings.rules import ManagementFinding
from aims_mlflow.records.documents.information import ReportChannelDocument, ReportLogDocument
from aims_mlflow.records.documents.leadership import ConcernProcessDocument

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from aims_mlflow.management.findings.state import ManagementState
    from aims_mlflow.records.documents.information import AdverseReport

# A person who was harmed is answered within a quarter of a year, as Directive (EU) 2019/1937 Art. 9 has it of reports.
LONGEST_ANSWER = 92


def findings(state: ManagementState, now: datetime) -> Iterator[ManagementFinding]:  # noqa: ARG001 - one form for all
    """Yield every finding about the days of reports."""
    channels: list[ReportChannelDocument | ConcernProcessDocument] = [
        *state.of(ReportChannelDocument), *state.of(ConcernProcessDocument)
    ]  # fmt: skip
    for channel in channels:
        if channel.target_days is not None and channel.target_days > LONGEST_ANSWER:
            fact = f"by {channel.id} people get an answer within {channel.target_days} days, a quarter of a year has "
            fact += f"{LONGEST_ANSWER}"
            fix = f"answer within a quarter, and state that in target_days: aims document publish {channel.id}"
            control = "A.3.3" if isinstance(channel, ConcernProcessDocument) else None
            yield ManagementFinding("O2", f"{channel.id}/target", fact, fix, channel.system, (channel.id,), control)
    for log in state.of(ReportLogDocument):
        targets = [c.target_days for c in state.about(ReportChannelDocument, str(log.system)) if c.target_days]
        for report in log.reports:
            wrong = list(_days(report, min(targets, default=LONGEST_ANSWER)))
            if wrong:
                fact = f"report {report.id} of {log.id} {', and '.join(wrong)}"
                fix = f"correct its days, or write in a nonconformity why it was late: aims document publish {log.id}"
                yield ManagementFinding("O2", f"{log.id}/{report.id}/days", fact, fix, log.system, (log.id,))


def _days(report: AdverseReport, target: int) -> Iterator[str]:
    """Yield what cannot be, or came late, of the days of a report."""
    if report.received is None:
        yield "states no day on which it came, so nobody knows whether it was answered in time"
        return
    due = days_after(report.received, target)
    judged = report.triage.time if report.triage else None
    for what, day in (("judged", judged), ("answered", report.answered)):
        if day and day < report.received:
            yield f"was {what} on {day}, before it came on {report.received}"
        elif day and day > due:
            yield f"was {what} on {day}, after {due}"

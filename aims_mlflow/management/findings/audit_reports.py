"""Findings I1, I5 and I7 about the report of an audit: who wrote it, whom it reached, and its graver findings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aims_mlflow.gates.person_statements import says
from aims_mlflow.management.findings.managers import managers
from aims_mlflow.management.findings.rules import ManagementFinding
from aims_mlflow.records.documents.improvement import AuditReportDocument, CorrectiveActionDocument

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from aims_mlflow.management.findings.state import ManagementState


def findings(state: ManagementState, now: datetime) -> Iterator[ManagementFinding]:  # noqa: ARG001 - one form for all
    """Yield every finding about reports of internal audits."""
    known = {d.id for d in state.of(CorrectiveActionDocument)}
    known |= {a.id for d in state.of(CorrectiveActionDocument) for a in d.actions if a.id}
    known = {name.casefold() for name in known}
    for report in state.of(AuditReportDocument):
        yield from _written(report, state)
        yield from _reported(report, state)
        yield from _entries(report, known)


def _written(report: AuditReportDocument, state: ManagementState) -> Iterator[ManagementFinding]:
    """Yield I1: a report by somebody whose system or document was audited, and who is not of the team."""
    team = {state.same_person(m.person) for m in report.team}
    author = state.same_person(report.author)
    if author in team:
        return
    own = [f"owns {s}" for s, entry in state.systems.items() if state.same_person(entry.owner) == author]
    for item in report.sample.items if report.sample else ():
        audited = state.by_id.get(item.removeprefix("document:"), ())
        if author in {state.same_person(name) for d in audited for name in (d.author, d.owner)}:
            own.append(f"wrote or owns {item}, which was audited")
    if own:
        fact = f"{report.author} wrote the report {report.id}, is not of its team, and {own[0]}"
        fix = f"let the team write its report, and publish it: aims document publish {report.id}"
        yield ManagementFinding("I1", f"{report.id}/author", fact, fix, report.system, (report.id,))


def _reported(report: AuditReportDocument, state: ManagementState) -> Iterator[ManagementFinding]:
    """Yield I7: nobody got the report, or nobody who may decide about it."""
    known = {state.same_person(n) for n in (*managers(state), *(e.owner for e in state.systems.values()))}
    if not says(report.reported_to):
        why = "does not state who got it"
    elif (
        state.is_one_of(str(report.reported_to), state.people)
        and state.same_person(str(report.reported_to)) not in known
    ):
        why = f"was reported to {report.reported_to}, who manages nothing and owns no system"
    else:
        return
    fix = f"report it to management, and state to whom: aims document publish {report.id}"
    yield ManagementFinding("I7", report.id, f"the audit report {report.id} {why}", fix, report.system, (report.id,))


def _entries(report: AuditReportDocument, actions: set[str]) -> Iterator[ManagementFinding]:
    """Yield I5: a major finding without a corrective action, and one that was closed before the audit."""
    for number, entry in enumerate(report.findings):
        name = entry.id or str(number + 1)
        wrong = None
        if entry.closed_on and report.held and entry.closed_on < report.held:
            wrong = "closed", f"was closed on {entry.closed_on}, before the audit was held on {report.held}"
        elif entry.grade == "major" and not says(entry.corrective_action):
            wrong = "action", "is major, and no corrective action is named for it"
        elif entry.corrective_action and entry.corrective_action.casefold() not in actions:
            wrong = "action", f"names the corrective action {entry.corrective_action}, which is not there"
        if wrong:
            fix = f"aims document new corrective-action, and name it in {name} of {report.id}"
            if wrong[0] == "closed":
                fix = f"correct the days of {name}, and publish it again: aims document publish {report.id}"
            about = f"{report.id}/{name}/{wrong[0]}"
            fact = f"finding {name} of {report.id} {wrong[1]}"
            yield ManagementFinding("I5", about, fact, fix, entry.system or report.system, (report.id,))

"""Finding I6: the newest audit saw neither the statement of applicability nor a major change of a system."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aims_mlflow.gates.document_content.audits import planned_audit
from aims_mlflow.management.findings.rules import ManagementFinding
from aims_mlflow.records.documents.improvement import AuditProgrammeDocument, AuditReportDocument
from aims_mlflow.records.documents.lifecycle import ChangeDocument
from aims_mlflow.records.documents.risk import ApplicabilityDocument

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from aims_mlflow.management.findings.state import ManagementState


def findings(state: ManagementState, now: datetime) -> Iterator[ManagementFinding]:  # noqa: ARG001 - one form for all
    """Yield every finding about what came after the newest audit."""
    reports = [r for r in state.of(AuditReportDocument) if r.held]
    if not reports:
        return
    last, audit = max((str(r.held), r.id) for r in reports)
    programme = next((f"publish {p.id}" for p in state.of(AuditProgrammeDocument)), "new audit-programme")
    for soa in state.of(ApplicabilityDocument):
        if soa.effective_from and last < soa.effective_from:
            fact = f"the newest audit is of {last}, the statement of applicability of {soa.effective_from}"
            fix = f"plan an audit against the new statement: aims document {programme}"
            yield ManagementFinding("I6", soa.id, fact, fix, None, (audit, soa.id))
    for change in state.of(ChangeDocument):
        day = change.date or change.effective_from
        seen, by = max(((r.held, r.id) for r in reports if _covers(r, change.system, state)), default=("", ""))
        if change.major is not False and day and str(seen) < day and not _will_be_audited(change, day, state):
            newest = f"the newest audit that covers {change.system} is of {seen}" if by else "no audit covers it"
            fact = f"{change.id} changed {change.system} on {day}, and {newest}"
            fix = f"plan an audit of {change.system}: aims document {programme}; or state major: false in "
            fix += f"{change.id}, if an audit need not look at it"
            yield ManagementFinding("I6", change.id, fact, fix, change.system, (by or audit, change.id))


def _covers(report: AuditReportDocument, system: str | None, state: ManagementState) -> bool:
    """Return whether an audit looked at a system: by its header or its programme; one that names none looks at all."""
    planned = planned_audit(report, state)
    named = {report.system} if report.system else {s for s in (planned.scope if planned else ()) if s in state.systems}
    return not named or system in named


def _will_be_audited(change: ChangeDocument, day: str, state: ManagementState) -> bool:
    """Return whether an audit of the system that changed is planned for a day after the change."""
    planned = (a for p in state.of(AuditProgrammeDocument) for a in p.audits)
    return any(a.planned and a.planned >= day and change.system in a.scope for a in planned)

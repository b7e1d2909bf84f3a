"""Finding W7: documents that a clause asks for, or that a system in use needs, and that nobody wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aims_mlflow.management.findings.rules import ManagementFinding
from aims_mlflow.records.documents.context import IN_USE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aims_mlflow.management.findings.state import ManagementState

# What the clauses ask to be written, beside the statement (P1), the audit programme (I3) and the review (M3).
OF_ORGANISATION = {
    "context": "4.1", "parties": "4.2", "scope": "4.3", "leadership": "5.1", "ai-policy": "5.2", "roles": "5.3",
    "risk-method": "6.1.2", "risk-register": "6.1.2", "treatment-plan": "6.1.3", "impact-process": "6.1.4",
    "people": "7.2", "communication": "7.3", "measurement-plan": "9.1",
}  # fmt: skip
# What a system in use needs, each with the control that asks for it; the second where its model is kept here.
OF_SYSTEM = {
    "impact-assessment": "A.5.3", "role-assignment": "A.3.2", "development-objectives": "A.6.1.2",
    "user-information": "A.8.2", "report-channel": "A.8.3", "incident-communication-plan": "A.8.4",
    "disclosure-duties": "A.8.5", "use-process": "A.9.2", "intended-use": "A.9.4",
}  # fmt: skip
OF_MODEL = {
    "requirements": "A.6.2.2", "deployment-plan": "A.6.2.5", "monitoring-plan": "A.6.2.6", "log-plan": "A.6.2.8",
    "quality-requirements": "A.7.4",
}  # fmt: skip


def missing(state: ManagementState) -> Iterator[ManagementFinding]:
    """Yield W7 for each document that is not there; one whose control the statement excludes is not missed."""
    there = {(d.kind, d.system) for d in state.documents}
    there |= {(u.kind, u.system) for u in state.unreadable if u.kind}  # W1 reports what cannot be read
    kinds_there = {kind for kind, _ in there}
    clauses = tuple(d.id for d in (*state.systems.values(), *([state.statement] if state.statement else [])))
    for kind, clause in OF_ORGANISATION.items():
        if kind not in kinds_there:
            fact = f"there is no document {kind} in force (clause {clause})"
            yield ManagementFinding("W7", kind, fact, state.bring(kind), None, clauses, clause)
    excluded = {c.control for c in (state.statement.controls if state.statement else ()) if not c.applies}
    for system, entry in state.systems.items():
        if entry.stage not in IN_USE or entry.in_scope is False:
            continue
        for kind, control in {**OF_SYSTEM, **(OF_MODEL if entry.models else {})}.items():
            written = (kind, system) in there or (kind, None) in there
            # F8 reports that no assessment covers the version in use.
            if written or control in excluded or (kind == "impact-assessment" and _has_live(system, state)):
                continue
            fact = f"{system} is in {entry.stage}, and has no document {kind} ({control})"
            about = f"{system}/{kind}"
            yield ManagementFinding("W7", about, fact, state.bring(kind, system), system, (entry.id,), control)


def _has_live(system: str, state: ManagementState) -> bool:
    return any(name == system for name, _ in state.live)

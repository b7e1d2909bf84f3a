"""Findings that a risk accepts: until a day, with a reason, by somebody who may; they stay listed, and come back."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from aims_mlflow.gates.document_content.acceptance import AcceptingPeople
from aims_mlflow.gates.person_statements import says
from aims_mlflow.records.documents.risk import RiskRegisterDocument

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from aims_mlflow.management.findings.rules import ManagementFinding
    from aims_mlflow.management.findings.state import ManagementState
    from aims_mlflow.records.documents.risk import RiskEntry

SHORTEST = 12  # of a finding's id, as it is printed


class Acceptance(NamedTuple):
    """A finding that is accepted, and the risk that accepts it."""

    finding: ManagementFinding
    risk: str
    by: str
    until: str
    reason: str

    def sentence(self) -> str:
        """Return who accepted it, until when and why."""
        return f"accepted by {self.by} until {self.until}, as risk {self.risk}: {self.reason}"


def acceptances(found: Iterable[ManagementFinding], state: ManagementState, today: str) -> list[Acceptance]:
    """Return the findings that an accepted risk names and that its last day has not passed; the others are open.

    What is published counts once another person approved it. It accepts no finding about itself.
    """
    accepting = list(_accepting(state, today))
    out = []
    for finding in found:
        for register, risk in accepting:
            names = [n.rstrip(".…") for n in risk.findings]
            if register not in finding.evidence and any(len(n) >= SHORTEST and finding.id.startswith(n) for n in names):
                out.append(Acceptance(finding, risk.id, str(risk.accepted_by), str(risk.accepted_until), _reason(risk)))
                break
    return out


def _reason(risk: RiskEntry) -> str:
    return (risk.residual.basis if risk.residual else None) or risk.impact_basis or ""


def _accepting(state: ManagementState, today: str) -> Iterator[tuple[str, RiskEntry]]:
    """Yield (id of the register, risk) of each risk by which findings are accepted today."""
    may_accept, unapproved = AcceptingPeople(state), _unapproved(state, today)
    for register in (d for d in state.of(RiskRegisterDocument) if d.id not in unapproved):
        for risk in register.risks:
            level = (risk.residual.level if risk.residual else None) or risk.level or ""
            in_force = risk.status == "accepted" and (risk.accepted_until or "") >= today
            if in_force and risk.accepted_by and says(_reason(risk)) and may_accept(risk.accepted_by, level):
                yield register.id, risk


def _unapproved(state: ManagementState, today: str) -> set[str]:
    known = state.published
    return {w.id for p, w in known.in_force(today) if not known.shelf.is_approved(p)} if known is not None else set()

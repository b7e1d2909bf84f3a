"""The risks of all registers by their ids, what makes a register or the statement of applicability stale."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from aims_mlflow.gates.person_statements import says
from aims_mlflow.records.documents.impact import ReassessmentDocument
from aims_mlflow.records.documents.incident import IncidentDocument
from aims_mlflow.records.documents.lifecycle import ChangeDocument
from aims_mlflow.records.documents.risk import RiskRegisterDocument

if TYPE_CHECKING:
    from aims_mlflow.gates.document_content.document_set import DocumentSet
    from aims_mlflow.records.documents.risk import ApplicabilityDocument, RiskEntry

OPEN = ("open", "treating", None)  # statuses of a risk that is still to be treated


class RegisteredRisk(NamedTuple):
    """A risk, the id of its register, and the system that either names."""

    risk: RiskEntry
    register: str
    system: str | None


def registered_risks(documents: DocumentSet) -> list[RegisteredRisk]:
    """Return the risks of all registers; two registers may each have a risk of one id."""
    registers = documents.of(RiskRegisterDocument)
    return [RegisteredRisk(r, d.id, r.system or d.system) for d in registers for r in d.risks]


def risks_named(name: str, documents: DocumentSet, system: str | None = None) -> list[RegisteredRisk]:
    """Return the risks with an id, of every system or, where one is named, of this system."""
    return [r for r in registered_risks(documents) if r.risk.id == name and (not system or r.system in (None, system))]


def is_settled(risk: RiskEntry) -> bool:
    """Return whether a risk was treated, or needs no treatment any more."""
    return risk.status not in OPEN or risk.treated_on is not None


def closed_by_nothing(register: RiskRegisterDocument) -> list[RiskEntry]:
    """Return the closed risks that name no evidence."""
    return [risk for risk in register.risks if risk.status == "closed" and not says(risk.closed_by)]


def happened_since(register: RiskRegisterDocument, documents: DocumentSet) -> list[tuple[str, str]]:
    """Return (text, document) of each incident, and unassessed change, after which a register was not looked at."""
    systems = {str(risk.system) for risk in register.risks} | {str(register.system)}
    found = []
    for system in sorted(systems):
        again = (d.risk for d in documents.about(ReassessmentDocument, system) if d.risk)
        assessed = max((register.effective_from or "", *again))
        for incident in documents.about(IncidentDocument, system):
            day = incident.detected_on or incident.aware_on or ""
            if day > max(assessed, incident.risks_reviewed or ""):
                found.append(
                    (f"incident {incident.id} of {day} came after the risks of {system} were assessed", incident.id)
                )
        for change in documents.about(ChangeDocument, system):
            day = change.date or change.effective_from or ""
            if day > assessed and not says(change.assessment):
                text = f"change {change.id} of {day} came after the risks of {system} were assessed"
                found.append((text, change.id))
    return found


def changed_since(statement: ApplicabilityDocument, documents: DocumentSet) -> list[tuple[str, str, str]]:
    """Return (name, day, document) of each system and risk register that changed after a statement applies; P8."""
    dated = [
        (system, max((entry.effective_from or "", *entry.stage_dates.values())), entry.id)
        for system, entry in documents.systems.items()
    ]
    dated += [(d.id, d.effective_from or "", d.id) for d in documents.of(RiskRegisterDocument)]
    since = statement.effective_from
    return [each for each in dated if since is not None and each[1] > since]

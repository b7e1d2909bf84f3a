"""Objectives that no value can miss, and priorities of Annex C without an objective."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aims_mlflow.gates.document_content.stated_results import names_value
from aims_mlflow.records.documents.information import UseObjectivesDocument
from aims_mlflow.records.documents.lifecycle import DevelopmentObjectivesDocument
from aims_mlflow.records.documents.risk import RiskRegisterDocument

if TYPE_CHECKING:
    from aims_mlflow.gates.document_content.document_set import DocumentSet
    from aims_mlflow.gates.verdict import Problem


def unmeasurable(
    document: DevelopmentObjectivesDocument | UseObjectivesDocument,
    documents: DocumentSet,  # noqa: ARG001 - one form for all
    day: str,  # noqa: ARG001
) -> Problem:
    """Return an objective whose limit or target names no value; None where each can be missed. L7 in findings."""
    if isinstance(document, UseObjectivesDocument):
        stated = [(o.objective, o.target) for o in document.objectives]
    else:
        stated = [(o.objective, o.limit) for o in document.objectives]
    empty = [(name, limit) for name, limit in stated if limit and not names_value(limit)]
    return ("missing", f"{empty[0][0]!r} has {empty[0][1]!r} for a limit, which names no value") if empty else None


def without_objective(system: str, documents: DocumentSet) -> list[str]:
    """Return the objectives of Annex C that matter most by a system's entry, and that no document of it measures."""
    entry = documents.systems.get(system)
    high = [name for name, given in entry.objectives.items() if given.priority == "high"] if entry else []
    built = (o.objective for d in documents.about(DevelopmentObjectivesDocument, system) for o in d.objectives)
    used = (o.objective for d in documents.about(UseObjectivesDocument, system) for o in d.objectives)
    measured = {name.casefold() for name in (*built, *used)}
    return [name for name in high if name.casefold() not in measured]


def is_a_risk(objective: str, system: str, documents: DocumentSet) -> bool:
    """Return whether a risk of a system that is not closed is about an objective."""
    risks = (risk for register in documents.of(RiskRegisterDocument) for risk in register.risks)
    mine = (risk for risk in risks if risk.system == system and risk.status != "closed")
    return any((risk.objective or "").casefold() == objective.casefold() for risk in mine)

"""People with an interest in what they waive, accept or judge, by the documents in force and by whose key signed."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from aims_mlflow.catalog.loader import controls_for_kind, kinds
from aims_mlflow.gates.document_content.audits import own_work, planned_audit
from aims_mlflow.gates.document_content.duties import duties_on
from aims_mlflow.management.findings.conflicting_duties import (
    assessed_themselves,
    is_own_deputy,
    judges_own_training,
)
from aims_mlflow.pages.library import written_state
from aims_mlflow.pages.views.common import day_text, leaf_cell, model_cell
from aims_mlflow.records.documents.improvement import AuditReportDocument
from aims_mlflow.records.documents.leadership import RoleAssignmentDocument, RolesDocument
from aims_mlflow.records.documents.lifecycle import CompetenceDocument
from aims_mlflow.records.documents.risk import RiskRegisterDocument, TreatmentPlanDocument

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from aims_mlflow.pages.library import SealedDocument
    from aims_mlflow.pages.source import PageSource

    Conflict = tuple[str, str, str]  # what was done, by whom, and why it is a conflict

MOST_NAMED = 5


class Interests:
    """Who has an interest in what is said about a system: its owner, and who wrote about it."""

    def __init__(self, source: PageSource) -> None:
        self.state = written_state(source)
        self._written: dict[str, list[SealedDocument]] = defaultdict(list)
        for document in source.documents.in_force:
            self._written[document.publication.document.system or ""].append(document)

    def in_gap(self, system: str, control: str) -> Iterator[tuple[str, str]]:
        """Yield (person, why a gap of this control is their own) for a system."""
        yield from self.in_system(system)
        for document in self._written[system]:
            if document.kind in kinds() and control in dict(controls_for_kind(document.kind)):
                for author in document.publication.document.authors:
                    yield author, f"wrote {document.id}, on which {control} rests"

    def in_system(self, system: str) -> Iterator[tuple[str, str]]:
        """Yield (person, what they have to do with a system) of who owns it, and of who entered it in the register."""
        entry = self.state.systems.get(system)
        if entry is not None:
            yield entry.owner, f"owns {system}"
            yield entry.author, f"entered {system} in the register"

    def of_model(self, model: str) -> str:
        """Return the system whose register entry names a model; empty where none does."""
        return next((name for name, entry in self.state.systems.items() if model in entry.models), "")

    def of_person(self, who: str, found: Iterable[tuple[str, str]]) -> list[str]:
        """Return the reasons among (person, reason) that are about one person, each once."""
        return list(dict.fromkeys(why for name, why in found if who and self.state.is_one_of(who, (name,))))


def own_waivers(source: PageSource, interests: Interests) -> Iterator[tuple[Any, ...]]:
    """Yield waivers by people with an interest in the gap that they waive."""
    sql = (
        "SELECT c.*, (SELECT max(d.system) FROM decision d WHERE d.model = c.model AND d.digest = c.digest) AS system "
        "FROM consent c WHERE c.type = 'waiver' ORDER BY c.sequence DESC"
    )
    for row in source.rows(sql):
        owner = source.owner(row["key_id"])
        system, control = row["system"] or interests.of_model(row["model"]), row["control"] or ""
        why = interests.of_person(owner, interests.in_gap(system, control))
        if why:
            yield (
                f"waiver of {control or 'everything (break-glass)'}", owner, model_cell(row["model"]), _few(why, "; "),
                day_text(row["time"]), leaf_cell(row["sequence"]),
            )  # fmt: skip


def in_document(each: SealedDocument, today: str, interests: Interests) -> Iterator[Conflict]:
    """Yield what a document states of people who accept, audit, assess or judge what is their own."""
    written, state = each.written, interests.state
    if isinstance(written, RiskRegisterDocument | TreatmentPlanDocument):
        yield from _acceptances(written, each.publication.document.authors, interests)
    elif isinstance(written, AuditReportDocument):
        yield from _audits(written, interests)
    elif isinstance(written, CompetenceDocument) and assessed_themselves(written, state):
        yield "assessment of competence", str(written.assessor), "it is their own"
    elif isinstance(written, RolesDocument):
        for role in written.roles:
            if is_own_deputy(role, state):
                yield f"deputy of the role {role.role}", str(role.deputy), "holds the role"
    elif isinstance(written, RoleAssignmentDocument):
        duties = duties_on(state, today)
        for duty, name in judges_own_training(str(written.system), duties, state):
            yield f"duty to {duty}", name, f"is to train {written.system} too"


def _acceptances(
    document: RiskRegisterDocument | TreatmentPlanDocument, authors: tuple[str, ...], interests: Interests
) -> Iterator[Conflict]:
    """Yield who accepted what is left of risks that are theirs, once for each person of a document."""
    ids: dict[str, list[str]] = defaultdict(list)
    reasons: dict[str, dict[str, None]] = defaultdict(dict)
    for name, who, found in _accepted(document, interests):
        why = interests.of_person(who, (*found, *((author, f"wrote {document.id}") for author in authors)))
        if why:
            ids[who].append(name)
            reasons[who] |= dict.fromkeys(why)
    for who, named in ids.items():
        yield f"acceptance of {_few(named)}", who, _few(list(reasons[who]), "; ")


def _accepted(
    document: RiskRegisterDocument | TreatmentPlanDocument, interests: Interests
) -> Iterator[tuple[str, str, list[tuple[str, str]]]]:
    """Yield (risk, who accepted what is left of it, who has an interest in it, with the reason)."""
    if isinstance(document, RiskRegisterDocument):
        for risk in document.risks:
            mine = [(risk.owner or "", f"owns {risk.id}"), *interests.in_system(risk.system or document.system or "")]
            yield f"risk {risk.id}", risk.accepted_by or "", mine
        return
    for treated in document.risks:
        mine = [(treated.owner or "", f"is to treat {treated.risk}"), *interests.in_system(document.system or "")]
        yield f"risk {treated.risk}", treated.accepted_by or "", mine


def _audits(report: AuditReportDocument, interests: Interests) -> Iterator[Conflict]:
    """Yield members of an audit's team whose own work lies in its scope or its sample."""
    planned, state = planned_audit(report, interests.state), interests.state
    scope = (*(planned.scope if planned else ()), report.system or "", *(f.system or "" for f in report.findings))
    own = list(own_work(report, scope, state))
    for member in report.team:
        if why := interests.of_person(member.person, own):
            yield "audit", member.person, _few(why, "; ")


def _few(names: list[str], between: str = ", ") -> str:
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return between.join(names[:MOST_NAMED]) + more

"""Conditions of the clauses 4 to 10: context, leadership, risk, audit, review, corrective action."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aims_mlflow.catalog.loader import controls
from aims_mlflow.gates.control_conditions.by_document import (
    by_document,
    by_documents,
    each_entry,
    entries,
    judged,
    of_form,
    states,
)
from aims_mlflow.gates.control_conditions.improvement import (
    ACTIONS,
    AUDIT_FINDINGS,
    DECISIONS,
    EFFECT,
    UNCHANGED,
    audited,
    removed,
    tells_incidents,
)
from aims_mlflow.gates.control_conditions.operation import CHECKS as IN_OPERATION
from aims_mlflow.gates.control_conditions.organisation import CHECKS as OF_THE_ORGANISATION
from aims_mlflow.gates.control_conditions.responsible_use import CHECKS as OF_USE
from aims_mlflow.gates.document_content.acceptance import AcceptingPeople
from aims_mlflow.gates.document_content.against_register import why_not_out
from aims_mlflow.gates.document_content.people import not_of_management, unheld_role
from aims_mlflow.gates.document_content.reviews import REVIEW_INPUTS
from aims_mlflow.gates.document_content.risks import changed_since, closed_by_nothing, happened_since
from aims_mlflow.gates.document_content.scopes import register_differs, scope_differs
from aims_mlflow.gates.person_statements import MANAGEMENT, approving_role, says
from aims_mlflow.gates.shapes import mappings
from aims_mlflow.gates.verdict import Judgement, joined
from aims_mlflow.records.documents.context import RegisterDocument, ScopeDocument
from aims_mlflow.records.documents.leadership import LeadershipDocument, RolesDocument
from aims_mlflow.records.documents.risk import ApplicabilityDocument, RiskRegisterDocument, TreatmentPlanDocument
from aims_mlflow.records.documents.third_parties import SupplierDocument

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from typing import Any

    from aims_mlflow.gates.control_conditions.by_document import ConditionCheck
    from aims_mlflow.gates.document_content.document_set import DocumentSet
    from aims_mlflow.gates.person_statements import PublishedDocument
    from aims_mlflow.gates.status_subject import StatusSubject
    from aims_mlflow.gates.verdict import Problem

# What the standard asks to be written, whatever else an organisation writes.
WRITTEN = ("ai-policy", "scope", "risk-method", "soa")


def _scanned(entry: Mapping[str, Any], subject: StatusSubject, at: datetime) -> Problem:  # noqa: ARG001
    known = says(entry.get("system")) or says(entry.get("explanation"))
    return None if known else ("failed", f"{entry.get('id')} was found, and is neither registered nor explained")


def all_assessed(document: PublishedDocument, subject: StatusSubject, at: datetime) -> Problem:  # noqa: ARG001
    """This system has a risk; for the organisation, each registered system has one."""
    systems = {subject.name} if subject.name else set()
    if subject.scope == "organization":
        systems = {str(e.get("id")) for d in subject.written("register") for e in mappings(d.fields.get("systems"))}
    registers = [document, *subject.written("risk-register")]
    assessed = {str(e.get("system")) for d in registers for e in mappings(d.fields.get("risks"))}
    bare = sorted(systems - assessed)
    return ("missing", f"no risk is assessed for {', '.join(bare) or 'any system'}") if bare or not assessed else None


def every_control(document: PublishedDocument, subject: StatusSubject, at: datetime) -> Problem:  # noqa: ARG001
    """Each of the 38 controls has a reason why it applies, or why it does not."""
    reasoned = {str(e.get("control")) for e in mappings(document.fields.get("controls")) if says(e.get("reason"))}
    lacking = [c for c in controls() if c not in reasoned]
    text = f"{len(lacking)} of {len(controls())} controls have no reason: {', '.join(lacking[:5])}"
    return ("missing", text) if lacking else None


def _applicable(statement: ApplicabilityDocument, known: DocumentSet, day: str) -> Problem:  # noqa: ARG001
    """The register of systems speaks against no exclusion, and nothing changed since."""
    suppliers = known.of(SupplierDocument)
    for row in statement.controls:
        against = None if row.applies else why_not_out(row.control, known.systems, suppliers)
        if against:
            return "failed", f"{row.control} is excluded, and by the register {against}"
    changed = [f"{name} changed on {when}" for name, when, _ in changed_since(statement, known)]
    return ("stale", f"{changed[0]}, after {statement.effective_from}") if changed else None


def _accepted(plan: TreatmentPlanDocument, known: DocumentSet, day: str) -> Problem:  # noqa: ARG001
    """Whoever accepted what is left of a risk may do so."""
    may_accept = AcceptingPeople(known)
    for treated in plan.risks:
        if treated.accepted_by and not may_accept(treated.accepted_by, treated.residual or ""):
            level = f"level {treated.residual}" if treated.residual else "a level that is not stated"
            who = f"{treated.accepted_by}, who is not of top management nor may accept {level}"
            text = f"what is left of risk {treated.risk} is accepted by {who}"
            return ("failed", text) if known.people else ("missing", f"{text}: there is no register of people")
    return None


def _still_true(register: RiskRegisterDocument, known: DocumentSet, day: str) -> Problem:  # noqa: ARG001
    """No risk is closed by nothing, and nothing happened since the risks were assessed."""
    closed = closed_by_nothing(register)
    if closed:
        return "failed", f"risk {closed[0].id} is closed, and no evidence closed it"
    since = happened_since(register, known)
    return ("stale", since[0][0]) if since else None


def _registered(register: RegisterDocument, known: DocumentSet, day: str) -> Problem:  # noqa: ARG001
    differs = register_differs(register, known)
    return ("missing", differs) if differs else None


def _scoped(scope: ScopeDocument, known: DocumentSet, day: str) -> Problem:  # noqa: ARG001
    differs = next(scope_differs(scope, known), None)
    return ("missing", differs[1]) if differs else None


def context(subject: StatusSubject, at: datetime) -> Judgement:
    """Context and parties are approved documents."""
    issues = MATTERS(subject, at)
    parties = PARTIES(subject, at)
    return joined([issues, parties], f"{issues.sentence}; {parties.sentence}")


def roles_and_stages(subject: StatusSubject, at: datetime) -> Judgement:
    """Each registered system has roles and a stage, within an approved scope."""
    register, scope = REGISTER(subject, at), SCOPE(subject, at)
    return joined([register, scope], f"{register.sentence}; {scope.sentence}")


def objectives(subject: StatusSubject, at: datetime) -> Judgement:
    """Objectives of development and of use can be measured."""
    built = OF_THE_ORGANISATION["A.6.1.2/measurable"](subject, at)
    used = OF_USE["A.9.3/measurable"](subject, at)
    return joined([built, used], f"{built.sentence}; {used.sentence}")


def written(subject: StatusSubject, at: datetime) -> Judgement:
    """What the standard asks to be written is there; approvals are another condition's matter."""
    lacking = [kind for kind in WRITTEN if not subject.written(kind)]
    if lacking:
        return Judgement("missing", f"there is no {', no '.join(lacking)}", basis="person")
    parts = [judged(subject, subject.written(kind)[-1], at, (), approving_role(kind)) for kind in WRITTEN]
    return joined(parts, f"{', '.join(WRITTEN)} are here")


def controlled(subject: StatusSubject, at: datetime) -> Judgement:
    """Each published document counts: another person approved it, and its review is not overdue."""
    # In one order: a page that is made again says the same.
    kinds = dict.fromkeys(d.kind for d in subject.documents if subject.concerns(d))
    parts = [subject.judged(d, at, approving_role(kind)) for kind in kinds for d in subject.written(kind)]
    if not parts:
        return Judgement("missing", "there is no published document", basis="person")
    return joined(parts, f"{len(parts)} documents are approved and in date")


MATTERS = by_document("context", entries("issues", "issue", "effect"))
PARTIES = by_document("parties", entries("parties", "who", "need"))
TREATMENTS = by_document("treatment-plan", entries("risks", "risk", "measure", "owner", "due"))
ACCEPTED = by_document(
    "treatment-plan", entries("risks", "risk", "residual", "accepted_by"), of_form(TreatmentPlanDocument, _accepted)
)
ASSESSED = by_document(
    "risk-register",
    entries("risks", "system", "event", "owner"),
    all_assessed,
    of_form(RiskRegisterDocument, _still_true),
)
REGISTER = by_document("register", entries("systems", "id", "roles", "stage"), of_form(RegisterDocument, _registered))
SCOPE = by_document("scope", states("statement", "systems_in"), of_form(ScopeDocument, _scoped))

CHECKS: dict[str, ConditionCheck] = {
    "4.1/matters": by_document("context", entries("issues", "issue")),
    "4.1/effect": MATTERS,
    "4.2/parties": PARTIES,
    "4.3/roles": roles_and_stages,
    "4.3/scan": by_document("register", entries("scan", "id"), each_entry("scan", _scanned)),
    "4.4/processes": OF_THE_ORGANISATION["A.6.1.3/approved"],
    "4.4/kept": DECISIONS,
    "5.1/commitment": by_document(
        "leadership", states("resources", "members"), of_form(LeadershipDocument, not_of_management), role=MANAGEMENT
    ),
    "5.2/approved": OF_THE_ORGANISATION["A.2.2/approved"],
    "5.2/communicated": OF_THE_ORGANISATION["A.2.2/communicated"],
    "5.3/authority": by_document(
        "roles", entries("roles", "role", "authority", "person"), of_form(RolesDocument, unheld_role)
    ),
    "6.1.1/determined": context,
    "6.1.1/actions": TREATMENTS,
    "6.1.2/criteria": by_document("risk-method", states("scales", "acceptance"), role=MANAGEMENT),
    "6.1.2/systems": ASSESSED,
    "6.1.3/controls": by_document("soa", every_control, of_form(ApplicabilityDocument, _applicable), role=MANAGEMENT),
    "6.1.3/residual": ACCEPTED,
    "6.2/measurable": objectives,
    "6.2/results": OF_USE["A.9.3/reviewed"],
    "6.3/planned": by_documents("change", states("what", "assessment")),
    "7.1/committed": by_document("leadership", states("resources"), role=MANAGEMENT),
    "7.1/known": OF_THE_ORGANISATION["A.4.2/stages"],
    "7.2/competence": OF_THE_ORGANISATION["A.4.6/competence"],
    "7.3/reached": OF_THE_ORGANISATION["A.2.2/communicated"],
    "7.4/inside": by_document("communication", states("audience", "channel")),
    "7.4/outside": IN_OPERATION["A.8.5/duties"],
    "7.5/written": written,
    "7.5/controlled": controlled,
    "8.2/assessed": ASSESSED,
    "8.3/plan": TREATMENTS,
    "8.3/rest": ACCEPTED,
    "9.2/auditors": audited,
    "9.2/findings": AUDIT_FINDINGS,
    "9.3/inputs": by_document("review-inputs", states(*REVIEW_INPUTS), tells_incidents, UNCHANGED),
    "9.3/decisions": DECISIONS,
    "10.1/decided": DECISIONS,
    "10.1/done": ACTIONS,
    "10.2/cause": removed,
    "10.2/effect": EFFECT,
}

"""Conditions about the organisation: policy, roles, resources, third parties, and the clauses (A.2, A.3, A.10)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aims_mlflow.gates.control_conditions.by_document import (
    by_document,
    by_documents,
    each_entry,
    entries,
    judged,
    of_form,
    states,
)
from aims_mlflow.gates.control_conditions.model_evidence import measured_claims
from aims_mlflow.gates.control_conditions.operation import moment, within_a_year
from aims_mlflow.gates.control_conditions.responsible_use import each_priority
from aims_mlflow.gates.document_content.customers import unrequired
from aims_mlflow.gates.document_content.duties import SIGNED_WITH
from aims_mlflow.gates.document_content.objectives import is_a_risk, unmeasurable
from aims_mlflow.gates.document_content.people import unheld_duty
from aims_mlflow.gates.document_content.reviews import next_due, serious_since
from aims_mlflow.gates.document_content.shared_duties import duty_faults, shared_before, unshared
from aims_mlflow.gates.document_content.stated_results import beyond
from aims_mlflow.gates.document_content.suppliers import component_faults, used_components
from aims_mlflow.gates.person_statements import MANAGEMENT, says
from aims_mlflow.gates.shapes import mapping, mappings, number, texts
from aims_mlflow.gates.verdict import Judgement, joined
from aims_mlflow.records.base import utc_text
from aims_mlflow.records.documents.leadership import PolicyReviewDocument, RoleAssignmentDocument
from aims_mlflow.records.documents.lifecycle import DevelopmentObjectivesDocument
from aims_mlflow.records.documents.third_parties import (
    CustomerNeedsDocument,
    ResponsibilityDocument,
    SupplierDocument,
    SupplierEvaluationDocument,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from aims_mlflow.gates.control_conditions.by_document import ConditionCheck, FieldCheck
    from aims_mlflow.gates.document_content.document_set import DocumentSet
    from aims_mlflow.gates.person_statements import PublishedDocument
    from aims_mlflow.gates.status_subject import StatusSubject
    from aims_mlflow.gates.verdict import Outcome, Problem
    from aims_mlflow.records.documents.base import WrittenDocument
    from aims_mlflow.records.keyring import KeyEntry


def reached(document: PublishedDocument, subject: StatusSubject, at: datetime) -> Problem:  # noqa: ARG001
    """The communication is about the newest AI policy, and reached those whom it binds."""
    policies = subject.written("ai-policy")
    if not policies:
        return "missing", "there is no AI policy that it could be about"
    if document.fields.get("policy") != policies[-1].id:
        return "stale", "it is about another version of the AI policy"
    told, bound = number(document.fields.get("reached")), number(document.fields.get("headcount"))
    if told is None or not bound:
        return "missing", "it does not state how many it reached, of how many"
    least = number(policies[-1].fields.get("least_reached")) or 100
    if told * 100 < least * bound:
        return "missing", f"it reached {told:,} of {bound:,} people, {too_few(least)}"
    return None


def too_few(least: float) -> str:
    """Return what the policy asks for, as the end of a sentence."""
    return f"and the policy asks for {least:g}%" if least < 100 else "and the policy lets nobody be left out"


def dated(name: str) -> FieldCheck:
    """Return the check that a field is a day or time that is past."""

    def check(document: PublishedDocument, subject: StatusSubject, at: datetime) -> Problem:  # noqa: ARG001
        when = moment(document.fields.get(name))
        if when is None:
            return "missing", f"it does not state {name} as YYYY-MM-DD"
        return ("missing", f"{name} is in the future ({when:%Y-%m-%d})") if when > at else None

    return check


def keyring_agrees(subject: StatusSubject, at: datetime) -> Judgement:
    """Whoever is to train, validate or approve owns a key with that role which is valid now."""
    named = HOLDERS(subject, at)
    if named.outcome not in ("holds", "captured"):
        return named
    if subject.keyring is None:
        return Judgement("captured", "no keyring here to compare the roles with", named.evidence, basis="person")
    lacking, known, day = [], subject.known_documents(), f"{at:%Y-%m-%d}"
    stated = [e for d in subject.newest("role-assignment") for e in mappings(d.fields.get("assignments"))]
    for entry in (e for e in stated if str(e.get("since") or day) <= day <= str(e.get("until") or day)):
        role, who = SIGNED_WITH.get(str(entry.get("duty"))), str(entry.get("person"))
        keys = [k for k in subject.keyring.keys if known.same_person(k.owner) == known.same_person(who)]
        if role and not any(_valid(k, role, at) for k in keys):
            lacking.append(f"{who} has no valid key with the role {role}")
    return Judgement("failed", "; ".join(lacking), named.evidence, basis="person") if lacking else named


def _valid(key: KeyEntry, role: str, at: datetime) -> bool:
    return key.why_not([role], utc_text(at)) is None


def _handled(entry: Mapping[str, Any], subject: StatusSubject, at: datetime) -> Problem:  # noqa: ARG001
    return None if says(entry.get("outcome")) else ("failed", f"case {entry.get('id')} has no outcome")


def tested(document: PublishedDocument, subject: StatusSubject, at: datetime) -> Problem:  # noqa: ARG001
    """The channel was tested within a year."""
    return None if within_a_year(document.fields.get("tested"), at) else ("stale", "no test within a year is stated")


def lists_data(document: PublishedDocument, subject: StatusSubject, at: datetime) -> Problem:  # noqa: ARG001
    """Each data set that the training used stands in the inventory by its digest."""
    known = {str(e.get("id")) for e in mappings(document.fields.get("resources"))}
    for role, described in subject.data.items():
        digests = set(described.digest.values())
        if not digests & known:
            return "stale", f"the run used {role} data that it does not list ({min(digests, default='no digest')[:12]})"
    return None


def competent(subject: StatusSubject, at: datetime) -> Judgement:
    """Each owner of a trainer's or approver's key has evidence of competence for that role that has not ended."""
    if subject.keyring is None:
        written = by_documents("competence-record", states("person", "role", "basis"))(subject, at)
        text = "no keyring here to say who must be competent"
        return (
            written if written.outcome == "missing" else Judgement("captured", text, written.evidence, basis="person")
        )
    documents = subject.written("competence-record")
    parts = []
    for key in subject.keyring.keys:
        for role in sorted({"trainer", "approver"} & set(key.roles)):
            parts += [_competence(key.owner, role, documents, subject, at)] if _valid(key, role, at) else []
    return (
        joined(parts, f"{len(parts)} roles with competence")
        if parts
        else Judgement("missing", "the keyring has no one")
    )


def _competence(
    owner: str, role: str, documents: list[PublishedDocument], subject: StatusSubject, at: datetime
) -> Judgement:
    mine = [
        d
        for d in documents
        if subject.known_documents().is_one_of(owner, texts(d.fields.get("person")))
        and role in texts(d.fields.get("role"))
        and says(d.fields.get("basis"))
    ]
    if not mine:
        return Judgement("missing", f"no evidence of competence of {owner} as {role}", basis="person")
    return judged(subject, mine[-1], at, ())


def _measured(entry: Mapping[str, Any], subject: StatusSubject, at: datetime) -> Problem:  # noqa: ARG001
    """An objective was measured for the model; the organisation has none, and each version has a state of its own."""
    if subject.scope == "organization":
        return None
    name, limit = entry.get("metric"), str(entry.get("limit"))
    found = measured_claims(subject, name, mapping(entry.get("slice")))
    missed = [c for c in found if c.value is not None and beyond(limit, c.comparator, c.value)]
    known = subject.known_documents()
    if missed and not is_a_risk(str(entry.get("objective")), str(subject.name), known):
        return "failed", f"{name} is {missed[0].value}, the objective is {limit}, and no open risk is about that"
    return None if found else ("missing", f"{name} was not measured for this model")


def implemented(subject: StatusSubject, at: datetime) -> Judgement:
    """The policy in force requires evidence at the gate, and the approved process names its stage."""
    if subject.rules is None:
        return Judgement("captured", "no policy of a gate is here")
    process = by_document("lifecycle-process", entries("stages", "stage", "criteria"))(subject, at)
    if process.outcome != "holds":
        return process
    stages = {e.get("stage") for e in mappings(subject.written("lifecycle-process")[-1].fields.get("stages"))}
    if not subject.rules.require:
        text = f"the policy in force requires no evidence at {subject.rules.stage}"
        return Judgement("failed", text, process.evidence)
    if subject.rules.stage not in stages:
        return Judgement("stale", f"the policy has a gate at {subject.rules.stage}, the process none", process.evidence)
    if subject.rules.mode != "enforce":
        return Judgement("failed", "the gate only observes: it refuses nothing", process.evidence)
    return Judgement(
        "holds", f"policy {subject.rules.policy_digest[:12]} gates {subject.rules.stage}", process.evidence
    )


def _one_accountable(document: ResponsibilityDocument, known: DocumentSet, day: str) -> Problem:
    """Each duty has one accountable party, and no contract began since the duties were shared out."""
    fault, older = next(duty_faults(document), None), shared_before(document, known, day)
    return ("missing", fault.fact) if fault else ("stale", older.fact) if older else None


def _required(document: CustomerNeedsDocument, known: DocumentSet, day: str) -> Problem:  # noqa: ARG001
    """Each need is in a requirement of the system."""
    lost = unrequired(document, known)
    return ("missing", f"{lost[0].requirement} is no requirement of {document.system}") if lost else None


def third_parties(kind: str, model: type[WrittenDocument], rules: Mapping[str, Outcome]) -> ConditionCheck:
    """Return the condition that documents of a kind count, and that no component breaks one of these rules."""
    counts = by_documents(kind, of_form(model, lambda *_: None))

    def judge(subject: StatusSubject, at: datetime) -> Judgement:
        verdict = counts(subject, at)
        if verdict.outcome not in ("holds", "captured"):
            return verdict
        known = subject.known_documents()
        mine = [
            c for c in used_components(known).values() if subject.scope == "organization" or c.system == subject.name
        ]
        found = [fault for component in mine for fault in component_faults(component, at.strftime("%Y-%m-%d"))]
        systems = {c.system for c in mine}
        shared = [d for d in known.of(ResponsibilityDocument) if d.system in systems]
        found += [fault for document in shared for fault in duty_faults(document)]
        found += [fault for _, fault in unshared(known, sorted(systems))]
        parts = [Judgement(rules[f.rule], f.fact, verdict.evidence, basis="person") for f in found if f.rule in rules]
        return joined([verdict, *parts], verdict.sentence)

    return judge


def _still_reviewed(review: PolicyReviewDocument, known: DocumentSet, day: str) -> Problem:
    """The next review is not overdue, and no serious incident came after this one."""
    due, serious = next_due(review), serious_since(review, known)
    if due and due < day:
        return "stale", f"the policy was reviewed on {review.date}, and the next review was due on {due}"
    return ("stale", f"serious incident {serious[0].id} came after the review of {review.date}") if serious else None


HOLDERS = by_document(
    "role-assignment", entries("assignments", "duty", "person"), of_form(RoleAssignmentDocument, unheld_duty)
)
CHECKS: dict[str, ConditionCheck] = {
    "A.2.2/approved": by_document("ai-policy", states("principles", "applies_to"), role=MANAGEMENT),
    "A.2.2/communicated": by_document("communication", states("audience", "channel"), reached),
    "A.2.3/listed": by_document("policy-alignment", entries("policies", "policy")),
    "A.2.3/outcome": by_document("policy-alignment", entries("policies", "outcome")),
    "A.2.4/held": by_document(
        "policy-review", states("by"), dated("date"), of_form(PolicyReviewDocument, _still_reviewed)
    ),
    "A.2.4/decision": by_document("policy-review", states("decision", "inputs")),
    "A.3.2/people": HOLDERS,
    "A.3.2/keyring": keyring_agrees,
    "A.3.3/channel": by_document("concern-process", states("channel", "protection")),
    "A.3.3/cases": by_document("concern-log", tested, each_entry("cases", _handled)),
    "A.4.2/stages": by_document("resource-inventory", entries("resources", "stage", "resource", "id"), lists_data),
    "A.4.6/competence": competent,
    "A.6.1.2/measurable": by_document(
        "development-objectives",
        entries("objectives", "objective", "metric", "limit"),
        of_form(DevelopmentObjectivesDocument, unmeasurable),
        each_priority,
    ),
    "A.6.1.2/claims": by_document(
        "development-objectives", entries("objectives", "metric"), each_entry("objectives", _measured)
    ),
    "A.6.1.3/approved": by_document("lifecycle-process", entries("stages", "stage", "criteria")),
    "A.6.1.3/policy": implemented,
    "A.10.2/assigned": by_document(
        "responsibility-matrix", entries("duties", "duty"), of_form(ResponsibilityDocument, _one_accountable)
    ),
    "A.10.3/documents": third_parties(
        "supplier-record", SupplierDocument, {"T1": "missing", "T5": "stale", "T6": "missing", "T7": "missing"}
    ),
    "A.10.3/test": third_parties(
        "supplier-evaluation",
        SupplierEvaluationDocument,
        {"T2": "missing", "T3": "stale", "T4": "missing", "T8": "stale", "T11": "failed"},
    ),
    "A.10.4/needs": by_document(
        "customer-needs", entries("needs", "need", "requirement"), of_form(CustomerNeedsDocument, _required)
    ),
    "A.10.4/limits": by_document("customer-information", states("told", "limits")),
}

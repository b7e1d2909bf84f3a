"""Who was behind a piece of work: signers of records, and people who wrote, decided, tested or answer for something."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel

from aims_mlflow.gates.document_content.duties import may_approve
from aims_mlflow.records.documents.impact import Assessor, ImpactAssessmentDocument
from aims_mlflow.records.documents.improvement import AuditProgrammeDocument, AuditReportDocument
from aims_mlflow.records.documents.leadership import RoleAssignmentDocument, RolesDocument
from aims_mlflow.records.documents.lifecycle import DesignDocument
from aims_mlflow.records.documents.third_parties import SupplierEvaluationDocument

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from aims_mlflow.evidence.statement import SealedRecord
    from aims_mlflow.gates.document_content.document_set import DocumentSet
    from aims_mlflow.records.keyring import Keyring

# Fields of what somebody did themselves, with the verb; `person` is one of an assessor alone.
DID = {"decided_by": "decided", "evaluator": "tested", "approved_by": "approved", "accepted_by": "accepted"}
ANSWERS = {"owner": "answers for", "deputy": "stands in for", "responsible": "carries out"}
AUDITING = (AuditProgrammeDocument, AuditReportDocument)
# Kinds about a system whose work is theirs who did it, whether or not they were sampled.
WORK = (ImpactAssessmentDocument, DesignDocument, SupplierEvaluationDocument)


def signers_of(records: Iterable[SealedRecord], keyring: Keyring | None) -> set[str]:
    """Return who signed records: the owners of the keys, and the accounts that the records name."""
    signed = list(records)
    keys = [keyring.find(r.evidence.key_id) for r in signed] if keyring is not None else []
    return {r.evidence.actor for r in signed} | {k.owner for k in keys if k is not None}


def work_in_scope(scope: Iterable[str], documents: DocumentSet) -> Iterator[tuple[str, str]]:
    """Yield (person, what they do) of everybody with work of their own in a system of a scope, as of any day."""
    for system in (s for s in dict.fromkeys(scope) if s in documents.systems):
        yield documents.systems[system].owner, f"owns {system}"
        for document in documents.about(RoleAssignmentDocument, system):
            for entry in document.assignments:
                names = (name for name in (entry.person, *entry.responsible) if name)
                yield from ((name, f"is to {entry.duty} {system}") for name in names)
        for roles in documents.of(RolesDocument):
            for role in (r for r in roles.roles if may_approve(r, system)):
                yield from ((n, f"may approve {system} as {role.role}") for n in (role.person, role.deputy) if n)
        for kind in WORK:
            for work in documents.about(kind, system):
                yield from ((name, f"{did} {work.id}") for name, did in _inside(work, DID))


def behind_document(name: str, documents: DocumentSet) -> set[str]:
    """Return who wrote, owns or is to approve a sampled document, and who did or answers for something in it."""
    found = documents.named(name.removeprefix("document:"))
    people = {who for d in found for who in (d.author, d.owner, d.approver) if who}
    entries = (d for d in found if not isinstance(d, AUDITING))
    return people | {who for d in entries for who, _ in _inside(d, DID | ANSWERS)}


def _inside(entry: BaseModel, verbs: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Yield (person, what they did) of the fields of an entry, and of the entries in it."""
    for field in type(entry).model_fields:
        value = getattr(entry, field)
        verb = "assessed" if isinstance(entry, Assessor) and field == "person" else verbs.get(field)
        for each in value if isinstance(value, tuple) else (value,):
            if isinstance(each, BaseModel):
                yield from _inside(each, verbs)
            elif verb and isinstance(each, str):
                yield each, verb

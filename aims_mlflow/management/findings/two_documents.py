"""Finding W5: two documents in force for one purpose, of which nobody can say which one holds."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from aims_mlflow.management.findings.rules import ManagementFinding
from aims_mlflow.records.documents.impact import ImpactAssessmentDocument
from aims_mlflow.records.documents.leadership import PeopleEntry
from aims_mlflow.records.documents.lifecycle import DeploymentPlanDocument, MonitoringPlanDocument

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aims_mlflow.management.findings.state import ManagementState
    from aims_mlflow.records.documents.base import WrittenDocument

# Kinds of which one document holds for the whole organisation, or for one system. Of others several hold beside each
# other, such as reports, records, and lists that each unit keeps.
ONE_FOR_ALL = frozenset(
    {"ai-policy", "scope", "context", "risk-method", "soa", "leadership", "impact-process", "register",
     "concern-process", "lifecycle-process", "use-process"}
)  # fmt: skip
ONE_FOR_A_SYSTEM = frozenset(
    {"system", "role-assignment", "intended-use", "requirements", "responsibility-matrix", "log-plan", "use-process",
     "incident-communication-plan"}
)  # fmt: skip


def two_for_one_purpose(state: ManagementState) -> Iterator[ManagementFinding]:
    """Yield W5 for documents that hold for one purpose."""
    found: dict[tuple[str, str], list[WrittenDocument]] = defaultdict(list)
    for document in state.documents:
        for purpose in _purposes(document):
            found[document.kind, purpose].append(document)
    approved = _approved(state)
    once = {tuple(d.id for d in several): several for several in found.values() if len(several) > 1}
    for ids, several in once.items():
        kind = several[0].kind
        whom = f" of {several[0].system}" if several[0].system else ""
        fact = f"{len(several)} documents {kind}{whom} are in force: {', '.join(ids)}; nobody can say which one holds"
        others = [name for name in ids if name not in approved]
        ended = others[-1] if others and len(others) < len(ids) else f"ID, where ID is one of {', '.join(ids)}"
        fix = f"make one of them, and withdraw the other: aims document withdraw {ended}"
        yield ManagementFinding("W5", f"{kind}/{'/'.join(sorted(ids))}", fact, fix, several[0].system, ids)


def _purposes(document: WrittenDocument) -> list[str]:
    """Return for what a document alone is to hold."""
    if isinstance(document, PeopleEntry):
        return sorted({f"person {person.id}" for person in document.people})
    if isinstance(document, ImpactAssessmentDocument | DeploymentPlanDocument):
        return [f"{document.system} {' '.join(sorted(document.model_digests))}"]
    if isinstance(document, MonitoringPlanDocument):
        return [f"{document.system} {document.model or ''}"]
    if document.kind in ONE_FOR_A_SYSTEM and document.system is not None:
        return [document.system]
    return [document.organisation or ""] if document.kind in ONE_FOR_ALL and document.system is None else []


def _approved(state: ManagementState) -> set[str]:
    """Return the ids of documents that somebody approved: the others are withdrawn first."""
    files = {f.document.id for f in state.files if f.state == "approved"}
    known = state.published
    shelf = known.shelf if known is not None else None
    return files | {p.document.id for p in shelf.publications if shelf.is_approved(p)} if shelf is not None else files

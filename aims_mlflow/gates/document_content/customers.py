"""What customers need, and whether a requirement of the system says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aims_mlflow.records.documents.lifecycle import RequirementsDocument

if TYPE_CHECKING:
    from aims_mlflow.gates.document_content.document_set import DocumentSet
    from aims_mlflow.records.documents.third_parties import CustomerNeedsDocument, CustomerWish


def unrequired(document: CustomerNeedsDocument, documents: DocumentSet) -> list[CustomerWish]:
    """Return the needs whose requirement none of the system's requirements is; T10 in findings."""
    required = {r.id for d in documents.about(RequirementsDocument, str(document.system)) for r in d.requirements}
    return [need for need in document.needs if need.requirement and need.requirement not in required]

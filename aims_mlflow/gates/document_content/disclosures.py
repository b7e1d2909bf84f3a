"""Whether what was disclosed answers a duty that was determined."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aims_mlflow.records.documents.information import DisclosureDutiesDocument

if TYPE_CHECKING:
    from aims_mlflow.gates.document_content.document_set import DocumentSet
    from aims_mlflow.records.documents.information import DisclosureDocument, DisclosureEntry


def undetermined(document: DisclosureDocument, documents: DocumentSet) -> list[DisclosureEntry]:
    """Return the disclosures whose duty nobody determined for the system; L12 in findings."""
    duties = documents.about(DisclosureDutiesDocument, str(document.system))
    known = {str(duty.what).casefold() for each in duties for duty in each.duties}
    return [entry for entry in document.disclosures if entry.duty.casefold() not in known]

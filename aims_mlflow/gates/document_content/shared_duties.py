"""Who is accountable for what among the parties about a component of a third party (T7 in findings)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aims_mlflow.gates.document_content.suppliers import SupplierFault
from aims_mlflow.records.documents.third_parties import ResponsibilityDocument, SupplierDocument

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from aims_mlflow.gates.document_content.document_set import DocumentSet


def duty_faults(document: ResponsibilityDocument) -> Iterator[SupplierFault]:
    """Yield T7: duties for which nobody or more than one party is accountable."""
    for duty in document.duties:
        if len(duty.accountable) != 1:
            who = " and ".join(duty.accountable) or "nobody"
            many = "are" if len(duty.accountable) > 1 else "is"
            fact = f"for {duty.duty!r} of {document.system}, {who} {many} accountable: it has to be one party"
            yield SupplierFault("T7", fact, "name one party in responsibility-matrix", duty.duty)
    several: dict[str, dict[str, None]] = {}
    for duty in document.duties:
        several.setdefault(" ".join(duty.duty.casefold().split()), {}).update(dict.fromkeys(duty.accountable[:1]))
    for name, parties in several.items():
        if len(parties) > 1:
            fact = f"{name!r} of {document.system} stands there twice, for {' and for '.join(parties)}"
            yield SupplierFault("T7", fact, "keep one row of it in responsibility-matrix", f"{name}/twice")


def shared_before(document: ResponsibilityDocument, documents: DocumentSet, today: str) -> SupplierFault | None:
    """Return T7 for duties that were shared out before a contract about the system began; None where none did."""
    records = (c for d in documents.about(SupplierDocument, str(document.system)) for c in d.components)
    since = document.effective_from
    for contract in (record.contract for record in records if record.contract):
        if since and contract.start and since < contract.start <= today:
            fact = f"the duties of {document.system} were shared out on {since}, before contract {contract.id} began "
            fact += f"on {contract.start}"
            return SupplierFault("T7", fact, f"go through the duties again: {document.id}", contract.id)
    return None


def unshared(documents: DocumentSet, systems: Iterable[str]) -> Iterator[tuple[str, SupplierFault]]:
    """Yield T7 for each system with components of third parties of which no duty is assigned among the parties."""
    shared = {str(d.system) for d in documents.of(ResponsibilityDocument)}
    for system in systems:
        if system not in shared:
            fact = f"{system} has components of third parties, and no duty is assigned among the parties"
            yield system, SupplierFault("T7", fact, f"aims document new responsibility-matrix --system {system}")

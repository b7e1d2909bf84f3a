"""Own tests of a component, which close what a system without a version of its own has open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aims_mlflow.records.documents.third_parties import SupplierEvaluationDocument

if TYPE_CHECKING:
    from aims_mlflow.gates.document_content.document_set import DocumentSet


def why_no_own_test(name: str, system: str | None, since: tuple[str, str | None], documents: DocumentSet) -> str | None:
    """Return why no own test of a component closes a risk or an incident; None where one does.

    Args:
        name: What closes it: the id of a supplier-evaluation.
        system: The system that the component is of; any where it is None.
        since: What the tests have to be later than, in words, and its day where one is stated.
        documents: Where the tests are written down.
    """
    written = [d for d in documents.of(SupplierEvaluationDocument) if system in (None, d.system)]
    days = [t.date for d in written if d.id == name for t in d.tests if t.date]
    if not days:
        return f"{name[:40]} leads to no record about a version of it that is in use, and to no own test of a component"
    what, day = since
    return f"the tests of {name} are of {max(days)}, before {what} on {day}" if day and max(days) < day else None

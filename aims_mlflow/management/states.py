"""The state of a document: draft, published, approved, due, overdue, superseded, withdrawn."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from aims_mlflow.gates.published_documents import DocumentShelf, Publication
    from aims_mlflow.records.documents.base import WrittenDocument

DocumentState = Literal["draft", "published", "approved", "due", "overdue", "superseded", "withdrawn"]
# Days before its review from which on a document is due.
DUE_DAYS = 30


def by_review(review_by: str | None, today: str, otherwise: DocumentState) -> DocumentState:
    """Return overdue after the day of the review, due within 30 days before it, else the state that is given."""
    if review_by is None:
        return otherwise
    if review_by < today:
        return "overdue"
    near = date.fromisoformat(review_by) - date.fromisoformat(today) <= timedelta(days=DUE_DAYS)
    return "due" if near and otherwise == "approved" else otherwise


def state_of(shelf: DocumentShelf, publication: Publication, today: str) -> DocumentState:
    """Return the state of a published version."""
    if shelf.is_withdrawn(publication):
        return "withdrawn"
    current = shelf.in_force(publication.document.id, today)
    approved = shelf.is_approved(publication)
    ids = [p.record.id for p in shelf.versions(publication.document.id)]
    if current is not None and ids.index(publication.record.id) < ids.index(current.record.id):
        return "superseded"
    return by_review(publication.document.review_by, today, "approved" if approved else "published")


def state_in_folder(written: WrittenDocument, today: str) -> DocumentState:
    """Return the state of a file that nobody looked up: a draft, or overdue by its own review date."""
    return by_review(written.review_by, today, "draft")

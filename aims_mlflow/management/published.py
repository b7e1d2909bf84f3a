"""What was published, as the forms that people write: sealed by the ledger, else kept by MLflow."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from aims_mlflow.canonical import sha256_hex
from aims_mlflow.errors import AimsError
from aims_mlflow.evidence import tracking
from aims_mlflow.gates.authority import Authority
from aims_mlflow.gates.sealed_documents import sealed_shelf
from aims_mlflow.lifecycle.ingest import force_now
from aims_mlflow.management.folder import FolderDocument, parse_document
from aims_mlflow.management.library import read_library
from aims_mlflow.management.publication import COMMON, FILES
from aims_mlflow.management.states import by_review, state_of
from aims_mlflow.records.documents import KINDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from aims_mlflow.gates.published_documents import DocumentShelf, Publication
    from aims_mlflow.ledger.ledger import Ledger
    from aims_mlflow.management.folder import Folder
    from aims_mlflow.management.states import DocumentState
    from aims_mlflow.records.documents.base import WrittenDocument


@dataclass(frozen=True)
class PublishedShelf:
    """The published documents, and where they were read.

    Attributes:
        shelf: Every version, approval, review and withdrawal that verifies.
        source: `the ledger` or `MLflow`.
    """

    shelf: DocumentShelf
    source: str

    def in_force(self, day: str) -> tuple[tuple[Publication, WrittenDocument], ...]:
        """Return the documents in force on a day, as the form of their kinds; one of another form is left out."""
        pairs = ((p, written_of(p)) for p in self.shelf.on(day))
        return tuple((p, written) for p, written in pairs if written is not None)

    def counted_since(self, document: WrittenDocument, same: Callable[[WrittenDocument], bool]) -> str | None:
        """Return when a document of its kind about its system first counted for which `same` is true; else None.

        Earlier versions, and documents that it took the place of, are among them. Each counts from its first approval
        by another than its authors, and from the day that it names.
        """
        times = []
        mine = (p for p in self.shelf.publications if p.about == (document.kind, document.system))
        for publication in mine:
            approved, written = [a.time for a in self.shelf.counting(publication.document)], written_of(publication)
            if approved and written is not None and same(written):
                times.append(max(min(approved), written.effective_from or ""))
        return min(times, default=None)


def published_shelf(ledger: Ledger | None, at: datetime | None = None) -> PublishedShelf | None:
    """Return the documents that a ledger sealed; without one, those of the MLflow that is configured; else None.

    Raises:
        Unreachable: what is named does not answer: it is never taken for empty.
        EvidenceError: the ledger has no keyring in force, or the local one is not signed by its root.
    """
    if ledger is not None:
        authority = Authority(ledger, "", force_now(ledger), at or datetime.now(UTC))
        return PublishedShelf(sealed_shelf(authority), "the ledger")
    if tracking.is_configured():
        return PublishedShelf(read_library(first=True).shelf, "MLflow")
    return None


def written_of(publication: Publication) -> WrittenDocument | None:
    """Return a published version in the form of its kind; None where it has not that form (any more).

    The signed header decides, where a field repeats it. The text is not in the record, but in the file that it names.
    """
    stated = publication.statement
    common = {name: getattr(stated, name) for name in COMMON}
    facts = {
        **stated.fields, **{k: v for k, v in common.items() if v is not None}, "kind": publication.document.kind,
        "model_digests": stated.model_digests or (), "source": stated.source,
    }  # fmt: skip
    try:
        return KINDS[publication.document.kind].model_validate({k: v for k, v in facts.items() if v is not None})
    except (KeyError, ValidationError):
        return None


def text_of(publication: Publication, folder: Folder | None = None) -> FolderDocument | None:
    """Return the file of a published version: that of the folder if it is the same, else the one that MLflow keeps.

    None where neither has the bytes that were signed.
    """
    wanted = publication.statement.sha256
    same = next((d for d in (folder.documents if folder else ()) if d.sha256 == wanted), None)
    if same is not None:
        return same
    artifact = next((a for a in publication.record.evidence.artifacts if a.path.startswith(FILES)), None)
    run = publication.record.evidence.mlflow.run_id
    if artifact is None or run is None or not tracking.is_configured():
        return None
    try:
        content = tracking.read_file(run, artifact.path)
        read = parse_document(content, Path(artifact.path)) if sha256_hex(content) == wanted else None
    except AimsError:
        return None
    return read if isinstance(read, FolderDocument) else None


@dataclass(frozen=True)
class FileState:
    """A file of the management folder beside what was published of it.

    Attributes:
        state: `draft` where its content is not what was published last.
        published: The published version that it is, or comes after; None where nothing of it was published.
    """

    document: FolderDocument
    state: DocumentState
    published: Publication | None


def file_states(folder: Folder, known: PublishedShelf | None, today: str) -> Iterable[FileState]:
    """Yield each file of a folder with its state; where nothing published was read, each is a draft or overdue."""
    for document in folder.documents:
        versions = known.shelf.versions(document.id) if known is not None else []
        same = next((p for p in reversed(versions) if p.document.sha256 == document.sha256), None)
        if same is not None and known is not None:
            yield FileState(document, state_of(known.shelf, same, today), same)
        else:
            state = by_review(document.written.review_by, today, "draft")
            yield FileState(document, state, versions[-1] if versions else None)

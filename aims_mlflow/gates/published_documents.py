"""The published documents in sessions that verify: the version in force of each, approvals, reviews, withdrawals."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from aims_mlflow.cached_values import cached_property
from aims_mlflow.catalog.loader import kinds
from aims_mlflow.evidence.session import MANIFEST_KIND
from aims_mlflow.gates.document_content.document_set import KIND_OF, known_as
from aims_mlflow.gates.person_statements import DocumentApproval, PublishedDocument, approving_role, day_end
from aims_mlflow.records.details import details_model, read_details
from aims_mlflow.records.details.attachments import AttachmentDetails, DocumentEventDetails, DocumentStatement
from aims_mlflow.records.documents import KINDS
from aims_mlflow.records.documents.leadership import PeopleEntry
from aims_mlflow.signing.owners import is_among, person

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from aims_mlflow.evidence.statement import SealedRecord
    from aims_mlflow.evidence.verify import CheckedSession
    from aims_mlflow.records.keyring import KeyEntry, Keyring

APPROVAL, REVIEW, WITHDRAWAL = "document-approval", "document-review", "document-withdrawal"
SAMPLE = "audit-sample"  # an auditor's, signed by a key of any role as documents are
PREFIX = "document:"
LEAST_LETTERS = 200


@dataclass(frozen=True)
class Publication:
    """One version of a document as it was published, with the record that says so."""

    document: PublishedDocument
    statement: DocumentStatement
    record: SealedRecord

    @property
    def about(self) -> tuple[str, str | None]:
        """Its kind, and the system that it is about; None for the organisation."""
        return self.document.kind, self.document.system

    def begins_after(self, day: str) -> bool:
        """Return whether its first day, where it states one, is after a day (YYYY-MM-DD)."""
        return (self.document.effective_from or "") > day


def counting(document: PublishedDocument, approvals: Iterable[DocumentApproval]) -> list[DocumentApproval]:
    """Return those of some approvals that are of a publication, by no author of it, in the role that its kind needs."""
    role = approving_role(document.kind)
    return [a for a in approvals if a.is_of(document) and role in a.roles and not is_among(a.owner, document.authors)]


@dataclass(frozen=True)
class DocumentShelf:
    """All that sessions say of documents.

    Attributes:
        publications: Every version that was published, oldest first.
        approvals: Every approval whose signature verifies; whether it counts is judged for each document.
        withdrawn: The sha256 of the record of each publication that somebody withdrew who may.
        leaves: How many leaves of a ledger it was read from.
    """

    publications: tuple[Publication, ...] = ()
    approvals: tuple[DocumentApproval, ...] = ()
    withdrawn: frozenset[str] = frozenset()
    leaves: int = 0

    @cached_property
    def _versions(self) -> dict[str, list[Publication]]:
        out: dict[str, list[Publication]] = {}
        for publication in self.publications:
            out.setdefault(publication.document.id, []).append(publication)
        return out

    @cached_property
    def _approvals(self) -> dict[str | None, list[DocumentApproval]]:
        out: dict[str | None, list[DocumentApproval]] = {}
        for approval in self.approvals:
            out.setdefault(approval.sha256, []).append(approval)
        return out

    def versions(self, document: str) -> list[Publication]:
        """Return the published versions of a document, oldest first."""
        return list(self._versions.get(document, ()))

    def approvals_of(self, document: PublishedDocument) -> list[DocumentApproval]:
        """Return the approvals of exactly this publication."""
        return [a for a in self._approvals.get(document.sha256, ()) if a.is_of(document)]

    def counting(self, document: PublishedDocument) -> list[DocumentApproval]:
        """Return the approvals of exactly this publication by others than its authors, in the role that it needs."""
        return counting(document, self._approvals.get(document.sha256, ()))

    def is_withdrawn(self, publication: Publication) -> bool:
        """Return whether a person withdrew a document after this version was published."""
        return publication.document.record in self.withdrawn

    def is_approved(self, publication: Publication) -> bool:
        """Return whether an approval of it counts; without one, the version that was approved before stays in force."""
        return bool(self.counting(publication.document))

    def in_force(self, document: str, day: str) -> Publication | None:
        """Return the version of a document that is in force on a day (YYYY-MM-DD); None for one that was withdrawn.

        It is the newest approved version whose first day is not after it. Without one it is what stands in its place,
        and is judged as such: the newest approved version, else the newest.
        """
        mine = [p for p in self.versions(document) if not self.is_withdrawn(p)]
        approved = [p for p in mine if self.is_approved(p)]
        begun = [p for p in approved if not p.begins_after(day)]
        return (begun or approved or mine)[-1] if mine else None

    def on(self, day: str) -> tuple[Publication, ...]:
        """Return the version of each document that is in force on a day.

        A document that begins later is left out where another of its kind about the same system applies that day.
        """
        if day not in self._on:
            found = [p for name in self._versions if (p := self.in_force(name, day)) is not None]
            begun = {p.about for p in found if not p.begins_after(day)}
            self._on[day] = tuple(p for p in found if not p.begins_after(day) or p.about not in begun)
        return self._on[day]

    @cached_property
    def _on(self) -> dict[str, tuple[Publication, ...]]:
        return {}

    def documents(self, day: str) -> tuple[PublishedDocument, ...]:
        """Return what is in force on a day, as `on`, as documents."""
        return tuple(p.document for p in self.on(day))


def shelf_of(
    sessions: Iterable[CheckedSession], sealed: Mapping[str, str] | None = None, keyring: Keyring | None = None
) -> DocumentShelf:
    """Return the documents, approvals, reviews and withdrawals of sound sessions; what is malformed is left out.

    `sealed` is when the ledger sealed each record, by its sha256; without it, its signer's word about the time counts.
    An author is known by every owner of a key of theirs: of the `keyring`, and of those that signed here.
    """
    publications, approvals, withdrawals, reviews = [], [], [], []
    times = sealed or {}
    signed = [
        (times.get(r.sha256, r.evidence.time), r, s.signers[r.id])
        for s in sessions if s.sound for r in s.records if r.id in s.signers
    ]  # fmt: skip
    for time, record, entry in sorted(signed, key=lambda each: (each[0], each[1].id)):
        body, sha256 = record.evidence, _file_digest(record)
        if body.kind in KINDS:
            published = _publication(record, entry.owner, sha256, time)
            publications += [published] if published else []
        elif sha256 is None or body.kind not in (APPROVAL, REVIEW, WITHDRAWAL):
            continue
        else:
            details = read_details(body, DocumentEventDetails)
            if body.kind == APPROVAL:
                approval = DocumentApproval(sha256, entry.owner, entry.roles, time, details.publication or "")
                approvals.append(approval)
            elif body.kind == WITHDRAWAL:
                withdrawals.append((details, entry, time))
            else:
                reviews.append((details, entry))
    keys = [*(keyring.keys if keyring else ()), *(entry for _, _, entry in signed)]
    known = tuple(_reviewed(p, reviews) for p in _with_owners(publications, approvals, keys))
    return DocumentShelf(known, tuple(approvals), frozenset(_withdrawn(known, withdrawals)))


def _with_owners(
    publications: Sequence[Publication], approvals: Sequence[DocumentApproval], keys: Iterable[KeyEntry]
) -> Iterator[Publication]:
    """Yield publications with the owners of keys of their authors among the writers, by the approved people registers.

    An author may be named by the register's id or full name, and sign an approval as the owner of a key.
    """
    registers = [p.document for p in publications if p.document.kind == KIND_OF[PeopleEntry]]
    written = [d.written for d in registers if counting(d, approvals)]
    forms = known_as([p for w in written if isinstance(w, PeopleEntry) for p in w.people], keys)
    owners: dict[str, set[str]] = {}
    for entry in keys if forms else ():
        owners.setdefault(forms.get(person(entry.owner), ""), set()).add(entry.owner)
    for publication in publications:
        document = publication.document
        same = {forms[form] for form in map(person, document.authors) if form in forms}
        more = sorted(o for form in same for o in owners.get(form, ()) if not is_among(o, document.authors))
        named = replace(publication, document=replace(document, writers=(*document.writers, *more)))
        yield named if more else publication


def why_not_withdrawn(publication: Publication, entry: KeyEntry) -> str | None:
    """Return why a key may not withdraw a document; None for its authors, its owner and whoever may approve it."""
    document = publication.document
    role = approving_role(document.kind)
    if role in entry.roles or is_among(entry.owner, (*document.authors, publication.statement.owner)):
        return None
    return f"{entry.owner} neither wrote nor owns {document.id}, and has no key with the role {role!r} that approves it"


def _withdrawn(
    publications: Sequence[Publication], withdrawals: Iterable[tuple[DocumentEventDetails, KeyEntry, str]]
) -> Iterator[str]:
    """Yield the records of publications before a withdrawal by somebody who may withdraw them.

    Whoever publishes under the id of another's document may withdraw their own publication alone.
    """
    for details, entry, time in withdrawals:
        before = (p for p in publications if p.document.id == details.document and p.document.time <= time)
        yield from (p.record.sha256 for p in before if why_not_withdrawn(p, entry) is None)


def documents_named(session: CheckedSession) -> list[str]:
    """Return the documents that a session is about; [] where one of its records is about something else."""
    records = [r for r in session.records if r.evidence.kind != MANIFEST_KIND]
    signed = (APPROVAL, REVIEW, WITHDRAWAL, SAMPLE)
    about = [r.evidence.kind in signed or (r.evidence.kind in KINDS and _file_digest(r) is not None) for r in records]
    names = {s.name.removeprefix(PREFIX) for r in records for s in r.subjects if s.name.startswith(PREFIX)}
    return sorted(names) if about and all(about) else []


def _reviewed(publication: Publication, reviews: Iterable[tuple[DocumentEventDetails, KeyEntry]]) -> Publication:
    """Return a publication with the citations that others than its authors cleared."""
    document = publication.document
    cleared = frozenset(
        (details.citation, details.against)
        for details, entry in reviews
        if details.publication == document.record and details.citation and details.against
        if not is_among(entry.owner, document.authors)
    )
    return replace(publication, document=replace(document, reviewed=cleared))


def _file_digest(record: SealedRecord) -> str | None:
    """Return the sha256 of the document's file that a record is about: its one subject."""
    return record.subjects[0].digest.get("sha256") if len(record.subjects) == 1 else None


def _publication(record: SealedRecord, owner: str, sha256: str | None, time: str) -> Publication | None:
    body = record.evidence
    details = read_details(body, details_model(body.kind))
    stated = details.document if isinstance(details, AttachmentDetails) else None
    files = {a.sha256 for a in body.artifacts}
    if stated is None or sha256 != stated.sha256 or sha256 not in files or kinds()[body.kind].captured != "human":
        return None
    problems = []
    if KINDS[body.kind].TEXT and stated.characters < LEAST_LETTERS and stated.source is None:
        problems.append(f"its text has {stated.characters} letters and digits, at least {LEAST_LETTERS} are needed")
    document = PublishedDocument(
        body.kind,
        stated.id,
        sha256,
        owner,
        time,
        stated.fields,
        stated.system,
        tuple(stated.model_digests or ()),
        stated.review_by,
        day_end(stated.valid_until),
        tuple(problems),
        writers=(stated.author,),
        effective_from=stated.effective_from,
        citations=tuple(stated.citations or ()),
        record=record.sha256,
        owner=stated.owner,
    )
    return Publication(document, stated, record)

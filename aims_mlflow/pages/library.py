"""The published documents of a ledger as pages show them: verified, each with its state, within the reader's scope."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from aims_mlflow.cached_values import cached_property
from aims_mlflow.gates.published_documents import DocumentShelf
from aims_mlflow.management.findings.state import ManagementState
from aims_mlflow.management.library import Library
from aims_mlflow.management.published import written_of
from aims_mlflow.pages.judging import shelf_in
from aims_mlflow.pages.pages_first import RestingCache
from aims_mlflow.pages.scope import GONE
from aims_mlflow.records.details.attachments import EVENTS
from aims_mlflow.records.documents import KINDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from aims_mlflow.gates.published_documents import Publication
    from aims_mlflow.management.states import DocumentState
    from aims_mlflow.pages.source import PageSource, SharedSource
    from aims_mlflow.records.documents.base import WrittenDocument

Written = TypeVar("Written", bound="WrittenDocument")
Value = TypeVar("Value")
_KINDS = ",".join(f"'{kind}'" for kind in (*KINDS, *EVENTS))
_LEAVES = f"SELECT DISTINCT leaf FROM record WHERE kind IN ({_KINDS}) ORDER BY leaf"
# Leaves are final and have one order: their number, and the last with its hash, tell which they are.
_STATE = (
    "SELECT number, last, (SELECT hash FROM leaf WHERE sequence = last), "
    "(SELECT max(sequence) FROM leaf WHERE type IN ('policy', 'keyring')) FROM "
    f"(SELECT count(DISTINCT leaf) AS number, max(leaf) AS last FROM record WHERE kind IN ({_KINDS}))"
)
NEWEST = "newest"


def document_leaves(shared: SharedSource) -> tuple[int, ...]:
    """Return the numbers of the leaves about documents, in order."""
    return tuple(row["leaf"] for row in shared.index.connection.execute(_LEAVES))


def shelf_key(shared: SharedSource) -> tuple[object, ...]:
    """Return what the documents of a ledger depend on: the leaves about them, and the last one about the rules."""
    connection = shared.index.connection
    last = tuple(connection.execute("SELECT max(sequence), hash FROM leaf").fetchone())
    return shared.shelf_keys.once(last, lambda: tuple(connection.execute(_STATE).fetchone()))


def known_shelf(shared: SharedSource, now: datetime) -> DocumentShelf:
    """Return the documents that the ledger has; read anew after each leaf about one, and after each change of rules."""
    sessions = RestingCache(shared.sessions, shared.pages_first.rest)
    return shared.shelves.once(shelf_key(shared), lambda: shelf_in(shared.view, now, known=sessions))


def is_unread(shared: SharedSource) -> bool:
    """Return whether the documents of the ledger were never read since the server started."""
    return shared.shelves.known(NEWEST) is None


def newest_shelf(shared: SharedSource) -> DocumentShelf:
    """Return the documents as they were last read, for a page that cannot wait; none where they never were."""
    return shared.shelves.known(NEWEST) or DocumentShelf()


@dataclass(frozen=True)
class SealedDocument:
    """The version in force of a published document, its state today, and what it states."""

    publication: Publication
    state: DocumentState
    approved_by: tuple[str, ...]

    @property
    def id(self) -> str:
        """The document's id."""
        return self.publication.document.id

    @property
    def kind(self) -> str:
        """The document's kind."""
        return self.publication.document.kind

    @cached_property
    def written(self) -> WrittenDocument | None:
        """What it states, as its kind's model reads it; None where this release cannot."""
        return written_of(self.publication)


class ReadableDocuments:
    """The published documents that a reader may read.

    A document about a system is for those who may read every registered model of the system; one about the
    organisation, or about a system without a model, is for those who may read everything.
    """

    def __init__(self, source: PageSource) -> None:
        self._shared, self._scope, self._today = source.shared, source.scope, source.moment[:10]
        self.library = Library(source.shelf)
        self._systems: dict[str, bool] = {}
        self._of_model: dict[type[Any], list[tuple[SealedDocument, Any]]] = {}
        self._made: dict[str, Any] = {}

    def reads(self, system: str | None) -> bool:
        """Return whether the reader may read what is written about a system; None: about the organisation."""
        scope = self._scope
        if scope.whole or system is None:
            return scope.whole
        if system not in self._systems:
            sql = "SELECT DISTINCT model FROM version WHERE system = ?"
            found = self._shared.index.connection.execute(sql, (system,)).fetchall()
            names = [row["model"] for row in found if GONE not in row["model"]]
            self._systems[system] = bool(names) and all(map(scope.reads, names))
        return self._systems[system]

    def versions(self, document: str) -> list[Publication]:
        """Return the published versions of a document that the reader may read, oldest first."""
        return [p for p in self.library.shelf.versions(document) if self.reads(p.document.system)]

    def state(self, publication: Publication) -> DocumentState:
        """Return the state of a published version today."""
        return self.library.state(publication, self._today)

    @cached_property
    def all(self) -> Sequence[SealedDocument]:
        """The version in force of each document, by id; of a withdrawn one the last version."""
        shelf = self.library.shelf
        # What is remembered holds its shelf, so that no other shelf gets the same identity.
        key = (id(shelf), self._today)
        _, every = self._shared.documents.once(key, lambda: (shelf, self._all_on(self.library)))
        return [d for d in every if self.reads(d.publication.document.system)]

    def _all_on(self, library: Library) -> list[SealedDocument]:
        """Return the version in force of each document, as `all`, whoever may read it."""
        shelf, out = library.shelf, []
        for name in sorted({p.document.id for p in shelf.publications}):
            current = shelf.in_force(name, self._today) or shelf.versions(name)[-1]
            state = library.state(current, self._today)
            out.append(SealedDocument(current, state, _approvers(shelf, current)))
            self._shared.pages_first.rest()
        return out

    def approvers(self, publication: Publication) -> tuple[str, ...]:
        """Return whose approvals of exactly this content count."""
        return _approvers(self.library.shelf, publication)

    @cached_property
    def in_force(self) -> list[SealedDocument]:
        """The documents that apply: nobody withdrew them, and none of them begins later beside one that applies now."""
        known = {p.record.id for p in self.library.shelf.on(self._today)}
        return [d for d in self.all if d.publication.record.id in known]

    @cached_property
    def _of_system(self) -> dict[str | None, list[SealedDocument]]:
        out: dict[str | None, list[SealedDocument]] = {}
        for document in self.in_force:
            out.setdefault(document.publication.document.system, []).append(document)
        return out

    def about(self, system: str) -> Sequence[SealedDocument]:
        """Return the documents in force about a system."""
        return self._of_system.get(system, ())

    def of(self, model: type[Written], system: str = "") -> list[tuple[SealedDocument, Written]]:
        """Return the documents in force of a kind, by its model, with what they state; of one system or of all."""
        if system:
            return [(d, w) for d in self.about(system) if isinstance(w := d.written, model)]
        if model not in self._of_model:
            self._of_model[model] = [(d, w) for d in self.in_force if isinstance(w := d.written, model)]
        return self._of_model[model]

    def remembered(self, name: str, make: Callable[[], Value]) -> Value:
        """Return what a view makes of these documents, this day and this cut-off alone; it is made once."""
        if name not in self._made:
            self._made[name] = make()
        value: Value = self._made[name]
        return value

    @property
    def unread(self) -> list[SealedDocument]:
        """The documents in force whose fields this release cannot read."""
        return [d for d in self.in_force if d.written is None]


def _approvers(shelf: DocumentShelf, publication: Publication) -> tuple[str, ...]:
    return tuple(dict.fromkeys(a.owner for a in shelf.counting(publication.document)))


def written_state(source: PageSource) -> ManagementState:
    """Return what the documents in force state, with the newest keyring, as findings about the organisation read it."""
    documents, keyring = source.documents, source.history.newest
    written = (d.written for d in documents.in_force)
    return documents.remembered(
        "state", lambda: ManagementState(tuple(w for w in written if w is not None), keyring=keyring)
    )


def leaves_of(source: PageSource, publications: Iterable[Publication]) -> dict[str, int]:
    """Return the number of the leaf that sealed each publication, by the sha256 of its record."""
    asked = json.dumps([p.record.sha256 for p in publications])
    sql = "SELECT r.sha256, r.leaf FROM json_each(?) AS j JOIN record AS r ON r.sha256 = j.value"
    return {row["sha256"]: int(row["leaf"]) for row in source.shared.index.connection.execute(sql, (asked,))}

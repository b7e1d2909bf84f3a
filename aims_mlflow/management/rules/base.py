"""What a rule for documents is, what its check may look at, and the spots that it finds."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from aims_mlflow.cached_values import cached_property
from aims_mlflow.gates.document_content.document_set import KIND_OF, DocumentSet, Written
from aims_mlflow.gates.document_content.suppliers import used_components
from aims_mlflow.management.shared_texts import SharedTexts
from aims_mlflow.management.specifics import SystemFacts
from aims_mlflow.records.base import Record
from aims_mlflow.records.documents.context import SystemEntry
from aims_mlflow.records.documents.leadership import PeopleEntry
from aims_mlflow.records.documents.third_parties import SupplierDocument

if TYPE_CHECKING:
    from aims_mlflow.gates.document_content.suppliers import UsedComponent
    from aims_mlflow.management.evidence_view import EvidenceView
    from aims_mlflow.management.folder import Folder, FolderDocument
    from aims_mlflow.records.documents.base import WrittenDocument
    from aims_mlflow.records.documents.improvement import LedgerHead
    from aims_mlflow.records.documents.leadership import KnownPerson
    from aims_mlflow.records.keyring import Keyring

Severity = Literal["error", "warning", "note"]
Grade = Literal["major", "minor", "observation"]
Topic = Literal[
    "written-documents", "inventory", "impact", "documentation", "lifecycle", "third-party", "internal-audit",
    "applicability", "leadership", "risk", "use", "management-review",
]  # fmt: skip


class FolderDocuments(DocumentSet):
    """The documents of a folder, as control states and findings read published ones."""

    def __init__(self, folder: Folder, keyring: Keyring | None) -> None:
        """Read documents of a folder; people are who they are by their keys too."""
        self._folder = folder
        self.keyring = keyring

    def of(self, model: type[Written]) -> list[Written]:
        """Return the documents of a kind."""
        return [w for d in self._folder.of(KIND_OF[model]) if isinstance(w := d.written, model)]

    def named(self, name: str) -> list[WrittenDocument]:
        """Return the documents with an id."""
        return [d.written for d in self._folder.by_id.get(name, ())]


@dataclass(frozen=True)
class LintContext:
    """All that rules may look at beside the document itself: the folder, evidence, keyring, and the day.

    Attributes:
        keyring: The keys that may sign; None where none is here.
        today: The day, as YYYY-MM-DD.
        published: Digests of the files that are known to be published; None where nobody asked.
        head: How the ledger ends; None where none was read.
    """

    folder: Folder
    evidence: EvidenceView
    keyring: Keyring | None
    today: str
    published: frozenset[str] | None = None
    head: LedgerHead | None = None

    @cached_property
    def systems(self) -> dict[str, SystemEntry]:
        """The systems of the register, by id."""
        written = (d.written for d in self.folder.of("system"))
        return {str(w.system): w for w in written if isinstance(w, SystemEntry)}

    @cached_property
    def named_systems(self) -> frozenset[str]:
        """The ids of the systems, and of those whose entry cannot be read, which D0 reports."""
        unread = (u.system for u in self.folder.unreadable if u.kind == "system" and u.system)
        return frozenset({*self.systems, *unread})

    @cached_property
    def people(self) -> dict[str, KnownPerson]:
        """The people of the people register, by id."""
        written = (d.written for d in self.folder.of("people"))
        return {p.id: p for w in written if isinstance(w, PeopleEntry) for p in w.people}

    @cached_property
    def documents(self) -> FolderDocuments:
        """The documents of the folder, by the models of their kinds."""
        return FolderDocuments(self.folder, self.keyring)

    @cached_property
    def components(self) -> dict[tuple[str, str], UsedComponent]:
        """The components of third parties that the documents of the folder name, by system and name."""
        return used_components(self.documents)

    @cached_property
    def suppliers(self) -> list[SupplierDocument]:
        """What is written about suppliers of components."""
        return [d.written for d in self.folder.of("supplier-record") if isinstance(d.written, SupplierDocument)]

    @cached_property
    def facts(self) -> SystemFacts:
        """What is true of each system alone."""
        return SystemFacts(self.systems, self.evidence)

    @cached_property
    def shared(self) -> SharedTexts:
        """Which texts stand for several systems."""
        return SharedTexts(self.folder)


@dataclass(frozen=True)
class Spot:
    """A place where a rule does not hold: its line, and what is wrong there."""

    line: int
    text: str


Check = Callable[["FolderDocument", LintContext], Iterable[Spot]]


class RaisedAs(Record):
    """What a result of lint is as a finding about a published document.

    In documents of `told_kinds` other findings report all of it; in others the rules `beside` ("*" for all) may have
    reported the same place.
    """

    topic: Topic
    control: str
    grade: Grade
    beside: tuple[str, ...] = ()
    told_kinds: tuple[str, ...] = ()


class LintRule(Record):
    """A rule for documents, with a stable id; `kinds` are those that it is about, every kind where it names none.

    About published documents, the rules of findings `told_by` report the same; else it is a `finding` itself.
    """

    id: str
    severity: Severity
    title: str
    why: str
    fix: str
    kinds: tuple[str, ...] = ()
    told_by: tuple[str, ...] = ()
    finding: RaisedAs | None = None

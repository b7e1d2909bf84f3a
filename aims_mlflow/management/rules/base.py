"""What a rule for documents is, what its check may look at, and the spots that it finds."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from aims_mlflow.cached_values import cached_property
from aims_mlflow.management.shared_texts import SharedTexts
from aims_mlflow.management.specifics import SystemFacts
from aims_mlflow.records.base import Record
from aims_mlflow.records.documents.context import SystemEntry
from aims_mlflow.records.documents.leadership import PeopleEntry
from aims_mlflow.records.documents.third_parties import SupplierDocument

if TYPE_CHECKING:
    from aims_mlflow.management.evidence_view import EvidenceView
    from aims_mlflow.management.folder import Folder, FolderDocument
    from aims_mlflow.records.documents.leadership import KnownPerson
    from aims_mlflow.records.keyring import Keyring

Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True)
class LintContext:
    """All that rules may look at beside the document itself: the folder, evidence, keyring, and the day.

    Attributes:
        keyring: The keys that may sign; None where none is here.
        today: The day, as YYYY-MM-DD.
        published: Digests of the files that are known to be published; None where nobody asked.
    """

    folder: Folder
    evidence: EvidenceView
    keyring: Keyring | None
    today: str
    published: frozenset[str] | None = None

    @cached_property
    def systems(self) -> dict[str, SystemEntry]:
        """The systems of the register, by id."""
        written = (d.written for d in self.folder.of("system"))
        return {str(w.system): w for w in written if isinstance(w, SystemEntry)}

    @cached_property
    def people(self) -> dict[str, KnownPerson]:
        """The people of the people register, by id."""
        written = (d.written for d in self.folder.of("people"))
        return {p.id: p for w in written if isinstance(w, PeopleEntry) for p in w.people}

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


class LintRule(Record):
    """A rule for documents, with a stable id; `kinds` are those that it is about, every kind where it names none."""

    id: str
    severity: Severity
    title: str
    why: str
    fix: str
    kinds: tuple[str, ...] = ()

"""Documents by the models of their kinds, with the systems and people that they name."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, TypeVar

from aims_mlflow.cached_values import cached_property
from aims_mlflow.records.documents import KINDS
from aims_mlflow.records.documents.context import SystemEntry
from aims_mlflow.records.documents.leadership import PeopleEntry
from aims_mlflow.signing.owners import person

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from aims_mlflow.gates.person_statements import PublishedDocument
    from aims_mlflow.records.documents.base import WrittenDocument
    from aims_mlflow.records.documents.leadership import KnownPerson
    from aims_mlflow.records.keyring import KeyEntry, Keyring

Written = TypeVar("Written", bound="WrittenDocument")
KIND_OF = {model: kind for kind, model in KINDS.items()}


def known_as(people: Collection[KnownPerson], keys: Iterable[KeyEntry]) -> dict[str, str]:
    """Return the form of each person's id by the forms of their names: id, full name, and owner of a key of theirs."""
    owners = {k.key_id: k.owner for k in keys}
    found: dict[str, str] = {}
    for known in people:
        for other in (known.name, *(owners.get(k) for k in known.key_ids)):
            found |= {person(other): person(known.id)} if other else {}
    return found | {person(known.id): person(known.id) for known in people}


class DocumentSet(ABC):
    """What control states and findings ask documents: those of a kind, systems, and who is the same person."""

    keyring: Keyring | None

    @abstractmethod
    def of(self, model: type[Written]) -> list[Written]:
        """Return the documents of a kind, by its model."""

    def about(self, model: type[Written], system: str) -> list[Written]:
        """Return the documents of a kind about a system."""
        return [d for d in self.of(model) if d.system == system]

    @abstractmethod
    def named(self, name: str) -> list[WrittenDocument]:
        """Return the documents with an id."""

    @cached_property
    def systems(self) -> dict[str, SystemEntry]:
        """The systems of the register, by id."""
        return {str(e.system): e for e in self.of(SystemEntry)}

    @cached_property
    def people(self) -> dict[str, KnownPerson]:
        """The people whom the people register names, by id."""
        return {p.id: p for entry in self.of(PeopleEntry) for p in entry.people}

    def same_person(self, name: str) -> str:
        """Return one form of a person, whether their id, their full name or the owner of a key of theirs is given."""
        return self._known_as.get(person(name), person(name))

    def known_person(self, name: str) -> KnownPerson | None:
        """Return what the register of people has of somebody, whichever of their names is given."""
        same = self.same_person(name)
        return next((p for p in self.people.values() if person(p.id) == same), None)

    def is_one_of(self, name: str, others: Iterable[str]) -> bool:
        """Return whether somebody is one of several people, whichever of their names is given."""
        return self.same_person(name) in {self.same_person(other) for other in others}

    @cached_property
    def _known_as(self) -> dict[str, str]:
        return known_as(self.people.values(), self.keyring.keys if self.keyring else ())


class PublishedSet(DocumentSet):
    """Published documents as a control state reads them; each is read when its kind is first asked for."""

    def __init__(self, documents: Iterable[PublishedDocument], keyring: Keyring | None) -> None:
        self._documents = tuple(documents)
        self.keyring = keyring
        self._undone = {d.supersedes for d in self._documents if d.supersedes}
        self._of_kind: dict[str, list[PublishedDocument]] = {}
        for document in self._documents:
            self._of_kind.setdefault(document.kind, []).append(document)

    def of(self, model: type[Written]) -> list[Written]:
        """Return the documents of a kind that fit its form, without superseded ones."""
        mine = (d for d in self._of_kind.get(KIND_OF[model], ()) if d.id not in self._undone)
        return [w for d in mine if isinstance(w := d.written, model)]

    def named(self, name: str) -> list[WrittenDocument]:
        """Return the documents with an id that fit their form."""
        return [w for d in self._documents if d.id == name and (w := d.written) is not None]

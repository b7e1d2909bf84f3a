"""What findings are computed from: documents, the newest scan, what the ledger says is in use, and who signed what."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from aims_mlflow.records.documents.context import SystemEntry
from aims_mlflow.records.documents.leadership import PeopleEntry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aims_mlflow.records.documents.base import WrittenDocument
    from aims_mlflow.records.documents.leadership import KnownPerson
    from aims_mlflow.records.inventory import Inventory

Written = TypeVar("Written", bound="WrittenDocument")


@dataclass(frozen=True)
class DeployedVersion:
    """A version that a gated alias or stage points to now, as the ledger says."""

    model: str
    place: str
    version: str
    digest: str | None
    since: str


@dataclass(frozen=True)
class ManagementState:
    """Documents, scan and ledger at one time.

    Attributes:
        documents: Every document of the management folder that can be read.
        inventory: The newest scan; None where there is none.
        deployed: What gated aliases point to; None where no ledger was read.
        signers: The people who signed each record, by its id.
    """

    documents: tuple[WrittenDocument, ...] = ()
    inventory: Inventory | None = None
    deployed: tuple[DeployedVersion, ...] | None = None
    signers: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def of(self, model: type[Written]) -> list[Written]:
        """Return the documents of a kind, by its model."""
        return [d for d in self._by_model.get(model, ()) if isinstance(d, model)]

    @cached_property
    def _by_model(self) -> dict[type, list[WrittenDocument]]:
        found: dict[type, list[WrittenDocument]] = {}
        for document in self.documents:
            found.setdefault(type(document), []).append(document)
        return found

    @cached_property
    def by_id(self) -> dict[str, list[WrittenDocument]]:
        """The documents with each id."""
        found: dict[str, list[WrittenDocument]] = {}
        for document in self.documents:
            found.setdefault(document.id, []).append(document)
        return found

    @cached_property
    def systems(self) -> dict[str, SystemEntry]:
        """The systems of the register, by id."""
        return {str(e.system): e for e in self.of(SystemEntry)}

    @cached_property
    def people(self) -> dict[str, KnownPerson]:
        """The people whom the people register names, by id."""
        return {p.id: p for entry in self.of(PeopleEntry) for p in entry.people}

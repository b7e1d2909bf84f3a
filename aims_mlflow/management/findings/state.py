"""What findings are computed from: documents, the newest scan, what the ledger says is in use, and who signed what."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aims_mlflow.cached_values import cached_property
from aims_mlflow.gates.counting_evidence import without_undone
from aims_mlflow.gates.document_content.document_set import DocumentSet, Written
from aims_mlflow.gates.document_content.own_work import signers_of
from aims_mlflow.gates.wording import quoted
from aims_mlflow.management.cited_records import begins, ids_in, prefix_of
from aims_mlflow.records.documents import newest_last
from aims_mlflow.records.documents.risk import ApplicabilityDocument

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aims_mlflow.evidence.statement import SealedRecord
    from aims_mlflow.gates.policy import LoadedPolicy
    from aims_mlflow.management.folder import FolderDocument, UnreadableDocument
    from aims_mlflow.management.published import FileState, PublishedShelf
    from aims_mlflow.records.decision import WaivedBy
    from aims_mlflow.records.documents.base import WrittenDocument
    from aims_mlflow.records.inventory import Inventory
    from aims_mlflow.records.keyring import Keyring


@dataclass(frozen=True)
class VersionConsent:
    """An approval of a version, or a waiver of it, as the ledger sealed it; `owner` is that of the key."""

    id: str
    owner: str
    action: str
    sealed: str


@dataclass(frozen=True)
class DeployedVersion:
    """A version that a gated alias or stage points to now, as the ledger says.

    Attributes:
        records: The evidence behind its decision and what was sealed about its bytes since, oldest first.
        registered: When it was registered through the gate; None for one that was adopted.
        waived: The waivers that its decision used.
        before: Digest of what had the alias before it; None where nothing had.
        previous: The evidence behind what had the alias before it.
        versions: Every version of the model that exists.
        retired: Those of them whose bytes are retired.
        consents: The approvals and waivers of exactly these bytes that were sealed under the model's name.
    """

    model: str
    place: str
    version: str
    digest: str | None
    since: str
    records: tuple[SealedRecord, ...] = ()
    registered: str | None = None
    waived: tuple[WaivedBy, ...] = ()
    before: str | None = None
    previous: tuple[SealedRecord, ...] = ()
    versions: tuple[str, ...] = ()
    retired: tuple[str, ...] = ()
    consents: tuple[VersionConsent, ...] = ()

    @property
    def name(self) -> str:
        """The version as a sentence names it."""
        return f"{self.model} version {self.version}"

    @property
    def address(self) -> str:
        """The version as a command names it: a client chose the name."""
        return quoted(f"models:/{self.model}@{self.place}")

    def of(self, kind: str) -> list[SealedRecord]:
        """Return its records of a kind, oldest first, without those that a later one supersedes."""
        return [r for r in self.counting if r.evidence.kind == kind]

    @cached_property
    def counting(self) -> tuple[SealedRecord, ...]:
        """Its records, oldest first, without those that a later one supersedes."""
        return without_undone(self.records)


@dataclass(frozen=True)
class ManagementState(DocumentSet):
    """Documents, scan and ledger at one time.

    Attributes:
        documents: The published version in force of every document; the files of the folder where nothing is published.
        published: What was published; None where the files of the folder are judged as drafts.
        files: The files of the folder, each beside what was published of it.
        texts: The file of a document whose words are judged, by its id, where the bytes that were signed could be read.
        cards: The model card of a deployed version, by the digest of its bytes, where it could be read.
        keyring: The keys that may sign; None where none is here.
        policy: The policy of the ledger's gate; None where no ledger was read.
        unreadable: The files of the folder that are no valid documents.
        unread: What could not be read, each with what is not judged because of it.
        inventory: The newest scan; None where there is none.
        deployed: What gated aliases point to; None where no ledger was read.
        signers: The people who signed each record that an audit sampled or a risk rests on, by its id.
        roots: The root of the ledger's tree over as many leaves as inputs of a review name; None where none was read.
        elsewhere: The ids of changes and traces that a risk rests on, which are there or could not be looked up.
    """

    documents: tuple[WrittenDocument, ...] = ()
    inventory: Inventory | None = None
    deployed: tuple[DeployedVersion, ...] | None = None
    roots: Mapping[int, str] | None = None
    signers: Mapping[str, frozenset[str]] = field(default_factory=dict)
    published: PublishedShelf | None = None
    files: tuple[FileState, ...] = ()
    texts: Mapping[str, FolderDocument] = field(default_factory=dict)
    cards: Mapping[str, str] = field(default_factory=dict)
    keyring: Keyring | None = None
    policy: LoadedPolicy | None = None
    unreadable: tuple[UnreadableDocument, ...] = ()
    unread: tuple[str, ...] = ()
    elsewhere: frozenset[str] = frozenset()

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

    def named(self, name: str) -> list[WrittenDocument]:
        """Return the documents with an id."""
        return self.by_id.get(name, [])

    def bring(self, kind: str, system: str | None = None) -> str:
        """Return the command that brings a document of a kind into force: it publishes the file, or drafts one."""
        wanted = (kind, system)
        file = next((f for f in self.files if (f.document.written.kind, f.document.written.system) == wanted), None)
        if file is not None:
            again = "publish it again" if file.published is not None else "publish its file"
            return f"{again}: aims document publish {file.document.id}"
        return f"aims document new {kind}" + (f" --system {system}" if system else "")

    @cached_property
    def unread_systems(self) -> frozenset[str]:
        """The systems whose entry cannot be read: W1 reports it, and nothing else follows from that it is not there."""
        return frozenset(u.system for u in self.unreadable if u.kind == "system" and u.system) - set(self.systems)

    @cached_property
    def statement(self) -> ApplicabilityDocument | None:
        """The newest statement of applicability; None where there is none."""
        return max(self.of(ApplicabilityDocument), key=newest_last, default=None)

    @cached_property
    def scanned_models(self) -> frozenset[str]:
        """The registered models that the newest scan found."""
        items = self.inventory.items if self.inventory else ()
        return frozenset(item.id for item in items if item.kind == "registered model")

    @cached_property
    def records_in_use(self) -> tuple[SealedRecord, ...]:
        """The records of every version in use, each once, oldest first."""
        records = {r.id: r for version in self.deployed or () for r in version.records}
        return tuple(sorted(records.values(), key=lambda r: (r.evidence.time, r.id)))

    def has_record(self, named: str) -> bool:
        """Return whether a record, change, waiver, trace, document or entry has an id; its beginning suffices."""
        records = self._record_ids
        at = bisect_left(records, prefix_of(named))  # what begins like it, if anything does, comes next
        return any(begins(record, named) for record in records[at : at + 1]) or named in self._ids

    @cached_property
    def _record_ids(self) -> tuple[str, ...]:
        """The ids of records, changes, traces and waivers, in order."""
        waivers = (name for version in self.deployed or () for w in version.waived for name in w.waivers)
        return tuple(sorted({*(r.id for r in self.records_in_use), *self.signers, *self.elsewhere, *waivers}))

    @cached_property
    def _ids(self) -> frozenset[str]:
        """The ids of documents and of all entries in them."""
        return frozenset(name for d in self.documents for name in ids_in(d.model_dump()))

    def counted_since(self, document: WrittenDocument, same: Callable[[WrittenDocument], bool]) -> str | None:
        """Return when one of its kind about its system first counted for which `same` is true: a time, or a day.

        Of a draft, and of what nobody approved, only the day is known that it names: None where it names none.
        """
        known = self.published.counted_since(document, same) if self.published is not None else None
        is_first = document.supersedes is None and document.version == "1"
        return known or (document.effective_from if is_first else None)

    def trainers_of(self, version: DeployedVersion) -> set[str]:
        """Return who trained a version: the account that its records name, and the owner of the key that signed."""
        return signers_of(version.of("training-provenance"), self.keyring)

    @cached_property
    def live(self) -> tuple[tuple[str, DeployedVersion], ...]:
        """Each deployed version with its system: whose entry names the model, else that of its evidence, else its name.

        A version that no entry claims and no evidence describes is none the less in use.
        """
        claimed = {name: system for system, entry in self.systems.items() for name in entry.models}
        found = []
        for version in self.deployed or ():
            stated = next((r.evidence.system for r in reversed(version.records) if r.evidence.system), None)
            system = claimed.get(version.model) or claimed.get(version.model.rpartition("/")[2]) or stated
            found.append((system or version.model, version))
        return tuple(found)

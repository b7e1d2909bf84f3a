"""What a control's state is computed from: sealed records, documents, rules, register, decisions."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from aims_mlflow.cached_values import cached_property
from aims_mlflow.gates.citations import suspects
from aims_mlflow.gates.counting_evidence import (
    DATA_KINDS,
    TRAINING,
    CountingEvidence,
    count,
    newest,
    signers_of,
    starts_of,
    with_own_ids,
)
from aims_mlflow.gates.document_content.document_set import PublishedSet
from aims_mlflow.gates.document_content.monitoring import watching
from aims_mlflow.gates.person_statements import DocumentQuestion, PublishedDocument, attached, judge
from aims_mlflow.gates.published_documents import counting
from aims_mlflow.records.details import read_details
from aims_mlflow.records.details.training import (
    LineageDetails,
    ProvenanceDetails,
    SessionStartDetails,
    SystemStatement,
)

if TYPE_CHECKING:
    from datetime import datetime

    from aims_mlflow.evidence.statement import SealedRecord
    from aims_mlflow.evidence.verify import CheckedSession
    from aims_mlflow.gates.person_statements import DocumentApproval
    from aims_mlflow.gates.policy import Rules
    from aims_mlflow.gates.verdict import Judgement
    from aims_mlflow.records.decision import Decision
    from aims_mlflow.records.details.base import DataByRole
    from aims_mlflow.records.details.training import LineageLink
    from aims_mlflow.records.keyring import Keyring

# What an assessment has to state to stand for a document of another kind about impacts.
ASSESSMENT = "impact-assessment"
MONITORING = "monitoring-plan"
ASSESSED = {"impact-people": ("groups", "impacts", "measures"), "impact-society": ("effects",)}
Scope = Literal["model", "system", "organization"]


@dataclass(frozen=True)
class RegisterEvent:
    """Something that makes the evidence of controls stale: an incident, a new law, a person who left."""

    controls: tuple[str, ...]
    time: str
    text: str


@dataclass(frozen=True)
class StatusSubject:
    """A model version, a system or the organisation, with all that is known about it here.

    Attributes:
        name: Id of the system, or the organisation's name.
        digest: dirHash1 of the model, for a model version.
        sessions: Checked sessions.
        documents: Published documents; empty until there are any.
        approvals: Verified approvals of documents and attached files.
        rules: The policy resolved for the model; None where no policy is here.
        keyring: The keyring in force; None where none is here.
        events: What the register of systems reports since.
        decisions: The gate's decisions about the model, oldest first.
        aliases: Gated aliases that point to the model now.
        version: The number of the model version that is decided about; None otherwise.
        ways_back: The versions to which a release could go back; None where that is not known.
        sealed: sha256 of every record in the ledger; None where no ledger is here.
    """

    name: str | None
    scope: Scope = "model"
    digest: str | None = None
    sessions: tuple[CheckedSession, ...] = ()
    documents: tuple[PublishedDocument, ...] = ()
    approvals: tuple[DocumentApproval, ...] = ()
    rules: Rules | None = None
    keyring: Keyring | None = None
    events: tuple[RegisterEvent, ...] = ()
    decisions: tuple[Decision, ...] = ()
    aliases: tuple[str, ...] = ()
    version: str | None = None
    ways_back: tuple[str, ...] | None = None
    sealed: frozenset[str] | None = None

    @cached_property
    def counted(self) -> CountingEvidence:
        """The evidence that counts for the model; without a model, that of all sound sessions."""
        if self.digest:
            return count(self.sessions, self.digest)
        everything = with_own_ids(self.sessions)
        sound = [s for s in everything if s.sound]
        return CountingEvidence(
            tuple(r for s in sound for r in s.records),
            frozenset(owner for s in sound for owner in s.owners.values()),
            tuple(r for s in sound for r in s.records if r.evidence.kind == TRAINING),
            tuple(s for s in everything if not s.sound),
            signers_of(sound),
            starts_of(sound),
        )

    @cached_property
    def records(self) -> tuple[SealedRecord, ...]:
        """The records that count, and the acquisitions and preparations that its data come from."""
        known = {r.id for r in self.counted.records}
        behind = {step.record for link in self.links.values() for step in link.steps}
        return (
            *self.counted.records,
            *(r for s in self.sessions if s.sound for r in s.records if r.id in behind - known),
        )

    def of(self, kind: str) -> list[SealedRecord]:
        """Return the records of a kind that no later one of the kind supersedes."""
        return self._by_kind.get(kind, [])

    @cached_property
    def _by_kind(self) -> dict[str, list[SealedRecord]]:
        every = replace(self.counted, records=self.records)
        return {kind: every.of(kind) for kind in dict.fromkeys(r.evidence.kind for r in self.records)}

    def captured(self, kind: str) -> list[SealedRecord]:
        """Return those of a kind that the software made, and no person recorded by hand."""
        return [r for r in self.of(kind) if not r.evidence.by_hand]

    def signer(self, record: SealedRecord) -> str:
        """Return the owner of the key that signed a record; for a key that is not known, the account that it names."""
        entry = self.counted.signers.get(record.sha256)
        return entry.owner if entry is not None else record.evidence.actor

    def named_signer(self, record: SealedRecord) -> str:
        """Return the signer as a sentence names them: without a keyring nobody knows whose an account is."""
        known = record.sha256 in self.counted.signers
        return self.signer(record) if known else f"the operating-system account {record.evidence.actor}"

    def by_id(self, record: str) -> SealedRecord | None:
        """Return the record that counts with this id."""
        return next((r for r in self.records if r.id == record), None)

    @cached_property
    def training(self) -> SealedRecord | None:
        """The newest training record of the model."""
        return newest(self.counted.trained)

    @property
    def planned(self) -> SealedRecord | None:
        """The session-start of the newest training: what was signed before it; an evaluation has a start of its own."""
        session = self.training.evidence.session if self.training else None
        return next((s for s in self.counted.starts if s.evidence.session == session), None)

    @cached_property
    def start(self) -> SessionStartDetails:
        """What the newest session said before training."""
        first = newest(self.counted.starts)
        return read_details(first.evidence, SessionStartDetails) if first else SessionStartDetails()

    @cached_property
    def provenance(self) -> ProvenanceDetails:
        """What the newest training record of the model says."""
        return read_details(self.training.evidence, ProvenanceDetails) if self.training else ProvenanceDetails()

    @cached_property
    def data(self) -> DataByRole:
        """The data sets that were used, by role."""
        return (self.provenance.data if self.training else self.start.data) or {}

    @cached_property
    def links(self) -> dict[str, LineageLink]:
        """How each data set is joined to its origin, by role, from the newest lineage record."""
        lineage = newest([r for r in self.counted.records if r.evidence.kind == "lineage"])
        found = read_details(lineage.evidence, LineageDetails).links if lineage else None
        return {link.role: link for link in found or ()}

    def about_data(self, kind: str, role: str) -> list[SealedRecord]:
        """Return the records of a kind about the data set of a role."""
        digests = set(self.data[role].digest.values())
        return [r for r in self.of(kind) if any(r.has_subject(d) for d in digests)]

    def acquisitions(self, role: str) -> list[SealedRecord]:
        """Return the acquisitions that the data set of a role comes from."""
        link = self.links.get(role)
        ids = {s.record for s in link.steps if s.kind == "acquisition"} if link else set()
        mine = [r for r in self.of("acquisition") if r.id in ids]
        return mine or self.about_data("acquisition", role)

    @cached_property
    def stated_system(self) -> SystemStatement:
        """The section `system` of aims.yaml, as the newest session recorded it."""
        return self.start.system or SystemStatement()

    def written(self, kind: str) -> list[PublishedDocument]:
        """Return the published documents of a kind without superseded ones; the last one is judged.

        Approved documents come last; within each part, oldest first. Attached files are returned only where no
        document is published.
        """
        mine = self._about_here(kind) or self._assessed(kind)
        if not mine:
            mine = [attached(r, self.signer(r)) for r in self.of(kind) if r.evidence.kind not in DATA_KINDS]
        undone = {d.supersedes for d in mine if d.supersedes}
        return sorted((d for d in mine if d.id not in undone), key=lambda d: (self.is_approved(d), d.time, d.id))

    def is_approved(self, document: PublishedDocument) -> bool:
        """Return whether another person than its authors approved a publication, in the role that its kind needs."""
        return bool(counting(document, self._approvals_of.get(document.sha256, ())))

    def known_documents(self, judged: PublishedDocument | None = None) -> PublishedSet:
        """Return what documents say that somebody approved, beside one that is judged: nobody's own word decides."""
        if judged is None or self.is_approved(judged):
            return self._approved
        return PublishedSet((d for d in self.documents if d is judged or self.is_approved(d)), self.keyring)

    @cached_property
    def _approved(self) -> PublishedSet:
        return PublishedSet(filter(self.is_approved, self.documents), self.keyring)

    def newest(self, kind: str) -> list[PublishedDocument]:
        """Return the newest document of a kind; for the organisation, the newest about each system.

        Of plans for monitoring, it is the newest that watches the model, for each place where it is in use.
        """
        written = self.written(kind)
        if self.scope == "organization":
            return list({d.system: d for d in written}.values())
        mine = watching(written, self.places, lambda d: d.fields.get("model")) if kind == MONITORING else []
        return mine or written[-1:] or self._misplaced(kind)

    @property
    def places(self) -> tuple[str, ...]:
        """The places where the model is in use, as plans name them: MODEL@ALIAS."""
        rules = self.rules
        return tuple(f"{rules.model_name}@{alias}" for alias in self.aliases) if rules and rules.alias else ()

    def concerns(self, document: PublishedDocument) -> bool:
        """Return whether a document is about this system or the whole organisation; for the organisation, each is."""
        return self.scope == "organization" or document.system in (None, self.name)

    @cached_property
    def _of_kind(self) -> dict[str, list[PublishedDocument]]:
        out: defaultdict[str, list[PublishedDocument]] = defaultdict(list)
        for document in self.documents:
            out[document.kind].append(document)
        return out

    def _about_here(self, kind: str) -> list[PublishedDocument]:
        return [d for d in self._of_kind.get(kind, ()) if self.concerns(d)]

    def _misplaced(self, kind: str) -> list[PublishedDocument]:
        """Return a document about a system of no register, which may be meant for this one: the verdict names it."""
        others = [d for d in self._of_kind.get(kind, ()) if not self.concerns(d)]
        known = self.known_documents().systems if others else {}
        return [d for d in others if d.system not in known][-1:]

    def _assessed(self, kind: str) -> list[PublishedDocument]:
        """Return the impact assessments that state what a document of this kind would: one document may hold all."""
        asked = ASSESSED.get(kind, ())
        return [d for d in self._about_here(ASSESSMENT) if asked and all(d.fields.get(name) for name in asked)]

    def judged(self, document: PublishedDocument, at: datetime, role: str = "approver") -> Judgement:
        """Return whether a document may count for this subject."""
        system = self.name if self.scope != "organization" else None
        # The organisation has no rules of a model: its keyring alone says whose approval counts.
        policy = self.rules is not None or (self.scope == "organization" and self.keyring is not None)
        asked = DocumentQuestion(system, self.digest, self._approvals_of.get(document.sha256, ()), policy, role)
        verdict = judge(document, asked, at)
        if verdict.outcome != "holds" or not document.citations or not self.sessions:
            return verdict
        doubted = suspects(document, self.records, self.digest)
        if not doubted:
            return verdict
        text = f"{document.name}: {'; '.join(s.text for s in doubted)}; publish it again, or review it with a reason"
        return replace(verdict, outcome="stale", sentence=text)

    @cached_property
    def _approvals_of(self) -> dict[str | None, list[DocumentApproval]]:
        """The approvals by the sha256 of what they approve."""
        out: defaultdict[str | None, list[DocumentApproval]] = defaultdict(list)
        for approval in self.approvals:
            out[approval.sha256].append(approval)
        return out

    @property
    def in_use(self) -> bool:
        """Whether a gated alias points to the model now."""
        return bool(self.aliases)

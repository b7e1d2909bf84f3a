"""Collection of a bundle's content: a system's leaves with proofs, envelopes, keyrings, policies, and run files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aims_mlflow.errors import AimsError, ConfigError, EvidenceError, did_you_mean
from aims_mlflow.evidence.session import PAGE, PAGE_SEAL
from aims_mlflow.exports.bundle import layout
from aims_mlflow.exports.bundle.browser_safe import kept_name
from aims_mlflow.exports.bundle.systems import Systems, names_in, renamed
from aims_mlflow.gates.signed_consent import TAKING
from aims_mlflow.lifecycle.model_history import ModelHistory
from aims_mlflow.lifecycle.tenures import holders
from aims_mlflow.records.documents import KINDS
from aims_mlflow.records.leaves.changes import DecisionLeaf, DeletionLeaf, RenamingLeaf
from aims_mlflow.records.leaves.others import ConsentLeaf, ErasureLeaf, EvidenceLeaf, KeyringLeaf, PolicyLeaf

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from aims_mlflow.audit.outside_checkpoint import OutsideCheckpoint
    from aims_mlflow.ledger.checkpoint import Checkpoint
    from aims_mlflow.ledger.leaves import Leaf
    from aims_mlflow.ledger.ledger import Ledger
    from aims_mlflow.records.leaves.base import LeafContent

    Fetch = Callable[[str, str], bytes]

DOCUMENTS = ("model-card", "datasheet", *KINDS)  # what a stage 1 audit reads
MAX_STAMPS = 20


class Collector:
    """Collects the bundle of one system, or of the organisation, into `files`."""

    def __init__(self, ledger: Ledger, system: str | None, since: str | None) -> None:
        """`system` is None for the whole ledger."""
        self._ledger, self._system, self._since = ledger, system, since
        self.files: dict[str, bytes] = {}
        self.missing: list[str] = []
        self._systems = Systems(ledger)
        # A model's name -> the last decision on it that says which system it is.
        self._saying: dict[str, str] = {}
        head = ledger.proofs.newest()
        if head is None:
            raise EvidenceError("the ledger has no checkpoint to prove anything by", next="`aims ledger checkpoint`")
        self.head: Checkpoint = head

    # -- which leaves -----------------------------------------------------------------------

    def leaves(self) -> list[Leaf]:
        """Return the leaves of the system, in order.

        Raises:
            ConfigError: the ledger knows no such system.
            EvidenceError: a leaf of it is not covered by a checkpoint yet.
        """
        names = self.names()
        everything = list(self._ledger.leaves())
        requests = {
            leaf.fact.request
            for leaf in everything
            if leaf.fact.model_name in names and (self._since is None or leaf.fact.time >= self._since)
        }
        for name in names:
            requests |= {fact.request for fact in holders(ModelHistory(self._ledger, name)).values()}
        requests |= self._unsaid(everything, requests) | lineage_of(everything, names)
        chosen = [leaf for leaf in everything if self._belongs(leaf, names, requests)]
        chosen += behind(chosen, everything, names)
        numbers = {leaf.sequence for leaf in chosen}
        envelopes = {name for leaf in chosen for name in leaf.fact.envelopes()}
        erasures = [(leaf, leaf.fact) for leaf in everything if isinstance(leaf.fact, ErasureLeaf)]
        chosen += [leaf for leaf, fact in erasures if fact.sequence in numbers or fact.erased in envelopes]
        out = sorted({leaf.sequence: leaf for leaf in chosen}.values(), key=lambda leaf: leaf.sequence)
        if out and out[-1].sequence >= self.head.size:
            raise EvidenceError(
                f"no checkpoint covers leaf {out[-1].sequence} yet", next="`aims ledger checkpoint`, then again"
            )
        return out

    def _belongs(self, leaf: Leaf, names: set[str], requests: set[str]) -> bool:
        content = leaf.fact
        if isinstance(content, PolicyLeaf | KeyringLeaf) or content.request in requests:
            return True
        if self._system is None and (self._since is None or content.time >= self._since):
            return True
        if isinstance(content, EvidenceLeaf):
            systems = self._systems.of(content)
            # A document about no single system is the organisation's, and belongs to every system.
            return self._system in systems or (bool(content.documents) and not set(systems) - {None})
        if isinstance(content, RenamingLeaf):
            return bool(names_in(content) & names)
        return isinstance(content, ConsentLeaf) and content.model_name in names

    def _unsaid(self, everything: Sequence[Leaf], requests: set[str]) -> set[str]:
        """Return the decisions that are needed to show that a model belongs to the system."""
        chosen = [x.fact for x in everything if isinstance(x.fact, DecisionLeaf) and x.fact.request in requests]
        saying = {str(c.model_name) for c in chosen if self._system in self._systems.of(c)}
        names = {str(c.model_name) for c in chosen} - saying
        return {request for name, request in self._saying.items() if name in names}

    def names(self) -> set[str]:
        """Return the registered models of the system, according to the policy or the evidence.

        Raises:
            ConfigError: there is none.
        """
        if self._system is None:
            return {str(leaf.fact.model_name) for leaf in self._ledger.leaves() if leaf.fact.model_name}
        known: set[str] = set()
        for leaf in self._ledger.leaves(types=("decision", "evidence")):
            content = leaf.fact
            systems = self._systems.of(content)
            known |= systems
            if self._system in systems and isinstance(content, DecisionLeaf):
                self._saying[content.model_name] = content.request
        if self._system not in known:
            hint = did_you_mean(self._system, known)
            raise ConfigError(
                f"the ledger knows no system {self._system!r}" + (f", {hint}" if hint else ""),
                next=f"it knows {', '.join(sorted(known)) or 'none'}",
            )
        return renamed(set(self._saying), (leaf.fact for leaf in self._ledger.leaves(types=("renamed",))))

    # -- what lies in the bundle ------------------------------------------------------------

    def add_leaves(self, leaves: Sequence[Leaf]) -> None:
        """Add leaves with proofs and bodies, and all envelopes and texts that they name."""
        bodies = self._ledger.bodies([leaf.sequence for leaf in leaves])
        for leaf in leaves:
            proof = self._ledger.proofs.inclusion(leaf.sequence, self.head)
            self.files[layout.leaf_path(leaf.sequence)] = leaf.data
            text = layout.path_text(leaf.sequence, self.head.size, proof.path)
            self.files[layout.proof_path(leaf.sequence)] = text
            if leaf.sequence in bodies:
                self.files[layout.body_path(leaf.sequence)] = layout.body_text(*bodies[leaf.sequence])
            self._add_named(leaf.fact)
        self.files[layout.CHECKPOINT] = self.head.text.encode()

    def _add_named(self, content: LeafContent) -> None:
        names = [name for name in content.envelopes() if layout.envelope_path(name) not in self.files]
        for name, raw in self._ledger.envelopes(names).items():
            self.files[layout.envelope_path(name)] = raw
        for digest in content.rules():
            text = self._ledger.state.stored(digest)
            if text is not None:
                self.files[layout.stored_path(digest)] = text.encode()

    def add_earlier(self, outside: Iterable[OutsideCheckpoint]) -> None:
        """Add auditors' and time-stamped checkpoints, with proofs that this bundle's checkpoint extends them."""
        for each in outside:
            self._add_earlier(each.head.size, each.head.text.encode())
        notes = {size: note for size, note, _ in self._ledger.proofs.checkpoints()}
        stamps = [stamp for stamp in self._ledger.proofs.receipts() if 0 < stamp[0] <= self.head.size]
        for number, (size, _, receipt) in enumerate(stamps[-MAX_STAMPS:]):
            self._add_earlier(size, notes[size].encode())
            self.files[f"{layout.earlier_path(size)}-{number:02d}.tsr"] = receipt

    def _add_earlier(self, size: int, note: bytes) -> None:
        if not 0 < size <= self.head.size:
            raise EvidenceError(f"the ledger has {self.head.size} leaves, the checkpoint held is over {size}")
        proof = self._ledger.proofs.consistency(size, self.head.size) if size < self.head.size else []
        self.files[f"{layout.earlier_path(size)}.txt"] = note
        self.files[f"{layout.earlier_path(size)}.proof"] = "".join(f"{step.hex()}\n" for step in proof).encode()

    def add_run_files(self, leaves: Sequence[Leaf], fetch: Fetch, *, documents_only: bool) -> None:
        """Add the files that records name, from the runs; `missing` lists the unreadable ones."""
        runs: set[str] = set()
        for leaf in leaves:
            for lines in leaf.fact.session_files().values():
                records = list(filter(None, (self._systems.record(line) for line in lines)))
                for record in records:
                    if documents_only and record.evidence.kind not in DOCUMENTS:
                        continue
                    run_id = record.evidence.mlflow.run_id
                    runs |= {run_id} if run_id else set()
                    # A session that joined the run of its function has all files there.
                    last = records[-1].evidence.mlflow.run_id
                    for artifact in record.evidence.artifacts:
                        self._add_file(run_id, artifact.path, either(fetch, last))
        for run_id in runs:
            # No record names the page: it is a view, and a run may have none.
            self._add_file(run_id, PAGE, fetch, named=False)
            self._add_file(run_id, PAGE_SEAL, fetch, named=False)

    def _add_file(self, run_id: str | None, path: str, fetch: Fetch, *, named: bool = True) -> None:
        name = layout.evidence_path(run_id, path)
        if name in self.files or f"{name}.txt" in self.files or name in self.missing:
            return
        try:
            if run_id is None:
                raise EvidenceError("the record names no run that could hold the file", where=name)
            content = fetch(run_id, path)
        except AimsError:
            if named:
                self.missing.append(name)
            return
        self.files[kept_name(name, content)] = content


def lineage_of(leaves: Iterable[Leaf], names: set[str]) -> set[str]:
    """Return the requests that deleted or renamed the models: without them, consents would be another model's."""
    facts = (leaf.fact for leaf in leaves)
    return {
        fact.request
        for fact in facts
        if (isinstance(fact, RenamingLeaf) and names_in(fact) & names)
        or (isinstance(fact, DeletionLeaf) and fact.version is None and fact.model_name in names)
    }


def behind(chosen: Sequence[Leaf], everything: Sequence[Leaf], names: set[str]) -> list[Leaf]:
    """Return what says whether the signatures behind chosen decisions counted.

    These are revocations and retirements of their files under any name, and the first leaves to seal their evidence.
    """
    decisions = [leaf.fact for leaf in chosen if isinstance(leaf.fact, DecisionLeaf)]
    digests = {fact.model_digest for fact in decisions}
    records = {sha256 for fact in decisions for sha256 in fact.evidence}
    out = []
    for leaf in everything:
        fact = leaf.fact
        if isinstance(fact, ConsentLeaf) and fact.type in TAKING and fact.model_digest in digests:
            out.append(leaf)
        elif isinstance(fact, EvidenceLeaf) or (isinstance(fact, DecisionLeaf) and fact.model_name in names):
            first = records.intersection(fact.envelopes())
            records -= first
            out += [leaf] if first else []
    return out


def either(fetch: Fetch, other: str | None) -> Fetch:
    """Return a `fetch` that asks the run `other`, if there is one, for a file that a run does not give."""

    def get(run_id: str, path: str) -> bytes:
        try:
            return fetch(run_id, path)
        except AimsError:
            if other in (None, run_id):
                raise
            return fetch(other, path)

    return get

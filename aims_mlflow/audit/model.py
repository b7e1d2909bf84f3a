"""Verifying a run, or a registered version, against the ledger: evidence, bytes, seals, checkpoint, completeness."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aims_mlflow.audit.contents import not_made_again
from aims_mlflow.audit.continuation import ledger_proof, note_signer, why_not_continued
from aims_mlflow.audit.decisions import DecisionCheck, why_no_authority
from aims_mlflow.audit.keyrings import history_of
from aims_mlflow.audit.report import NOT_SEALED, Report
from aims_mlflow.audit.run_files import check_evidence
from aims_mlflow.audit.view import LedgerView
from aims_mlflow.audit.whole_ledger import check_stamps
from aims_mlflow.errors import AimsError, EvidenceError
from aims_mlflow.gates import replay as again
from aims_mlflow.gates.authority import moment_of, why_not_sealed
from aims_mlflow.gates.signed_consent import TAKING
from aims_mlflow.ledger import merkle
from aims_mlflow.ledger.in_force import exchanged_rules, exchanged_text
from aims_mlflow.lifecycle.erasure import erased
from aims_mlflow.lifecycle.model_history import ModelHistory, decision_of
from aims_mlflow.lifecycle.standing_now import why_it_ended_now
from aims_mlflow.lifecycle.tenures import holders
from aims_mlflow.records.leaves.changes import AdoptionLeaf
from aims_mlflow.records.leaves.others import ConsentLeaf

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from aims_mlflow.audit.outside_checkpoint import OutsideCheckpoint
    from aims_mlflow.evidence.run_source import EvidenceSource
    from aims_mlflow.evidence.verify import CheckedSession
    from aims_mlflow.ledger.checkpoint import Checkpoint
    from aims_mlflow.ledger.leaves import Leaf
    from aims_mlflow.ledger.ledger import Ledger
    from aims_mlflow.signing.keyring_history import KeyringHistory

CHECKPOINT_SIZE = re.compile("[1-9][0-9]{0,11}")
INGEST = "`aims ledger ingest` seals it"
RECONCILE = "`aims gate history` and `aims gate reconcile` show what the ledger knows"


class ModelCheck:
    """One verification against a ledger. Call its steps, then read `report`."""

    def __init__(self, ledger: Ledger, target: str, root: Collection[str] | None) -> None:
        self.ledger = ledger
        self.report = Report(target, root)
        self.view = LedgerView(ledger)
        self.history: KeyringHistory = history_of(self.view, self.report["keyring"], root)
        self.head: Checkpoint | None = None
        self._included: set[int] = set()

    # -- checkpoint first, because proofs need it, whatever the report's order ---------------

    def checkpoint(self, outside: Sequence[OutsideCheckpoint], stamp_roots: Sequence[bytes]) -> None:
        """Use the newest checkpoint if a log key signed it, and check that it extends the outside ones."""
        step = self.report["checkpoint"]
        try:
            head = self.ledger.proofs.newest()
            if head is not None:
                self._check_signer(head, "newest checkpoint")
            why = "" if head is not None else "the ledger has none"
        except EvidenceError as exc:
            head, why = None, exc.what
        if head is None:
            step.wrong("newest checkpoint", why, "nothing vouches for what the ledger says")
            return
        self.head = head
        step.said.append(f"over {head.size:,} leaves of {head.origin}")
        for each in outside:
            self._continues(each, head)
        if not outside:
            step.said.append("none from outside was given (--since)")
        check_stamps(self.ledger, self.report, stamp_roots)

    def _continues(self, outside: OutsideCheckpoint, head: Checkpoint) -> None:
        step, old = self.report["checkpoint"], outside.head
        try:
            self._check_signer(old, outside.where)
            why = why_not_continued(old, head, ledger_proof(self.ledger))
        except EvidenceError as exc:
            why = exc.what
        if why:
            what = f"the ledger does not continue it: {why}"
            step.wrong(outside.where, what, "leaves were changed since: `aims ledger verify --since` says which")
        else:
            step.said.append(f"continues the {old.size:,} leaves of {outside.where}")

    def _check_signer(self, head: Checkpoint, where: str) -> None:
        note_signer(head, where, self.history, self.ledger.leaf_below(head.size), self.report["checkpoint"])

    def included(self, leaf: Leaf) -> None:
        """Prove that a leaf is below the checkpoint."""
        step, who = self.report["inclusion"], f"leaf {leaf.sequence} ({leaf.fact.type})"
        if leaf.sequence in self._included:
            return
        self._included.add(leaf.sequence)
        if self.head is None:
            step.wrong(who, "there is no checkpoint to prove it against", "it may have been put there afterwards")
            return
        try:
            proof = self.ledger.proofs.inclusion(leaf.sequence, self.head)
            good = proof.holds() and merkle.leaf_hash(leaf.data) == proof.leaf_hash
            why = "" if good else "it does not stand below the checkpoint"
        except EvidenceError as exc:
            why = exc.what
        if why:
            step.wrong(who, why, "it was changed, or put there, after the checkpoint was signed")
        else:
            step.said.append(f"{who}, of {leaf.fact.time[:19]}Z")

    # -- evidence ---------------------------------------------------------------------------

    def evidence(self, source: EvidenceSource) -> None:
        """Check the evidence by itself, then check against the ledger that it is sealed and not backdated."""
        check_evidence(self.report, source)
        for session in source.sessions:
            self._after_checkpoint(session)
        self._sealed(source.sessions)

    def _after_checkpoint(self, session: CheckedSession) -> None:
        """Check that records name a checkpoint of this ledger, because they cannot be older than it."""
        named = session.records[0].evidence.checkpoint if session.records else None
        size, _, root = (named or "").partition(":")
        # A checkpoint that nobody can have had is its signer's word, and no trace of leaves that are gone.
        if not root or not CHECKPOINT_SIZE.fullmatch(size) or self.head is None:
            return
        try:
            good = int(size) <= self.head.size and merkle.root(int(size), self.ledger.proofs.fetch).hex() == root
        except EvidenceError:
            good = False
        if good:
            self.report["checkpoint"].said.append(f"{session.name} was begun after leaf {int(size) - 1}")
        else:
            what = f"it names a checkpoint over {size} leaves that this ledger never had"
            self.report["checkpoint"].wrong(
                session.name, what, "the ledger was changed since, or the record is another's"
            )

    def _sealed(self, sessions: Sequence[CheckedSession]) -> None:
        """Find the leaf of each session, and prove its inclusion."""
        wanted = {session.name.rpartition("/")[2]: session for session in sessions}
        found: dict[str, Leaf] = {}
        changed: dict[str, Leaf] = {}
        for leaf in self.ledger.leaves(types=("decision", "evidence")):
            for name, lines in leaf.fact.session_files().items():
                session = wanted.get(name.rpartition("/")[2])
                if session is not None:
                    same = [line for line in lines if line] == [record.sha256 for record in session.records]
                    (found if same else changed).setdefault(name.rpartition("/")[2], leaf)
        for name, session in wanted.items():
            if name in found:
                self.included(found[name])
                self._signed_in_time(session, found[name])
            elif name in changed:
                what = f"leaf {changed[name].sequence} sealed it with other records"
                self.report["inclusion"].wrong(session.name, what, "the session was changed after the gate saw it")
            else:
                meaning = "it is not sealed yet: it was added after the gate's decision, or there was none. " + INGEST
                self.report["inclusion"].wrong(session.name, NOT_SEALED, meaning)

    def _signed_in_time(self, session: CheckedSession, leaf: Leaf) -> None:
        """Check that the keys of a session could sign when its first leaf was sealed, whatever its records say."""
        sealed, step = moment_of(leaf), self.report["envelope"]
        then = self.history.at(sealed.sequence)
        for record in session.records:
            entry = session.signers.get(record.id)
            why = why_not_sealed(then, entry.key_id, entry.roles, sealed) if entry else None
            if why:
                who = f"{session.name}, {record.evidence.kind} {record.id}"
                step.wrong(who, f"{why}; leaf {leaf.sequence} is the first that has it", "it counts for nothing")

    # -- a registered version ---------------------------------------------------------------

    def version(self, name: str, version: str, digests: Sequence[str | None]) -> None:
        """Check a version's decisions: present, sealed, about these bytes, and reproducible."""
        past = ModelHistory(self.ledger, name)
        registered = self._bytes(past, version, digests)
        if registered is None:
            return
        for content in past.done(version):
            if isinstance(content, AdoptionLeaf):
                self.report["completeness"].said.append("adopted from before the gate: no evidence was asked for")
                continue
            self._decided(content.request)

    def _bytes(self, past: ModelHistory, version: str, digests: Sequence[str | None]) -> str | None:
        """Compare a version's bytes, in each place where they may be loaded from, with those that were registered."""
        step, who = self.report["subject bytes"], f"{past.name} version {version}"
        registered = past.registered(version)
        digest = next((each for each in digests if each != registered), registered)
        if registered is None:
            step.wrong(who, "the ledger knows of no registration of it", f"it came in past the gate; {RECONCILE}")
        elif digest is None:
            step.wrong(who, "its files cannot be read", "nobody can say what would be loaded")
        elif digest != registered:
            what = f"its files have the digest {digest[:12]}, registered were {registered[:12]}"
            step.wrong(who, what, "the model was exchanged after its approval: do not load it")
        else:
            step.said.append(f"the bytes are those that were registered (dirHash1 {digest})")
        return registered

    def _decided(self, request: str) -> None:
        for leaf in self.ledger.leaves(request=request):
            self.included(leaf)
        decision, step = decision_of(self.ledger, request), self.report["completeness"]
        if decision is None:
            return
        if erased(self.ledger) & {leaf.sequence for leaf in self.ledger.leaves(types=("decision",), request=request)}:
            step.said.append(f"the texts of decision {request} were erased, with a reason")
            return
        leaf = next(self.ledger.leaves(types=("decision",), request=request))
        why = why_no_authority(self.ledger, leaf, decision, whole=True)
        if why:
            step.wrong(f"decision {request}", why, "it let a version in that nothing had allowed before")
            return
        by = DecisionCheck(self.view, whole=True).erased_behind(leaf, decision)
        if by is not None:
            step.skipped.append(not_made_again(f"decision {request}", by))
            return
        try:
            said, now = again.recorded(self.ledger, request), again.replay(self.ledger, request)
        except AimsError as exc:
            step.wrong(f"decision {request}", exc.what, "it cannot be made again from what the ledger holds")
            return
        if again.same(said, now):
            step.said.append(f"{said.stage} decided again from the ledger: the same")
        else:
            step.wrong(f"decision {request}", "decided again, it is another", "it was not made from what it names")

    def at_load(self, name: str, version: str, digests: Sequence[str | None], alias: str | None) -> None:
        """Check a version before loading: registered bytes, sealed decision, no revocation, alias set by the gate."""
        past = ModelHistory(self.ledger, name)
        registered = self._bytes(past, version, digests)
        if registered is None:
            return
        for content in past.done(version):
            for leaf in self.ledger.leaves(request=content.request):
                self.included(leaf)
        held = holders(past).get(alias) if alias is not None else None
        in_use = held if held is not None and held.version == version else None
        why = self._taken_back(registered) if in_use is None else why_it_ended_now(self.ledger, past, in_use)
        if why:
            self.report["completeness"].wrong(f"{name} version {version}", why, "its approval was taken back")
        if alias is not None:
            self._holder(past, version, alias)

    def _taken_back(self, digest: str) -> str | None:
        """Return the newest revocation or retirement of a version's bytes, under any name."""
        for leaf in reversed(self.ledger.for_all().of(TAKING)):
            consent = leaf.fact
            if isinstance(consent, ConsentLeaf) and consent.model_digest == digest:
                where = f"leaf {leaf.sequence}, under the name {consent.model_name}"
                return f"a {consent.type} of {consent.time[:10]} is sealed ({where})"
        return None

    def _holder(self, past: ModelHistory, version: str, alias: str) -> None:
        step, held = self.report["completeness"], holders(past).get(alias)
        if held is None or held.version != version:
            by = f"version {held.version}" if held else "none"
            what = f"the registry's {alias} is version {version}, by the ledger it is {by}"
            step.wrong(f"{past.name}@{alias}", what, f"the alias was moved past the gate; {RECONCILE}")
        else:
            step.said.append(f"{alias} is version {version} by the gate's decision")

    def in_force(self) -> None:
        """Compare the policy and keyring that workers use with the newest ones sealed in the ledger."""
        for kind, (row, sealed) in exchanged_rules(self.ledger).items():
            meaning = f"someone exchanged the {kind} in the database"
            self.report["completeness"].wrong(f"active {kind}", exchanged_text(kind, row, sealed), meaning)

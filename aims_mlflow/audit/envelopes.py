"""Checks of envelopes that leaves name: present, unchanged, and signed by keys that were trusted at the time."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aims_mlflow.audit.sessions import check_sealed
from aims_mlflow.audit.tree import named
from aims_mlflow.cached_values import cached_property
from aims_mlflow.canonical import sha256_hex
from aims_mlflow.errors import AimsError, EvidenceError
from aims_mlflow.evidence.statement import SealedRecord, read
from aims_mlflow.gates.authority import EVIDENCE, moment_of, why_not_sealed
from aims_mlflow.gates.erased_envelopes import erased_envelopes
from aims_mlflow.gates.erased_envelopes import why_not_about as why_not_erased
from aims_mlflow.gates.policy import FILE, parse_policy
from aims_mlflow.lifecycle.adoptions import why_not_about as why_not_adopted
from aims_mlflow.records.base import parse_time
from aims_mlflow.records.keyring import ADOPTERS, ERASERS, REVIEWERS, ROLES
from aims_mlflow.records.leaves.changes import AdoptionLeaf, DecisionLeaf
from aims_mlflow.records.leaves.others import ConsentLeaf, ErasureLeaf, EvidenceLeaf, IncidentLeaf
from aims_mlflow.signing.keyring import keyring_digest
from aims_mlflow.signing.keys import PublicKey

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aims_mlflow.audit.parts import PartResult
    from aims_mlflow.audit.view import View
    from aims_mlflow.gates.erased_envelopes import ErasedEnvelope
    from aims_mlflow.ledger.leaves import Leaf
    from aims_mlflow.records.keyring import KeyEntry, Keyring
    from aims_mlflow.records.leaves.base import LeafContent
    from aims_mlflow.signing.keyring_history import KeyringHistory

MAX_CACHED = 1_000
MAX_VERIFIED = 100_000
UNSIGNED = "it counts for nothing: an approver runs `aims gate adopt`, or the leaf was added in the database"
MISSING = "it is missing"
NOT_WELL_FORMED = "not well-formed"
EVIDENCE_CHANGED = "what the decision rested on can no longer be shown"


@dataclass(frozen=True)
class _Verdict:
    """Whether a signature counted when it was sealed: it did if `why_not` is None.

    `later` is set where a later keyring revoked the key as of a time before that.
    """

    entry: KeyEntry | None
    why_not: str | None
    later: str | None


@dataclass(frozen=True)
class _Verdicts:
    """Whether signatures count at one leaf, by key: all records of a session are mostly of one."""

    leaf: Leaf
    roles: Sequence[str]
    by_key: dict[str, _Verdict] = field(default_factory=dict)


class EnvelopeCheck:
    """Checks the envelopes of leaves; a bounded cache avoids reading records twice."""

    def __init__(self, view: View, history: KeyringHistory) -> None:
        self._view, self._history = view, history
        self._records: OrderedDict[str, SealedRecord | str] = OrderedDict()
        self._roles_of: dict[tuple[str, str], tuple[str, ...]] = {}
        # Envelopes and the keys whose signatures over them are valid.
        self._verified: set[tuple[str, str]] = set()
        self._by_digest = {keyring_digest(v.keyring): (v.sequence, v.keyring) for v in history.versions}

    def fetch(self, names: Sequence[str]) -> None:
        """Read the envelopes that a page of leaves names, unless they are cached."""
        for name in names:
            if name in self._records:
                self._records.move_to_end(name)
        asked = [name for name in dict.fromkeys(names) if name not in self._records]
        kept = self._view.envelopes(asked)
        for name in asked:
            self._records[name] = self._record(name, kept.get(name))
        while len(self._records) > max(MAX_CACHED, len(set(names))):
            self._records.popitem(last=False)

    def _record(self, name: str, raw: bytes | None) -> SealedRecord | str:
        """Return a record, or the problem of its envelope."""
        if raw is None:
            return MISSING
        if sha256_hex(raw) != name:
            return "its bytes were changed: they do not have the digest by which it is named"
        try:
            return read(raw, name[:12])
        except EvidenceError as exc:
            # A refused decision names evidence that never was well-formed: that is why it was refused.
            return f"{NOT_WELL_FORMED}: {exc.what}"

    def check(self, leaf: Leaf, content: LeafContent, policy: str, out: PartResult) -> None:
        """Check the envelopes that a leaf names, and the signatures of those that it relied on.

        `policy` is the digest of the policy in force, which defines the roles that may sign.
        """
        sessions = _relied_on(content)
        evidence = content.evidence if isinstance(content, DecisionLeaf | EvidenceLeaf) else []
        counted = {*evidence, *(line for lines in sessions.values() for line in lines)}
        verdicts = _Verdicts(leaf, self._roles(content, policy))
        for name in dict.fromkeys(content.envelopes()):
            record = self._records.get(name, MISSING)
            if record == MISSING and name in self._erased:
                continue
            relied = name in counted or isinstance(content, ConsentLeaf | ErasureLeaf | IncidentLeaf | AdoptionLeaf)
            if isinstance(record, str):
                out.envelopes += record.startswith(NOT_WELL_FORMED)
                if relied or not record.startswith(NOT_WELL_FORMED):
                    who = f"envelope {name[:12]} of {named(leaf)}"
                    out.wrong("envelope", who, record, EVIDENCE_CHANGED)
                continue
            out.envelopes += 1
            if relied:
                self._signature(record, verdicts, out)
        if isinstance(content, AdoptionLeaf) and content.envelope not in self._erased:
            self._adoption(leaf, content, out)
        elif isinstance(content, ErasureLeaf):
            self._erasure(leaf, content, out)
        check_sealed(named(leaf), sessions, self._records, self._erased.keys(), out)

    @cached_property
    def _erased(self) -> dict[str, ErasedEnvelope]:
        return erased_envelopes(self._view)

    def _erasure(self, leaf: Leaf, content: ErasureLeaf, out: PartResult) -> None:
        """Check that the signed record of an erasure is about what its leaf names, and that this is gone."""
        record = self._records.get(content.envelope or "")
        why = None if content.envelope else "nobody signed it"
        try:
            why = why_not_erased(record, content) if isinstance(record, SealedRecord) else why
        except EvidenceError as exc:
            why = exc.what
        if why:
            out.wrong(
                "envelope", named(leaf), f"it says that something was erased, but {why}", "someone hid a deletion"
            )
        elif content.erased and self._view.envelope(content.erased) is not None:
            what = f"envelope {content.erased[:12]} that it erased is there"
            out.wrong("completeness", named(leaf), what, "someone put it back in the database: delete it again")

    def _adoption(self, leaf: Leaf, content: AdoptionLeaf, out: PartResult) -> None:
        """Check that an adoption is signed, and about the version that its leaf names."""
        record = self._records.get(content.envelope or "")
        why = why_not_adopted(record, content) if isinstance(record, SealedRecord) else None
        if content.envelope is None:
            why = "nobody signed it"
        if why:
            what = f"{content.model_name} version {content.version} is adopted, but {why}"
            out.wrong("envelope", named(leaf), what, UNSIGNED)

    def _signature(self, record: SealedRecord, verdicts: _Verdicts, out: PartResult) -> None:
        verdict = self._verdict(record, verdicts)
        who = f"{record.evidence.kind} {record.id}, on which leaf {verdicts.leaf.sequence} rests"
        if verdict.entry is None or verdict.why_not:
            why = verdict.why_not or "its key is not known"
            out.wrong("envelope", who, why, "it should not have counted when it did")
            return
        pair = record.sha256, verdict.entry.pem
        try:
            if pair not in self._verified:
                record.envelope.verify(PublicKey.from_pem(verdict.entry.pem))
                self._verified.add(pair)
        except EvidenceError as exc:
            out.wrong("envelope", who, exc.what, "it was not signed by whom it names")
        if len(self._verified) > MAX_VERIFIED:
            self._verified.clear()
        if verdict.later:
            meaning = "it counted when it was decided on, and would not count now: look again"
            out.wrong("envelope", who, verdict.later, meaning)

    def _verdict(self, record: SealedRecord, verdicts: _Verdicts) -> _Verdict:
        """Judge a signature as of its sealing: by this leaf, or where it does not count here, by the first leaf."""
        key_id, leaf, roles = record.envelope.key_id, verdicts.leaf, verdicts.roles
        if key_id not in verdicts.by_key:
            verdicts.by_key[key_id] = self._judged(key_id, roles, leaf)
        verdict = verdicts.by_key[key_id]
        if verdict.why_not is None and verdict.later is None:
            return verdict
        name = record.sha256.encode()
        for earlier in self._view.leaves(types=EVIDENCE):
            if earlier.sequence >= leaf.sequence:
                break
            if name in earlier.data and record.sha256 in earlier.fact.envelopes():
                return self._judged(key_id, roles, earlier)
        return verdict

    def _judged(self, key_id: str, roles: Sequence[str], leaf: Leaf) -> _Verdict:
        sealed, then = moment_of(leaf), self._judging(leaf)
        why = why_not_sealed(then, key_id, roles, sealed)
        now, later = self._history.known(key_id), None
        if now and now.revoked and parse_time(now.revoked) <= parse_time(sealed.time):
            later = f"the key of {now.owner} was later revoked as of {now.revoked}"
        return _Verdict(then.find(key_id) if then else None, why, later)

    def _judging(self, leaf: Leaf) -> Keyring | None:
        """Return the keyring that judged what a leaf sealed: the one that a decision names, else the one in force.

        Whether a decision that took effect names the one that was in force, `ContentCheck` says.
        """
        digest = leaf.fact.keyring_digest if isinstance(leaf.fact, DecisionLeaf) else None
        since, named = self._by_digest.get(digest or "", (leaf.sequence, None))
        return named if named and since < leaf.sequence else self._history.at(leaf.sequence)

    def _roles(self, content: LeafContent, policy: str) -> tuple[str, ...]:
        """Return the roles that may have signed what a leaf relied on."""
        if isinstance(content, ErasureLeaf):
            return ERASERS
        if isinstance(content, IncidentLeaf):
            return REVIEWERS
        if isinstance(content, AdoptionLeaf):
            return ADOPTERS
        kind = "consent" if isinstance(content, ConsentLeaf) else "evidence"
        if isinstance(content, EvidenceLeaf) and content.documents:
            kind = "document"
        if (policy, kind) not in self._roles_of:
            named = [role for v in self._history.versions for key in v.keyring.keys for role in key.roles]
            more = named if kind == "document" else []  # any role may sign one
            self._roles_of[policy, kind] = (*_roles_by(self._view.stored(policy) or "", kind), *dict.fromkeys(more))
        return self._roles_of[policy, kind]


def _roles_by(text: str, kind: str) -> tuple[str, ...]:
    """Return the roles whose consents, evidence or words on documents a policy accepts."""
    try:
        loaded = parse_policy(text, FILE)
    except AimsError:
        return ()
    stages = loaded.policy.stages.values()
    if kind == "document":
        return (*ROLES, *loaded.roles)
    if kind == "consent":
        return ("approver", *(role for rules in stages for role in rules.approvals.roles))
    return ("trainer", *(rules.require_reevaluation for rules in stages if rules.require_reevaluation))


def _relied_on(content: LeafContent) -> dict[str, list[str]]:
    """Return the sessions that a leaf relied on: those with records that were accepted at its time.

    A refused decision may have looked at anything; one that rests on an earlier decision looked at that.
    """
    if not isinstance(content, DecisionLeaf):
        return content.session_files()
    if not content.allowed or content.standing:
        return {}
    counted = set(content.evidence)
    return {name: lines for name, lines in content.sessions.items() if counted.intersection(lines)}

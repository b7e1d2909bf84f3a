"""What leaves say and what they name: bodies, envelopes with their signatures, policies, decisions and outcomes."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from aims_mlflow.audit.decisions import DecisionCheck
from aims_mlflow.audit.sessions import check_sealed
from aims_mlflow.audit.tree import named
from aims_mlflow.canonical import canonical, sha256_hex
from aims_mlflow.errors import AimsError, EvidenceError
from aims_mlflow.evidence.statement import SealedRecord, read
from aims_mlflow.gates.policy import FILE, parse_policy
from aims_mlflow.records.base import parse_time
from aims_mlflow.records.keyring import ERASERS, REVIEWERS
from aims_mlflow.records.leaves.changes import DecisionLeaf, OutcomeLeaf
from aims_mlflow.records.leaves.others import (
    ConsentLeaf,
    ErasureLeaf,
    EvidenceLeaf,
    IncidentLeaf,
    KeyringLeaf,
    PolicyLeaf,
)
from aims_mlflow.signing.keyring_history import CLOCKS
from aims_mlflow.signing.keys import PublicKey

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aims_mlflow.audit.report import Report
    from aims_mlflow.audit.view import View
    from aims_mlflow.ledger.leaves import Leaf
    from aims_mlflow.records.leaves.base import LeafContent
    from aims_mlflow.signing.keyring_history import KeyringHistory

MAX_CACHED = 1_000
MAX_VERIFIED = 100_000
EVIDENCE_CHANGED = "what the decision rested on can no longer be shown"


def leaf_content(leaf: Leaf) -> LeafContent:
    """Return a leaf's content from hostile bytes.

    Raises:
        EvidenceError: it is not a leaf of this format.
    """
    try:
        if canonical(leaf.content) == leaf.data:
            return leaf.fact
    except (EvidenceError, RecursionError):
        pass
    raise EvidenceError("not a leaf of this format", where=f"leaf {leaf.sequence}")


class ContentCheck:
    """Checks leaves page by page, in order; memory holds what is in force and what is open, never all leaves."""

    def __init__(self, view: View, report: Report, history: KeyringHistory, *, whole: bool = False) -> None:
        """`whole` says that the view holds every leaf, so that what is not there never was."""
        self._view, self._report, self._history = view, report, history
        self._in_force: dict[str, list[tuple[str, str]]] = {"policy": [], "keyring": []}
        self._allowed: set[str] = set()
        self._records: OrderedDict[str, SealedRecord | str] = OrderedDict()
        self._without_body: dict[int, str] = {}
        self._erased: set[int] = set()
        self._roles_of: dict[tuple[str, str], tuple[str, ...]] = {}
        self._again = DecisionCheck(view, whole=whole)
        # Envelopes and the keys whose signatures over them were found good.
        self._verified: set[tuple[str, str]] = set()
        self._counted = {"envelopes": 0, "bodies": 0, "decisions": 0, "again": 0}

    def page(self, leaves: Sequence[Leaf]) -> None:
        """Check one page of leaves."""
        bodies = self._view.bodies([leaf.sequence for leaf in leaves])
        part: list[tuple[Leaf, LeafContent]] = []
        names: list[str] = []
        for leaf in leaves:
            content = self._content(leaf)
            if content is not None:
                part.append((leaf, content))
                names += content.envelopes()
            if len(names) >= MAX_CACHED:
                self._part(part, names, bodies)
                part, names = [], []
        self._part(part, names, bodies)

    def _part(
        self,
        part: Sequence[tuple[Leaf, LeafContent]],
        names: Sequence[str],
        bodies: dict[int, tuple[bytes, bytes]],
    ) -> None:
        """Check leaves of a page whose envelopes are read in one go, so that few records are in memory at once."""
        self._fetch(names)
        for leaf, content in part:
            self._body(leaf, content, bodies.get(leaf.sequence))
            self._named(leaf, content)
            self._says(leaf, content)

    def _content(self, leaf: Leaf) -> LeafContent | None:
        try:
            return leaf_content(leaf)
        except EvidenceError as exc:
            meaning = "someone rewrote it, or a newer release wrote it"
            self._report["inclusion"].wrong(f"leaf {leaf.sequence}", exc.what, meaning)
            return None

    # -- what lies beside a leaf ------------------------------------------------------------

    def _body(self, leaf: Leaf, content: LeafContent, body: tuple[bytes, bytes] | None) -> None:
        if body is None:
            self._without_body[leaf.sequence] = named(leaf)
            return
        self._counted["bodies"] += 1
        if sha256_hex(body[0] + body[1]) != content.commitment:
            self._report["completeness"].wrong(
                named(leaf), "its body does not fit the commitment", "someone changed the texts beside the leaf"
            )

    def _fetch(self, names: Sequence[str]) -> None:
        """Read the envelopes that a page names, each once while it is remembered."""
        for name in names:
            if name in self._records:
                self._records.move_to_end(name)
        asked = [name for name in dict.fromkeys(names) if name not in self._records]
        found = self._view.envelopes(asked)
        for name in asked:
            self._records[name] = self._record(name, found.get(name))
        while len(self._records) > max(MAX_CACHED, len(set(names))):
            self._records.popitem(last=False)

    def _record(self, name: str, raw: bytes | None) -> SealedRecord | str:
        """Return a record, or what is wrong with its envelope."""
        if raw is None:
            return "it is missing"
        if sha256_hex(raw) != name:
            return "its bytes were changed: they do not have the digest by which it is named"
        self._counted["envelopes"] += 1
        try:
            return read(raw, name[:12])
        except EvidenceError as exc:
            # A refused decision names evidence that never was well-formed: that is why it was refused.
            return f"not well-formed: {exc.what}"

    def _named(self, leaf: Leaf, content: LeafContent) -> None:
        """Check the envelopes that a leaf names, and the signatures of those that it relied on."""
        sessions = _relied_on(content)
        evidence = content.evidence if isinstance(content, DecisionLeaf | EvidenceLeaf) else []
        counted = {*evidence, *(line for lines in sessions.values() for line in lines)}
        roles = self._roles(content)
        for name in dict.fromkeys(content.envelopes()):
            record = self._records.get(name, "it is missing")
            relied = name in counted or isinstance(content, ConsentLeaf | ErasureLeaf | IncidentLeaf)
            if isinstance(record, str):
                if relied or not record.startswith("not well-formed"):
                    who = f"envelope {name[:12]} of {named(leaf)}"
                    self._report["envelope"].wrong(who, record, EVIDENCE_CHANGED)
            elif relied:
                self._signature(record, leaf, roles, _decided(content))
        check_sealed(named(leaf), sessions, self._records, self._report)

    def _signature(self, record: SealedRecord, leaf: Leaf, roles: Sequence[str], decided: str) -> None:
        signed = record.evidence.time
        verdict = self._history.judge(record.envelope.key_id, roles, signed, leaf.sequence, decided)
        step = self._report["envelope"]
        who = f"{record.evidence.kind} {record.id}, on which leaf {leaf.sequence} rests"
        if verdict.entry is None or verdict.why_not:
            step.wrong(who, verdict.why_not or "its key is not known", "it should not have counted when it did")
            return
        pair = record.sha256, verdict.entry.pem
        try:
            if pair not in self._verified:
                record.envelope.verify(PublicKey.from_pem(verdict.entry.pem))
                self._verified.add(pair)
        except EvidenceError as exc:
            step.wrong(who, exc.what, "it was not signed by whom it names")
        if len(self._verified) > MAX_VERIFIED:
            self._verified.clear()
        if verdict.later:
            step.wrong(who, verdict.later, "it counted when it was decided on, and would not count now: look again")

    def _roles(self, content: LeafContent) -> tuple[str, ...]:
        """Return the roles that may have signed what a leaf relied on."""
        if isinstance(content, ErasureLeaf):
            return ERASERS
        if isinstance(content, IncidentLeaf):
            return REVIEWERS
        policy = self._in_force["policy"][-1][1] if self._in_force["policy"] else ""
        kind = "consent" if isinstance(content, ConsentLeaf) else "evidence"
        if (policy, kind) not in self._roles_of:
            self._roles_of[policy, kind] = _roles_by(self._view.stored(policy) or "", kind)
        return self._roles_of[policy, kind]

    # -- what leaves say --------------------------------------------------------------------

    def _says(self, leaf: Leaf, content: LeafContent) -> None:
        if isinstance(content, PolicyLeaf):
            self._in_force["policy"].append((content.time, str(content.policy_digest)))
            self._policy_text(leaf, content)
        elif isinstance(content, KeyringLeaf):  # the keyring step reads its text
            self._in_force["keyring"].append((content.time, str(content.keyring_digest)))
        elif isinstance(content, DecisionLeaf):
            self._decision(leaf, content)
        elif isinstance(content, OutcomeLeaf) and content.done and content.of == "decision":
            if content.request in self._allowed:
                self._allowed.discard(content.request)
            else:
                self._report["completeness"].wrong(
                    named(leaf), "no allowing decision stands before it", "a change was made past the gate's own no"
                )
        elif isinstance(content, ErasureLeaf) and content.sequence is not None:
            self._erased.add(content.sequence)

    def _policy_text(self, leaf: Leaf, content: PolicyLeaf) -> None:
        digest = str(content.policy_digest)
        text = self._view.stored(digest)
        try:
            same = text is not None and parse_policy(text, FILE).digest == digest
            same = same and content.text_sha256 in (None, sha256_hex(str(text).encode()))
        except AimsError:
            same = False
        if not same:
            self._report["completeness"].wrong(
                named(leaf),
                f"the text of policy {digest[:12]} is missing or was changed",
                "it can no longer be shown by which rules was decided",
            )

    def _decision(self, leaf: Leaf, content: DecisionLeaf) -> None:
        self._counted["decisions"] += 1
        if content.allowed:
            self._allowed.add(content.request)
        for kind, digest in (("policy", content.policy_digest), ("keyring", content.keyring_digest)):
            if digest is not None and digest not in _possible(self._in_force[kind], _decided(content)):
                self._report["completeness"].wrong(
                    named(leaf),
                    f"it was made under {kind} {digest[:12]}, which was not in force then",
                    f"someone exchanged the {kind} in the database, behind the ledger's back",
                )
        if leaf.sequence in self._without_body:
            return
        self._counted["again"] += content.model_digest is not None
        why = self._again.why_not(leaf, content)
        if why:
            who = f"{named(leaf)}, decision {content.request}"
            self._report["completeness"].wrong(who, why, "it was not made from what it names")

    def finish(self) -> None:
        """Note what only the whole ledger shows: bodies that are gone without a record, and what is active now."""
        step = self._report["completeness"]
        for sequence, who in self._without_body.items():
            if sequence not in self._erased:
                step.wrong(who, "its body is gone and no erasure is recorded", "someone deleted it in the database")
        active = self._view.active()
        for kind, versions in self._in_force.items():
            last = versions[-1][1] if versions else None
            if active.get(kind) != last:
                step.wrong(
                    f"active {kind}",
                    f"the database says {str(active.get(kind))[:12]}, the ledger's last {kind} leaf {str(last)[:12]}",
                    f"someone exchanged the {kind} in force: decisions from now on would be made by another one",
                )
        counted = self._counted
        self._report["envelope"].said.append(f"{counted['envelopes']:,} envelopes that leaves name")
        erased = f", {len(self._erased):,} erased with a reason" if self._erased else ""
        again = f"{counted['decisions']:,} decisions, {counted['again']:,} made again"
        step.said.append(f"{again}, {counted['bodies']:,} bodies{erased}, policy in force")


def _possible(versions: Sequence[tuple[str, str]], decided: str) -> set[str]:
    """Return the digests that a decision of a time may have gone by: that in force then, and those since."""
    moment = parse_time(decided) - CLOCKS
    before = [digest for time, digest in versions if parse_time(time) <= moment]
    return {*before[-1:], *(digest for time, digest in versions if parse_time(time) > moment)}


def _roles_by(text: str, kind: str) -> tuple[str, ...]:
    """Return the roles whose consents, or whose evidence, a policy takes."""
    try:
        stages = parse_policy(text, FILE).policy.stages.values()
    except AimsError:
        return ()
    if kind == "consent":
        return ("approver", *(role for rules in stages for role in rules.approvals.roles))
    return ("trainer", *(rules.require_reevaluation for rules in stages if rules.require_reevaluation))


def _relied_on(content: LeafContent) -> dict[str, list[str]]:
    """Return the sessions on which a leaf relied: those with records that counted when it was made.

    A refused decision may have looked at anything; one that rests on an earlier decision looked at that.
    """
    if not isinstance(content, DecisionLeaf):
        return content.session_files()
    if not content.allowed or content.standing:
        return {}
    counted = set(content.evidence)
    return {name: lines for name, lines in content.sessions.items() if counted.intersection(lines)}


def _decided(content: LeafContent) -> str:
    """Return the clock by which a leaf's envelopes were judged."""
    return (content.decided if isinstance(content, DecisionLeaf) else None) or content.time

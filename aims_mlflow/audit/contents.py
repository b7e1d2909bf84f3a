"""The contents of leaves: bodies, policies, decisions made again, and outcomes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aims_mlflow.audit.decisions import DecisionCheck
from aims_mlflow.audit.envelopes import MAX_CACHED, EnvelopeCheck, decided_at
from aims_mlflow.audit.tree import named
from aims_mlflow.canonical import canonical, sha256_hex
from aims_mlflow.errors import AimsError, EvidenceError
from aims_mlflow.gates.policy import FILE, parse_policy
from aims_mlflow.records.base import parse_time
from aims_mlflow.records.leaves.changes import DecisionLeaf, OutcomeLeaf
from aims_mlflow.records.leaves.others import (
    ErasureLeaf,
    KeyringLeaf,
    PolicyLeaf,
)
from aims_mlflow.signing.keyring_history import CLOCKS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aims_mlflow.audit.report import Report
    from aims_mlflow.audit.view import View
    from aims_mlflow.ledger.leaves import Leaf
    from aims_mlflow.records.leaves.base import LeafContent
    from aims_mlflow.signing.keyring_history import KeyringHistory


def leaf_content(leaf: Leaf) -> LeafContent:
    """Parse the content of a leaf from untrusted bytes.

    Raises:
        EvidenceError: The bytes are not a leaf of this format.
    """
    try:
        if canonical(leaf.content) == leaf.data:
            return leaf.fact
    except (EvidenceError, RecursionError):
        pass
    raise EvidenceError("not a leaf of this format", where=f"leaf {leaf.sequence}")


class ContentCheck:
    """Checks leaves page by page, in order; keeps only the state in force and open changes in memory."""

    def __init__(self, view: View, report: Report, history: KeyringHistory, *, whole: bool = False) -> None:
        """`whole` means that the view contains every leaf, so that a missing leaf never existed."""
        self._view, self._report = view, report
        self._in_force: dict[str, list[tuple[str, str]]] = {"policy": [], "keyring": []}
        self._allowed: set[str] = set()
        self._envelopes = EnvelopeCheck(view, report, history)
        self._without_body: dict[int, str] = {}
        self._erased: set[int] = set()
        self._again = DecisionCheck(view, whole=whole)
        self._counted = {"bodies": 0, "decisions": 0, "again": 0}

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
        self._envelopes.fetch(names)
        for leaf, content in part:
            self._body(leaf, content, bodies.get(leaf.sequence))
            self._envelopes.check(leaf, content, self._policy_now())
            self._says(leaf, content)

    def _policy_now(self) -> str:
        versions = self._in_force["policy"]
        return versions[-1][1] if versions else ""

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
            if digest is not None and digest not in _possible(self._in_force[kind], decided_at(content)):
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
        """Check the ledger as a whole: bodies deleted without a record, and the active policy and keyring."""
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
        self._report["envelope"].said.append(f"{self._envelopes.count:,} envelopes that leaves name")
        erased = f", {len(self._erased):,} erased with a reason" if self._erased else ""
        again = f"{counted['decisions']:,} decisions, {counted['again']:,} made again"
        step.said.append(f"{again}, {counted['bodies']:,} bodies{erased}, policy in force")


def _possible(versions: Sequence[tuple[str, str]], decided: str) -> set[str]:
    """Return the digests that a decision may have used: the one in force at its time, and later ones."""
    moment = parse_time(decided) - CLOCKS
    before = [digest for time, digest in versions if parse_time(time) <= moment]
    return {*before[-1:], *(digest for time, digest in versions if parse_time(time) > moment)}

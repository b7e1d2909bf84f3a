"""Checks of leaves that need no other part of the ledger: content, body, envelopes, texts, decisions made again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aims_mlflow.audit.decisions import DecisionCheck
from aims_mlflow.audit.envelopes import MAX_CACHED, EnvelopeCheck
from aims_mlflow.audit.parts import CompletedChange, NewRules, PartResult, SealedDecision
from aims_mlflow.audit.tree import named
from aims_mlflow.canonical import canonical, sha256_hex
from aims_mlflow.errors import AimsError, EvidenceError
from aims_mlflow.gates.policy import FILE, parse_policy
from aims_mlflow.ledger.leaves import SearchColumns
from aims_mlflow.records.leaves.changes import DecisionLeaf, OutcomeLeaf
from aims_mlflow.records.leaves.others import ErasureLeaf, KeyringLeaf, PolicyLeaf

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aims_mlflow.audit.parts import Part
    from aims_mlflow.audit.view import View
    from aims_mlflow.ledger.leaves import Leaf
    from aims_mlflow.records.leaves.base import LeafContent
    from aims_mlflow.signing.keyring_history import KeyringHistory

    Leaves = list[tuple[Leaf, LeafContent]]

HIDDEN = "someone hid it from those who look for it, such as the gate"


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


class PartCheck:
    """Checks one part after the other; bounded caches save reading what an earlier part named as well."""

    def __init__(self, view: View, history: KeyringHistory, *, whole: bool) -> None:
        """`whole` means that the view contains every leaf, so that a missing leaf never existed."""
        self._view = view
        self._envelopes = EnvelopeCheck(view, history)
        self._again = DecisionCheck(view, whole=whole)

    def check(self, part: Part) -> PartResult:
        """Return what the leaves of a part say, and what is wrong with each by itself."""
        out, policy = PartResult(), part.policy
        numbers = [leaf.sequence for leaf in part.leaves]
        bodies, columns = self._view.bodies(numbers), self._view.columns(numbers)
        read = [(leaf, content) for leaf in part.leaves if (content := _content(leaf, out))]
        hidden = self._view.hidden(read)
        for some, names in _cut(read):
            self._envelopes.fetch(names)
            for leaf, content in some:
                _found_as(leaf, content, columns.get(leaf.sequence), out)
                if leaf.sequence in hidden:
                    what = "the database does not file its sessions under the digest of the model"
                    out.wrong("completeness", named(leaf), what, HIDDEN)
                self._body(leaf, content, bodies.get(leaf.sequence), out)
                self._envelopes.check(leaf, content, policy, out)
                self._says(leaf, content, out)
                if isinstance(content, PolicyLeaf):
                    policy = str(content.policy_digest)
        return out

    def _body(self, leaf: Leaf, content: LeafContent, body: tuple[bytes, bytes] | None, out: PartResult) -> None:
        if body is None:
            out.without_body[leaf.sequence] = named(leaf)
            return
        out.bodies += 1
        if sha256_hex(body[0] + body[1]) != content.commitment:
            out.wrong(
                "completeness",
                named(leaf),
                "its body does not fit the commitment",
                "someone changed the texts beside the leaf",
            )

    def _says(self, leaf: Leaf, content: LeafContent, out: PartResult) -> None:
        if isinstance(content, PolicyLeaf):
            out.said.append(NewRules("policy", str(content.policy_digest)))
            self._policy_text(leaf, content, out)
        elif isinstance(content, KeyringLeaf):  # the keyring step reads its text
            out.said.append(NewRules("keyring", str(content.keyring_digest)))
        elif isinstance(content, DecisionLeaf):
            self._decision(leaf, content, out)
        elif isinstance(content, OutcomeLeaf) and content.done and content.of == "decision":
            out.said.append(CompletedChange(named(leaf), content.request))
        elif isinstance(content, ErasureLeaf):
            out.erased += [content.sequence] if content.sequence is not None else []
            out.erased_envelopes += [content.erased] if content.erased else []

    def _policy_text(self, leaf: Leaf, content: PolicyLeaf, out: PartResult) -> None:
        digest = str(content.policy_digest)
        text = self._view.stored(digest)
        try:
            same = text is not None and parse_policy(text, FILE).digest == digest
            same = same and content.text_sha256 in (None, sha256_hex(str(text).encode()))
        except AimsError:
            same = False
        if not same:
            out.wrong(
                "completeness",
                named(leaf),
                f"the text of policy {digest[:12]} is missing or was changed",
                "it can no longer be shown by which rules was decided",
            )

    def _decision(self, leaf: Leaf, content: DecisionLeaf, out: PartResult) -> None:
        name = named(leaf)
        out.said.append(
            SealedDecision(
                name,
                content.request,
                content.allowed,
                not content.would_refuse,
                content.decided,
                {"policy": content.policy_digest, "keyring": content.keyring_digest},
            )
        )
        if leaf.sequence in out.without_body:
            return
        by = self._again.erased_behind(leaf, content)
        if by is not None:
            out.not_again[leaf.sequence] = (content.request, by)
        out.made_again += content.model_digest is not None and by is None
        why = self._again.why_not(leaf, content)
        if why:
            who = f"{name}, decision {content.request}"
            out.wrong("completeness", who, why, "it was not made from what it names")


def _found_as(leaf: Leaf, content: LeafContent, columns: SearchColumns | None, out: PartResult) -> None:
    """Note columns beside a leaf that say something else than the leaf, so that a search does not find it."""
    said = SearchColumns.of(content)
    wrong = [name for name in said._fields if columns is not None and getattr(columns, name) != getattr(said, name)]
    if wrong:
        what = f"the database files it under another {' and '.join(wrong)}"
        out.wrong("completeness", named(leaf), what, HIDDEN)


def _content(leaf: Leaf, out: PartResult) -> LeafContent | None:
    try:
        return leaf_content(leaf)
    except EvidenceError as exc:
        meaning = "someone rewrote it, or a newer release wrote it"
        out.wrong("inclusion", f"leaf {leaf.sequence}", exc.what, meaning)
        return None


def _cut(leaves: Leaves) -> Iterator[tuple[Leaves, list[str]]]:
    """Yield leaves whose envelopes are read in one go, with their names, so that few records are in memory at once."""
    some: Leaves = []
    names: list[str] = []
    for leaf, content in leaves:
        some.append((leaf, content))
        names += content.envelopes()
        if len(names) >= MAX_CACHED:
            yield some, names
            some, names = [], []
    yield some, names

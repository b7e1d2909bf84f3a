"""Checks of decisions in a ledger or a bundle: repeat each one, and check the earlier decisions it depends on.

Required evidence, limits and approvals are checked by the gate's own function: a decision that nothing supports comes
out as another one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from aims_mlflow.cached_values import cached_property
from aims_mlflow.errors import AimsError
from aims_mlflow.gates import replay as again
from aims_mlflow.gates.consents import MAX_KNOWN, KnownConsents
from aims_mlflow.gates.erased_envelopes import erased_envelopes
from aims_mlflow.gates.rules_in_force import read_rules
from aims_mlflow.gates.sealed_documents import KnownSessions
from aims_mlflow.records.decision import PriorAuthority
from aims_mlflow.records.leaves.changes import AdoptionLeaf, DecisionBody, DecisionLeaf

if TYPE_CHECKING:
    from aims_mlflow.audit.view import View
    from aims_mlflow.gates.erased_envelopes import ErasedEnvelope
    from aims_mlflow.ledger.leaves import Leaf
    from aims_mlflow.ledger.ledger import Ledger
    from aims_mlflow.records.leaves.base import LeafContent

MAX_SESSION_BYTES = 16 * 1024 * 1024
# What code that reads well-formed content raises on content that is not.
HOSTILE = (LookupError, TypeError, ValueError, AttributeError, RecursionError)


class DecisionCheck:
    """Repeats decisions; caches verified evidence for the next decision."""

    def __init__(self, view: View, *, whole: bool) -> None:
        """`whole` means that the view contains every leaf, so that a missing leaf never existed."""
        self._ledger, self._whole = cast("Ledger", view), whole
        self._sessions, self._consents = KnownSessions(MAX_SESSION_BYTES), KnownConsents(MAX_KNOWN)

    def erased_behind(self, leaf: Leaf, content: DecisionLeaf) -> int | None:
        """Return the leaf that erased an envelope without which a decision cannot be made again; None where none did.

        Its signed record names the decisions before it. A later one that refused may have read the record in a run.
        """
        for erased in self._erased.values():
            later = leaf.sequence > erased.leaf and not content.allowed and erased.sha256 in content.envelopes()
            if leaf.sequence in erased.decisions or later:
                return erased.leaf
        return None

    @cached_property
    def _erased(self) -> dict[str, ErasedEnvelope]:
        return erased_envelopes(self._ledger)

    def why_not(self, leaf: Leaf, content: DecisionLeaf) -> str | None:
        """Return the problem of a decision that was not erased; None if it is correct.

        One that rests on an erased envelope is not made again; all else of it is checked.
        """
        try:
            return self._why_not(leaf, content)
        except AimsError as exc:
            return exc.what
        except HOSTILE:
            return "it cannot be read"

    def _why_not(self, leaf: Leaf, content: DecisionLeaf) -> str | None:
        request = content.request
        found = next(self._ledger.leaves(types=("decision",), request=request), None)
        if found is None or found.sequence != leaf.sequence:
            return "by its request, another decision is found, or none"
        said = again.recorded(self._ledger, request)
        if said.model_digest is None:
            return self._unread(said, content)
        sealed, given = content.public(), again.decision_leaf(said, content.model_name)
        for name, value in ((name, given.public().get(name)) for name in sorted(given.model_fields_set)):
            if sealed.get(name) != value:
                return f"its leaf has another {name} than its body"
        if self.erased_behind(leaf, content) is None:
            made = again.replay(self._ledger, request, self._sessions, self._consents)
            if not again.same(said, made):
                return "decided again, it is another"
        return self._rests_on(leaf, said.model_digest)

    def _unread(self, said: Any, content: DecisionLeaf) -> str | None:
        """Check a decision about an unreadable model: only an observing policy allows it."""
        force = read_rules(self._ledger, str(said.policy_digest), str(said.keyring_digest))
        rules = force.policy.rules(said.model_name, said.stage, said.alias, said.workspace)
        refused = not content.allowed and not said.allowed
        if refused or (rules.mode == "observe" and said.would_refuse and content.would_refuse):
            return None
        return "it allows a model that could not be read"

    def _rests_on(self, leaf: Leaf, digest: str) -> str | None:
        """Return the problem of the earlier decision that a decision depends on, if any."""
        body = self._ledger.body(leaf.sequence)
        if not isinstance(body, DecisionBody) or body.standing is None:
            return None
        standing = PriorAuthority.model_validate(body.standing)
        found = [x for x in self._ledger.leaves(request=standing.request) if x.sequence < leaf.sequence]
        if not found and not self._whole:
            return None
        for earlier in found:
            if _gave(earlier.fact, digest, standing):
                return None
        return f"it rests on {standing.request}, which allowed no such thing before"


def _gave(content: LeafContent, digest: str, standing: PriorAuthority) -> bool:
    """Return whether a leaf allowed a model's bytes, based on all of the given evidence."""
    if isinstance(content, AdoptionLeaf):
        return content.model_digest == digest and not standing.evidence
    if not isinstance(content, DecisionLeaf) or not content.allowed or content.would_refuse:
        return False
    if content.model_digest != digest or not set(standing.evidence) <= set(content.evidence):
        return False
    return {name for w in standing.waived for name in w.waivers} == set(content.waivers)

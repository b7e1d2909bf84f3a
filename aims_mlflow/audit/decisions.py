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
from aims_mlflow.lifecycle.model_history import adopted
from aims_mlflow.records.decision import Decision, PriorAuthority
from aims_mlflow.records.leaves.changes import AdoptionLeaf, DecisionBody, DecisionLeaf, OutcomeLeaf

if TYPE_CHECKING:
    from aims_mlflow.audit.view import View
    from aims_mlflow.gates.erased_envelopes import ErasedEnvelope
    from aims_mlflow.ledger.leaves import Leaf
    from aims_mlflow.ledger.ledger import Ledger

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
        return why_no_authority(self._ledger, leaf, content, whole=self._whole)

    def _unread(self, said: Any, content: DecisionLeaf) -> str | None:
        """Check a decision about an unreadable model: only an observing policy allows it."""
        force = read_rules(self._ledger, str(said.policy_digest), str(said.keyring_digest))
        rules = force.policy.rules(said.model_name, said.stage, said.alias, said.workspace)
        refused = not content.allowed and not said.allowed
        if refused or (rules.mode == "observe" and said.would_refuse and content.would_refuse):
            return None
        return "it allows a model that could not be read"


def why_no_authority(ledger: Ledger, leaf: Leaf, content: DecisionLeaf, *, whole: bool) -> str | None:
    """Return why the earlier authority that a decision rests on was not given; None if it was, or if there is none.

    `whole` means that the ledger contains every leaf, so that a missing leaf never existed.
    """
    body = ledger.body(leaf.sequence)
    if not isinstance(body, DecisionBody) or body.standing is None:
        return None
    standing = PriorAuthority.model_validate(body.standing)
    earlier = [x for x in ledger.leaves(request=standing.request) if x.sequence < leaf.sequence]
    if not earlier and not whole:
        return None
    done = any(isinstance(x.fact, OutcomeLeaf) and x.fact.done for x in earlier) or not whole
    for each in earlier:
        fact = each.fact
        if isinstance(fact, AdoptionLeaf):
            gave = (
                fact.model_digest == content.model_digest and content.alias in adopted(fact) and not standing.evidence
            )
        else:
            gave = isinstance(fact, DecisionLeaf) and done and _gave(ledger, each, fact, content, standing)
        if gave:
            return None
    return f"it rests on {standing.request}, which allowed no such thing before"


def _gave(ledger: Ledger, leaf: Leaf, earlier: DecisionLeaf, later: DecisionLeaf, standing: PriorAuthority) -> bool:
    """Return whether an earlier decision let the same bytes into the same use, on all that the later one takes over."""
    if not earlier.allowed or earlier.would_refuse or earlier.basis == "legacy":
        return False
    if (earlier.model_digest, earlier.stage, earlier.alias) != (later.model_digest, later.stage, later.alias):
        return False
    waivers = {name for each in standing.waived for name in each.waivers}
    taken = (set(standing.evidence), waivers, standing.until)
    if taken != (set(earlier.evidence), set(earlier.waivers), earlier.waived_until):
        return False
    body = ledger.body(leaf.sequence)
    if not isinstance(body, DecisionBody) or body.decision is None:
        return True  # its texts were erased since: who approved it is not readable any more
    said = Decision.model_validate(body.decision)
    return (said.approvals, said.superseded) == (standing.approvals, standing.superseded)

"""Whether a version was let in by rules that were put aside again: those before them are in force now as well.

Whoever administers the server needs no signature to change the policy's file. Each policy is sealed when it comes into
force, so that one which was in force for a moment can be found.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aims_mlflow.lifecycle.model_history import decision_of
from aims_mlflow.records.leaves.others import PolicyLeaf

if TYPE_CHECKING:
    from aims_mlflow.gates.policy import LoadedPolicy
    from aims_mlflow.ledger.ledger import Ledger
    from aims_mlflow.records.leaves.changes import DecisionLeaf

MOST = 1000  # decisions that rest on each other


def why_put_back(ledger: Ledger, request: str, policy: LoadedPolicy) -> str | None:
    """Return when other rules than those before and after them let a version in; None where no such rules did.

    `request` is that of a deployment; where it rests on earlier authority, the decision that gave it is looked at.

    Raises:
        Unreachable: the ledger does not answer.
    """
    decision = _first(ledger, request)
    if decision is None or decision.policy_digest in (None, policy.digest):
        return None
    workspace, _, name = decision.model_name.rpartition("/")
    if policy.rules(name, "deployment", decision.alias, workspace or None).stage_digest == decision.stage_digest:
        return None
    sealed = [leaf.fact for leaf in ledger.for_all().of(("policy",))]
    in_turn = [fact for fact in sealed if isinstance(fact, PolicyLeaf)]
    digests = [fact.policy_digest for fact in in_turn]
    for at, digest in enumerate(digests):
        if digest == decision.policy_digest and policy.digest in digests[:at] and policy.digest in digests[at + 1 :]:
            begin, end = in_turn[at].time, in_turn[at + 1].time
            if begin <= (decision.decided or decision.time) <= end:
                return f"policy {digest[:12]}, in force from {begin[:19]}Z to {end[:19]}Z, before and after today's"
    return None


def _first(ledger: Ledger, request: str) -> DecisionLeaf | None:
    """Return the decision that gave the authority on which a request rests, its own where it rests on none."""
    decision = decision_of(ledger, request)
    for _ in range(MOST):
        # A decision names earlier authority also where that had ended, and it was made on evidence anew.
        rests = decision.standing if decision and decision.basis == "restored" else None
        earlier = decision_of(ledger, rests) if rests else None
        if earlier is None:
            break
        decision = earlier
    return decision

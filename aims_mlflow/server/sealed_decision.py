"""Sealing a decision, with the finding or incident that it opens, before the registry changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aims_mlflow.gates.signed_consent import TAKING
from aims_mlflow.lifecycle.closing import closed_by_same_files, open_of_model
from aims_mlflow.records.leaves.changes import DecisionBody
from aims_mlflow.records.leaves.others import ConsentLeaf, FindingLeaf, IncidentLeaf
from aims_mlflow.registers.findings import Finding

if TYPE_CHECKING:
    from aims_mlflow.ledger.leaves import Entry, Leaf
    from aims_mlflow.ledger.ledger import Ledger
    from aims_mlflow.lifecycle.model_history import ModelHistory
    from aims_mlflow.server.change import DecisionContext, RegistryChange


def seal_decision(
    ledger: Ledger, past: ModelHistory, change: RegistryChange, context: DecisionContext, entry: Entry
) -> Leaf:
    """Append a decision and all its inputs to the ledger; returns the decision's leaf.

    Raises:
        Unreachable: the ledger cannot be written.
    """
    decision, version, beside = context.decision, str(change.version), []
    if context.registered and decision.model_digest == context.registered:
        beside += closed_by_same_files(past, version)
    elif context.registered:
        text = f"the files of {change.ledger_name} version {version} changed since they were registered"
        changed = FindingLeaf(
            about="changed-model", model_name=change.ledger_name, version=change.version,
            registered=context.registered, found=decision.model_digest,
        )  # fmt: skip
        finding = Finding(changed, text)
        known = {content.request for content in open_of_model(past, version)}
        beside += [finding.entry()] if finding.key not in known else []
    if decision.basis == "break-glass":
        waivers = sorted({name for w in decision.waived for name in w.waivers})
        text = f"an emergency waiver let a change of {change.ledger_name} through"
        incident = IncidentLeaf(
            about="break-glass", model_name=change.ledger_name, alias=change.alias, waivers=waivers,
            request=entry.content.request,
        )  # fmt: skip
        beside.append(Finding(incident, text).entry())
    return ledger.seal(entry, *beside)[0]


def overtaken(ledger: Ledger, leaf: Leaf, context: DecisionContext) -> str | None:
    """Return what was sealed before a decision's leaf and after what it was made from, if it matters; else None.

    That is other rules, or what takes back a word about the same bytes.
    """
    decision, read = context.decision, context.read
    nothing_since = read is not None and read.last == leaf.sequence - 1
    for_all = read.for_all if read and nothing_since else ledger.for_all()
    for kind, digest in (("policy", decision.policy_digest), ("keyring", decision.keyring_digest)):
        before = [each for each in for_all.of((kind,)) if each.sequence < leaf.sequence]
        if before and digest not in before[-1].fact.rules():
            return f"the {kind} changed"
    if read is None or read.last is None or nothing_since:
        return None
    for each in for_all.of(TAKING):
        is_between = read.last < each.sequence < leaf.sequence
        if is_between and isinstance(each.fact, ConsentLeaf) and each.fact.model_digest == decision.model_digest:
            return f"a {each.fact.type} of the same model was sealed"
    return None


def sealed_the_same(ledger: Ledger, request: str, context: DecisionContext) -> bool:
    """Return whether an earlier request's decision is the same except for its time."""
    leaf = next(ledger.leaves(types=("decision",), request=request), None)
    body = ledger.body(leaf.sequence) if leaf else None
    if not isinstance(body, DecisionBody) or body.decision is None:
        return False
    now = context.decision.model_dump(mode="json", exclude_none=True, exclude={"time"})
    return {k: v for k, v in body.decision.items() if k != "time"} == now

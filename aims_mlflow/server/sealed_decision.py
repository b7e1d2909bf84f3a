"""Sealing a decision, with the finding or incident that it opens, before the registry changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aims_mlflow.ledger.leaves import Entry

if TYPE_CHECKING:
    from aims_mlflow.ledger.ledger import Ledger
    from aims_mlflow.lifecycle.model_history import ModelHistory
    from aims_mlflow.server.change import DecisionContext, RegistryChange


def seal_decision(
    ledger: Ledger, past: ModelHistory, change: RegistryChange, context: DecisionContext, entry: Entry
) -> None:
    """Append a decision and everything that it was made from to the ledger.

    Raises:
        Unreachable: the ledger cannot be written.
    """
    entries, decision, request = [entry], context.decision, entry.request
    if context.registered and decision.model_digest != context.registered:
        about = {"about": "changed-model", "model_name": change.ledger_name, "version": change.version}
        digests = {"registered": context.registered, "found": decision.model_digest}
        entries.append(Entry("finding", {**about, **digests, "control": "A.6.2.5", "state": "open"}, {}, request))
    if decision.basis == "break-glass":
        about = {"about": "break-glass", "model_name": change.ledger_name, "alias": change.alias}
        waivers = {"waivers": sorted({w.waiver for w in decision.waived})}
        entries.append(Entry("incident", {**about, **waivers, "control": "A.8.4", "state": "open"}, {}, request))
    ledger.seal(*entries)


def sealed_the_same(ledger: Ledger, request: str, context: DecisionContext) -> bool:
    """Tell whether an earlier request's decision says the same, but for its time."""
    leaf = next(ledger.leaves(types=("decision",), request=request), None)
    body = ledger.body(leaf.sequence) if leaf else None
    if not body or "decision" not in body:
        return False
    now = context.decision.model_dump(mode="json", exclude_none=True, exclude={"time"})
    return {k: v for k, v in body["decision"].items() if k != "time"} == now

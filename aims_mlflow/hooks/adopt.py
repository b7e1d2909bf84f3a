"""Taking over a registry that was there before the gate: its versions and aliases are recorded as `legacy`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aims_mlflow.evidence.ledger import Entry
from aims_mlflow.hooks.past import Past
from aims_mlflow.hooks.reading import Seen, models, try_digest
from aims_mlflow.records.base import uuid7

if TYPE_CHECKING:
    from collections.abc import Callable

    from aims_mlflow.evidence.ledger import Ledger
    from aims_mlflow.gates.policy import LoadedPolicy


@dataclass(frozen=True)
class Adopted:
    """One version that was recorded: its digest, or why its files cannot be read."""

    name: str
    version: str
    aliases: tuple[str, ...]
    digest: str | None
    problem: str


def adopt(
    ledger: Ledger, client: Any, policy: LoadedPolicy, tick: Callable[[str], None] = lambda _: None
) -> list[Adopted]:
    """Record every version that the ledger does not know yet, with its digest and gated aliases.

    What cannot be read is recorded without a digest: it may stay where it is, and may not come back.

    Raises:
        Unreachable: registry or ledger does not answer.
    """
    out = []
    for seen in models(client):
        with ledger.lock(seen.ledger_name):
            past = Past(ledger, seen.ledger_name)
            known = {str(c.get("version")) for c in past.done()}
            for number in sorted(set(seen.versions) - known, key=int):
                tick(f"{seen.ledger_name} version {number}")
                out.append(_adopt(ledger, seen, number, policy))
    return out


def _adopt(ledger: Ledger, seen: Seen, number: str, policy: LoadedPolicy) -> Adopted:
    version = seen.versions[number]
    aliases = tuple(sorted(a for a, v in seen.aliases.items() if v == number and policy.gated_alias(a)))
    stage = version.current_stage if policy.gated_move(version.current_stage or "") else None
    digest, problem = try_digest(version)
    public = {
        "model_name": seen.ledger_name,
        "version": number,
        "model_digest": digest,
        "aliases": list(aliases),
        "mlflow_stage": stage,
        "run_id": version.run_id or None,
    }
    ledger.append(Entry("legacy", public, {"source": version.source, "problem": problem}, uuid7()))
    shown = (*aliases, *([f"stage {stage}"] if stage else ()))
    return Adopted(seen.ledger_name, number, shown, digest, problem)

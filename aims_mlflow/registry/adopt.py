"""Adoption of a registry that is older than its gate: its versions and aliases are recorded as `legacy`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aims_mlflow.errors import PolicyRefused
from aims_mlflow.ledger.leaves import Entry
from aims_mlflow.lifecycle.ledger_guard import RESTORE, unknown
from aims_mlflow.lifecycle.model_history import ModelHistory
from aims_mlflow.lifecycle.tenures import standing_versions
from aims_mlflow.records.base import uuid7
from aims_mlflow.records.leaves.changes import AdoptionBody, AdoptionLeaf, OutcomeLeaf, SupersessionLeaf
from aims_mlflow.records.leaves.others import IncidentLeaf
from aims_mlflow.registers.findings import Finding
from aims_mlflow.registry.names import REQUEST_TAG
from aims_mlflow.registry.reading import RegistryModel, models, try_digest

if TYPE_CHECKING:
    from collections.abc import Callable

    from aims_mlflow.gates.policy import LoadedPolicy
    from aims_mlflow.ledger.ledger import Ledger


@dataclass(frozen=True)
class AdoptedVersion:
    """One adopted version, with its digest or the reason why its files cannot be read."""

    name: str
    version: str
    aliases: tuple[str, ...]
    digest: str | None
    problem: str


def adopt(
    ledger: Ledger,
    client: Any,
    policy: LoadedPolicy,
    tick: Callable[[str], None] = lambda _: None,
    *,
    new_ledger: bool = False,
) -> list[AdoptedVersion]:
    """Record every version that the ledger does not know yet, with its digest and gated aliases.

    A version that lost a gated alias since the gate is there, because its rules only observed, is recorded with it.

    What cannot be read is recorded without a digest: it may stay where it is, and may not come back. `new_ledger`
    says that the ledger which knew these versions is gone for good; that is sealed as an incident.

    Raises:
        PolicyRefused: a gate decided about versions of this registry, and the ledger knows of none.
        Unreachable: registry or ledger does not answer.
    """
    out = []
    everything = list(models(client))
    made = [
        (seen.ledger_name, number, str(version.tags[REQUEST_TAG]))
        for seen in everything
        for number, version in seen.versions.items()
        if REQUEST_TAG in version.tags
    ]
    if unknown(ledger, made):
        if not new_ledger:
            text = f"a gate decided about {len(made)} versions of this registry, and the ledger knows of none"
            raise PolicyRefused(text, next=RESTORE)
        text = f"a new ledger was begun: the one that knew {len(made)} versions of this registry is gone"
        ledger.seal(Finding(IncidentLeaf(about="ledger-lost", versions=len(made), request=uuid7()), text).entry())
    for seen in everything:
        with ledger.lock(seen.ledger_name):
            past = ModelHistory(ledger, seen.ledger_name)
            for number in sorted(set(seen.versions) - standing_versions(past), key=int):
                tick(f"{seen.ledger_name} version {number}")
                out.append(_adopt(ledger, seen, number, policy, _lost_aliases(past, number)))
    return out


def _lost_aliases(past: ModelHistory, number: str) -> list[str]:
    """Return the gated aliases that a version lost through the gate, and did not get through it."""
    done = [c for c in past.done(number) if isinstance(c, OutcomeLeaf)]
    got = {c.alias for c in done if c.stage == "deployment"}
    lost = {c.alias for c in done if c.of == "withdrawn"}
    for leaf in past.leaves(("superseded",), number):
        lost |= {leaf.fact.alias} if isinstance(leaf.fact, SupersessionLeaf) else set()
    return sorted(alias for alias in lost - got if alias)


def _adopt(
    ledger: Ledger, seen: RegistryModel, number: str, policy: LoadedPolicy, lost_aliases: list[str]
) -> AdoptedVersion:
    version = seen.versions[number]
    aliases = tuple(sorted(a for a, v in seen.aliases.items() if v == number and policy.gated_alias(a)))
    stage = version.current_stage if policy.gated_move(version.current_stage or "") else None
    digest, problem = try_digest(version)
    content = AdoptionLeaf(
        model_name=seen.ledger_name,
        version=number,
        model_digest=digest,
        aliases=list(aliases),
        mlflow_stage=stage,
        lost_aliases=lost_aliases or None,
        run_id=version.run_id or None,
        request=uuid7(),
    )
    ledger.seal(Entry(content, AdoptionBody(source=version.source, problem=problem)))
    shown = (*aliases, *([f"stage {stage}"] if stage else ()))
    return AdoptedVersion(seen.ledger_name, number, shown, digest, problem)

"""Adoption of a registry that is older than its gate: its versions and aliases are recorded as `legacy`.

An approver signs each adoption. What was written past a gate that was there is adopted by nobody.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aims_mlflow.errors import PolicyRefused
from aims_mlflow.ledger.leaves import Entry
from aims_mlflow.lifecycle.adoptions import adopter, signed
from aims_mlflow.lifecycle.ingest import keyring_now
from aims_mlflow.lifecycle.ledger_guard import RESTORE, unknown
from aims_mlflow.lifecycle.model_history import ModelHistory
from aims_mlflow.lifecycle.tenures import standing_versions
from aims_mlflow.records.base import parse_time, uuid7
from aims_mlflow.records.leaves.changes import AdoptionBody, AdoptionLeaf, OutcomeLeaf, SupersessionLeaf
from aims_mlflow.records.leaves.others import IncidentLeaf
from aims_mlflow.registers.findings import Finding
from aims_mlflow.registry.names import REQUEST_TAG
from aims_mlflow.registry.reading import RegistryModel, models, try_digest

if TYPE_CHECKING:
    from collections.abc import Callable

    from aims_mlflow.gates.policy import LoadedPolicy
    from aims_mlflow.ledger.ledger import Ledger
    from aims_mlflow.signing.keys import SigningKey


@dataclass(frozen=True)
class Adopter:
    """The key that signs adoptions, and the account that uses it."""

    key: SigningKey
    actor: str


@dataclass(frozen=True)
class AdoptedVersion:
    """One adopted version, with its digest or the reason why its files cannot be read."""

    name: str
    version: str
    aliases: tuple[str, ...]
    digest: str | None
    problem: str


@dataclass(frozen=True)
class Adoption:
    """The adopted versions, and those that were written past a gate that was there, each with the reason."""

    adopted: list[AdoptedVersion]
    left: list[tuple[str, str, str]]


def adopt(
    ledger: Ledger,
    client: Any,
    policy: LoadedPolicy,
    signer: Adopter,
    tick: Callable[[str], None] = lambda _: None,
    *,
    new_ledger: bool = False,
) -> Adoption:
    """Record every version from before the gate that the ledger does not know yet, with digest and gated aliases.

    A version that lost a gated alias since the gate is there, because its rules only observed, is recorded with it.

    What cannot be read is recorded without a digest: it may stay where it is, and may not come back. `new_ledger`
    says that the ledger which knew these versions is gone for good; that is sealed as an incident.

    Raises:
        EvidenceError: the key may not adopt, or the ledger has no keyring in force.
        PolicyRefused: a gate decided about versions of this registry, and the ledger knows of none.
        Unreachable: registry or ledger does not answer.
    """
    owner = adopter(keyring_now(ledger), signer.key).owner
    since = next((parse_time(leaf.fact.time) for leaf in ledger.leaves()), None)
    out = Adoption([], [])
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
                if why := _why_past_the_gate(since, past, seen.versions[number]):
                    out.left.append((seen.ledger_name, number, why))
                    continue
                content, version = _content(past, seen, number, policy)
                record = signed(content, signer.key, signer.actor)
                body = AdoptionBody(source=seen.versions[number].source, problem=version.problem, owner=owner)
                ledger.seal(Entry(content.changed(envelope=record.sha256), body, [record.envelope.raw]))
                out.adopted.append(version)
    return out


def _why_past_the_gate(since: datetime | None, past: ModelHistory, version: Any) -> str | None:
    """Return why a version cannot be from before the gate, which is there `since`; None if it can.

    The time of its creation is what the database says. Its number tells more: numbers only grow.
    """
    made = datetime.fromtimestamp(version.creation_timestamp / 1000, UTC)
    if since is not None and made > since:
        return f"it was made on {made:%Y-%m-%d}, when the gate was there"
    gated = [c.version for c in past.done() if isinstance(c, OutcomeLeaf) and c.stage == "registration" and c.version]
    if gated and int(version.version) > min(map(int, gated)):
        return f"version {min(gated, key=int)} came through the gate before it"
    return None


def _lost_aliases(past: ModelHistory, number: str) -> list[str]:
    """Return the gated aliases that a version lost through the gate, and did not get through it."""
    done = [c for c in past.done(number) if isinstance(c, OutcomeLeaf)]
    got = {c.alias for c in done if c.stage == "deployment"}
    lost = {c.alias for c in done if c.of == "withdrawn"}
    for leaf in past.leaves(("superseded",), number):
        lost |= {leaf.fact.alias} if isinstance(leaf.fact, SupersessionLeaf) else set()
    return sorted(alias for alias in lost - got if alias)


def _content(
    past: ModelHistory, seen: RegistryModel, number: str, policy: LoadedPolicy
) -> tuple[AdoptionLeaf, AdoptedVersion]:
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
        lost_aliases=_lost_aliases(past, number) or None,
        run_id=version.run_id or None,
        request=uuid7(),
    )
    shown = (*aliases, *([f"stage {stage}"] if stage else ()))
    return content, AdoptedVersion(seen.ledger_name, number, shown, digest, problem)

"""Findings S1-S7: the register of systems and what scans and the ledger show do not agree."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from aims_mlflow.management.comparison import claims, compare, names_of
from aims_mlflow.management.findings.rules import ManagementFinding
from aims_mlflow.records.base import parse_time
from aims_mlflow.records.inventory import SERVING
from aims_mlflow.signing.owners import person

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from aims_mlflow.management.comparison import RegisterComparison
    from aims_mlflow.management.findings.state import DeployedVersion, ManagementState
    from aims_mlflow.records.documents.context import SystemEntry

OLDEST_SCAN = timedelta(days=30)
IN_USE = ("deployment", "operation")
BEFORE_USE = ("idea", "development", "verification")
MODELS = "registered models"
RESCAN = "aims system scan --write"


def findings(state: ManagementState, now: datetime) -> Iterator[ManagementFinding]:
    """Yield every finding about the register of systems."""
    today = now.strftime("%Y-%m-%d")
    compared = compare(state, today)
    yield from _unknown(compared)
    names = claims(state)
    for system, entry in state.systems.items():
        yield from _ghosts(system, entry, state, compared)
        yield from _outside(system, entry, state, compared)
        yield from _entry(system, entry, state, today)
        yield from _stage(system, entry, state, names)
    yield from _scans(state, compared, now)


def _unknown(compared: RegisterComparison) -> Iterator[ManagementFinding]:
    for item in compared.unknown:
        since = f", first seen {item.first_seen[:10]}" if item.first_seen else ""
        volume = f", {item.volume:,} of it" if item.volume is not None else ""
        yield ManagementFinding(
            "S1",
            item.key,
            f"{item.called} of {item.address}{since}{volume}: no system claims it, and nobody explained it",
            "aims system add ID, or explain it in the document `scan` with a reason and who says so",
        )


def _ghosts(
    system: str, entry: SystemEntry, state: ManagementState, compared: RegisterComparison
) -> Iterator[ManagementFinding]:
    if entry.stage not in IN_USE or state.inventory is None:
        return
    fix = f"correct the entry of {system}, or scan the source that has it: {RESCAN}"
    if not names_of(entry) and system not in compared.claimed.values():
        fact = f"{system} is in {entry.stage}, and names no model, component or endpoint that a scan could find"
        yield ManagementFinding("S2", system, fact, fix, system, (entry.id,))
    if MODELS not in {s.kind for s in state.inventory.scanned}:
        return
    seen = {item.id for item in state.inventory.items if item.kind == "registered model"}
    for name in entry.models:
        if name not in seen:
            fact = f"{system} is in {entry.stage}, and its model {name} is in no registry that was scanned"
            yield ManagementFinding("S2", f"{system}/{name}", fact, fix, system, (entry.id,))


def _outside(
    system: str, entry: SystemEntry, state: ManagementState, compared: RegisterComparison
) -> Iterator[ManagementFinding]:
    if entry.in_scope is not False or state.inventory is None:
        return
    held = [i for i in state.inventory.items if i.kind in SERVING and compared.claimed.get(i.key) == system]
    held += [i for i in state.inventory.items if i.kind == "provider" and compared.claimed.get(i.key) == system]
    if held:
        fact = f"{system} is out of scope, and {held[0].called} answers requests or is called"
        fact += f" ({len(held) - 1} more)" if len(held) > 1 else ""
        fix = f"put {system} into scope, or take away what answers"
        yield ManagementFinding("S3", system, fact, fix, system, (entry.id,))


def _entry(system: str, entry: SystemEntry, state: ManagementState, today: str) -> Iterator[ManagementFinding]:
    fix = f"correct the entry of {system}"
    if not entry.roles:
        fact = f"{system} has no role of the organisation: provider, deployer, supplier or user"
        yield ManagementFinding("S4", f"{system}/roles", fact, fix, system, (entry.id,))
    undated = [r.role for r in entry.roles if r.since is None]
    if undated:
        fact = f"{system} does not say since when the organisation is {', '.join(undated)}"
        yield ManagementFinding("S4", f"{system}/since", fact, fix, system, (entry.id,))
    known = {person(p.id): p for p in state.people.values()}
    owner = known.get(person(entry.owner))
    if state.people and (owner is None or not owner.active(today)):
        why = "is not in the register of people" if owner is None else f"left on {owner.employed_until}"
        fact = f"{entry.owner}, who owns {system}, {why}"
        yield ManagementFinding("S4", f"{system}/owner", fact, fix, system, (entry.id,))


def _stage(
    system: str, entry: SystemEntry, state: ManagementState, names: dict[str, str]
) -> Iterator[ManagementFinding]:
    mine = [d for d in state.deployed or () if names.get(d.model) == system]
    if mine and (entry.stage in BEFORE_USE or entry.stage == "retirement" or entry.stage is None):
        fact = f"the entry says {entry.stage or 'no stage'}, the ledger says that {_said(mine[0])}"
        yield ManagementFinding("S5", system, fact, f"correct the stage of {system}", system, (entry.id,))


def _said(deployed: DeployedVersion) -> str:
    return f"{deployed.model} version {deployed.version} has {deployed.place} since {deployed.since[:10]}"


def _scans(state: ManagementState, compared: RegisterComparison, now: datetime) -> Iterator[ManagementFinding]:
    if state.inventory is None:
        fact = "nothing was scanned: what the register lists was compared with nothing"
        yield ManagementFinding("S7", "scan", fact, RESCAN)
        return
    for kind, reason in compared.not_scanned.items():
        fact = f"the list of systems may lack some: {kind} were not scanned ({reason})"
        yield ManagementFinding("S6", kind, fact, RESCAN)
    if parse_time(state.inventory.time) < now - OLDEST_SCAN:
        fact = f"the newest scan is of {state.inventory.time[:10]}, over {OLDEST_SCAN.days} days ago"
        yield ManagementFinding("S7", "scan", fact, RESCAN)

"""Findings S1-S8: the register of systems and what scans and the ledger show do not agree."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

from aims_mlflow.gates.document_content.scopes import scope_differs
from aims_mlflow.management.comparison import claims, compare, names_of, same_provider, why_unknown
from aims_mlflow.management.findings.register_entries import entry_findings
from aims_mlflow.management.findings.rules import ManagementFinding
from aims_mlflow.records.base import parse_time
from aims_mlflow.records.documents.context import BEFORE_USE, IN_USE, STAGES, ScopeDocument
from aims_mlflow.records.documents.leadership import PolicyDocument
from aims_mlflow.records.inventory import SERVING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from aims_mlflow.management.comparison import RegisterComparison
    from aims_mlflow.management.findings.state import DeployedVersion, ManagementState
    from aims_mlflow.records.documents.context import LifecycleStage, SystemEntry

OLDEST_SCAN = timedelta(days=30)
PROVIDER = "provider"
MODELS = "registered models"
# An AI policy that is for every system, whichever it names besides.
EVERY = re.compile(r"\b(all|every|each|any|everyone|everybody|whoever|whatever)\b", re.IGNORECASE)
RESCAN = "aims system scan --write"


def findings(state: ManagementState, now: datetime) -> Iterator[ManagementFinding]:
    """Yield every finding about the register of systems."""
    today = now.strftime("%Y-%m-%d")
    compared = compare(state, today)
    yield from _unknown(compared, state)
    names = claims(state)
    for system, entry in state.systems.items():
        yield from _ghosts(system, entry, state, compared)
        yield from _outside(system, entry, state, compared)
        yield from entry_findings(system, entry, state, today)
        yield from _stage(system, entry, state, compared, names, today)
    yield from _scans(state, compared, now)
    yield from _scope(state)


def _unknown(compared: RegisterComparison, state: ManagementState) -> Iterator[ManagementFinding]:
    """Yield S1; that a provider's model changed counts against the system that names the one before it."""
    for item in compared.unknown:
        since = f", first seen {item.first_seen[:10]}" if item.first_seen else ""
        volume = f", {item.volume:,} of it" if item.volume is not None else ""
        fact = f"{item.called} of {item.address}{since}{volume}: {why_unknown(item, state)}"
        changed = sorted({c.system for c in same_provider(item, state) if not c.found})
        fix = "aims system add ID, or explain it in the document `scan` with a reason and who says so"
        if changed:
            whose = ", ".join(changed)
            fix = f"test {item.id} on the use of {whose}, and name it in the entry (components) and supplier-record"
        ids = tuple(state.systems[s].id for s in changed if s in state.systems)
        yield ManagementFinding("S1", item.key, fact, fix, changed[0] if len(changed) == 1 else None, ids)


def _ghosts(
    system: str, entry: SystemEntry, state: ManagementState, compared: RegisterComparison
) -> Iterator[ManagementFinding]:
    if entry.stage not in IN_USE or state.inventory is None:
        return
    fix = f"correct the entry of {system}, or scan the source that has it: {RESCAN}"
    scanned = {s.kind for s in state.inventory.scanned}
    # All that an entry names has to be looked for before nothing of it is there.
    looked = all(scanned & kinds for named, kinds in _shown_by(entry) if named)
    # A provider that answers with another model shows that the system is there: S1 says what changed.
    changed = any(c.system == system and not c.found for i in compared.unknown for c in same_provider(i, state))
    if system not in compared.claimed.values() and looked and not changed:
        named = ", ".join(names_of(entry)[:3])
        what = (
            f"nothing that was scanned is {named}" if named else "it names no model, component or endpoint to look for"
        )
        fact = f"{system} is in {entry.stage}, and {what}"
        yield ManagementFinding("S2", system, fact, fix, system, (entry.id,))
        return
    if MODELS not in {s.kind for s in state.inventory.scanned}:
        return
    for name in entry.models:
        if name not in state.scanned_models:
            fact = f"{system} is in {entry.stage}, and its model {name} is in no registry that was scanned"
            yield ManagementFinding("S2", f"{system}/{name}", fact, fix, system, (entry.id,))


def _shown_by(entry: SystemEntry) -> tuple[tuple[bool, frozenset[str]], ...]:
    """Return whether an entry names things of a kind, and the kinds of source that would show them."""
    return (
        (bool(entry.models), frozenset({MODELS})),
        (bool(entry.components), frozenset({"providers in traces", "source tree", "vendor list"})),
        (bool(entry.serving), frozenset({"gateway endpoints"})),
    )


def _outside(
    system: str, entry: SystemEntry, state: ManagementState, compared: RegisterComparison
) -> Iterator[ManagementFinding]:
    if entry.in_scope is not False or state.inventory is None:
        return
    held = [i for i in state.inventory.items if i.kind in SERVING and compared.claimed.get(i.key) == system]
    held += [i for i in state.inventory.items if i.kind == PROVIDER and compared.claimed.get(i.key) == system]
    if held:
        fact = f"{system} is out of scope, and {held[0].called} answers requests or is called"
        fact += f" ({len(held) - 1} more)" if len(held) > 1 else ""
        fix = f"put {system} into scope, or take away what answers"
        yield ManagementFinding("S3", system, fact, fix, system, (entry.id,))


def _stage(
    system: str,
    entry: SystemEntry,
    state: ManagementState,
    compared: RegisterComparison,
    names: dict[str, str],
    today: str,
) -> Iterator[ManagementFinding]:
    """Yield S5: a stage before or after the use, beside a ledger, a scan or days that show another one."""
    unused = entry.stage not in IN_USE
    mine = [d for d in state.deployed or () if names.get(d.model) == system]
    held = [i for i in state.inventory.items if compared.claimed.get(i.key) == system] if state.inventory else []
    # Traces of calls are kept after a retirement, and developing makes some; an idea makes none.
    shown = SERVING if entry.stage == "retirement" else (PROVIDER,) if entry.stage in ("idea", None) else ()
    found = [i for i in held if i.kind in shown]
    says = f"the entry says {entry.stage or 'no stage'}"
    if unused and mine:
        fact = f"{says}, the ledger says that {_said(mine[0])}"
        fix = f"correct the stage of {system}, or take {mine[0].place} from its version: aims gate retire"
    elif found:
        fact = f"{says}, and the scan found {found[0].called} of {found[0].address}"
        fix = f"take it away, or correct the stage of {system}"
    elif later := _later_stage(entry, today):
        fact = f"{says}, and by stage_dates {later} began on {entry.stage_dates[later]}"
        fix = f"correct the stage of {system}, or the day of {later} in its stage_dates"
    else:
        return
    yield ManagementFinding("S5", system, fact, fix, system, (entry.id,))


def _later_stage(entry: SystemEntry, today: str) -> LifecycleStage | None:
    """Return the stage that an entry came to by its days, where that is in use or after it, and the stage is before."""
    reached = [stage for stage in STAGES if entry.stage_dates.get(stage, "9999") <= today]
    if not reached or entry.stage is None or reached[-1] in BEFORE_USE:
        return None
    both_used = entry.stage in IN_USE and reached[-1] in IN_USE
    return reached[-1] if STAGES.index(entry.stage) < STAGES.index(reached[-1]) and not both_used else None


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


def _scope(state: ManagementState) -> Iterator[ManagementFinding]:
    """Yield S8: systems that scope and register do not agree about, and documents about systems in no register."""
    for document in state.documents:
        known = {None, *state.systems, *state.unread_systems}
        if document.kind != "system" and document.system not in known and state.systems:
            yield ManagementFinding(
                "S8", document.id, f"{document.called} is about {document.system}, which is in no register",
                f"aims system add {document.system}, or correct `system` of {document.id}", document.system,
                (document.id,),
            )  # fmt: skip
    yield from _governed(state)
    for scope in state.of(ScopeDocument):
        for system, fact in ((s, f) for s, f in scope_differs(scope, state) if s not in state.unread_systems):
            entry = state.systems.get(system)
            fix = f"correct systems_in and systems_out of {scope.id}, or the entry of {system}"
            fix = fix if entry else f"aims system add {system}"
            ids = (scope.id, *([entry.id] if entry else []))
            yield ManagementFinding("S8", f"{scope.id}/{system}", fact, fix, system, ids)


def _governed(state: ManagementState) -> Iterator[ManagementFinding]:
    """Yield S8 (A.2.2): systems in scope that an AI policy which lists systems does not list."""
    names = {s: (s, e.name or s) for s, e in state.systems.items() if e.in_scope is not False}
    for policy in state.of(PolicyDocument):
        said = " ".join(policy.applies_to)
        listed = [s for s, called in names.items() if any(_is_in(name, said) for name in called)]
        for system in sorted(set(names) - set(listed)) if listed and not EVERY.search(said) else ():
            fact = f"the AI policy {policy.id} applies to {', '.join(listed)}, and not to {system}, which is in scope"
            fix = f"name {system} in applies_to of {policy.id}, or say that it applies to all systems"
            ids = (policy.id, state.systems[system].id)
            yield ManagementFinding("S8", f"{policy.id}/{system}", fact, fix, system, ids, "A.2.2")


def _is_in(name: str, said: str) -> bool:
    return bool(re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", said, re.IGNORECASE))

"""Finding S4: an entry of the register that lacks something, is out of date, or says other than the evidence."""

from __future__ import annotations

import itertools
import re
from datetime import date, timedelta
from typing import TYPE_CHECKING

from aims_mlflow.catalog.loader import objectives
from aims_mlflow.errors import nearest
from aims_mlflow.management.findings.rules import ManagementFinding
from aims_mlflow.records.details import read_details
from aims_mlflow.records.details.training import SessionStartDetails
from aims_mlflow.records.documents.context import IN_USE, STAGES, PartiesDocument

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aims_mlflow.management.findings.state import DeployedVersion, ManagementState
    from aims_mlflow.records.documents.context import SystemEntry

OLDEST_LAW = timedelta(days=365)
DIGEST = re.compile(r"[0-9a-f]{64}")


def entry_findings(system: str, entry: SystemEntry, state: ManagementState, today: str) -> Iterator[ManagementFinding]:
    """Yield S4 for each thing that is wrong with the entry of a system."""
    wrong = [
        *_roles(system, entry, today), *_shared_models(system, entry, state), *_dates(system, entry, today),
        *_parties(system, entry, state), *_objectives(system, entry),
        *_in_use(system, entry), *_owner(system, entry, state, today),
    ]  # fmt: skip
    for version in (v for name, v in state.live if name == system):
        wrong += [*_stated_owner(system, entry, version, state), *_data_sets(system, entry, version)]
    for about, fact in wrong:
        yield ManagementFinding("S4", f"{system}/{about}", fact, f"correct the entry of {system}", system, (entry.id,))


def _roles(system: str, entry: SystemEntry, today: str) -> Iterator[tuple[str, str]]:
    if not entry.roles:
        yield "roles", f"{system} has no role of the organisation: provider, deployer, supplier or user"
    undated = [r.role for r in entry.roles if r.since is None]
    if undated:
        yield "since", f"{system} does not say since when the organisation is {', '.join(undated)}"
    ahead = [r for r in entry.roles if r.since and r.since > today]
    if ahead and entry.stage in IN_USE:
        yield (
            "since",
            f"{system} is in {entry.stage}, and the organisation is its {ahead[0].role} from {ahead[0].since} on",
        )


def _in_use(system: str, entry: SystemEntry) -> Iterator[tuple[str, str]]:
    """Yield what the entry of a system in use lacks: since when it is, its class by a law, and its objectives."""
    if entry.stage not in IN_USE or entry.in_scope is False:
        return
    if not any(stage in entry.stage_dates for stage in IN_USE):
        yield "stages", f"{system} is in {entry.stage}, and since when is not stated (stage_dates)"
    if not entry.legal_class:
        yield (
            "law",
            f"{system} is in {entry.stage}, and neither its class by a law nor that none applies is stated",
        )
    if not entry.objectives:
        yield (
            "objectives",
            f"{system} is in {entry.stage}, and no objective of Annex C has a priority for it (objectives)",
        )


def _shared_models(system: str, entry: SystemEntry, state: ManagementState) -> Iterator[tuple[str, str]]:
    for name in entry.models:
        others = [s for s, other in state.systems.items() if s != system and name in other.models]
        if others:
            yield (
                name,
                f"{system} and {', '.join(others)} both claim the model {name}: nobody knows whose evidence it is",
            )


def _dates(system: str, entry: SystemEntry, today: str) -> Iterator[tuple[str, str]]:
    """Yield dates that cannot be, a review that is overdue, and laws looked up long ago."""
    begun = [(stage, entry.stage_dates[stage]) for stage in STAGES if stage in entry.stage_dates]
    for (before, one), (after, other) in itertools.pairwise(begun):
        if one > other:
            yield "stages", f"{system} came to {after} on {other}, before {before} on {one}"
    if begun and begun[-1][1] > today:
        yield "stages", f"{system} came to {begun[-1][0]} on {begun[-1][1]}, which lies ahead"
    if entry.stage == "retirement" and "retirement" not in entry.stage_dates:
        yield "stages", f"{system} is retired, and the day is not stated"
    if entry.next_review and entry.next_review < today:
        yield "review", f"the review of the entry of {system} was due on {entry.next_review} (next_review)"
    oldest = (date.fromisoformat(today) - OLDEST_LAW).isoformat()
    for law in entry.legal_class:
        if law.checked_on < oldest:
            yield (
                f"law/{law.framework}",
                f"the class of {system} by {law.framework} was looked up on {law.checked_on}, over a year ago",
            )


def _parties(system: str, entry: SystemEntry, state: ManagementState) -> Iterator[tuple[str, str]]:
    listed = {p.who.casefold() for d in state.of(PartiesDocument) for p in d.parties}
    unknown = [p for p in entry.parties if listed and p.casefold() not in listed]
    if unknown:
        yield "parties", f"{system} names the party {unknown[0]!r}, which the list of interested parties does not have"


def _objectives(system: str, entry: SystemEntry) -> Iterator[tuple[str, str]]:
    for name in entry.objectives:
        if name not in objectives():
            meant = nearest(name.replace("_", "-"), objectives())
            hint = f", {meant!r} may be meant" if meant else f"; it has {', '.join(objectives())}"
            yield f"objective/{name}", f"{system} has a priority for {name!r}, which is no objective of Annex C{hint}"


def _owner(system: str, entry: SystemEntry, state: ManagementState, today: str) -> Iterator[tuple[str, str]]:
    owner = state.known_person(entry.owner)
    if state.people and (owner is None or not owner.active(today)):
        why = "is not in the register of people" if owner is None else owner.absence(today)
        yield "owner", f"{entry.owner}, who owns {system}, {why}"


def _stated_owner(
    system: str, entry: SystemEntry, version: DeployedVersion, state: ManagementState
) -> Iterator[tuple[str, str]]:
    """Yield an owner that aims.yaml names and the register does not; an address outside the register says nothing."""
    for record in version.of("session-start"):
        said = read_details(record.evidence, SessionStartDetails).system
        stated = said.owner if said else None
        both_known = (
            bool(stated) and state.is_one_of(str(stated), state.people) and state.is_one_of(entry.owner, state.people)
        )
        if both_known and not state.is_one_of(str(stated), (entry.owner,)):
            yield (
                "stated owner",
                f"aims.yaml of {version.name} names {stated} as owner of {system}, and its entry {entry.owner}",
            )


def _data_sets(system: str, entry: SystemEntry, version: DeployedVersion) -> Iterator[tuple[str, str]]:
    """Yield a digest that no evidence of the version in use has; that of a test of a component T2 and T4 look at."""
    known = {d for record in version.records for s in record.subjects for d in s.digest.values()}
    other = [d for d in entry.data_sets if DIGEST.fullmatch(d) and d not in known]
    if other and known and not entry.components:
        yield (
            f"data/{other[0][:12]}",
            f"{system} lists the data set {other[0][:12]}, which no evidence of {version.name} is about",
        )

"""Findings O1 and O3: oversight that was promised and not made, is not recorded, or is by somebody without the duty."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import TYPE_CHECKING, NamedTuple

from aims_mlflow.gates.document_content.duties import duties_on
from aims_mlflow.gates.document_content.oversight import IN_USE, stopped
from aims_mlflow.management.findings.rules import ManagementFinding
from aims_mlflow.records.documents.impact import ImpactAssessmentDocument, PeopleImpactDocument
from aims_mlflow.records.documents.information import OversightDocument, UseProcessDocument

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from aims_mlflow.management.findings.state import ManagementState
    from aims_mlflow.records.documents.context import SystemEntry
    from aims_mlflow.records.documents.information import OversightPeriod
    from aims_mlflow.records.documents.leadership import Activity

YEAR = timedelta(days=365)
# Duties with which somebody may watch over a system and overrule it.
WATCHING: tuple[Activity, ...] = ("operate", "stop", "approve", "validate", "report")
# A review of each one of some things; the things that are every decision; and what follows where only some are meant.
REVIEWS = r"\b(?:review|read|check|look|compar|confirm|verif)\w*\b"
PROMISE = re.compile(
    rf"{REVIEWS}[^.;]{{0,200}}?\b(?:each|every|all)\b\s+(?:of\s+|the\s+|single\s+)*(\w+)(\s+\w+)?", re.IGNORECASE
)
EVERY = re.compile(
    r"(?:decision|application|case|letter|draft|score|result|output|prediction|recommendation|answer)s?", re.IGNORECASE
)


SOME = re.compile(r"that|which|whose|who|with|without|of|above|below|over|under|in|on|from|by|where|when|about|for|to")


class Promise(NamedTuple):
    """A review that a document or a waiver promises: whether of every decision or of some, in which words."""

    where: str
    of_all: bool
    words: str


def findings(state: ManagementState, now: datetime) -> Iterator[ManagementFinding]:
    """Yield every finding about oversight by people."""
    for document in state.of(OversightDocument):
        promises = list(_promises(str(document.system), state))
        for number, period in enumerate(document.periods):
            wrong = _wrong(period, promises)
            if wrong:
                fact = f"{document.id}, period {number + 1}{f' until {period.end}' if period.end else ''}: {wrong}"
                fix = f"make the reviews and state them in {document.id}, or change what was promised with a reason: "
                fix += f"aims document publish {document.id}"
                about = f"{document.id}/{period.end or number + 1}"
                yield ManagementFinding("O1", about, fact, fix, document.system, (document.id,))
        yield from _overseers(document, state, now.date())
    for system, entry in state.systems.items():
        yield from _unrecorded(system, entry, state, now.date())


def _promises(system: str, state: ManagementState) -> Iterator[Promise]:
    """Yield each review of each one of some things that measures, conditions, waivers or use processes promise."""
    said: list[tuple[str, str | None]] = [
        (w.waiver, w.reason) for name, v in state.live if name == system for w in v.waived
    ]
    said += [(d.id, m.measure) for d in state.about(PeopleImpactDocument, system) for m in d.measures]
    for assessment in state.about(ImpactAssessmentDocument, system):
        said += [(assessment.id, m.measure) for m in assessment.measures]
        said += [(assessment.id, condition) for condition in assessment.conditions]
    said += [(d.id, d.oversight) for d in state.of(UseProcessDocument) if d.system in (None, system)]
    for where, words in said:
        for found in PROMISE.finditer(words or ""):
            of_some = SOME.fullmatch((found[2] or "").strip().casefold())
            yield Promise(where, EVERY.fullmatch(found[1]) is not None and of_some is None, found.string)


def _wrong(period: OversightPeriod, promises: list[Promise]) -> str | None:
    made, promised, decisions = period.reviewed, period.promised, period.decisions
    if made is None:
        return None
    if promised is not None and made < promised:
        return f"{made:,} of {promised:,} promised reviews were made"
    if decisions is not None and made > decisions:
        return f"{made:,} reviews of {decisions:,} decisions cannot be"
    if period.overruled is not None and period.overruled > made:
        return f"{period.overruled:,} decisions overruled of {made:,} that were reviewed cannot be"
    return _less_than_all(made, decisions, promised, promises) if decisions is not None and made < decisions else None


def _less_than_all(made: int, decisions: int, promised: int | None, promises: list[Promise]) -> str | None:
    """Return what a review of some decisions falls short of: of all of them, or of a number that nobody states."""
    of_all = [p for p in promises if p.of_all]
    for promise in of_all or (promises if promised is None else ()):
        said = (
            f"{made:,} of {decisions:,} decisions were reviewed, and {promise.where} promises “{promise.words[:100]}”"
        )
        return said if of_all else f"{said}: nothing states how many those were (promised)"
    return None


def _unrecorded(system: str, entry: SystemEntry, state: ManagementState, today: date) -> Iterator[ManagementFinding]:
    """Yield O1: a system that is in use for a year, and no oversight of which is recorded."""
    if entry.stage not in IN_USE or entry.in_scope is False or state.about(OversightDocument, system):
        return
    stages = [str(day) for stage, day in entry.stage_dates.items() if stage in IN_USE]
    since = min([*stages, *(v.since[:10] for name, v in state.live if name == system)], default=None)
    if since and date.fromisoformat(since) + YEAR < today:
        fact = f"{system} is in use since {since}, and no document records that anybody watched over it"
        fix = f"record who reviewed how many decisions: aims document new oversight-record --system {system}"
        yield ManagementFinding("O1", f"{system}/oversight", fact, fix, system, (entry.id,))


def _overseers(document: OversightDocument, state: ManagementState, today: date) -> Iterator[ManagementFinding]:
    """Yield O1 for oversight that stopped, and O3 for oversight by somebody who has no duty for the system."""
    system = str(document.system)
    last = stopped(document, state, today.isoformat())
    if last:
        fact = f"the last period of oversight of {system} ended on {last}, over a year ago ({document.id})"
        fix = f"record the oversight since {last} in {document.id}"
        yield ManagementFinding("O1", f"{document.id}/since", fact, fix, document.system, (document.id,))
    for number, period in enumerate(document.periods):
        day = period.end or today.isoformat()
        held = duties_on(state, day).holders(WATCHING, system)
        if held and period.by and not state.is_one_of(period.by, held):
            fact = f"{period.by} watched over {system} until {day} ({document.id}), and held no duty for it; "
            fact += f"{', '.join(dict.fromkeys(held))} did"
            fix = f"give {period.by} the duty in role-assignment of {system}, or let whoever holds it watch"
            about = f"{document.id}/{period.end or number + 1}"
            yield ManagementFinding("O3", about, fact, fix, document.system, (document.id,))

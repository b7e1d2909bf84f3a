"""Findings O1 and O3: oversight that was promised and not made, is not recorded, or is by somebody without the duty."""

from __future__ import annotations

import itertools
from datetime import date, timedelta
from typing import TYPE_CHECKING

from aims_mlflow.gates.document_content.duties import duties_on
from aims_mlflow.gates.document_content.oversight import promises, stopped, wrong_period
from aims_mlflow.management.findings.rules import ManagementFinding
from aims_mlflow.records.documents.context import IN_USE
from aims_mlflow.records.documents.information import OversightDocument

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from aims_mlflow.management.findings.state import ManagementState
    from aims_mlflow.records.documents.context import SystemEntry
    from aims_mlflow.records.documents.leadership import Activity

YEAR = timedelta(days=365)
# Duties with which somebody may watch over a system and overrule it.
WATCHING: tuple[Activity, ...] = ("operate", "stop", "approve", "validate", "report")


def findings(state: ManagementState, now: datetime) -> Iterator[ManagementFinding]:
    """Yield every finding about oversight by people."""
    for document in state.of(OversightDocument):
        waived = [(w.waiver, w.reason) for name, v in state.live if name == document.system for w in v.waived]
        promised = promises(str(document.system), state, waived)
        for number, period in enumerate(document.periods):
            wrong = wrong_period(period, promised)
            if wrong:
                fact = f"{document.id}, period {number + 1}{f' until {period.end}' if period.end else ''}: {wrong}"
                fix = f"make the reviews and state them in {document.id}, or change what was promised with a reason: "
                fix += f"aims document publish {document.id}"
                about = f"{document.id}/{period.end or number + 1}"
                yield ManagementFinding("O1", about, fact, fix, document.system, (document.id,))
        yield from _overlapping(document)
        yield from _overseers(document, state, now.date())
    for system, entry in state.systems.items():
        yield from _unrecorded(system, entry, state, now.date())


def _overlapping(document: OversightDocument) -> Iterator[ManagementFinding]:
    """Yield O1: two periods that have days in common, whose decisions and reviews are counted twice."""
    dated = sorted((p for p in document.periods if p.begin and p.end), key=lambda p: str(p.begin))
    for earlier, later in itertools.pairwise(dated):
        if str(later.begin) <= str(earlier.end):
            fact = f"{document.id}: the period from {later.begin} on begins before that until {earlier.end} ends, so "
            fact += "that decisions and reviews are counted twice"
            fix = f"count each day once, and publish it again: aims document publish {document.id}"
            about = f"{document.id}/{later.begin}/twice"
            yield ManagementFinding("O1", about, fact, fix, document.system, (document.id,))


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

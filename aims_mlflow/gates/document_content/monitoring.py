"""Which plan watches a version, and what speaks against runs of a monitor beside it: rows, baseline, open breaches."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

from aims_mlflow.gates.person_statements import says
from aims_mlflow.records.base import parse_time
from aims_mlflow.records.details import read_details
from aims_mlflow.records.details.checks import MonitorRunDetails

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from aims_mlflow.evidence.statement import SealedRecord
    from aims_mlflow.records.documents.lifecycle import Acknowledgement, MonitoringPlanDocument

Plan = TypeVar("Plan")
SHORTEST = 8  # of a record's id that is not written out
WHEN = re.compile(r"\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2})?(Z|[+-]\d{2}:\d{2})?)?")


def watches(named: object, places: Collection[str]) -> bool:
    """Return whether a plan is for a version at one of these places, each MODEL@ALIAS; `named` is what it watches.

    A plan that names nothing watches every place of its system. Without places every plan may be meant.
    """
    return not says(named) or not places or named in places


def watching(plans: Sequence[Plan], places: Sequence[str], named: Callable[[Plan], object]) -> list[Plan]:
    """Return the last of some plans for each place, each plan once; `named` returns what a plan watches."""
    each = [[place] for place in places] or [[]]
    last = ([p for p in plans if watches(named(p), place)][-1:] for place in each)
    return list({id(plan): plan for found in last for plan in found}.values())


def is_breach(run: SealedRecord) -> bool:
    """Return whether a run of a monitor is in breach; what only warns, by the monitor's own limits, is none."""
    return run.evidence.result == "failed"


def rows_of(run: SealedRecord) -> int:
    """Return on how many rows a run was made; none where it does not state them."""
    return read_details(run.evidence, MonitorRunDetails).rows or 0


def other_baseline(run: SealedRecord, baselines: Iterable[SealedRecord]) -> str | None:
    """Return the baseline that a run compared with, if it is none of the version's; None if it is, or unstated."""
    named, known = read_details(run.evidence, MonitorRunDetails).baseline_record, {b.id for b in baselines}
    return named if named and known and named not in known else None


def acknowledgement(run: SealedRecord, plans: Iterable[MonitoringPlanDocument]) -> Acknowledgement | None:
    """Return the first acknowledgement of a run by a person in its plans."""
    every = (a for plan in plans for a in plan.acknowledged if says(a.by))
    return next((a for a in every if _names(a, run)), None)


def _names(acknowledged: Acknowledgement, run: SealedRecord) -> bool:
    name = acknowledged.run.rstrip(".…")
    return len(name) >= SHORTEST and run.id.startswith(name)


def why_late(run: SealedRecord, acknowledged: Acknowledgement, within_hours: int | None) -> str | None:
    """Return why a breach was not acknowledged within the hours of a plan; None if it was, or no hours are stated."""
    if not within_hours:
        return None
    found = WHEN.search(acknowledged.time or "")
    if found is None:
        return f"acknowledged without a time (within {within_hours} hours, by the plan)"
    # A day alone counts from its beginning: who names no hour is not late by the hours of that day.
    moment = datetime.fromisoformat(found[0])
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    late = moment > parse_time(run.evidence.time) + timedelta(hours=within_hours)
    return f"acknowledged on {found[0]}, and was to be within {within_hours} hours" if late else None


@dataclass(frozen=True)
class MonitorSlot:
    """A day on which a run of a monitor was due, and until when it could come; `run` is the day of the one that did."""

    due: date
    last: date
    run: date | None


def monitor_slots(plan: MonitoringPlanDocument, since: date, runs: Iterable[date], today: date) -> list[MonitorSlot]:
    """Return the slots of a plan that are over, or have a run, the oldest first; none of a plan without an interval.

    The first run is due `every_days` after `since`, and each next one as long after the one before. A slot begins on
    the day after the one before it was due, and is over when its grace is. A run counts for one slot: the first that it
    is not too late for.
    """
    every, grace = timedelta(days=plan.every_days or 0), timedelta(days=plan.grace_days or 0)
    left, found = sorted(runs, reverse=True), list[MonitorSlot]()
    before, due = since, since + every
    while every and before < today:
        while left and left[-1] <= before:
            left.pop()
        run = left.pop() if left and left[-1] <= due + grace else None
        if run is not None or due + grace < today:
            found.append(MonitorSlot(due, due + grace, run))
        before, due = due, due + every
    return found


def missed_runs(plan: MonitoringPlanDocument, slots: Iterable[MonitorSlot]) -> list[MonitorSlot]:
    """Return the slots in which no run was made, without those of which somebody states in the plan why none was."""
    explained = {m.was_due for m in plan.missed if says(m.by) and says(m.reason)}
    return [slot for slot in slots if slot.run is None and slot.due.isoformat() not in explained]

"""Which plan watches a version, and what speaks against runs of a monitor beside it: rows, baseline, open breaches."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
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

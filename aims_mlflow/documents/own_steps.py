"""Who owes missing evidence: the first two steps of whoever trains, in words, and the controls that others owe."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aims_mlflow.gates.combined_status import ControlStatus

AT_MOST = 2
OWN = "the data scientist"
# The training's own files.
PLACES = ("aims.yaml", "@aims.", "pack")


def own_steps(statuses: Sequence[ControlStatus], *, width: int = 80) -> list[str]:
    """Return the first two steps that the trainer can take about missing controls; none where others owe the rest."""
    lines = [f"yours next, {control}: {reason}" for control, reason in _steps(statuses)][:AT_MOST]
    return [part for line in lines for part in textwrap.wrap(line, max(width - 8, 40), subsequent_indent="    ")]


def owed_by_others(statuses: Sequence[ControlStatus], *, width: int = 80) -> list[str]:
    """Return one sentence with the controls of which other people owe something; none where nobody does.

    One of which the trainer owes a part too is marked as such.
    """
    owed: dict[str, list[str]] = {}
    for status in statuses:
        missing = [c.condition.owed_by for c in status.conditions if c.verdict.outcome == "missing"]
        for who in dict.fromkeys(missing if status.state == "missing" else ()):
            if who != OWN:
                owed.setdefault(who, []).append(status.control.id + (" (besides your part)" if OWN in missing else ""))
    line = "; ".join(f"{', '.join(ids)} by {who}" for who, ids in owed.items())
    return textwrap.wrap(f"owed by others: {line}", max(width - 8, 40), subsequent_indent="    ") if owed else []


def _steps(statuses: Sequence[ControlStatus]) -> Iterator[tuple[str, str]]:
    """Yield each missing control with a reason that is the trainer's own, each reason once.

    What is written in the training's own files comes first, then whatever else the trainer owes.
    """
    told = set()
    for places in (PLACES, ("",)):
        for status in statuses:
            reasons = (
                found.verdict.sentence
                for found in status.conditions
                if found.verdict.outcome == "missing" and found.condition.owed_by == OWN
            )
            own = next((r for r in reasons if r not in told and any(place in r for place in places)), None)
            if status.state == "missing" and own is not None:
                told.add(own)
                yield status.control.id, own

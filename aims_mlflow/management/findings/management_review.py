"""Findings M1-M3: a management review that was not told all, that decided nothing, or that was not held."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aims_mlflow.gates.person_statements import says
from aims_mlflow.management.findings.beginnings import begun, year_after
from aims_mlflow.management.findings.rules import ManagementFinding
from aims_mlflow.management.review_inputs import left_out
from aims_mlflow.records.documents.context import ScopeDocument
from aims_mlflow.records.documents.improvement import ReviewInputsDocument, ReviewMinutesDocument
from aims_mlflow.records.documents.leadership import PolicyDocument
from aims_mlflow.signing.owners import is_among

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from aims_mlflow.management.findings.state import ManagementState

NO_DECISION = re.compile(
    r"\s*((was|were|is|are|the board|management)\s+)*"
    r"(noted|none|no decision|(took|taken) note( of( it| this)?)?|ok(ay)?)"
    r"(\s+(with thanks|with interest|by all|as read|without comments?))?[\s.!]*",
    re.IGNORECASE,
)
SHOWN = 4


def findings(state: ManagementState, now: datetime) -> Iterator[ManagementFinding]:
    """Yield every finding about management reviews."""
    today = now.strftime("%Y-%m-%d")
    for inputs in state.of(ReviewInputsDocument):
        gaps = [text for _, text in left_out(inputs, state.documents, today)]
        if gaps:
            more = f", and {len(gaps) - SHOWN} more" if len(gaps) > SHOWN else ""
            fact = f"the inputs {inputs.id} of a management review leave out: {'; '.join(gaps[:SHOWN])}{more}"
            fix = f"complete {inputs.id}, publish it, and let top management review what was left out"
            yield ManagementFinding("M1", inputs.id, fact, fix, None, (inputs.id,))
    minutes = state.of(ReviewMinutesDocument)
    for held in minutes:
        wrong = _minutes(held, state)
        if wrong:
            fact = f"the minutes {held.id} of a management review: {'; '.join(wrong)}"
            fix = f"complete {held.id}; a review without top management or decisions is held again"
            yield ManagementFinding("M2", held.id, fact, fix, None, (held.id,))
    yield from _overdue(minutes, state, today)


def _minutes(held: ReviewMinutesDocument, state: ManagementState) -> list[str]:
    wrong = []
    managers = [p.id for p in state.people.values() if p.top_management]
    there = held.top_management or held.attendees
    if not there or (managers and not any(is_among(name, managers) for name in there)):
        wrong.append("nobody of top management was there, by the register of people")
    if not held.inputs or not any(d.id == held.inputs for d in state.of(ReviewInputsDocument)):
        wrong.append(
            f"its inputs are {held.inputs!r}, which is no document of inputs" if held.inputs else "it names no inputs"
        )
    told = [d for d in state.of(ReviewInputsDocument) if d.id == held.inputs]
    if held.date and any(d.cutoff and d.cutoff[:10] > held.date for d in told):
        wrong.append(f"it was held on {held.date}, before its inputs end ({str(told[0].cutoff)[:10]})")
    if not held.decisions or all(NO_DECISION.fullmatch(d.decision) for d in held.decisions):
        wrong.append("nothing was decided")
    bare = [d.decision for d in held.decisions if not (says(d.owner) and d.due)]
    if bare:
        wrong.append(f"the decision {bare[0][:60]!r} has no owner or no day")
    return wrong


def _overdue(minutes: list[ReviewMinutesDocument], state: ManagementState, today: str) -> Iterator[ManagementFinding]:
    """Yield M3 where the newest review, or without one the management system, is over a year old, or a day passed."""
    fix = "hold it: aims document new review-inputs, then aims document new review-minutes"
    newest = max((m for m in minutes if m.date), key=lambda m: str(m.date), default=None)
    if newest is None or newest.date is None:
        first = begun(state, (*state.of(PolicyDocument), *state.of(ScopeDocument)))
        if first and year_after(first[0]) < today:
            fact = f"no management review was ever held, and {first[1]} applies since {first[0]}: the first was due on "
            fact += year_after(first[0])
            yield ManagementFinding("M3", "review", fact, fix, None, (first[1],))
        return
    due = newest.next or year_after(newest.date)
    if due < today:
        fact = f"the last management review was on {newest.date}, and the next was due on {due}"
        yield ManagementFinding("M3", newest.id, fact, fix, None, (newest.id,))

"""Findings M1-M3: a management review that was not told all, that decided nothing, or that was not held."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aims_mlflow.gates.document_content.reviews import newest_minutes, next_due, wrong_minutes
from aims_mlflow.management.findings.beginnings import begun, year_after
from aims_mlflow.management.findings.rules import ManagementFinding
from aims_mlflow.management.review_inputs import left_out
from aims_mlflow.records.documents.context import ScopeDocument
from aims_mlflow.records.documents.improvement import ReviewInputsDocument, ReviewMinutesDocument
from aims_mlflow.records.documents.leadership import PolicyDocument

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from aims_mlflow.management.findings.state import ManagementState

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
        wrong = wrong_minutes(held, state)
        if wrong:
            fact = f"the minutes {held.id} of a management review: {'; '.join(wrong)}"
            fix = f"complete {held.id}; a review without top management or decisions is held again"
            yield ManagementFinding("M2", held.id, fact, fix, None, (held.id,))
    yield from _overdue(minutes, state, today)


def _overdue(minutes: list[ReviewMinutesDocument], state: ManagementState, today: str) -> Iterator[ManagementFinding]:
    """Yield M3 where the newest review, or without one the management system, is over a year old, or a day passed."""
    fix = "hold it: aims document new review-inputs, then aims document new review-minutes"
    newest = newest_minutes(minutes)
    if newest is None:
        first = begun(state, (*state.of(PolicyDocument), *state.of(ScopeDocument)))
        if first and year_after(first[0]) < today:
            fact = f"no management review was ever held, and {first[1]} applies since {first[0]}: the first was due on "
            fact += year_after(first[0])
            yield ManagementFinding("M3", "review", fact, fix, None, (first[1],))
        return
    due = next_due(newest)
    if due is not None and due < today:
        fact = f"the last management review was on {newest.date}, and the next was due on {due}"
        yield ManagementFinding("M3", newest.id, fact, fix, None, (newest.id,))

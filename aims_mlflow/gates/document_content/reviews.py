"""What speaks against a management review or a review of the AI policy: who was there, what was decided, when."""

from __future__ import annotations

import hashlib
import re
from datetime import date, timedelta
from typing import TYPE_CHECKING

from aims_mlflow.gates.person_statements import says
from aims_mlflow.records.documents.improvement import ReviewInputsDocument
from aims_mlflow.records.documents.incident import IncidentDocument

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aims_mlflow.gates.document_content.document_set import DocumentSet
    from aims_mlflow.records.documents.improvement import ReviewMinutesDocument, WrittenInput
    from aims_mlflow.records.documents.leadership import PolicyReviewDocument

YEAR = timedelta(days=365)
# Inputs of a management review that clause 9.3 asks for, each with its words.
REVIEW_INPUTS = {
    "earlier_actions": "actions of the last review", "context_changes": "changes of context and parties",
    "nonconformities": "nonconformities and corrective actions", "monitoring": "results of monitoring and measurement",
    "audits": "results of audits", "objectives": "objectives that were reached", "incidents": "incidents",
    "opportunities": "opportunities for improvement",
}  # fmt: skip
# What is answered too where the inputs have it.
MORE_INPUTS = {"waivers": "waivers", "risks": "changes of risks and impacts"}
NO_DECISION = re.compile(
    r"\s*((was|were|is|are|the board|management)\s+)*"
    r"(noted|none|no decision|(took|taken) note( of( it| this)?)?|ok(ay)?)"
    r"(\s+(with thanks|with interest|by all|as read|without comments?))?[\s.!]*",
    re.IGNORECASE,
)

# A decision by which nothing has to be done.
UNCHANGED = re.compile(
    r"\b(stays?|remains?) (as (it|they) (is|are)|unchanged|in force)\b|\bno changes?\b|\bnot changed\b", re.IGNORECASE
)


def last_day(cutoff: str | None, today: str) -> str:
    """Return the last day that lies before the cut-off of a review as a whole; `today` where none is stated.

    Events have days and no hours: whether one of the day itself came before the cut-off, nobody can tell.
    """
    if not cutoff or cutoff[11:16] == "23:59":
        return cutoff[:10] if cutoff else today
    return (date.fromisoformat(cutoff[:10]) - timedelta(days=1)).isoformat()


def wrong_minutes(held: ReviewMinutesDocument, documents: DocumentSet) -> list[str]:
    """Return what is wrong with the minutes of a management review; M2 in findings."""
    wrong = []
    managers = [p.id for p in documents.people.values() if p.top_management]
    there = held.top_management or held.attendees
    if not there or (managers and not any(documents.is_one_of(name, managers) for name in there)):
        wrong.append("nobody of top management was there, by the register of people")
    told = [d for d in documents.of(ReviewInputsDocument) if d.id == held.inputs]
    if not told:
        wrong.append(
            f"its inputs are {held.inputs!r}, which is no document of inputs" if held.inputs else "it names no inputs"
        )
    if held.date and any(d.cutoff and d.cutoff[:10] > held.date for d in told):
        wrong.append(f"it was held on {held.date}, before its inputs end ({str(told[0].cutoff)[:10]})")
    if not held.decisions or all(NO_DECISION.fullmatch(d.decision) for d in held.decisions):
        wrong.append("nothing was decided")
    bare = [
        d.decision for d in held.decisions if not (says(d.owner) and d.due) and not UNCHANGED.search(d.decision)
    ]  # fmt: skip
    if bare:
        wrong.append(f"the decision {bare[0][:60]!r} has no owner or no day")
    unanswered = _unanswered(held, told[0]) if told else []
    if unanswered and held.decisions:
        wrong.append(f"no decision is about {', '.join(unanswered)}, and no_action gives no reason")
    return wrong


def _unanswered(held: ReviewMinutesDocument, told: ReviewInputsDocument) -> list[str]:
    """Return the inputs on which neither a decision was made nor a reason says why none is needed."""
    answered = {field for d in held.decisions if not NO_DECISION.fullmatch(d.decision) for field in d.about}
    answered |= {n.input for n in held.no_action if says(n.reason) and not NO_DECISION.fullmatch(n.reason)}
    asked = REVIEW_INPUTS | {field: what for field, what in MORE_INPUTS.items() if getattr(told, field)}
    return [what for field, what in asked.items() if field not in answered]


def line_digest(line: str) -> str:
    """Return the digest by which a line of the inputs is known to be as the software wrote it."""
    return hashlib.sha256(line.encode()).hexdigest()


def changed_inputs(inputs: ReviewInputsDocument) -> list[WrittenInput]:
    """Return what the software wrote for a review, and what is not there (any more) as it was written."""
    return [w for w in inputs.written if w.sha256 not in {line_digest(line) for line in getattr(inputs, w.input)}]


def next_due(review: ReviewMinutesDocument | PolicyReviewDocument) -> str | None:
    """Return the day by which the next review is due: the one that it states, or a year after it."""
    return review.next or ((date.fromisoformat(review.date) + YEAR).isoformat() if review.date else None)


def newest_minutes(minutes: Iterable[ReviewMinutesDocument]) -> ReviewMinutesDocument | None:
    """Return the minutes of the newest review that states its day."""
    return max((m for m in minutes if m.date), key=lambda m: str(m.date), default=None)


def serious_since(review: PolicyReviewDocument, documents: DocumentSet) -> list[IncidentDocument]:
    """Return the serious incidents after a review of the AI policy; K5 in findings."""
    serious = (i for i in documents.of(IncidentDocument) if i.serious not in (None, "no"))
    return [i for i in serious if (i.detected_on or i.aware_on or "") > str(review.date)]

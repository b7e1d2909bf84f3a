"""Findings M1 and M4 about management reviews: what evidence shows and nobody was told, decisions without effect."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aims_mlflow.gates.document_content.content_words import content_words
from aims_mlflow.management.findings.rules import ManagementFinding
from aims_mlflow.management.review_inputs import names, period_of
from aims_mlflow.records.documents.improvement import (
    CorrectiveActionDocument,
    ReviewInputsDocument,
    ReviewMinutesDocument,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from aims_mlflow.management.findings.state import ManagementState
    from aims_mlflow.records.documents.improvement import ReviewDecision

SHORTEST = 8  # letters of a record's id by which it is named
SHOWN = 4
NONE = re.compile(r"\b(no|none|not any|nothing)\b", re.IGNORECASE)


def findings(state: ManagementState, now: datetime) -> Iterator[ManagementFinding]:
    """Yield every finding about what reviews were told of evidence, and about what became of their decisions."""
    today = now.strftime("%Y-%m-%d")
    for inputs in state.of(ReviewInputsDocument):
        silent = list(_not_told(inputs, state, today))
        if silent:
            more = f", and {len(silent) - SHOWN} more" if len(silent) > SHOWN else ""
            fact = f"the inputs {inputs.id} of a management review leave out what evidence shows: "
            fact += f"{'; '.join(silent[:SHOWN])}{more}"
            fix = f"name each in {inputs.id}, let top management review it: aims document publish {inputs.id}"
            yield ManagementFinding("M1", f"{inputs.id}/evidence", fact, fix, None, (inputs.id,))
    for held in state.of(ReviewMinutesDocument):
        for number, decision in enumerate(held.decisions, 1):
            why = _why_no_effect(held, decision, state, today)
            if why:
                fact = f"the decision {decision.decision[:60]!r} of {held.id} {why}"
                fix = (
                    "aims document new corrective-action, and name it in `action` of the decision; tell the next review"
                )
                about = f"{held.id}/{number}"
                yield ManagementFinding("M4", about, fact, fix, None, (held.id,))


def _not_told(inputs: ReviewInputsDocument, state: ManagementState, today: str) -> Iterator[str]:
    """Yield runs of the monitor beyond a limit, that there were runs at all, and waivers, in the inputs' period."""
    first, last = period_of(inputs, state.documents, today)
    cutoffs = [d.cutoff for d in state.of(ReviewInputsDocument) if d.id != inputs.id and d.cutoff]
    begin = max((c for c in cutoffs if c < (inputs.cutoff or "9999")), default="")  # a run has a time, an event a day
    for _, version in state.live:
        runs = [r for r in version.of("monitor-run") if begin < r.evidence.time <= (inputs.cutoff or "9999")]
        beyond = [r for r in runs if r.evidence.result == "failed" or any(c.passed is False for c in r.evidence.claims)]
        for run in beyond:
            day = run.evidence.time[:10]
            if not _named(run.id, inputs.monitoring) and not any(day in text for text in inputs.monitoring):
                yield f"monitor run {run.id[:13]} of {day} is beyond a limit (monitoring)"
        if runs and not beyond and inputs.monitoring and all(NONE.match(text) for text in inputs.monitoring):
            yield f"the monitor of {version.name} ran {len(runs)} times, last on {runs[-1].evidence.time[:10]}"
        later = {c.id for c in version.consents if c.sealed[:10] > last}
        ends = {w.waiver: w.expires[:10] for w in version.waived if w.waiver not in later and w.expires[:10] > first}
        for waiver, end in ends.items():
            if not _named(waiver, inputs.waivers):
                yield f"waiver {waiver[:13]} of {version.name}, which ends on {end} (waivers)"


def _named(name: str, texts: tuple[str, ...]) -> bool:
    return any(name[:SHORTEST] in text for text in texts)


def _why_no_effect(
    held: ReviewMinutesDocument, decision: ReviewDecision, state: ManagementState, today: str
) -> str | None:
    """Return why nothing shows that a decision was carried out: its action is not there, or is late and unknown."""
    actions = {a.id: a for d in state.of(CorrectiveActionDocument) for a in d.actions if a.id}
    if decision.action and decision.action not in actions and not state.has_record(decision.action):
        return f"names {decision.action}, which is no action, measure or risk that is there"
    if decision.due is None or decision.due >= today:
        return None
    carried = actions.get(decision.action or "")
    if carried is not None:
        return None  # L6 reports an action that is late
    later = [d for d in state.of(ReviewInputsDocument) if d.id != held.inputs and (d.cutoff or "")[:10] >= decision.due]
    words = content_words(decision.decision)
    if any(words & content_words(text) for d in later for text in d.earlier_actions):
        return None
    if any(names(d.earlier_actions, (decision.action, held.id)) for d in later):
        return None
    told = f", and the inputs {later[-1].id} of the next review do not name it" if later else ""
    return f"was due on {decision.due}, and nothing shows that it was carried out{told}"

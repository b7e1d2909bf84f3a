"""Findings L5-L8: a cause that came back, late or unproved actions, limits that nothing can miss, late notices."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

from aims_mlflow.gates.document_content.causes import is_no_cause
from aims_mlflow.gates.document_content.content_words import content_words
from aims_mlflow.gates.document_content.stated_results import names_value
from aims_mlflow.gates.person_statements import says
from aims_mlflow.management.cited_records import RECORD
from aims_mlflow.management.findings.rules import ManagementFinding
from aims_mlflow.management.recurrence import causes_of_actions, causes_of_nonconformities, returned
from aims_mlflow.records.documents.improvement import (
    CorrectiveActionDocument,
    EffectivenessCheckDocument,
    MeasurementPlanDocument,
    NonconformityDocument,
)
from aims_mlflow.records.documents.incident import IncidentDocument
from aims_mlflow.records.documents.information import NoticeDocument, UseObjectivesDocument
from aims_mlflow.records.documents.lifecycle import DevelopmentObjectivesDocument, MonitoringPlanDocument

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from aims_mlflow.management.findings.state import ManagementState
    from aims_mlflow.records.documents.improvement import EffectCheck

LATEST_CHECK = timedelta(days=90)


def corrective_findings(state: ManagementState, now: datetime) -> Iterator[ManagementFinding]:
    """Yield every finding about corrective actions, measured limits and notices."""
    today = now.strftime("%Y-%m-%d")
    yield from _came_back(state)
    yield from _no_causes(state)
    yield from _unanswered(state)
    yield from _late(state, today)
    yield from _effects(state)
    yield from _unchecked(state, now)
    yield from _limits(state)
    yield from _notices(state, today)


def _came_back(state: ManagementState) -> Iterator[ManagementFinding]:
    """Yield L5: one cause in two corrective actions, or in two nonconformities."""
    actions = causes_of_actions(state.of(CorrectiveActionDocument))
    facts = causes_of_nonconformities(state.of(NonconformityDocument))
    for earlier, later in (*returned(actions), *returned(facts)):
        done = f", done on {earlier.done}," if earlier.done else ""
        fact = (
            f"{later.name} has the same cause as {earlier.name}, “{earlier.cause[:80]}”: what was done{done} did not "
        )
        fact += "remove it"
        fix = "find the cause behind it, act on that, and let another person check the effect: effectiveness-check"
        about = f"cause/{earlier.document}.{earlier.index}/{later.document}.{later.index}"
        yield ManagementFinding("L5", about, fact, fix, None, tuple(dict.fromkeys((earlier.document, later.document))))


def _no_causes(state: ManagementState) -> Iterator[ManagementFinding]:
    """Yield L5: a cause that does not name what has to be different, so that it comes back."""
    causes = causes_of_actions(state.of(CorrectiveActionDocument))
    causes += causes_of_nonconformities(state.of(NonconformityDocument))
    for cause in (c for c in causes if is_no_cause(c.cause)):
        fact = f"{cause.name} has the cause {cause.cause.strip()[:80]!r}, which does not name what has to be different"
        fix = (
            f"ask why until the answer can be changed, and state that in cause: aims document publish {cause.document}"
        )
        about = f"{cause.document}/{cause.field}.{cause.index}/cause"
        yield ManagementFinding("L5", about, fact, fix, None, (cause.document,))


def _unanswered(state: ManagementState) -> Iterator[ManagementFinding]:
    """Yield L6: a nonconformity that no corrective action names or has a word of its cause."""
    actions = [a for d in state.of(CorrectiveActionDocument) for a in d.actions]
    said = " ".join(f"{a.cause or ''} {a.action}" for a in actions)
    words = content_words(said)
    for document in state.of(NonconformityDocument):
        for number, entry in enumerate(document.nonconformities):
            named = entry.id is not None and re.search(rf"(?<![\w-]){re.escape(entry.id)}(?![\w-])", said)
            if named or content_words(entry.cause or entry.fact) & words:
                continue
            name = entry.id or str(number + 1)
            fact = f"nothing is done about the cause of nonconformity {name} of {document.id} (“{entry.fact[:80]}”)"
            fix = "remove its cause, and name it there: aims document new corrective-action"
            yield ManagementFinding("L6", f"{document.id}/{name}", fact, fix, document.system, (document.id,))


def _late(state: ManagementState, today: str) -> Iterator[ManagementFinding]:
    """Yield L6: a corrective action that is not done by its day, or that nobody owns."""
    for document in state.of(CorrectiveActionDocument):
        for number, action in enumerate(document.actions):
            name = action.id or str(number + 1)
            wrong = [] if says(action.owner) else ["has no owner"]
            if action.due and action.due < today and action.done is None:
                wrong.append(f"was due on {action.due}, and is not done")
            if action.due and action.done and action.done > action.due:
                wrong.append(f"was done on {action.done}, after {action.due}")
            ids = (e for e in action.evidence if RECORD.fullmatch(e.strip()))
            unknown = [e for e in ids if state.deployed is not None and not state.has_record(e.strip())]
            if unknown:
                wrong.append(f"is shown by {unknown[0]}, which is no record that is there")
            empty = [e for e in action.evidence if not says(e)]
            if empty:
                wrong.append(f"is shown by {empty[0]!r}, which is nothing")
            if wrong:
                fact = f"corrective action {name} of {document.id} {', and '.join(wrong)}"
                fix = f"do it, and state owner, done and what shows it in {document.id}"
                yield ManagementFinding("L6", f"{document.id}/{name}", fact, fix, document.system, (document.id,))


def _effects(state: ManagementState) -> Iterator[ManagementFinding]:
    """Yield L6: checks of an action's effect that failed, by its own owner, or on another model than the one in use."""
    live = {v.digest for _, v in state.live}
    for document in state.of(EffectivenessCheckDocument):
        for number, check in enumerate(document.checks):
            why = _shows_no_effect(check, live, state) or _checks_own_action(check, state)
            if why:
                fact = f"the effect of {check.action!r} ({document.id}) {why}"
                fix = "act on the cause again, and let another person test the version in use"
                about = f"{document.id}/{number + 1}"
                yield ManagementFinding("L6", about, fact, fix, document.system, (document.id,))


def _shows_no_effect(check: EffectCheck, live: set[str | None], state: ManagementState) -> str | None:
    if check.by and check.owner and state.same_person(check.by) == state.same_person(check.owner):
        return f"was checked by {check.by}, who owned the action"
    if check.result == "failed":
        return "was checked, and the check failed"
    if live and check.model_digest and check.model_digest not in live:
        return f"was checked on model {check.model_digest[:12]}, which is not in use"
    return None


def _checks_own_action(check: EffectCheck, state: ManagementState) -> str | None:
    """Return what the corrective action itself says against a check of it: who did it, and on which day."""
    for action in (a for d in state.of(CorrectiveActionDocument) for a in d.actions):
        if check.action not in (action.id, action.action):
            continue
        if check.by and action.owner and state.same_person(check.by) == state.same_person(action.owner):
            return f"was checked by {check.by}, who owns the action"
        if check.date and action.done and check.date < action.done:
            return f"was checked on {check.date}, before the action was done on {action.done}"
    return None


def _unchecked(state: ManagementState, now: datetime) -> Iterator[ManagementFinding]:
    """Yield L6: an action that was done a quarter of a year ago, and whose effect nobody checked."""
    checked = {c.action.casefold() for d in state.of(EffectivenessCheckDocument) for c in d.checks}
    latest = (now - LATEST_CHECK).strftime("%Y-%m-%d")
    for document in state.of(CorrectiveActionDocument):
        for number, action in enumerate(document.actions):
            names = {n.casefold() for n in (action.id, action.action, document.id) if n}
            if action.done and action.done < latest and not names & checked:
                name = action.id or str(number + 1)
                fact = (
                    f"corrective action {name} of {document.id} was done on {action.done}, and nobody checked whether "
                )
                fact += f"it worked within {LATEST_CHECK.days} days"
                fix = f"let somebody but its owner test it, and record that: effectiveness-check with action: {name}"
                about = f"{document.id}/{name}"
                yield ManagementFinding("L6", about, fact, fix, document.system, (document.id,))


def _limits(state: ManagementState) -> Iterator[ManagementFinding]:
    """Yield L7: a measurement whose limit or target names no value, so that nothing can miss it."""
    measured = [
        *((d, m.what, m.limit, "limit") for d in state.of(MeasurementPlanDocument) for m in d.measures),
        *((d, m.metric, m.limit, "limit") for d in state.of(MonitoringPlanDocument) for m in d.metrics),
        *((d, o.objective, o.limit, "limit") for d in state.of(DevelopmentObjectivesDocument) for o in d.objectives),
        *((d, o.objective, o.target, "target") for d in state.of(UseObjectivesDocument) for o in d.objectives),
    ]
    for document, what, value, word in measured:
        if not says(value) or (document.language == "en" and not names_value(value)):
            said = f"its {word} is {value!r}, which names no value" if value else f"it has no {word}"
            fact = f"{what!r} is measured by {document.id}, and {said}: nobody can say when it is missed"
            fix = f"state a value in `{word}` of {what!r} in {document.id}, and who acts on it"
            yield ManagementFinding("L7", f"{document.id}/{what}", fact, fix, document.system, (document.id,))


def _notices(state: ManagementState, today: str) -> Iterator[ManagementFinding]:
    """Yield L8: notices of an incident that were sent late, or not at all."""
    incidents = {d.id for d in state.of(IncidentDocument)}
    for document in state.of(NoticeDocument):
        for notice in document.notices:
            if incidents and notice.incident not in incidents:
                fact = f"{document.id} has a notice of incident {notice.incident}, which is not there"
                fix = f"name the incident by its id in {document.id}"
                about = f"{document.id}/{notice.incident}"
                yield ManagementFinding("L8", about, fact, fix, document.system, (document.id,))
            if notice.due is None or (notice.sent or today) <= notice.due:
                continue
            how = f"was sent on {notice.sent}, after" if notice.sent else "was not sent by"
            fact = f"the notice of incident {notice.incident} to {notice.audience or 'its audience'} {how} {notice.due}"
            fix = "send it, and record why it was late and what makes the next one timely: nonconformity"
            about = f"{document.id}/{notice.incident}/{notice.audience}"
            yield ManagementFinding("L8", about, fact, fix, document.system, (document.id,))

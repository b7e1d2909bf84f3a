"""Finding L4: an incident that was told too late, closed on the wrong test, or came back with the same cause."""

from __future__ import annotations

import re
from collections import defaultdict
from datetime import date, timedelta
from typing import TYPE_CHECKING

from aims_mlflow.catalog.incident_deadlines import incident_deadlines
from aims_mlflow.gates.document_content.causes import is_no_cause
from aims_mlflow.gates.document_content.content_words import affirmed
from aims_mlflow.gates.person_statements import says
from aims_mlflow.management.findings.beginnings import days_after
from aims_mlflow.management.findings.own_tests import why_no_own_test
from aims_mlflow.management.findings.rules import ManagementFinding
from aims_mlflow.records.documents.improvement import CorrectiveActionDocument
from aims_mlflow.records.documents.incident import IncidentDocument

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from aims_mlflow.management.findings.state import ManagementState
    from aims_mlflow.records.documents.incident import IncidentDuty

LATEST_AWARE = 30
OPEN_AT_MOST = {"open": 90, "contained": 365}
AUTHORITY = re.compile(
    r"authorit|\b(banking|financial|market) supervisor|\bsupervis(ion\b|ory (?!board))|regulator|agency|agencies|"
    r"commission|ministry|\boffice (of|for)\b|inspectorate|Art\.? ?73",
    re.IGNORECASE,
)
DEATH = re.compile(
    r"\b(died|dies|dead|deaths?|killed|fatal\w*|deceased|lost (his|her|their) li(fe|ves))\b", re.IGNORECASE
)


def incident_findings(state: ManagementState, now: datetime) -> Iterator[ManagementFinding]:
    """Yield one finding for each incident in which something is wrong, and one for each cause that came back."""
    today = now.strftime("%Y-%m-%d")
    causes: dict[str, list[str]] = defaultdict(list)
    for incident in state.of(IncidentDocument):
        cause = incident.root_cause.cause if incident.root_cause else None
        if says(cause) and not is_no_cause(cause):
            causes[" ".join(str(cause).casefold().split())].append(incident.id)
        wrong = [
            *_days(incident, today), *_told(incident, today), *_cause(incident, cause),
            *_named(incident, state), *_closed(incident, state),
        ]  # fmt: skip
        if wrong:
            fact = f"incident {incident.id}: {'; '.join(wrong)}"
            fix = f"complete it, and publish it again: aims document lint {incident.id}"
            yield ManagementFinding("L4", incident.id, fact, fix, incident.system, (incident.id,))
    for cause, ids in causes.items():
        if len(ids) > 1:
            fact = (
                f"incidents {', '.join(ids)} have the same cause, “{cause[:80]}”: what was done about it did not work"
            )
            fix = "find the cause behind it: aims document new corrective-action"
            yield ManagementFinding("L4", f"cause/{'/'.join(sorted(ids))}", fact, fix, None, tuple(ids))


def _days(incident: IncidentDocument, today: str) -> Iterator[str]:
    """Yield what cannot be of its days, and that it is open for long."""
    detected, aware = incident.detected_on, incident.aware_on
    if detected and aware and aware < detected:
        yield f"the organisation knew of it on {aware}, before it was detected on {detected}"
    elif detected and aware and aware > days_after(detected, LATEST_AWARE):
        yield f"it was detected on {detected}, and the organisation knew of it on {aware}: until then nobody was told"
    longest = OPEN_AT_MOST.get(str(incident.status))
    if longest and detected and days_after(detected, longest) < today:
        yield f"it was detected on {detected}, and is {incident.status} after more than {longest} days"


def _named(incident: IncidentDocument, state: ManagementState) -> Iterator[str]:
    """Yield corrective actions that are not there; of a closed incident `_closed` reports them."""
    known = {
        name for d in state.of(CorrectiveActionDocument) for name in (d.id, *(a.id or a.action for a in d.actions))
    }
    gone = [a for a in incident.actions if a not in known] if incident.status != "closed" else []
    if gone:
        yield f"it names the corrective action {gone[0]}, which is not there"


def _told(incident: IncidentDocument, today: str) -> Iterator[str]:
    """Say which duty to tell somebody is overdue, was late, or is missing."""
    aware = incident.aware_on or incident.detected_on
    law = incident_deadlines().get(str(incident.serious))
    last = (date.fromisoformat(aware) + timedelta(days=law.days)).isoformat() if law and aware else None
    if law and not any(is_authority(duty) for duty in incident.duties):
        yield f"it is serious ({incident.serious}), and no duty to tell the authority is listed ({law.law}, by {last})"
    kind = incident.harm.kind if incident.harm else ""
    if incident.serious == "no" and DEATH.search(affirmed(kind)):
        yield f"it is not serious by its own entry, and its harm is {kind!r}"
    for duty in incident.duties:
        due = min((d for d in (duty.due, last if is_authority(duty) else None) if d), default=None)
        if due and duty.sent is None and due < today:
            yield f"{duty.to} had to be told by {due}, and was not"
        elif due and duty.sent and duty.sent > due:
            yield f"{duty.to} was told on {duty.sent}, after {due}"


def is_authority(duty: IncidentDuty) -> bool:
    """Return whether a duty is to tell an authority."""
    return bool(AUTHORITY.search(f"{duty.to} {duty.law or ''}"))


def _cause(incident: IncidentDocument, cause: str | None) -> Iterator[str]:
    if cause is not None and is_no_cause(cause):
        yield f"{cause.strip()!r} is no cause: it does not say what has to be different"
    if incident.status == "closed" and not says(cause):
        yield "it is closed without a cause"


def _closed(incident: IncidentDocument, state: ManagementState) -> Iterator[str]:
    """Say why a closed incident may not be: its test, its risks and its assessment have to be later than it."""
    if incident.status != "closed":
        return
    detected = incident.detected_on or ""
    if not incident.closed_by:
        yield "it is closed, and no test shows that it does not happen again"
    yield from _not_closing(incident, detected, state)
    for name, day in (("risks", incident.risks_reviewed), ("impact assessment", incident.impact_reassessed)):
        if not day or day < detected:
            yield f"its {name} {'was' if name.startswith('impact') else 'were'} not reviewed after {detected or 'it'}"
    done = {a.id or a.action for d in state.of(CorrectiveActionDocument) for a in d.actions if a.done}
    done |= {d.id for d in state.of(CorrectiveActionDocument) if d.actions and all(a.done for a in d.actions)}
    open_actions = [a for a in incident.actions if a not in done]
    if open_actions or not incident.actions:
        yield f"it is closed, and {open_actions[0] if open_actions else 'no corrective action'} is not done"
    if not says(incident.monitoring_changed):
        yield "nothing is watched that would have shown it"


def _not_closing(incident: IncidentDocument, detected: str, state: ManagementState) -> Iterator[str]:
    """Say why what closes an incident does not: a later test that passed, of a version in use or of a component."""
    known = {r.id: (r, v) for _, v in state.live for r in v.records}
    live = {v.digest for system, v in state.live if system == incident.system}
    for name in incident.closed_by if state.deployed is not None else ():
        if not live:
            why = why_no_own_test(name, incident.system, ("it was contained", incident.contained_on or detected), state)
            yield from [f"it is closed, and {why}"] if why else []
            continue
        found = next(
            (pair for key, pair in known.items() if len(name) >= 8 and key.startswith(name.rstrip(".…"))), None
        )
        if found is None:
            yield f"it is closed by {name[:13]}, which is no record about a version in use"
            continue
        record, version = found
        if version.digest not in live or not record.has_subject(str(version.digest)):
            yield f"it is closed by {name[:13]}, which is about another model than the one in use"
        if record.evidence.result != "passed":
            yield f"it is closed by a record that says {record.evidence.result.replace('_', ' ')}"
        contained = incident.contained_on or detected
        if record.evidence.time[:10] < contained:
            yield f"it is closed by a test of {record.evidence.time[:10]}, before it was contained on {contained}"

"""Findings L8 by the plan of who is told of an incident: an audience whose time passed without a notice."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aims_mlflow.catalog.incident_deadlines import incident_deadlines
from aims_mlflow.gates.document_content.content_words import content_words
from aims_mlflow.management.findings.beginnings import days_after
from aims_mlflow.management.findings.incidents import AUTHORITY
from aims_mlflow.management.findings.rules import ManagementFinding
from aims_mlflow.management.stated_numbers import within_days
from aims_mlflow.management.time_phrases import deadline_of
from aims_mlflow.records.documents.incident import IncidentDocument
from aims_mlflow.records.documents.information import IncidentCommunicationDocument, NoticeDocument

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from aims_mlflow.gates.document_content.document_set import DocumentSet
    from aims_mlflow.management.findings.state import ManagementState

HARMED = re.compile(r"\b(harmed|hurt|injured|damaged|wronged)\b", re.IGNORECASE)


def findings(state: ManagementState, now: datetime) -> Iterator[ManagementFinding]:
    """Yield one finding for each incident of which an audience of the plan was not told in its time."""
    today = now.strftime("%Y-%m-%d")
    yield from _too_late(state)
    for incident in state.of(IncidentDocument):
        since = incident.aware_on or incident.detected_on
        plans = state.about(IncidentCommunicationDocument, str(incident.system))
        sent = told_of(incident, state)
        late = [
            (audience.audience, due)
            for plan in plans
            for audience in plan.audiences
            if since and (due := _due(since, audience.within)) and due < today and concerns(incident, audience.audience)
            if not any(content_words(audience.audience) & content_words(told) for told in sent)
        ]
        if late:
            who = "; ".join(f"{name} by {due}" for name, due in late)
            fact = f"of incident {incident.id} the plan {plans[-1].id} tells {who}, and no notice to them is recorded"
            fix = f"tell them, and record it: aims document new notice --system {incident.system}"
            ids = (incident.id, *(p.id for p in plans))
            yield ManagementFinding("L8", f"{incident.id}/plan", fact, fix, incident.system, ids)


def _too_late(state: ManagementState) -> Iterator[ManagementFinding]:
    """Yield L8 for a plan that tells an authority later than the law has it of any serious incident."""
    last = max(law.days for law in incident_deadlines().values())
    for plan in state.of(IncidentCommunicationDocument):
        for audience in plan.audiences:
            days = within_days(audience.within)
            if days is not None and days > last and AUTHORITY.search(audience.audience):
                fact = f"{plan.id} tells {audience.audience} within {days} days, and the law has {last} at most"
                fix = f"state the time of the law in `within`: aims document publish {plan.id}"
                about = f"{plan.id}/{audience.audience}"
                yield ManagementFinding("L8", about, fact, fix, plan.system, (plan.id,))


def concerns(incident: IncidentDocument, audience: str) -> bool:
    """Return whether an audience has to be told: those who were harmed where some were; authorities are L4's."""
    if AUTHORITY.search(audience):
        return False
    harmed = incident.harm is not None and bool(incident.harm.groups or incident.harm.n)
    return harmed or not HARMED.search(audience)


def _due(since: str, within: str | None) -> str | None:
    """Return the day that the page of what is due has; of words that it leaves open the first time."""
    phrase, days = deadline_of(within or ""), within_days(within)
    if not phrase.why_not:
        return phrase.after(since)
    return days_after(since, days) if days is not None else None


def told_of(incident: IncidentDocument, state: DocumentSet) -> list[str]:
    """Return whom duties, notices and steps of an incident name; L8 of a notice reports that it is late or not sent."""
    noticed = [n for d in state.of(NoticeDocument) for n in d.notices if n.incident == incident.id]
    steps = [step.what for step in incident.timeline]
    return [str(n.audience) for n in noticed] + [duty.to for duty in incident.duties] + steps

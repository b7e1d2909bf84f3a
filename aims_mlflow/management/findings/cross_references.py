"""Findings K4, L3 and L12: what a document says of another is so there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aims_mlflow.gates.document_content.disclosures import undetermined
from aims_mlflow.gates.document_content.people import not_of_management, why_absent
from aims_mlflow.gates.person_statements import says
from aims_mlflow.management.findings.beginnings import days_after
from aims_mlflow.management.findings.rules import ManagementFinding
from aims_mlflow.management.stated_numbers import within_days
from aims_mlflow.records.documents.context import IN_USE
from aims_mlflow.records.documents.information import (
    DisclosureDocument,
    DisclosureDutiesDocument,
)
from aims_mlflow.records.documents.leadership import LeadershipDocument
from aims_mlflow.records.documents.lifecycle import RequirementsDocument
from aims_mlflow.records.documents.risk import RiskRegisterDocument

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from aims_mlflow.management.findings.state import ManagementState

# A duty that an event makes due, and not the use itself.
ON_EVENT = re.compile(
    r"incident|accident|\bharm|breach|malfunction|complain|request|\bask|demand|withdraw|\brecall|chang|serious|update",
    re.IGNORECASE,
)
DAY = re.compile(r"\b\d{4}-\d\d-\d\d\b")
A_TIME = re.compile(r"\d|\b(year|quarter|month|week|day)s?\b", re.IGNORECASE)
RISK_ID = re.compile(r"\bR\d+\b")


def findings(state: ManagementState, now: datetime) -> Iterator[ManagementFinding]:
    """Yield every finding about references from one document to another."""
    yield from _requirements(state)
    today = now.strftime("%Y-%m-%d")
    yield from _leaders(state, today)
    yield from _disclosures(state)
    yield from _undisclosed(state, today)


def _requirements(state: ManagementState) -> Iterator[ManagementFinding]:
    """Yield L3: an acceptance limit of no requirement, or a requirement from a risk that no register has."""
    registers = state.of(RiskRegisterDocument)
    risks = {r.id for d in registers for r in d.risks}
    for document in state.of(RequirementsDocument):
        ids = {r.id for r in document.requirements}
        for limit in document.acceptance:
            if limit.requirement and limit.requirement not in ids:
                fact = (
                    f"{document.id} accepts by {limit.metric} for the requirement {limit.requirement}, which it has not"
                )
                fix = f"name one of its requirements, or write {limit.requirement}: {document.id}"
                about = f"{document.id}/{limit.requirement}"
                yield ManagementFinding("L3", about, fact, fix, document.system, (document.id,))
        for requirement in document.requirements:
            lost = [r for r in RISK_ID.findall(requirement.source or "") if registers and r not in risks]
            if lost:
                fact = f"requirement {requirement.id or requirement.text[:40]} of {document.id} comes from the risk "
                fact += f"{lost[0]}, which no register has"
                fix = f"name a risk that is there in source of {document.id}, or add it to {registers[-1].id}"
                about = f"{document.id}/{lost[0]}"
                yield ManagementFinding("L3", about, fact, fix, document.system, (document.id,))


def _leaders(state: ManagementState, today: str) -> Iterator[ManagementFinding]:
    """Yield K4: what the register of people has against a commitment of top management; `leadership` has the absent."""
    for document in state.of(LeadershipDocument):
        absent = any(why_absent(name, state, today) for name in document.members)
        wrong = None if absent else not_of_management(document, state, today)
        if wrong is not None:
            fix = f"name who of top management answers for AI in members of {document.id}"
            yield ManagementFinding(
                "K4", f"{document.id}/members", f"{document.id}: {wrong[1]}", fix, None, (document.id,)
            )


def _disclosures(state: ManagementState) -> Iterator[ManagementFinding]:
    """Yield L12: something was disclosed for a duty that nobody determined."""
    for document in state.of(DisclosureDocument):
        duties = state.about(DisclosureDutiesDocument, str(document.system))
        for entry in undetermined(document, state):
            where = ", ".join(d.id for d in duties) or f"no document about the duties of {document.system}"
            fact = f"{document.id} discharges the duty {entry.duty!r}, which {where} does not have"
            fix = "write the duty as it was determined (its words in what), or add it: disclosure-duties of "
            fix += str(document.system)
            yield ManagementFinding("L12", f"{document.id}/{entry.duty}", fact, fix, document.system, (document.id,))


def _undisclosed(state: ManagementState, today: str) -> Iterator[ManagementFinding]:
    """Yield L12: a duty that use itself makes due, its deadline passed, and that no disclosure discharges."""
    for document in state.of(DisclosureDutiesDocument):
        system = str(document.system)
        entry = state.systems.get(system)
        since = [entry.stage_dates[s] for s in IN_USE if s in entry.stage_dates] if entry else []
        told = {e.duty.casefold() for d in state.about(DisclosureDocument, system) for e in d.disclosures}
        for duty in document.duties if entry and entry.stage in IN_USE and since else ():
            due = _due(min(since), duty.deadline, document.language)
            if (
                due is None
                or not says(duty.what)
                or ON_EVENT.search(f"{duty.what} {duty.trigger or ''}")
                or str(duty.what).casefold() in told
                or due >= today
            ):
                continue
            fact = f"{duty.to} have to be told {str(duty.what)!r} by {duty.law} ({document.id}), due on {due}, and no "
            fact += "disclosure records it"
            fix = f"tell them, and record it with its proof: aims document new disclosure --system {system}"
            about = f"{document.id}/{duty.what}/open"
            yield ManagementFinding("L12", about, fact, fix, system, (document.id,), "A.8.5")


def _due(since: str, deadline: str | None, language: str) -> str | None:
    """Return the day by which a duty of use is due; None where its words name a time that no rule reads."""
    day = DAY.search(deadline or "")
    if day or language != "en":
        return day[0] if day else None
    days = within_days(deadline)
    if days is None and A_TIME.search(deadline or ""):
        return None
    return days_after(since, days or 0)

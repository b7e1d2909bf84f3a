"""Whether the people whom a document names are there, and hold what it gives them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aims_mlflow.gates.document_content.duties import duties_on
from aims_mlflow.signing.owners import person

if TYPE_CHECKING:
    from aims_mlflow.gates.document_content.document_set import DocumentSet
    from aims_mlflow.gates.verdict import Problem
    from aims_mlflow.records.documents.leadership import LeadershipDocument, RoleAssignmentDocument, RolesDocument


def why_absent(name: str, documents: DocumentSet, day: str) -> Problem:
    """Return why somebody is not there on a day; None where they are, or where no register of people says."""
    if not documents.people:
        return None
    known = documents.known_person(name)
    if known is None:
        return "missing", f"{name} is in no register of people"
    return None if known.active(day) else ("stale", f"{name} {known.absence(day)}")


def unheld_duty(document: RoleAssignmentDocument, documents: DocumentSet, day: str) -> Problem:
    """Return a duty that nobody holds any more, or that two people answer for; None where there is none."""
    register = duties_on(documents, day)
    for entry in document.assignments:
        holders = register.accountable(entry.duty, str(document.system))
        if not holders and entry.person:
            return "stale", f"nobody is to {entry.duty} {document.system} {_when(entry.since, entry.until, day)}"
        if len(holders) > 1:
            return "missing", f"{' and '.join(holders)} are each to answer for one duty: to {entry.duty}"
        wrong = why_absent(holders[0], documents, day) if holders else None
        if wrong is not None:
            return wrong
    return None


def unheld_role(document: RolesDocument, documents: DocumentSet, day: str) -> Problem:
    """Return a role that ended, or whose holder is not there; None where there is none."""
    for role in document.roles:
        others = [r for r in document.roles if r.role == role.role and (r.since or day) <= day <= (r.until or day)]
        if not others:
            return "stale", f"nobody is {role.role} {_when(role.since, role.until, day)}"
        wrong = why_absent(role.person, documents, day) if role.person and role in others else None
        if wrong is not None:
            return wrong
    return None


def _when(since: str | None, until: str | None, day: str) -> str:
    """Return since when nobody holds a duty, or from when somebody does."""
    return f"any more: it ended on {until}" if until and until < day else f"yet: it begins on {since}"


def not_of_management(document: LeadershipDocument, documents: DocumentSet, day: str) -> Problem:
    """Return what the register of people has against a commitment of top management; None where nothing."""
    for name in document.members:
        wrong = why_absent(name, documents, day)
        if wrong is not None:
            return wrong
    top = [p for p in documents.people.values() if p.top_management]
    members = {documents.same_person(name) for name in document.members}
    if top and members and not members & {person(p.id) for p in top}:
        return "missing", f"none of {', '.join(document.members)} is of top management, by the register of people"
    since = document.date or document.effective_from or day
    joined = [p for p in top if since < (p.employed_from or "") <= day]
    if joined:
        return "stale", f"{joined[0].id} is of top management since {joined[0].employed_from}, after this commitment"
    return None

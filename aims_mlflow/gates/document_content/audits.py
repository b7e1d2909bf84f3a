"""What speaks against an internal audit: its team's own work, their competence, its day, and findings left open."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from aims_mlflow.gates.document_content.content_words import content_words
from aims_mlflow.gates.document_content.own_work import behind_document, work_in_scope
from aims_mlflow.gates.person_statements import says
from aims_mlflow.records.documents.improvement import AuditProgrammeDocument
from aims_mlflow.records.documents.lifecycle import CompetenceDocument

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from aims_mlflow.gates.document_content.document_set import DocumentSet
    from aims_mlflow.records.documents.improvement import AuditFindingEntry, AuditReportDocument, PlannedAudit

CYCLE_YEARS, YEAR = 3, 365
AUDITING = "auditing"
# Part of the scope -> what somebody of the team has to know for it.
TOPICS = {
    "A.5": ("model evaluation", "fairness"), "A.6.2.4": ("model evaluation", "fairness"), "A.7": ("data quality",),
    "A.10": ("suppliers",),
}  # fmt: skip


def planned_audit(report: AuditReportDocument, documents: DocumentSet) -> PlannedAudit | None:
    """Return the audit of a programme that a report is about; None where no programme has it."""
    planned = (a for p in documents.of(AuditProgrammeDocument) for a in p.audits)
    return next((a for a in planned if report.audit is not None and a.id == report.audit), None)


def own_work(report: AuditReportDocument, scope: Iterable[str], documents: DocumentSet) -> Iterator[tuple[str, str]]:
    """Yield (member of the team, what of their own they audit)."""
    work = [*work_in_scope(scope, documents)]
    for item in report.sample.items if report.sample else ():
        work += [(name, f"wrote, owns, decided or approved {item}") for name in behind_document(item, documents)]
    for member in report.team:
        mine = documents.same_person(member.person)
        yield from ((member.person, does) for name, does in work if documents.same_person(name) == mine)


def lacking_competence(report: AuditReportDocument, scope: Iterable[str], documents: DocumentSet) -> list[str]:
    """Return the topics of a scope of which nobody of the team has evidence that held on the day of the audit."""
    needed = {AUDITING} | {topic for part in scope for at, ts in TOPICS.items() if meet(part, at) for topic in ts}
    day, team = report.held or "", {documents.same_person(m.person) for m in report.team}
    held = [
        d for d in documents.of(CompetenceDocument)
        if d.person and documents.same_person(d.person) in team and says(d.basis)
        if day and (d.obtained_on or "9999") <= day <= (d.valid_until or "9999")
    ]  # fmt: skip
    return sorted(topic for topic in needed if not any(_shows(d, topic) for d in held))


def _shows(record: CompetenceDocument, topic: str) -> bool:
    """Return whether evidence of competence names a topic; words of another language are not compared."""
    if record.language != "en":
        return says(record.requirement)
    return content_words(topic) <= content_words(record.requirement or "") or topic in (record.role or "").casefold()


def meet(part: str, other: str) -> bool:
    """Return whether one clause or control is the other, or part of it."""
    return part == other or part.startswith(f"{other}.") or other.startswith(f"{part}.")


def without_report(
    programme: AuditProgrammeDocument, reports: Iterable[AuditReportDocument], today: str
) -> list[PlannedAudit]:
    """Return the audits of a programme whose day passed, and of which no report says that they were held."""
    reported = {r.audit for r in reports if r.held}
    return [a for a in programme.audits if a.planned and a.planned < today and a.id not in reported]


def cycle_begin(programmes: Iterable[AuditProgrammeDocument], today: str) -> str:
    """Return the first day of the cycle within which everything has to be audited."""
    years = min((p.cycle_years or CYCLE_YEARS for p in programmes), default=CYCLE_YEARS)
    return (date.fromisoformat(today) - timedelta(days=YEAR * years)).isoformat()


def is_overdue(entry: AuditFindingEntry, today: str) -> bool:
    """Return whether the day by which a finding was to be closed passed, and it is open."""
    return bool(entry.due and not entry.closed_on and entry.due < today)

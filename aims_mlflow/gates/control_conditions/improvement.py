"""Conditions of the clauses 9.2, 9.3 and 10: internal audit, management review, nonconformity and its removal."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aims_mlflow.gates.control_conditions.by_document import by_document, each_entry, entries, of_form
from aims_mlflow.gates.control_conditions.organisation import dated
from aims_mlflow.gates.document_content.audits import (
    cycle_begin,
    is_overdue,
    lacking_competence,
    own_work,
    planned_audit,
    without_report,
)
from aims_mlflow.gates.document_content.causes import is_no_cause
from aims_mlflow.gates.document_content.reviews import changed_inputs, last_day, next_due, wrong_minutes
from aims_mlflow.gates.person_statements import says
from aims_mlflow.gates.shapes import texts
from aims_mlflow.gates.verdict import joined
from aims_mlflow.records.documents.improvement import (
    AuditProgrammeDocument,
    AuditReportDocument,
    CorrectiveActionDocument,
    EffectivenessCheckDocument,
    NonconformityDocument,
    ReviewInputsDocument,
    ReviewMinutesDocument,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from typing import Any

    from aims_mlflow.gates.document_content.document_set import DocumentSet
    from aims_mlflow.gates.person_statements import PublishedDocument
    from aims_mlflow.gates.status_subject import StatusSubject
    from aims_mlflow.gates.verdict import Judgement, Problem


def _no_trainer(entry: Mapping[str, Any], subject: StatusSubject, at: datetime) -> Problem:  # noqa: ARG001
    if subject.known_documents().is_one_of(str(entry.get("person")), subject.counted.trainers):
        return "failed", f"{entry.get('person')} audits a model that they trained"
    known = says(entry.get("competence"))
    return None if known else ("missing", f"the competence of {entry.get('person')} is not stated")


def _impartial_and_able(report: AuditReportDocument, known: DocumentSet, day: str) -> Problem:  # noqa: ARG001
    """The audit is one of the programme, its team audits nothing of its own, and knows what the scope needs."""
    planned = planned_audit(report, known)
    if planned is None:
        return "missing", "it names no audit of the programme, so that nobody knows its scope"
    own = next(own_work(report, planned.scope, known), None)
    if own is not None:
        return "failed", f"{own[0]}, of its team, {own[1]}"
    lacking = lacking_competence(report, planned.scope, known)
    text = f"its team has no evidence of competence in {', '.join(lacking)} that held on {report.held}"
    return ("missing", text) if lacking else None


def _within_the_cycle(report: AuditReportDocument, known: DocumentSet, day: str) -> Problem:
    since = cycle_begin(known.of(AuditProgrammeDocument), day)
    overdue = report.held is not None and report.held < since
    return ("stale", f"it was held on {report.held}, before the cycle of audits began on {since}") if overdue else None


def _held_as_planned(programme: AuditProgrammeDocument, known: DocumentSet, day: str) -> Problem:
    missed = without_report(programme, known.of(AuditReportDocument), day)
    text = f"the audit planned for {missed[0].planned} has no report" if missed else ""
    return ("stale", text) if missed else None


def _closed_in_time(report: AuditReportDocument, known: DocumentSet, day: str) -> Problem:
    """No finding of this or an earlier audit is open after its day."""
    reports = {r.id: r for r in (*known.of(AuditReportDocument), report)}
    late = [f for r in reports.values() for f in r.findings if is_overdue(f, day)]
    return ("failed", f"the finding {late[0].finding!r} was due on {late[0].due}, and is open") if late else None


def audited(subject: StatusSubject, at: datetime) -> Judgement:
    """The programme is kept to, and the team of the newest audit is competent and audits nothing of its own."""
    programme, report = PROGRAMME(subject, at), REPORT(subject, at)
    return joined([programme, report], f"{programme.sentence}; {report.sentence}")


def tells_incidents(document: PublishedDocument, subject: StatusSubject, at: datetime) -> Problem:
    """Each published incident until the cut-off is named by its id, here or in the inputs of an earlier review."""
    today = at.strftime("%Y-%m-%d")
    last = last_day(_cutoff(document), today)
    inputs = subject.written("review-inputs")
    told = [d for d in inputs if not _cutoff(d) or last_day(_cutoff(d), today) <= last]
    said = " ".join(text for d in told for text in texts(d.fields.get("incidents")))
    named = set(re.findall(r"[\w.-]*\w", said.casefold()))
    for incident in subject.written("incident"):
        day = str(incident.fields.get("detected_on") or incident.fields.get("aware_on") or "9999")[:10]
        if day <= last and incident.id.casefold() not in named:
            return "missing", f"incident {incident.id} of {day} is not among its inputs"
    return None


def _cutoff(document: PublishedDocument) -> str | None:
    stated = document.fields.get("cutoff")
    return str(stated) if stated else None


def _as_written(inputs: ReviewInputsDocument, known: DocumentSet, day: str) -> Problem:  # noqa: ARG001
    """What the software wrote for the review is as it was written."""
    changed = changed_inputs(inputs)
    if changed:
        return "failed", f"what was written of {changed[0].source} ({changed[0].input}) was changed afterwards"
    return None


def _decided_in_time(held: ReviewMinutesDocument, known: DocumentSet, day: str) -> Problem:
    """Top management was there, decided with owner and day, and the next review is not overdue."""
    wrong, due = wrong_minutes(held, known), next_due(held)
    if due and due < day:
        return "stale", f"the review was on {held.date}, and the next was due on {due}"
    return ("missing", "; ".join(wrong)) if wrong else None


def removed(subject: StatusSubject, at: datetime) -> Judgement:
    """Each nonconformity has a cause, and a corrective action that is done."""
    fact, action = FACTS(subject, at), ACTIONS(subject, at)
    return joined([fact, action], f"{fact.sentence}; {action.sentence}")


def _caused(document: NonconformityDocument, known: DocumentSet, day: str) -> Problem:  # noqa: ARG001
    empty = [e.cause for e in document.nonconformities if is_no_cause(e.cause)]
    return ("missing", f"{empty[0]!r} is no cause: it does not say what has to be different") if empty else None


def _done_in_time(document: CorrectiveActionDocument, known: DocumentSet, day: str) -> Problem:  # noqa: ARG001
    late = [a for a in document.actions if a.due and a.due < day and a.done is None]
    if late:
        return "stale", f"the action {late[0].action!r} was due on {late[0].due}, and is not done"
    empty = [a.cause for a in document.actions if is_no_cause(a.cause)]
    return ("missing", f"{empty[0]!r} is no cause: it does not say what has to be different") if empty else None


def _checked_again(entry: Mapping[str, Any], subject: StatusSubject, at: datetime) -> Problem:  # noqa: ARG001
    if subject.digest and entry.get("model_digest") != subject.digest:
        return "failed", f"the effect was checked on {str(entry.get('model_digest'))[:12]}, not on these bytes"
    if subject.known_documents().is_one_of(str(entry.get("by")), (str(entry.get("owner")),)):
        return "failed", f"{entry.get('by')} checked the effect of an own action"
    return None if entry.get("result") == "passed" else ("failed", "the check of the effect did not pass")


def _of_an_action(document: EffectivenessCheckDocument, known: DocumentSet, day: str) -> Problem:  # noqa: ARG001
    """Each check is of a corrective action that is there (by its id, its words, or its document), and by another."""
    actions = known.of(CorrectiveActionDocument)
    names = {n.casefold() for d in actions for a in d.actions for n in (a.id, a.action, d.id) if n}
    lost = [c.action for c in document.checks if c.action.casefold() not in names]
    if lost:
        return "missing", f"it checks {lost[0]!r}, which is no corrective action"
    every = [(c, a) for c in document.checks for d in actions for a in d.actions if c.action in (a.id, a.action)]
    own = [c for c, a in every if c.by and a.owner and known.is_one_of(c.by, (a.owner,))]
    return ("failed", f"{own[0].by} checked the effect of an own action") if own else None


PROGRAMME = by_document(
    "audit-programme",
    entries("audits", "scope", "planned", "auditors"),
    of_form(AuditProgrammeDocument, _held_as_planned),
)
REPORT = by_document(
    "audit-report",
    entries("team", "person"),
    each_entry("team", _no_trainer),
    of_form(AuditReportDocument, _impartial_and_able),
    of_form(AuditReportDocument, _within_the_cycle),
)
AUDIT_FINDINGS = by_document(
    "audit-report", entries("findings", "finding", "owner", "due"), of_form(AuditReportDocument, _closed_in_time)
)
DECISIONS = by_document(
    "review-minutes",
    entries("decisions", "decision", "owner", "due"),
    dated("date"),
    of_form(ReviewMinutesDocument, _decided_in_time),
)
FACTS = by_document(
    "nonconformity", entries("nonconformities", "fact", "cause"), of_form(NonconformityDocument, _caused)
)
ACTIONS = by_document(
    "corrective-action", entries("actions", "action", "owner", "done"), of_form(CorrectiveActionDocument, _done_in_time)
)
EFFECT = by_document(
    "effectiveness-check",
    entries("checks", "action", "by"),
    each_entry("checks", _checked_again),
    of_form(EffectivenessCheckDocument, _of_an_action),
)
UNCHANGED = of_form(ReviewInputsDocument, _as_written)

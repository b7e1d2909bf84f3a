"""Conditions that a document by a person answers: it counts, and its fields state what the control asks for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from aims_mlflow.field_address import field_text
from aims_mlflow.gates.kind_verdict import how_to_add
from aims_mlflow.gates.person_statements import PublishedDocument, says
from aims_mlflow.gates.shapes import mappings
from aims_mlflow.gates.status_subject import ASSESSED, ASSESSMENT, StatusSubject
from aims_mlflow.gates.verdict import Judgement, Outcome, Problem, joined
from aims_mlflow.records.documents import missing_for_met

if TYPE_CHECKING:
    from aims_mlflow.gates.document_content.document_set import DocumentSet, Written

MOST_NAMED = 4
ConditionCheck = Callable[[StatusSubject, datetime], Judgement]
# A question to the fields of one document; None where they answer it.
FieldCheck = Callable[[PublishedDocument, StatusSubject, datetime], Problem]


def by_document(kind: str, *checks: FieldCheck, role: str = "approver") -> ConditionCheck:
    """Return the condition that the newest document of a kind counts, and passes each check of its fields.

    For the organisation, the newest about each system does.
    """

    def judge(subject: StatusSubject, at: datetime) -> Judgement:
        parts = [judged(subject, document, at, checks, role) for document in subject.newest(kind)]
        if len(parts) > 1:
            return joined(parts, "; ".join(p.sentence for p in parts))
        return parts[0] if parts else absent(kind)

    return judge


def by_documents(kind: str, *checks: FieldCheck) -> ConditionCheck:
    """Return the condition that every document of a kind counts, and passes each check of its fields."""

    def judge(subject: StatusSubject, at: datetime) -> Judgement:
        written = subject.written(kind) or subject.newest(kind)
        parts = [judged(subject, document, at, checks) for document in written]
        return joined(parts, "; ".join(p.sentence for p in parts)) if parts else absent(kind)

    return judge


def absent(kind: str) -> Judgement:
    """Return the verdict where nothing of a kind is here."""
    fields = ASSESSED.get(kind)
    other = f"; an {ASSESSMENT} that states {', '.join(fields)} does as well" if fields else ""
    return Judgement("missing", how_to_add(kind) + other, basis="person")


def judged(
    subject: StatusSubject,
    document: PublishedDocument,
    at: datetime,
    checks: tuple[FieldCheck, ...],
    role: str = "approver",
) -> Judgement:
    """Return the verdict on one document: what its fields lack is named before its approval is."""
    counts = subject.judged(document, at, role)
    if counts.outcome == "stale" or document.problems:
        return counts
    found = [p for p in (check(document, subject, at) for check in (*checks, complete)) if p is not None]
    if not found:
        return counts
    order: tuple[Outcome, ...] = ("failed", "stale", "not evaluated", "missing")
    outcome = next(o for o in order if any(p[0] == o for p in found))
    text = "; ".join(dict.fromkeys(f"{document.name}: {why}" for each, why in found if each == outcome))
    return Judgement(outcome, text, (document.id,), document.time, basis="person")


def complete(document: PublishedDocument, subject: StatusSubject, at: datetime) -> Problem:  # noqa: ARG001
    """Each field that *met* needs, by the form of the document's kind, says something."""
    lacking = missing_for_met(document.kind, document.fields, says)
    if not lacking:
        return None
    named = [f"{field_text(path)}: {question}" for path, question in lacking]
    more = f" and {len(named) - MOST_NAMED} more" if len(named) > MOST_NAMED else ""
    return "missing", f"it does not state {'; '.join(named[:MOST_NAMED])}{more}"


def states(*names: str) -> FieldCheck:
    """Return the check that each of these fields says something."""

    def check(document: PublishedDocument, subject: StatusSubject, at: datetime) -> Problem:  # noqa: ARG001
        silent = [n for n in names if not says(document.fields.get(n))]
        return ("missing", f"it does not state {', '.join(silent)}") if silent else None

    return check


def entries(name: str, *keys: str) -> FieldCheck:
    """Return the check that a field is a list with at least one entry, and that each entry states these keys."""

    def check(document: PublishedDocument, subject: StatusSubject, at: datetime) -> Problem:  # noqa: ARG001
        found = mappings(document.fields.get(name))
        if not found:
            return "missing", f"it lists no {name}"
        lacking = sorted({k for entry in found for k in keys if not says(entry.get(k))})
        return ("missing", f"its {name} do not all state {', '.join(lacking)}") if lacking else None

    return check


def each_entry(name: str, wrong: Callable[[Mapping[str, Any], StatusSubject, datetime], Problem]) -> FieldCheck:
    """Return the check that a field is a list, and that nothing is wrong with any of its entries."""

    def check(document: PublishedDocument, subject: StatusSubject, at: datetime) -> Problem:
        if not isinstance(document.fields.get(name), list | tuple | Mapping):
            return "missing", f"it lists no {name}"
        found = (wrong(entry, subject, at) for entry in mappings(document.fields.get(name)))
        return next((p for p in found if p is not None), None)

    return check


def of_form(model: type[Written], wrong: Callable[[Written, DocumentSet, str], Problem]) -> FieldCheck:
    """Return the check that a document fits its form, and that nothing is wrong with it on a day, beside the others."""

    def check(document: PublishedDocument, subject: StatusSubject, at: datetime) -> Problem:
        written = document.written
        if subject.scope != "organization" and document.system not in (None, subject.name):
            return None  # it is about another system, which `judged` reports
        if not isinstance(written, model):
            return (
                "missing",
                f"its fields do not fit the form of its kind: see `aims document lint {document.id}`",
            )
        return wrong(written, subject.known_documents(document), at.strftime("%Y-%m-%d"))

    return check

"""Days that documents promise something for: each with what is due, and who owes it."""

from __future__ import annotations

from collections import ChainMap, defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from aims_mlflow.management.repeated_days import repeated_days
from aims_mlflow.records.documents.context import ScanItem, SystemEntry
from aims_mlflow.records.documents.impact import AssessmentReview, ImpactMeasure, ReassessmentDocument
from aims_mlflow.records.documents.improvement import (
    ActionEntry,
    AuditFindingEntry,
    AuditReportDocument,
    CorrectiveActionDocument,
    PlannedAudit,
    ReviewDecision,
    ReviewMinutesDocument,
)
from aims_mlflow.records.documents.incident import IncidentDuty
from aims_mlflow.records.documents.information import NoticeEntry
from aims_mlflow.records.documents.leadership import Assignment, AuthorityRole, KnownPerson, PolicyReviewDocument
from aims_mlflow.records.documents.lifecycle import CompetenceDocument, ResourceEntry
from aims_mlflow.records.documents.risk import ControlStatement, RiskEntry, RiskRegisterDocument, TreatedRisk
from aims_mlflow.records.documents.third_parties import SupplierContract, SupplierPaper

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from aims_mlflow.gates.document_content.document_set import DocumentSet
    from aims_mlflow.records.details.attachments import DocumentStatement
    from aims_mlflow.records.documents.base import WrittenDocument

MOST_ALIKE = 3  # rows of one document, day and person that stand by themselves
LONGEST = 120  # letters of a title or a decision in a row


@dataclass(frozen=True)
class DayPromise:
    """A day of an entry: what is due on it, and which fields say who owes it, and that it was done.

    `settled` names a kind of entry that another document settles, and the field with its id.
    """

    day: str
    what: str
    who: str = ""
    done: str = ""
    settled: tuple[str, str] = ("", "")


# The days of each entry that lie ahead, or ought to. Names in braces are fields of the entry, or of what it is in.
PROMISES: dict[type[BaseModel], DayPromise] = {
    SystemEntry: DayPromise("next_review", "review of the register entry of {system}"),
    ScanItem: DayPromise("until", "last day of the explanation of {id}", "by"),
    KnownPerson: DayPromise("employed_until", "last day of {id} in the organisation", "id"),
    AuthorityRole: DayPromise("until", "last day of {person} as {role}", "person"),
    Assignment: DayPromise("until", "last day of the duty to {duty} {system}", "person"),
    PolicyReviewDocument: DayPromise("next", "next review of the AI policy", "by", settled=("review", "id")),
    RiskEntry: DayPromise("due", "treatment of risk {id}", "owner", settled=("risk", "id")),
    TreatedRisk: DayPromise("due", "measure against risk {risk}: {measure}", "owner", settled=("risk", "risk")),
    ControlStatement: DayPromise("review", "review of control {control} in the statement of applicability", "owner"),
    ImpactMeasure: DayPromise("due", "measure against impact {impact}: {measure}", "owner", "done"),
    AssessmentReview: DayPromise("next", "next review of the impact assessment", settled=("reassessment", "system")),
    ResourceEntry: DayPromise("until", "last day of the {resource} {id}", "owner"),
    SupplierContract: DayPromise("end", "last day of contract {id} for {component}"),
    SupplierPaper: DayPromise("expires", "last day of {kind} of {component}"),
    PlannedAudit: DayPromise("planned", "internal audit {id}", "auditors", settled=("audit", "id")),
    AuditFindingEntry: DayPromise("due", "correction of an audit's finding: {finding}", "owner", "closed_on"),
    ReviewMinutesDocument: DayPromise("next", "next management review", settled=("review", "id")),
    ReviewDecision: DayPromise(
        "due", "decision of the management review: {decision}", "owner", settled=("action", "action")
    ),
    ActionEntry: DayPromise("due", "corrective action: {action}", "owner", "done"),
    NoticeEntry: DayPromise("due", "notice of incident {incident} to {audience}", done="sent"),
    IncidentDuty: DayPromise("due", "notice of incident {id} to {to}", done="sent"),
}
# Of entries that promise a second day.
SECOND_PROMISES: dict[type[BaseModel], DayPromise] = {
    RiskEntry: DayPromise("accepted_until", "last day of accepting risk {id}", "accepted_by"),
}
HEADER = (
    ("review_by", "review of {}"), ("valid_until", "last day of {}"),
    ("retention_until", "last day on which {} is kept"),
)  # fmt: skip


@dataclass(frozen=True)
class PromisedDay:
    """Something that a document in force promises for a day, and who owes it; `like` is the form of its words.

    `counted` is from what the day was computed, empty where the document states the day.
    """

    day: str
    what: str
    document: str
    who: str
    like: str = ""
    counted: str = ""


@dataclass(frozen=True)
class PromisedWords:
    """A promise in words of which no day can be computed: why, and which field would give one."""

    what: str
    why: str
    field: str
    document: str
    who: str


def promised_days(
    documents: DocumentSet, every: Iterable[WrittenDocument], since: Mapping[str, str], today: str
) -> list[PromisedDay]:
    """Return the days that documents in force promise, past ones too where nothing says that it was done.

    Args:
        documents: The documents, by the models of their kinds.
        every: All of them.
        since: The day on which each was published, by its id.
        today: The day, as YYYY-MM-DD; what is due again and again is told up to a year after it.
    """
    settled = _settled(documents)
    found = [day for document in every for day in _of_document(document, settled)]
    again = (PromisedDay(*each[:4], counted=each[4]) for each in repeated_days(documents, since, today))
    return sorted([*_without_repetition(found), *again], key=lambda p: (p.day, p.what, p.document))


def _of_document(document: WrittenDocument, settled: Mapping[str, set[str]]) -> Iterator[PromisedDay]:
    competence = isinstance(document, CompetenceDocument) and document.person
    about = f"the competence of {competence}" if competence else document.kind
    yield from header_days(document, document.id, about)
    yield from _promised(document, ChainMap({}), document, settled)


def header_days(stated: WrittenDocument | DocumentStatement, name: str, about: str) -> Iterator[PromisedDay]:
    """Yield the days of a document that every kind has: of its review, its end and its keeping."""
    for field, what in HEADER:
        if day := getattr(stated, field):
            yield PromisedDay(day, what.format(about), name, stated.owner, what)


def _promised(
    entry: BaseModel, around: ChainMap[str, Any], document: WrittenDocument, settled: Mapping[str, set[str]]
) -> Iterator[PromisedDay]:
    """Yield the days of an entry and of what is in it; `around` has the fields of what it is in."""
    said = around.new_child({name: getattr(entry, name) for name in type(entry).model_fields})
    for promise in filter(None, (PROMISES.get(type(entry)), SECOND_PROMISES.get(type(entry)))):
        day = said[promise.day]
        if not day or _is_done(promise, said, settled):
            continue
        who = said[promise.who] if promise.who else None
        named = ", ".join(who) if isinstance(who, tuple) else who
        told = promise.what.format_map({name: _short(value) for name, value in said.items()})
        yield PromisedDay(day, told, document.id, named or document.owner, promise.what)
    for value in said.maps[0].values():
        for inner in value if isinstance(value, tuple) else (value,):
            if isinstance(inner, BaseModel):
                yield from _promised(inner, said, document, settled)


def _is_done(promise: DayPromise, said: Mapping[str, Any], settled: Mapping[str, set[str]]) -> bool:
    kind, name = promise.settled
    if kind == "reassessment":
        return any(day >= said[promise.day] for day in settled[f"{kind} of {said[name]}"])
    return bool(promise.done and said[promise.done]) or bool(kind and said[name] in settled[kind])


def _settled(documents: DocumentSet) -> Mapping[str, set[str]]:
    """Return what other documents settled, by kind: risks, audits, reviews, actions, and days of new assessments."""
    out: dict[str, set[str]] = defaultdict(set)
    for register in documents.of(RiskRegisterDocument):
        out["risk"] |= {r.id for r in register.risks if r.status in ("closed", "accepted") or r.treated_on}
    for report in documents.of(AuditReportDocument):
        out["audit"] |= {report.audit} if report.held and report.audit else set()
    for actions in documents.of(CorrectiveActionDocument):
        out["action"] |= {a.id for a in actions.actions if a.done and a.id}
    for assessed in documents.of(ReassessmentDocument):
        out[f"reassessment of {assessed.system}"] |= {assessed.impact} if assessed.impact else set()
    held = [(d.date, d.id) for d in documents.of(ReviewMinutesDocument) if d.date]
    reviewed = [(d.date, d.id) for d in documents.of(PolicyReviewDocument) if d.date]
    for found in (sorted(held), sorted(reviewed)):
        out["review"] |= {name for _, name in found[:-1]}
    return out


def _without_repetition(found: list[PromisedDay]) -> Iterator[PromisedDay]:
    """Yield promises; of many alike, such as the reviews of all controls, one row that counts the others."""
    alike: dict[tuple[str, str, str, str], list[PromisedDay]] = defaultdict(list)
    for each in found:
        alike[each.day, each.document, each.who, each.like].append(each)
    for same in alike.values():
        if len(same) > MOST_ALIKE:
            yield replace(same[0], what=f"{same[0].what}, and {len(same) - 1} more like it")
        else:
            yield from same


def _short(value: object) -> str:
    text = "not named" if value is None else str(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"

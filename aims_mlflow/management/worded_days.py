"""Times that fields of documents promise in words: each with the days that follow from it, or why none does.

A Markdown text is a file beside the sealed record, which the pages cannot read.
"""

from __future__ import annotations

import re
from collections import ChainMap
from datetime import date, timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from aims_mlflow.management.event_times import event_times, one_length, read_length
from aims_mlflow.management.promised_days import PROMISES, PromisedDay, PromisedWords
from aims_mlflow.management.repeated_days import PUBLISHED, YEAR
from aims_mlflow.management.time_phrases import DAYS, HOURS, MONTHS, TimePhrase, phrases_in
from aims_mlflow.records.documents.base import HEADER
from aims_mlflow.records.documents.improvement import (
    AuditReportDocument,
    EffectivenessCheckDocument,
    PlannedMeasurement,
    ReviewInputsDocument,
    ReviewMinutesDocument,
)
from aims_mlflow.records.documents.incident import IncidentDocument
from aims_mlflow.records.documents.information import (
    DisclosureDocument,
    DisclosureDuty,
    NoticeDocument,
    OversightDocument,
    ReportLogDocument,
    ToldAudience,
)
from aims_mlflow.records.documents.leadership import ConcernLogDocument, PolicyReviewDocument
from aims_mlflow.records.documents.lifecycle import (
    ChangeDocument,
    CompetenceDocument,
    LogPlanDocument,
    PlannedEvent,
    ResourceEntry,
)
from aims_mlflow.records.documents.third_parties import SupplierDocument, SupplierEvaluationDocument

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from aims_mlflow.gates.document_content.document_set import DocumentSet
    from aims_mlflow.records.documents.base import WrittenDocument

    Promised = PromisedDay | PromisedWords

# Documents of what happened, and of what others promise: their sentences with a time promise nothing of our own.
HISTORIES = (
    IncidentDocument, NoticeDocument, ReportLogDocument, OversightDocument, DisclosureDocument, ConcernLogDocument,
    EffectivenessCheckDocument, ReviewInputsDocument, ChangeDocument, CompetenceDocument, SupplierDocument,
    SupplierEvaluationDocument,
)  # fmt: skip
# Fields that describe how a system is used, or how often something happens by itself.
DESCRIBING = frozenset({"frequency", "period", "volume", "est_size", "likelihood", "period_and_frequency", "scale"})
# Fields that are a length of time. Which day would count, where `event_times` finds none: the field that has it.
LENGTHS: dict[tuple[type[BaseModel], str], str] = {
    (PlannedMeasurement, "within"): "due of a corrective-action, written when a measurement is beyond its limit",
    (ResourceEntry, "retention"): "until of this resource",
    (PlannedEvent, "retention"): "until of the log in a resource-inventory",
    (LogPlanDocument, "retention"): "until of the log in a resource-inventory",
}
OF_EVENTS = {(ToldAudience, "within"), (DisclosureDuty, "deadline")}
# Days from which the words of a document, and of the entries in it, count.
MEETINGS: dict[type[BaseModel], str] = {
    ReviewMinutesDocument: "date", AuditReportDocument: "held", PolicyReviewDocument: "date",
}  # fmt: skip
NOTHING_TO_COUNT_FROM = "no field has the day from which it counts"
NEAREST = "due of an entry that promises it, such as a corrective-action"
SHORTEST = 28  # days: of what comes more often, the next day alone
LONGEST = 160  # letters of a sentence that is quoted
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[^\W\d])")  # the next one may begin with a name in small letters
_HAS_TIME = re.compile(r"hour|da(?:y|ily)|week|month|quarter|year|annual|fortnight", re.IGNORECASE)


def worded_days(
    documents: DocumentSet, every: Iterable[WrittenDocument], since: Mapping[str, str], today: str
) -> Iterator[Promised]:
    """Yield what documents in force promise in words: days that can be computed, and promises without a day.

    Args:
        documents: The documents, by the models of their kinds.
        every: All of them.
        since: The day on which each was published, by its id.
        today: The day, as YYYY-MM-DD; what is due again and again is listed up to a year after it.
    """
    yield from event_times(documents)
    for document in every:
        begun = document.effective_from or since.get(document.id, "")
        name = "effective_from" if document.effective_from else PUBLISHED
        yield from _Words(document, begun, name, today).promised(document, ChainMap({}))


class _Words:
    """Reads the words of one document, which applies from the day `begun` on."""

    def __init__(self, document: WrittenDocument, begun: str, begun_by: str, today: str) -> None:
        self._document, self._begun, self._begun_by, self._today = document, begun, begun_by, today
        self._reads = document.language == "en" and not isinstance(document, HISTORIES)

    def promised(self, entry: BaseModel, around: ChainMap[str, Any]) -> Iterator[Promised]:
        """Yield what an entry, and what is in it, promises; `around` has the fields of what it is in."""
        kind = type(entry)
        fields = {name: getattr(entry, name) for name in kind.model_fields}
        stated = around.new_child(fields)
        for name, value in fields.items():
            values = value if isinstance(value, tuple) else (value,)
            if (kind, name) in OF_EVENTS or name in DESCRIBING or name in HEADER:
                continue
            if (kind, name) in LENGTHS:
                yield from self._length(stated, name, value, LENGTHS[kind, name])
                continue
            for each in values:
                if isinstance(each, BaseModel):
                    yield from self.promised(each, stated)
                elif isinstance(each, str) and self._reads and _HAS_TIME.search(each):
                    yield from self._prose(kind, stated, each)

    def _length(self, stated: Mapping[str, Any], name: str, value: str | None, field: str) -> Iterator[Promised]:
        if not value or (name == "retention" and stated.get("until")):
            return
        about = next((str(stated[each]) for each in ("what", "event", "id") if stated.get(each)), "")
        phrase = read_length(self._document, value)
        what, who = f"{name} of {about}: “{value}”", stated.get("who_acts") or self._document.owner
        why = phrase.why_not or NOTHING_TO_COUNT_FROM
        yield PromisedWords(what, why, one_length(name) if phrase.why_not else field, self._document.id, who)

    def _prose(self, kind: type[BaseModel], stated: ChainMap[str, Any], value: str) -> Iterator[Promised]:
        promise = PROMISES.get(kind)
        day = promise.day if promise else None
        dated = promise is not None and (stated[promise.day] or (promise.done and stated[promise.done]))
        for sentence in _SENTENCE.split(" ".join(value.split())):
            for phrase in phrases_in(sentence):
                if _numbered(phrase, stated) or (dated and not phrase.again):
                    continue
                yield from self._of_phrase(phrase, _quoted(sentence, phrase.words), stated, day)

    def _of_phrase(
        self, phrase: TimePhrase, quoted: str, stated: ChainMap[str, Any], field: str | None
    ) -> Iterator[Promised]:
        name, who = self._document.id, str(stated.get("owner") or self._document.owner)
        if phrase.why_not:
            yield PromisedWords(quoted, phrase.why_not, one_length("the sentence"), name, who)
        elif phrase.again and self._begun:
            counted = f"{self._begun} ({self._begun_by}), every {phrase.length}"
            for day in _again(phrase, self._begun, self._today):
                yield PromisedDay(day, quoted, name, who, counted=counted)
        elif (meeting := MEETINGS.get(type(self._document))) and (day := getattr(self._document, meeting)):
            yield PromisedDay(phrase.after(day), quoted, name, who, counted=f"{day} ({meeting}), {phrase.length} after")
        else:
            field = f"{field} of this entry" if field else f"{meeting} of this document" if meeting else NEAREST
            yield PromisedWords(quoted, NOTHING_TO_COUNT_FROM, field, name, who)


def _numbered(phrase: TimePhrase, stated: Mapping[str, Any]) -> bool:
    """Return whether a field has the same time as a number, such as `target_days`: its days are listed by that."""
    numbers = {(value, HOURS if name.endswith("_hours") else DAYS) for name, value in stated.items()
               if isinstance(value, int) and name.endswith(("_days", "_hours"))}  # fmt: skip
    return (phrase.count, phrase.unit) in numbers


def _again(phrase: TimePhrase, since: str, today: str) -> Iterator[str]:
    """Yield the days that are so many lengths after a day, from today on for a year."""
    least = phrase.count * (28 if phrase.unit == MONTHS else 1)
    most = phrase.count * (31 if phrase.unit == MONTHS else 1)
    past = max((date.fromisoformat(today) - date.fromisoformat(since)).days - 1, 0) // most
    last = (date.fromisoformat(today) + timedelta(days=YEAR)).isoformat()
    for times in count(past + 1):
        day = phrase.after(since, times)
        if day > last:
            return
        if day >= today:
            yield day
            if least < SHORTEST:
                return


def _quoted(sentence: str, words: str) -> str:
    """Return a sentence in quotes; of a long one what is around the words of its time."""
    if len(sentence) <= LONGEST:
        return f"“{sentence}”"
    begin = max(sentence.find(words) - (LONGEST - len(words)) // 2, 0)
    begin = sentence.rfind(" ", 0, begin) + 1 if begin else 0
    cut = sentence[begin : begin + LONGEST].rsplit(" ", 1)[0]
    after = "…" if begin + len(cut) < len(sentence) else ""
    return f"“{'…' if begin else ''}{cut}{after}”"

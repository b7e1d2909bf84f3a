"""Times in words that an event begins: how fast somebody is told of an incident, or when a system comes into use."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aims_mlflow.catalog.incident_deadlines import incident_deadlines
from aims_mlflow.gates.document_content.content_words import content_words
from aims_mlflow.management.findings.cross_references import DAY, ON_EVENT
from aims_mlflow.management.findings.incident_notices import concerns, told_of
from aims_mlflow.management.findings.incidents import AUTHORITY, is_authority
from aims_mlflow.management.promised_days import PromisedDay, PromisedWords
from aims_mlflow.management.time_phrases import TimePhrase, deadline_of
from aims_mlflow.records.documents.context import IN_USE
from aims_mlflow.records.documents.incident import IncidentDocument
from aims_mlflow.records.documents.information import (
    DisclosureDocument,
    DisclosureDutiesDocument,
    IncidentCommunicationDocument,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aims_mlflow.gates.document_content.document_set import DocumentSet
    from aims_mlflow.records.documents.base import WrittenDocument
    from aims_mlflow.records.documents.context import SystemEntry
    from aims_mlflow.records.documents.information import DisclosureDuty

    Promised = PromisedDay | PromisedWords

INCIDENT = re.compile(r"\bincident", re.IGNORECASE)
SERIOUS = re.compile(r"\bserious", re.IGNORECASE)
OTHER_LANGUAGE = "times are read in English alone, and the document is in another language"
NO_FIELD = "no field has the day of the event that begins it"


def event_times(documents: DocumentSet) -> Iterator[Promised]:
    """Yield whom plans and duties promise to tell in words, with the day where its event has one."""
    for plan in documents.of(IncidentCommunicationDocument):
        for audience in plan.audiences:
            if audience.within:
                phrase, about = read_length(plan, audience.within), f"{audience.audience}: “{audience.within}”"
                open_ones = [
                    each
                    for each in documents.about(IncidentDocument, str(plan.system))
                    if _concerns(each, audience.audience) and not _is_told(audience.audience, each, documents)
                ]
                yield from _of_incidents(plan, f"notice of an incident to {about}", phrase, open_ones)
    yield from _by_law(documents)
    for written in documents.of(DisclosureDutiesDocument):
        for duty in written.duties:
            if duty.deadline:
                yield from _of_duty(written, duty, read_length(written, duty.deadline), documents)


def read_length(document: WrittenDocument, words: str) -> TimePhrase:
    """Return the length of time of a document's field; of one in another language the reason why none is read."""
    return deadline_of(words) if document.language == "en" else TimePhrase(words, why_not=OTHER_LANGUAGE)


def one_length(field: str) -> str:
    """Return which words would give a day where those of a field give none."""
    return f"{field}, with one length of time in hours, days, weeks, months or years"


def _by_law(documents: DocumentSet) -> Iterator[PromisedDay]:
    """Yield the day by which a law wants to be told of an incident, where its duty to an authority states none."""
    for incident in documents.of(IncidentDocument):
        law, day = incident_deadlines().get(str(incident.serious)), incident.aware_on or incident.detected_on
        for duty in incident.duties:
            if law and day and is_authority(duty) and not duty.due and not duty.sent:
                phrase, counted = TimePhrase(law.law, count=law.days), f"{_begins(incident)}, {law.days} days after"
                what = f"notice of incident {incident.id} to {duty.to}, by {law.law}"
                yield PromisedDay(phrase.after(day), what, incident.id, incident.owner, counted=counted)


def _begins(incident: IncidentDocument) -> str:
    name = "aware_on" if incident.aware_on else "detected_on"
    return f"{incident.aware_on or incident.detected_on} ({name} of {incident.id})"


def _of_duty(
    written: DisclosureDutiesDocument, duty: DisclosureDuty, phrase: TimePhrase, documents: DocumentSet
) -> Iterator[Promised]:
    system, trigger = str(written.system), f"{duty.what} {duty.trigger or ''}"
    what = f"information of {duty.to}: {duty.what or 'not stated'}, “{duty.deadline}”"
    sent = [e for d in documents.about(DisclosureDocument, system) for e in d.disclosures if e.duty == duty.what]
    if day := DAY.search(str(duty.deadline)):
        if not sent:
            yield PromisedDay(day[0], what, written.id, written.owner)
    elif INCIDENT.search(trigger):
        mine = [
            each
            for each in documents.about(IncidentDocument, system)
            if not (SERIOUS.search(trigger) and each.serious in (None, "no"))
            and not _is_told(duty.to, each, documents)
            and not any((e.sent or "") >= (each.detected_on or "") for e in sent)
        ]
        yield from _of_incidents(written, what, phrase, mine)
    elif phrase.why_not:
        yield PromisedWords(what, phrase.why_not, one_length("deadline"), written.id, written.owner)
    elif ON_EVENT.search(trigger):
        yield PromisedWords(
            what, NO_FIELD, "due of a corrective-action, written when it happens", written.id, written.owner
        )
    elif not sent:
        yield _of_use(written, what, phrase, documents.systems.get(system))


def _of_use(written: DisclosureDutiesDocument, what: str, phrase: TimePhrase, entry: SystemEntry | None) -> Promised:
    """Return the day of what the use itself makes due, counted from when the system came into use."""
    days = [entry.stage_dates[s] for s in IN_USE if s in entry.stage_dates] if entry else []
    if not days:
        field = f"stage_dates of {written.system} in the register, when it comes into use"
        return PromisedWords(what, "the system is not in use by the register", field, written.id, written.owner)
    counted = f"{min(days)} (stage_dates: in use), {phrase.length} after"
    return PromisedDay(phrase.after(min(days)), what, written.id, written.owner, counted=counted)


def _of_incidents(
    document: WrittenDocument, what: str, phrase: TimePhrase, incidents: list[IncidentDocument]
) -> Iterator[Promised]:
    """Yield the day for each incident of which nobody was told yet; one promise without a day where there is none."""
    dated = [(each, each.aware_on or each.detected_on) for each in incidents]
    if phrase.why_not or not any(day for _, day in dated):
        whose, why = f"an incident of {document.system}", "no published incident waits for it"
        if incidents:
            whose, why = f"incident {incidents[0].id}", f"incident {incidents[0].id} has no day"
        field = one_length("the field") if phrase.why_not else f"aware_on or detected_on of {whose}"
        yield PromisedWords(what, phrase.why_not or why, field, document.id, document.owner)
        return
    for incident, day in dated:
        if day:
            counted = f"{_begins(incident)}, {phrase.length} after"
            told = what.replace("an incident", f"incident {incident.id}", 1)
            yield PromisedDay(phrase.after(day), told, document.id, document.owner, counted=counted)


def _concerns(incident: IncidentDocument, audience: str) -> bool:
    """Return whether an audience has to be told of an incident: an authority of a serious one."""
    serious = incident.serious not in (None, "no")
    return serious if AUTHORITY.search(audience) else concerns(incident, audience)


def _is_told(audience: str, incident: IncidentDocument, documents: DocumentSet) -> bool:
    """Return whether somebody was told of an incident, or a duty or a notice sets the day for that."""
    without_day = {d.to for d in incident.duties if not (d.sent or d.due or is_authority(d))}
    told = (each for each in told_of(incident, documents) if each not in without_day)
    return any(content_words(audience) & content_words(each) for each in told)

"""Whether people still watch over a system, and whether they made the reviews that documents and waivers promise."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import TYPE_CHECKING, NamedTuple

from aims_mlflow.records.documents.context import IN_USE
from aims_mlflow.records.documents.impact import ImpactAssessmentDocument, PeopleImpactDocument
from aims_mlflow.records.documents.information import UseProcessDocument

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aims_mlflow.gates.document_content.document_set import DocumentSet
    from aims_mlflow.records.documents.information import OversightDocument, OversightPeriod

YEAR = timedelta(days=365)
# A review of each one of some things; the things that are every decision; and what follows where only some are meant.
REVIEWS = r"\b(?:review|read|check|look|compar|confirm|verif)\w*\b"
PROMISE = re.compile(
    rf"{REVIEWS}[^.;]{{0,200}}?\b(?:each|every|all)\b\s+(?:of\s+|the\s+|single\s+)*(\w+)(\s+\w+)?", re.IGNORECASE
)
EVERY = re.compile(
    r"(?:decision|application|case|letter|draft|score|result|output|prediction|recommendation|answer)s?", re.IGNORECASE
)
SOME = re.compile(r"that|which|whose|who|with|without|of|above|below|over|under|in|on|from|by|where|when|about|for|to")
# Every refusal: by its noun, as a refused application, or as an application that is refused.
REFUSAL = re.compile(r"(?:refusal|rejection|denial)s?", re.IGNORECASE)
REFUSED = re.compile(r"refused|rejected|denied|declined|negative", re.IGNORECASE)
WHOM = re.compile(rf"{EVERY.pattern}|outcomes?|applicants?|people|persons?|customers?", re.IGNORECASE)
THAT_IS_REFUSED = re.compile(
    r"\s+(that|which)\s+(is|are|was|were|gets?)\s+(refused|rejected|denied|declined|negative)\s*($|[,.;:)])",
    re.IGNORECASE,
)


class Promise(NamedTuple):
    """A review that a document or a waiver promises: of every decision, of every refusal or of some, in which words."""

    where: str
    of_all: bool
    of_refusals: bool
    words: str


def stopped(document: OversightDocument, documents: DocumentSet, day: str) -> str | None:
    """Return the end of the last period of oversight, if that is over a year ago; None otherwise, or out of use."""
    entry = documents.systems.get(str(document.system))
    if entry is not None and entry.stage not in IN_USE:
        return None
    last = max((p.end for p in document.periods if p.end), default=None)
    return last if last and date.fromisoformat(last) + YEAR < date.fromisoformat(day) else None


def promises(system: str, documents: DocumentSet, waived: Iterable[tuple[str, str | None]] = ()) -> list[Promise]:
    """Return each review of each one of some things that measures, conditions, use processes or waivers promise.

    `waived` are the id and the reason of each waiver of what is in use.
    """
    said = list(waived)
    said += [(d.id, m.measure) for d in documents.about(PeopleImpactDocument, system) for m in d.measures]
    for assessment in documents.about(ImpactAssessmentDocument, system):
        said += [(assessment.id, m.measure) for m in assessment.measures]
        said += [(assessment.id, condition) for condition in assessment.conditions]
    said += [(d.id, d.oversight) for d in documents.of(UseProcessDocument) if d.system in (None, system)]
    return [_promise(where, found) for where, words in said for found in PROMISE.finditer(words or "")]


def _promise(where: str, found: re.Match[str]) -> Promise:
    first, second = found[1], (found[2] or "").strip().casefold()
    limited = SOME.fullmatch(second) is not None
    of_all = EVERY.fullmatch(first) is not None and not limited
    of_refusals = (
        (REFUSAL.fullmatch(first) is not None and not limited)
        or (REFUSED.fullmatch(first) is not None and WHOM.fullmatch(second) is not None)
        or (WHOM.fullmatch(first) is not None and THAT_IS_REFUSED.match(found.string, found.end(1)) is not None)
    )
    return Promise(where, of_all, of_refusals, found.string)


def wrong_period(period: OversightPeriod, promised: Iterable[Promise]) -> str | None:
    """Return what is wrong with the numbers of a period of oversight, beside what was promised; O1 in findings."""
    made, wanted, decisions = period.reviewed, period.promised, period.decisions
    if made is None:
        return None
    if wanted is not None and made < wanted:
        return f"{made:,} of {wanted:,} promised reviews were made"
    if decisions is not None and made > decisions:
        return f"{made:,} reviews of {decisions:,} decisions cannot be"
    if period.overruled is not None and period.overruled > made:
        return f"{period.overruled:,} decisions overruled of {made:,} that were reviewed cannot be"
    every = list(promised)
    wrong = _refusals(period, made, every)
    if wrong is None and decisions is not None and made < decisions:
        wrong = _less_than_all(made, decisions, wanted, every)
    return wrong


def _refusals(period: OversightPeriod, made: int, promised: list[Promise]) -> str | None:
    """Return what is wrong with the number of refusals, or that not each was reviewed where that is promised."""
    there = period.refusals
    seen = period.refusals_reviewed if period.refusals_reviewed is not None else made
    if there is None:
        return None
    if period.decisions is not None and there > period.decisions:
        return f"{there:,} refusals of {period.decisions:,} decisions cannot be"
    if period.refusals_reviewed is not None and seen > min(made, there):
        return f"{seen:,} reviewed refusals of {there:,}, with {made:,} reviews in all, cannot be"
    of_refusals = [p for p in promised if p.of_refusals]
    if of_refusals and seen < there:
        promise = of_refusals[0]
        return f"{seen:,} of {there:,} refusals were reviewed, and {promise.where} promises “{promise.words[:100]}”"
    return None


def _less_than_all(made: int, decisions: int, wanted: int | None, promised: list[Promise]) -> str | None:
    """Return what a review of some decisions falls short of: of all of them, or of a number that nobody states."""
    of_all = [p for p in promised if p.of_all]
    for promise in of_all or (promised if wanted is None else ()):
        said = (
            f"{made:,} of {decisions:,} decisions were reviewed, and {promise.where} promises “{promise.words[:100]}”"
        )
        return said if of_all else f"{said}: nothing states how many those were (promised)"
    return None

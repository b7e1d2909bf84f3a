"""Rules against the generic (G1 to G8): a document is about this system, and what it says can be looked up."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING

from aims_mlflow.field_address import field_text
from aims_mlflow.management.named_people import HISTORY, named_people
from aims_mlflow.management.passages import citation_lines, has_anchor, paragraphs, passages, statements, values
from aims_mlflow.management.rules.base import Spot
from aims_mlflow.management.rules.harms import people_not_in_data, without_mechanism
from aims_mlflow.management.shared_texts import without_name
from aims_mlflow.records.documents import question_of
from aims_mlflow.signing.owners import person

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aims_mlflow.management.folder import FolderDocument
    from aims_mlflow.management.passages import Passage
    from aims_mlflow.management.rules.base import Check, LintContext

LEAST_LETTERS = 200
LEAST_WORDS = 20
HEDGE = re.compile(
    r"\b(potential(ly)?|possibl[ey]|may|might|could|various|several|appropriate(ly)?|adequate(ly)?|regular(ly)?|"
    r"as needed|where necessary|as appropriate|best practices?|tbd|n/a|in a timely manner|periodic(ally)?|"
    r"state of the art|robust)\b",
    re.IGNORECASE,
)
# The month of May, which is no hedge: after such a word, or beside a number.
MONTH = re.compile(
    r"\b(?i:in|by|until|till|of|since|from|to|each|every|before|after|during|last|next|this|mid|early|late)[\s-]+May\b|"
    r"\d(?:st|nd|rd|th)?\s+May\b|\bMay\s+\d"
)
QUOTED = 90
# An answer of a word or two with which everything is as it should be.
EMPTY_ANSWER = re.compile(
    r"(as (needed|required|appropriate|necessary)|(when|where|if) (needed|required|appropriate|necessary)|regular(ly)?|"
    r"periodic(ally)?|adequate(ly)?|appropriate(ly)?|best practices?|timely|in a timely manner|promptly)[\s.]*",
    re.IGNORECASE,
)


def _body(document: FolderDocument, around: LintContext) -> Iterator[Spot]:  # noqa: ARG001
    written = document.written
    kept_elsewhere = written.source is not None and not written.text.strip()
    if not written.TEXT or kept_elsewhere or not document.content:
        return  # no content: a published document whose file could not be read here
    text = " ".join(p.text for p in paragraphs(document))
    words = {w for w in re.findall(r"\w+", text.casefold()) if not w.isdigit()}
    line = document.text_line or 1
    if not text:
        yield Spot(line, "there is no text")
    elif sum(c.isalnum() for c in text) < LEAST_LETTERS:
        yield Spot(line, f"the text has under {LEAST_LETTERS} letters and digits")
    elif len(words) < LEAST_WORDS:
        yield Spot(line, f"the text repeats {len(words)} words")


def _swap(document: FolderDocument, around: LintContext) -> Iterator[Spot]:
    """Put another system's id and name in its place: something in the text must then be wrong."""
    system = document.written.system
    if not document.written.TEXT or system not in around.systems:
        return  # D5 says that the register does not have it
    words = paragraphs(document)
    if not words:
        return
    # The words alone: header and lists of a draft are filled in for whatever system it is of.
    said = " ".join(p.text for p in words).casefold()
    mine = {f for f in around.facts.of(system) if f.casefold() in said}
    evidence = {line.name for line in citation_lines(document) if _is_own(line.evidence, system, around)}
    cited = any(mark in evidence for p in words for mark in p.marks)
    for other, facts in around.facts.of_others(system):
        if not cited and not {f for f in mine if f not in facts}:
            text = (
                f"this text would fit {other}: nothing in it is true of {system} alone (evidence, group, model, data)"
            )
            yield Spot(document.text_line or 1, text)
            return


def _is_own(named: str | None, system: str, around: LintContext) -> bool:
    """Return whether a citation is of evidence about a system, as far as evidence was read."""
    if named is None or not around.evidence.sources:
        return named is not None
    return any(r.evidence.system in (None, system) for r in around.evidence.find(named))


def _hedges(document: FolderDocument, around: LintContext) -> Iterator[Spot]:
    hedged = list(_hedged(document, around))
    lines = {spot.line for spot in hedged}
    yield from hedged
    yield from (spot for spot in without_mechanism(document) if spot.line not in lines)


def _hedged(document: FolderDocument, around: LintContext) -> Iterator[Spot]:
    known = frozenset(around.people) | frozenset(p.name for p in around.people.values() if p.name)
    for passage in values(document):
        if EMPTY_ANSWER.fullmatch(passage.text.strip()):
            yield Spot(
                passage.line, f"{passage.text.strip()!r} answers {passage.at[-1]} with nothing that can be missed"
            )
    for passage in passages(document):
        words = MONTH.sub(lambda month: " " * len(month[0]), passage.text)
        found = next((h for h in HEDGE.finditer(words) if not _is_permission(h[0], document, passage)), None)
        if found and not has_anchor(passage.text, known):
            quoted = _quoted(passage.text, found.start())
            yield Spot(passage.line, f"{found[0]!r} stands without anything that can be looked up: {quoted}")


def _is_permission(word: str, document: FolderDocument, passage: Passage) -> bool:
    """Return whether `may` answers a field that asks who may do what: there it is a permission and no hedge."""
    return word.casefold() == "may" and "may" in question_of(document.written.kind, passage.at).split()


def _quoted(text: str, at: int = 0) -> str:
    """Return a text in quotes: of a long one a part, in which the word at a place is."""
    plain, before = " ".join(text.split()), len(" ".join(text[:at].split()))
    first = plain.rfind(" ", 0, before - QUOTED // 2) + 1 if before > QUOTED * 3 // 4 else 0
    ends = "…" if first + QUOTED < len(plain) else ""
    return f"“{'…' if first else ''}{plain[first : first + QUOTED]}{ends}”"


def _groups(document: FolderDocument, around: LintContext) -> Iterator[Spot]:
    yield from _listed_groups(document, around)
    yield from people_not_in_data(document, around)


def _listed_groups(document: FolderDocument, around: LintContext) -> Iterator[Spot]:
    system = document.written.system
    listed = document.fields.get("groups") or document.fields.get("affected_groups")
    compared = around.evidence.groups(system)
    if not isinstance(listed, list) or not compared:
        return
    place = "groups" if document.fields.get("groups") else "affected_groups"
    named = set()
    for index, entry in enumerate(listed):
        in_data = str(entry.get("in_data") or "")
        named.add(in_data)
        if in_data and in_data not in compared:
            yield Spot(document.line(place, index), f"{in_data} is no value of a column that was compared")
    said = document.content.decode("utf-8-sig")
    silent = sorted(g for g in compared - named if g not in said)
    if silent and document.written.kind != "system":
        yield Spot(document.line(place), f"values of the data that it does not name: {', '.join(silent[:6])}")


def _shared(document: FolderDocument, around: LintContext) -> Iterator[Spot]:
    """The same free text in documents about three or more systems; and answers of one letter."""
    if document.written.system is None:
        return
    for passage in (*paragraphs(document), *statements(document)):
        if around.shared.is_shared(without_name(passage.text, document)):
            yield Spot(passage.line, f"the same text stands for three systems or more: {_quoted(passage.text)}")


def _persons(document: FolderDocument, around: LintContext) -> Iterator[Spot]:
    people = {person(name): p for p in around.people.values() for name in (p.name, p.id) if name}
    if not people or document.written.kind == "people":
        return
    for at, name in named_people(document.written, document.fields):
        known = people.get(person(name))
        if known is None:
            yield Spot(document.line(*at), f"{name!r} is not in the people register")
        elif not known.active(around.today) and not (len(at) > 1 and at[-1] in HISTORY):
            yield Spot(document.line(*at), f"{name} {known.absence(around.today)}")


def _dates(document: FolderDocument, around: LintContext) -> Iterator[Spot]:
    written = document.written
    order = [(n, getattr(written, n)) for n in ("effective_from", "review_by", "valid_until", "retention_until")]
    given = [(n, day) for n, day in order if day]
    for (first, one), (second, other) in itertools.pairwise(given):
        if one > other and (first, second) != ("review_by", "valid_until"):
            yield Spot(document.line(second), f"{second} {other} is before {first} {one}")
    if written.sources_checked_on and written.sources_checked_on > around.today:
        yield Spot(
            document.line("sources_checked_on"), f"sources_checked_on {written.sources_checked_on} is in the future"
        )
    for at, day in _done(document.fields, ()):
        if day > around.today:
            yield Spot(document.line(*at), f"{field_text(at)} {day} is in the future")
    for at, first, second, one, other in _reversed(document.fields, ()):
        yield Spot(document.line(*at, second), f"{field_text((*at, second))} {other} is before {first} {one}")


DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
DONE = {
    "date", "done", "held", "tested", "received", "sent", "reached", "answered", "closed", "closed_on", "obtained_on",
    "checked_on", "published_at", "treated_on", "drill_date", "risk", "impact", "end", "detected_on", "aware_on",
    "contained_on", "risks_reviewed", "impact_reassessed", "reviewed",
}  # fmt: skip


def _done(value: object, at: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yield the days on which something was done, which cannot lie ahead."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _done(item, (*at, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _done(item, (*at, index))
    elif isinstance(value, str) and at[-1] in DONE and "contract" not in at and DAY.fullmatch(value):
        yield at, value


# Fields of one entry of which the first cannot be later than the second.
IN_ORDER = (
    ("received", "answered"), ("received", "closed"), ("detected_on", "contained_on"), ("start", "end"),
    ("begin", "end"), ("employed_from", "employed_until"), ("since", "until"), ("date", "reached"),
)  # fmt: skip


def _reversed(value: object, at: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], str, str, str, str]]:
    """Yield (place, first field, second field, their days) of each entry whose days are in the wrong order."""
    if isinstance(value, dict):
        for first, second in IN_ORDER:
            one, other = value.get(first), value.get(second)
            if isinstance(one, str) and isinstance(other, str) and DAY.fullmatch(one) and DAY.fullmatch(other):
                yield from [(at, first, second, one, other)] if one > other else []
        for key, item in value.items():
            yield from _reversed(item, (*at, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _reversed(item, (*at, index))


CHECKS: dict[str, Check] = {
    "G1": _body,
    "G2": _swap,
    "G4": _hedges,
    "G5": _groups,
    "G6": _shared,
    "G7": _persons,
    "G8": _dates,
}

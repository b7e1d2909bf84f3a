"""Findings S9 and T9: a use, data or a component that the policy, the register, a law or a licence forbids."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aims_mlflow.gates.document_content.content_words import affirmed, content_words
from aims_mlflow.management.findings.rules import ManagementFinding
from aims_mlflow.records.details import read_details
from aims_mlflow.records.details.training import AcquisitionDetails, DatasetDetails
from aims_mlflow.records.documents.context import IN_USE
from aims_mlflow.records.documents.impact import ImpactAssessmentDocument
from aims_mlflow.records.documents.information import IntendedUseDocument
from aims_mlflow.records.documents.leadership import PolicyDocument
from aims_mlflow.records.documents.third_parties import SupplierDocument

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from aims_mlflow.management.findings.state import ManagementState
    from aims_mlflow.records.details.base import SourceStatement
    from aims_mlflow.records.documents.context import SystemEntry

CLAUSE = re.compile(r"[.;!?]\s+|[.;!?]$")
PROHIBITED_CLASS = re.compile(r"\b(prohibited|forbidden|banned|unacceptable)\b", re.IGNORECASE)
# What allows no use in a system that decides about people: research, tests, use without gain.
RESTRICTED = re.compile(
    r"\bnon-?commercial\b|(?<![A-Za-z])NC(?![A-Za-z])|"
    r"\b(research|academic|educational|evaluation|personal)[\w\s-]{0,20}\b(only|licen[cs]e)\b|"
    r"\b(only|solely|exclusively)\b[\w\s,-]{0,30}\b(research|academic|teaching|evaluation|tests?|testing)\b|"
    r"\b(no|not|never|without)\b[\w\s]{0,20}\bcommercial(ly)?\b|\bcommercial\b[\w\s]{0,20}\b(excluded|prohibited|forbidden)\b|"
    r"\b(un|not )licen[cs]ed\b|\bno licen[cs]e\b|\bbanned\b|\bnot (allowed|permitted)\b",
    re.IGNORECASE,
)
UNTIL = re.compile(r"\b(?:until|till|up to|expires(?: on)?|ends(?: on)?)\s+(\d{4})(-\d{2}-\d{2})?\b", re.IGNORECASE)


@dataclass(frozen=True)
class StatedUse:
    """A sentence that says what a system is used for, on which data, or with what; and where it stands."""

    text: str
    where: str
    document: str


def findings(state: ManagementState, now: datetime) -> Iterator[ManagementFinding]:
    """Yield every finding about uses, data and components that are not permitted."""
    today = f"{now:%Y-%m-%d}"
    for system, entry in state.systems.items():
        if entry.stage in IN_USE:
            yield from _forbidden(system, entry, state)
            yield from _class(system, entry)
            yield from _components(system, state)
    yield from _data(state, today)


def _forbidden(system: str, entry: SystemEntry, state: ManagementState) -> Iterator[ManagementFinding]:
    """Yield S9 for each use of which every word stands in what a system is said to do."""
    stated = list(_stated_uses(system, entry, state))
    for text, document, whose in _prohibitions(system, entry, state):
        wanted = content_words(text)
        use = next((u for u in stated if wanted and wanted <= content_words(u.text)), None)
        if use is not None:
            fact = f"{whose} forbids “{text}”, and {use.where} of {system} says: “{use.text.strip()[:140]}”"
            fix = f"stop that use of {system}; where two things are meant, use other words: {use.document}, {document}"
            ids = tuple(dict.fromkeys((use.document, document)))
            yield ManagementFinding("S9", f"{system}/{document}/{text[:60]}", fact, fix, system, ids)


def _prohibitions(system: str, entry: SystemEntry, state: ManagementState) -> Iterator[tuple[str, str, str]]:
    """Yield (what is forbidden, id of the document, whose word it is)."""
    for policy in state.of(PolicyDocument):
        yield from ((text, policy.id, f"the AI policy {policy.id}") for text in policy.prohibited)
    yield from ((text, entry.id, f"the entry of {system}") for text in entry.prohibited_use)
    for use in state.about(IntendedUseDocument, system):
        yield from ((text, use.id, f"the intended use {use.id}") for text in use.not_for)


def _stated_uses(system: str, entry: SystemEntry, state: ManagementState) -> Iterator[StatedUse]:
    said = [
        (entry.purpose, "the purpose", entry.id), (entry.intended_use, "the intended use", entry.id),
        (entry.description, "the description", entry.id),
        *((d.use, "the document intended-use", d.id) for d in state.about(IntendedUseDocument, system)),
    ]  # fmt: skip
    for assessment in state.about(ImpactAssessmentDocument, system):
        described, use = assessment.described, assessment.assessed_use
        parts = (*((described.purpose, described.intended) if described else ()), *((use.scope,) if use else ()))
        said += [(text, "the impact assessment", assessment.id) for text in parts]
    for text, where, document in said:
        for clause in CLAUSE.split(affirmed(text or "")):
            if clause.strip():
                yield StatedUse(clause, where, document)
    for record in state.about(SupplierDocument, system):
        for part in record.components:
            text = " ".join(filter(None, ("component", part.component, part.supplier, part.kind, part.licence)))
            yield StatedUse(text, "the record of suppliers", record.id)
    for name, source in _sources(system, state):
        text = " ".join(
            filter(None, ("data", source.description, source.owner, source.uri, source.licence, source.subjects))
        )
        yield StatedUse(text, f"the source {name!r} of the training data", name)


def _class(system: str, entry: SystemEntry) -> Iterator[ManagementFinding]:
    """Yield S9 for a system in use whose class by a law is a forbidden one."""
    for law in entry.legal_class:
        if PROHIBITED_CLASS.search(affirmed(law.legal_class)):
            fact = f"{system} is in {entry.stage}, and its class by {law.framework} is {law.legal_class!r}"
            fix = f"take {system} out of use, or correct its class with the reason: {entry.id}"
            yield ManagementFinding("S9", f"{system}/law/{law.framework}", fact, fix, system, (entry.id,))


def _components(system: str, state: ManagementState) -> Iterator[ManagementFinding]:
    """Yield T9 for each component whose licence does not allow its use in a system that is in use."""
    for record in state.about(SupplierDocument, system):
        for part in record.components:
            if part.licence and RESTRICTED.search(part.licence):
                fact = f"{system} is in use with {part.component}, whose licence is {part.licence!r}"
                fix = f"get a licence for this use, or take {part.component} out, and correct {record.id}"
                yield ManagementFinding("T9", f"{system}/{part.component}", fact, fix, system, (record.id,))


def _data(state: ManagementState, today: str) -> Iterator[ManagementFinding]:
    """Yield T9 (A.7.3) for each source of training data whose rights do not reach to the use of today."""
    for system in dict.fromkeys(name for name, _ in state.live):
        for name, source in _sources(system, state):
            why = _why_not_allowed(source, system, state, today)
            if why:
                fact = f"the version of {system} in use was trained on {name}, and {why}"
                fix = f"get the right to use {name} for {system} and state it in aims.yaml, or train without it"
                yield ManagementFinding("T9", f"{system}/data/{name}", fact, fix, system, (), "A.7.3")


def _why_not_allowed(source: SourceStatement, system: str, state: ManagementState, today: str) -> str | None:
    for what, text in (("licence", source.licence), ("rights", source.rights)):
        if text and RESTRICTED.search(text):
            return f"its {what} is {text!r}" if what == "licence" else f"its rights are {text!r}"
        for year, rest in UNTIL.findall(text or ""):
            if f"{year}{rest or '-12-31'}" < today:
                return f"its {what} ended: {text!r}"
    others = {s: {s, e.name or s} for s, e in state.systems.items()}
    purpose = (source.purpose or "").casefold()
    named = [s for s, names in others.items() if any(n.casefold() in purpose for n in names)]
    if named and system not in named:
        return f"its purpose is {source.purpose!r}, which is another system"
    return None


def _sources(system: str, state: ManagementState) -> Iterator[tuple[str, SourceStatement]]:
    """Yield each source of the data of the versions of a system that are in use, once."""
    seen = set()
    for version in (v for name, v in state.live if name == system):
        found = [(read_details(r.evidence, AcquisitionDetails)) for r in version.of("acquisition")]
        pairs = [(d.name, d.source) for d in found]
        described = [read_details(r.evidence, DatasetDetails) for r in version.of("dataset-record")]
        pairs += [(d.source.name if d.source else None, d.source) for d in described]
        for name, source in pairs:
            if source is not None and name and (name, source.licence, source.rights) not in seen:
                seen.add((name, source.licence, source.rights))
                yield name, source

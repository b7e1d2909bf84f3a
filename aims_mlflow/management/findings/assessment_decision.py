"""Findings F10 to F13, and F2 and F5 by the register: what an assessment decides, by whom it is, and about whom."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aims_mlflow.gates.document_content.content_words import content_words
from aims_mlflow.management.findings.rules import ManagementFinding
from aims_mlflow.management.passages import paragraphs
from aims_mlflow.records.documents.context import IN_USE, PartiesDocument
from aims_mlflow.records.documents.impact import ImpactAssessmentDocument, PeopleImpactDocument
from aims_mlflow.records.documents.lifecycle import RequirementsDocument
from aims_mlflow.records.documents.risk import RiskRegisterDocument

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from aims_mlflow.management.findings.state import ManagementState
    from aims_mlflow.records.documents.context import AffectedGroup, SystemEntry

    Assessment = ImpactAssessmentDocument | PeopleImpactDocument

SHORTEST = 8  # of a waiver's id that is not written out
SAME = 0.6  # share of a condition's words that its measure repeats


def findings(state: ManagementState, now: datetime) -> Iterator[ManagementFinding]:  # noqa: ARG001 - one form for all
    """Yield every finding about decisions, consultations and groups of impact assessments."""
    for assessment in state.of(ImpactAssessmentDocument):
        yield from _decision(assessment, state)
        yield from _parties(assessment, state)
        yield from _groups(assessment, state)
        yield from _rights(assessment, state)
        yield from _assessors(assessment, state)
    for system, entry in state.systems.items():
        yield from _misuse(system, entry, state)


def _rights(assessment: ImpactAssessmentDocument, state: ManagementState) -> Iterator[ManagementFinding]:
    """Yield F2: an assessment of fundamental rights that names none of the groups that the system affects."""
    entry = state.systems.get(str(assessment.system))
    if assessment.rights is None or not assessment.rights.categories or entry is None:
        return
    groups = [g.name for g in (*entry.affected_groups, *assessment.groups)]
    said = content_words(" ".join(assessment.rights.categories))
    if groups and not any(content_words(name) & said for name in groups):
        fact = (
            f"the form of Art. 27 in {assessment.id} is about {assessment.rights.categories[0]!r}, and names none of "
        )
        fact += f"the groups that {assessment.system} affects ({', '.join(dict.fromkeys(groups))})"
        fix = f"say who is affected in this deployer's use: rights.categories of {assessment.id}"
        yield ManagementFinding("F2", f"{assessment.id}/rights", fact, fix, assessment.system, (assessment.id,))


def _assessors(assessment: ImpactAssessmentDocument, state: ManagementState) -> Iterator[ManagementFinding]:
    """Yield F12: everybody who assessed the version in use trained it."""
    trainers: set[str] = set()
    for system, version in state.live:
        if system == assessment.system and version.digest in (*assessment.model_digests, None):
            trainers |= state.trainers_of(version)
    team = [a.person for a in assessment.assessors]
    if team and trainers and {state.same_person(who) for who in team} <= {state.same_person(t) for t in trainers}:
        fact = f"{assessment.id} was made by {', '.join(team)} alone, who trained what it assesses"
        fix = f"let somebody who did not train it assess it too, and name them in assessors of {assessment.id}"
        yield ManagementFinding("F12", assessment.id, fact, fix, assessment.system, (assessment.id,))


def _misuse(system: str, entry: SystemEntry, state: ManagementState) -> Iterator[ManagementFinding]:
    """Yield F13: a misuse that the entry of a system expects, and that no passage of its assessments is about.

    A passage counts that has most of its words: whoever means it in other words is told which ones were looked for.
    """
    mine = state.about(ImpactAssessmentDocument, system)
    every: list[Assessment] = [*mine, *state.about(PeopleImpactDocument, system)]
    said = [content_words(text) for assessment in every for text in _told(assessment, state)]
    for misuse in entry.foreseeable_misuse if mine else ():
        wanted = content_words(misuse)
        if wanted and not any(len(wanted & words) >= SAME * len(wanted) for words in said):
            fact = (
                f"the entry of {system} expects “{misuse[:120]}”, and no passage of {mine[-1].id} has most of its words"
            )
            fix = f"add the harm to impacts of {mine[-1].id} with foreseeable_misuse: true, or to failures_and_misuse"
            yield ManagementFinding("F13", f"{system}/{misuse[:60]}", fact, fix, system, (mine[-1].id, entry.id))


def _told(assessment: Assessment, state: ManagementState) -> Iterator[str]:
    """Yield the passages of an assessment that can be about a misuse: listed ones, impacts and paragraphs."""
    if isinstance(assessment, ImpactAssessmentDocument):
        yield from assessment.failures_and_misuse
    for impact in assessment.impacts:
        yield impact.model_dump_json(exclude={"evidence"})
    text = state.texts.get(assessment.id)
    yield from (passage.text for passage in paragraphs(text)) if text else ()


def _decision(assessment: ImpactAssessmentDocument, state: ManagementState) -> Iterator[ManagementFinding]:
    """Yield F10: a system in use that was not to be used, or conditions that nobody has to meet."""
    system, digests = str(assessment.system), {v.digest for name, v in state.live if name == assessment.system}
    entry = state.systems.get(system)
    other = bool(digests) and bool(assessment.model_digests) and not digests & set(assessment.model_digests)
    if other or not (digests or (entry and entry.stage in IN_USE)):
        return  # F8 says that it is about another version
    fact, fix = None, f"take {system} out of use, or decide again with reasons: {assessment.id}"
    bare = [c for c in assessment.conditions if not _is_backed(c, assessment, state)]
    if assessment.decision == "no go":
        fact = f"{assessment.id} decides “no go”, and {system} is in use"
    elif assessment.decision == "go with conditions" and not assessment.conditions:
        fact = f"{assessment.id} decides “go with conditions”, and states none"
        fix = f"state them in conditions of {assessment.id}, each with a measure that has an owner and a day"
    elif bare:
        fact = f"the condition “{bare[0][:120]}” of {assessment.id} is no measure of it, and names no requirement, "
        fact += "risk or waiver"
        fix = f"add it to measures of {assessment.id} with owner and day, or name the requirement or waiver that it is"
    if fact:
        yield ManagementFinding("F10", assessment.id, fact, fix, system, (assessment.id,))


def _is_backed(condition: str, assessment: ImpactAssessmentDocument, state: ManagementState) -> bool:
    """Return whether a condition is a measure of the assessment, or names a requirement, a risk or a waiver by id."""
    system = str(assessment.system)
    ids = {str(r.id) for d in state.about(RequirementsDocument, system) for r in d.requirements if r.id}
    ids |= {r.id for d in state.of(RiskRegisterDocument) for r in d.risks}
    words = set(re.findall(r"[\w.-]+", condition))
    waivers = [w.waiver for name, v in state.live if name == system for w in v.waived]
    if ids & words or any(len(w) >= SHORTEST and x.startswith(w) for w in words for x in waivers):
        return True
    wanted = content_words(condition)
    measures = (content_words(m.measure or "") for m in assessment.measures)
    return any(len(wanted & said) >= SAME * len(wanted) for said in measures if wanted)


def _parties(assessment: ImpactAssessmentDocument, state: ManagementState) -> Iterator[ManagementFinding]:
    """Yield F11: parties whom an assessment names, and the list of interested parties does not."""
    listed = {p.who.casefold() for d in state.of(PartiesDocument) for p in d.parties}
    named = dict.fromkeys((*(c.party for c in assessment.consulted), *assessment.parties))
    unknown = [p for p in named if listed and p.casefold() not in listed]
    if unknown:
        fact = f"{assessment.id} names {', '.join(unknown[:3])}, whom the list of interested parties does not have"
        fix = "add them to parties with what they need, or use the name that stands there"
        yield ManagementFinding("F11", assessment.id, fact, fix, assessment.system, (assessment.id,))


def _groups(assessment: ImpactAssessmentDocument, state: ManagementState) -> Iterator[ManagementFinding]:
    """Yield F5: groups that the entry of the system has and the assessment does not name, and the other way round."""
    entry = state.systems.get(str(assessment.system))
    if entry is None or not entry.affected_groups or not assessment.groups:
        return
    text = state.texts.get(assessment.id)
    said = f"{assessment.model_dump_json()} {text.content.decode('utf-8', 'replace') if text else ''}".casefold()
    silent = [g.name for g in entry.affected_groups if not any(n.casefold() in said for n in _names(g))]
    known = {n.casefold() for g in entry.affected_groups for n in _names(g)}
    # Of a group that is a value of the data of a version in use, the data tell whether it is there.
    compared = any(name == assessment.system for name, _ in state.live)
    described = [g for g in assessment.groups if not (g.in_data and compared)]
    extra = [g.name for g in described if not any(n.casefold() in known for n in _names(g))]
    whom = f"by the entry of {assessment.system}"
    wrong = [("not assessed", g, f"{assessment.id} does not name {g}, who are affected {whom}") for g in silent]
    wrong += [("not registered", g, f"{assessment.id} names {g}, who are no affected group {whom}") for g in extra]
    for about, group, fact in wrong:
        fix = f"name the same groups in affected_groups of {entry.id} and in groups of {assessment.id}"
        ids = (assessment.id, entry.id)
        yield ManagementFinding("F5", f"{assessment.id}/{about}/{group}", fact, fix, assessment.system, ids)


def _names(group: AffectedGroup) -> tuple[str, ...]:
    return (group.in_data,) if group.in_data else (group.name,)

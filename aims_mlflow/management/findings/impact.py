"""Findings F1-F9: impact assessments that would fit any system, or do not fit the version in use."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from aims_mlflow.canonical import digest_of
from aims_mlflow.checks.claims import is_left_out
from aims_mlflow.management.assessed_harms import AssessedHarms
from aims_mlflow.management.findings.rules import ManagementFinding
from aims_mlflow.management.findings.wording_context import wording_context
from aims_mlflow.management.named_causes import GroupsInData, why_no_effect
from aims_mlflow.management.passages import citation_lines, has_anchor, paragraphs, statements
from aims_mlflow.management.rules import CHECKS
from aims_mlflow.management.rules.base import Spot
from aims_mlflow.management.rules.figures import other_values, unadmitted, unresolved
from aims_mlflow.records.details import read_details
from aims_mlflow.records.details.training import ProvenanceDetails
from aims_mlflow.records.documents.impact import ImpactAssessmentDocument, PeopleImpactDocument
from aims_mlflow.records.wording import describe, slice_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from datetime import datetime

    from aims_mlflow.evidence.statement import SealedRecord
    from aims_mlflow.management.findings.state import DeployedVersion, ManagementState
    from aims_mlflow.management.folder import FolderDocument
    from aims_mlflow.management.passages import Passage
    from aims_mlflow.management.rules.base import LintContext
    from aims_mlflow.records.documents.impact import ImpactMeasure
    from aims_mlflow.records.evidence import Claim

    Assessment = ImpactAssessmentDocument | PeopleImpactDocument

NOT_PASSED = ("failed", "not_evaluated")
STATES = re.compile(
    r"\b(harm|risk|bias|discriminat|disadvantag|unfair|error|test|evaluat|assess|mitigat|safeguard|prevent|monitor)\w*",
    re.IGNORECASE,
)


def findings(state: ManagementState, now: datetime) -> Iterator[ManagementFinding]:
    """Yield every finding about impact assessments, by their words and by the versions in use."""
    context = wording_context(state, now)
    assessments: list[Assessment] = [*state.of(ImpactAssessmentDocument), *state.of(PeopleImpactDocument)]
    for written in assessments:
        text = state.texts.get(written.id)
        if text is not None:
            yield from _words(written, text, context)
        yield from _measures(written, text, context)
        yield from _overdue(written, now.strftime("%Y-%m-%d"))
    for system, version in state.live:
        yield from _of_version(system, version, state)


def _words(written: Assessment, text: FolderDocument, around: LintContext) -> Iterator[ManagementFinding]:
    """Yield F1 to F5: what the rules about words say, once for each place."""
    checks: tuple[tuple[str, Callable[[FolderDocument, LintContext], Iterable[Spot]], str], ...] = (
        ("F1", _generic, "say who, how many, by which record, or take the sentence out"),
        ("F2", CHECKS["G2"], "name what is true of this system alone: groups, figures with their evidence, data"),
        ("F3", _unresolved, "cite the record that shows it, or say that it failed"),
        ("F4", other_values, "show the value that the evidence has"),
        ("F5", CHECKS["G5"], "name the group, or say in `not_in_data` why the data do not tell it apart"),
    )
    for rule, check, fix in checks:
        for spot in dict.fromkeys(check(text, around)):
            fact = f"{written.called}, line {spot.line}: {spot.text}"
            about = f"{written.id}/{digest_of(['spot', spot.text])[:16]}"
            how = f"{fix}: aims document lint {written.id}"
            yield ManagementFinding(rule, about, fact, how, written.system, (written.id,))


def _generic(document: FolderDocument, around: LintContext) -> Iterator[Spot]:
    """Yield each statement of a harm, a risk, a test or a mitigation in which nothing can be looked up."""
    known = frozenset(around.people) | frozenset(p.name for p in around.people.values() if p.name)
    for passage in (*paragraphs(document), *statements(document)):
        found = STATES.search(passage.text)
        if found and not has_anchor(_whole(document, passage), known):
            yield Spot(passage.line, f"{found[0]!r} is stated of nobody and by nothing: “{passage.text.strip()[:90]}”")
    yield from (s for s in CHECKS["G4"](document, around))


def _whole(document: FolderDocument, passage: Passage) -> str:
    """Return a passage with the entry that it is part of: the group or the evidence of an impact stands there."""
    listed = document.fields.get(str(passage.at[0])) if passage.at else None
    if isinstance(listed, list) and len(passage.at) > 1 and isinstance(passage.at[1], int):
        return json.dumps(listed[passage.at[1]], ensure_ascii=False)
    return passage.text


def _unresolved(document: FolderDocument, around: LintContext) -> Iterator[Spot]:
    """Yield each citation that leads nowhere, and each of a failed record whose sentence says nothing of that."""
    if not around.evidence.sources:
        return
    yield from unresolved(document, around)
    yield from unadmitted(document, around)


def _measures(written: Assessment, text: FolderDocument | None, around: LintContext) -> Iterator[ManagementFinding]:
    """Yield F7: measures that are said to be done, and whose effect nothing shows."""
    marks = {line.name: str(line.evidence) for line in (citation_lines(text) if text else ()) if line.evidence}
    for measure in written.measures:
        if measure.done is None:
            continue
        why = _no_effect(measure, written, marks, around)
        if why:
            fact = f"the measure for {measure.impact} in {written.id} is done since {measure.done}, and {why}"
            fix = f"measure again after {measure.done} on the version in use, and name the record in {written.id}"
            yield ManagementFinding("F7", f"{written.id}/{measure.impact}", fact, fix, written.system, (written.id,))


def _overdue(written: Assessment, today: str) -> Iterator[ManagementFinding]:
    """Yield F7: measures that were due, and of which nobody says that they are done."""
    for measure in written.measures:
        if measure.done is None and measure.due and measure.due < today:
            fact = f"the measure for {measure.impact} in {written.id} was due on {measure.due}, and is not done"
            fix = f"do it, and state done and its evidence in {written.id}, or a later day with who agreed to it"
            yield ManagementFinding("F7", f"{written.id}/{measure.impact}", fact, fix, written.system, (written.id,))


def _no_effect(
    measure: ImpactMeasure, written: Assessment, marks: Mapping[str, str], around: LintContext
) -> str | None:
    """Return why the evidence that a measure names does not show its effect; None if it does, or none was read."""
    if not measure.effectiveness_evidence:
        return "no evidence shows that it works"
    for name in measure.effectiveness_evidence if around.evidence.sources else ():
        found = around.evidence.find(name)
        if len(found) != 1:
            return f"its evidence {name[:13]} leads to no record of a version in use"
        why = _not_of_use(found[0], str(measure.done), written, around)
        why = why or _not_of_harm(found[0], measure, written, marks, around)
        if why:
            return f"its evidence {found[0].id[:13]} {why}"
    return None


def _not_of_use(record: SealedRecord, done: str, written: Assessment, around: LintContext) -> str | None:
    """Return why a record is no later, passed test of what is in use."""
    if written.system and record.evidence.system not in (None, written.system):
        return f"is about {record.evidence.system}"
    digests = {d for s in record.subjects for n, d in s.digest.items() if n == "dirHash1"}
    live = set(around.evidence.model_digests)
    if record.evidence.time[:10] < done:
        return f"is of {record.evidence.time[:10]}, before that"
    if digests and live and not digests & live:
        return f"is about model {min(digests)[:12]}, which is not in use"
    if record.evidence.result in NOT_PASSED:
        return f"says {record.evidence.result.replace('_', ' ')}"
    return None


def _not_of_harm(
    record: SealedRecord, measure: ImpactMeasure, written: Assessment, marks: Mapping[str, str], around: LintContext
) -> str | None:
    """Return why a record shows nothing of the harm that a measure is against."""
    harm = next((i for i in written.impacts if i.id == measure.impact), None)
    if harm is None:
        return None
    named = (marks.get(name.strip("[]^"), name) for name in harm.evidence)
    rest = [r for name in named for r in around.evidence.find(name)]
    entry = around.systems.get(str(written.system))
    groups = (*written.groups, *(entry.affected_groups if entry else ()))
    people = GroupsInData(groups, around.evidence.of_system(written.system))
    return why_no_effect(record, harm.group, harm.mechanism, rest, people)


def _of_version(system: str, version: DeployedVersion, state: ManagementState) -> Iterator[ManagementFinding]:
    """Yield F8 where no assessment is about the version in use, else F6 for each result that none of them cites."""
    mine = state.about(ImpactAssessmentDocument, system)
    in_use = f"{version.name}, which has {version.place}"
    fix = f"aims document new impact-assessment --system {system} --evidence {version.address}"
    about = f"{system}/{version.model}@{version.place}"
    if not mine:
        yield ManagementFinding("F8", about, f"no impact assessment of {system} covers {in_use}", fix, system)
        return
    if version.digest and not any(version.digest in d.model_digests for d in mine):
        named = ", ".join(sorted({x[:12] for d in mine for x in d.model_digests})) or "no model"
        fact = f"{mine[-1].id} is about {named}, and {in_use} has other bytes ({version.digest[:12]})"
        again = f"assess what changed, name {version.digest[:12]}… in model_digests, and publish it: {fix}"
        yield ManagementFinding("F8", about, fact, again, system, tuple(d.id for d in mine))
        return
    about_it = [d for d in mine if version.digest in d.model_digests]
    harms = AssessedHarms((d, state.texts.get(d.id)) for d in [*about_it, *state.about(PeopleImpactDocument, system)])
    newest = (about_it or mine)[-1].id
    for record, claim in _bad(version):
        why = harms.why_not(record, claim)
        if why:
            key = f"{system}/{record.evidence.kind}/{claim.metric}/{slice_text(claim.slice)}"
            fact = f"{describe(claim)} ({version.name}), and in {newest} {why}"
            fix = f"add the harm to impacts of {newest}, with group, mechanism and evidence: [{record.id}]"
            yield ManagementFinding("F6", key, fact, fix, system, (record.id, newest))
    yield from _other_data(system, version, about_it)


def _other_data(
    system: str, version: DeployedVersion, assessments: list[ImpactAssessmentDocument]
) -> Iterator[ManagementFinding]:
    """Yield F9: data that an assessment names by their digest, and that the version was not made or tested on."""
    known = {
        digest
        for record in version.of("training-provenance")
        for data in (read_details(record.evidence, ProvenanceDetails).data or {}).values()
        for digest in (data.digest or {}).values()
    }
    known |= {d for record in version.records for s in record.subjects for d in s.digest.values()}
    for assessment in assessments:
        other = [d for d in assessment.data if d.digest and not any(k.startswith(d.digest.rstrip(".…")) for k in known)]
        if other and known:
            fact = (
                f"{assessment.id} assesses data {str(other[0].digest)[:12]}, and no evidence of {version.name} is about"
            )
            shown = f"aims evidence show {version.address}"
            fix = f"name the data of {version.name} in data of {assessment.id}: {shown}"
            yield ManagementFinding("F9", f"{system}/{assessment.id}", f"{fact} them", fix, system, (assessment.id,))


def _bad(version: DeployedVersion) -> Iterator[tuple[SealedRecord, Claim]]:
    """Yield each result of a version that misses a limit or warns, and each group that was left out."""
    for record in version.counting:
        about = version.digest is not None and record.has_subject(version.digest)
        for claim in record.evidence.claims if about else ():
            if claim.passed is False or is_left_out(claim):
                yield record, claim

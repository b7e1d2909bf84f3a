"""Finding R3: what failed, was waived or went wrong, and no risk register has it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aims_mlflow.management.cited_records import begins
from aims_mlflow.management.findings.rules import ManagementFinding
from aims_mlflow.management.named_causes import GroupsInData, failures, why_no_risk
from aims_mlflow.records.documents.impact import ImpactAssessmentDocument, PeopleImpactDocument
from aims_mlflow.records.documents.incident import IncidentDocument
from aims_mlflow.records.wording import describe, slice_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aims_mlflow.management.findings.state import DeployedVersion, ManagementState
    from aims_mlflow.records.decision import Unmet
    from aims_mlflow.records.documents.context import AffectedGroup
    from aims_mlflow.records.documents.risk import RiskEntry, RiskRegisterDocument


def unwritten_risks(state: ManagementState, registers: list[RiskRegisterDocument]) -> Iterator[ManagementFinding]:
    """Yield R3 for each failure and waiver of a version in use, each incident, and each risk that was only assessed."""
    risks = [r for d in registers for r in d.risks]
    ids = tuple(d.id for d in registers)
    for system, version in state.live:
        mine = [r for r in risks if r.system in (None, system)]
        yield from _failed(system, version, mine, people_of(system, version, state), ids)
        yield from _waived(system, version, mine, ids)
    yield from _fed(state, risks, ids)
    named = {r.id for r in risks}
    for incident in state.of(IncidentDocument):
        unknown = [r for r in incident.risks if r not in named]
        if not incident.risks or unknown:
            why = f"names risk {unknown[0]}, which no risk register has" if unknown else "names no risk"
            fact = f"incident {incident.id} {why}: what it showed was assessed by nobody"
            fix = f"add the risk to {ids[-1]}, and name it in `risks` of {incident.id}"
            yield ManagementFinding("R3", f"incident/{incident.id}", fact, fix, incident.system, (incident.id, *ids))


def people_of(system: str, version: DeployedVersion, state: ManagementState) -> GroupsInData:
    """Return the groups of a system by its entry and its assessments, as the evidence of a version compares them."""
    return GroupsInData(groups_of(system, state), version.records)


def groups_of(system: str, state: ManagementState) -> list[AffectedGroup]:
    """Return the groups of a system by its entry and its assessments."""
    entry = state.systems.get(system)
    groups = list(entry.affected_groups if entry else ())
    groups += [g for d in state.about(ImpactAssessmentDocument, system) for g in d.groups]
    return groups + [g for d in state.about(PeopleImpactDocument, system) for g in d.groups]


def _failed(
    system: str, version: DeployedVersion, risks: list[RiskEntry], people: GroupsInData, ids: tuple[str, ...]
) -> Iterator[ManagementFinding]:
    for record in version.counting:
        kind = record.evidence.kind
        for claim in failures(record):
            why = why_no_risk(record, claim, risks, people)
            if why:
                what = describe(claim) if claim else f"{kind} failed"
                fact = f"{what} ({version.name}), and no risk of {system} {why}"
                whom = f" and group: {slice_text(claim.slice)}" if claim and claim.slice else ""
                fix = f"add a risk with cause_evidence: [{record.id}]{whom} to {ids[-1]}: "
                fix += f"aims document publish {ids[-1]}"
                about = f"{system}/{kind}" + (f"/{claim.metric}/{slice_text(claim.slice)}" if claim else "")
                yield ManagementFinding("R3", about, fact, fix, system, (record.id, *ids))


def _waived(
    system: str, version: DeployedVersion, risks: list[RiskEntry], ids: tuple[str, ...]
) -> Iterator[ManagementFinding]:
    """Yield R3 for each waiver that no risk names, itself or by the record that falls short."""
    causes = [cause for r in risks for cause in r.cause_evidence]
    by_id = {w.waiver: w for w in reversed(version.waived) if not _has_failed(w.unmet, version)}
    for waiver, waived in by_id.items():
        if any(begins(name, cause) for name in (*waived.waivers, waived.unmet.evidence or "") for cause in causes):
            continue
        fact = f"waiver {waiver} of {waived.unmet.control} by {waived.owner} let {version.name} pass without "
        fact += f"{waived.unmet.kind}, and no risk of {system} names it as its cause"
        fix = f"add a risk with cause_evidence: [{waiver}] to {ids[-1]}: aims document publish {ids[-1]}"
        yield ManagementFinding("R3", f"{system}/waiver/{waiver}", fact, fix, system, (waiver, *ids))


def _has_failed(unmet: Unmet, version: DeployedVersion) -> bool:
    """Return whether what was waived is a failure in the evidence, which is judged by its claim."""
    failed = (c for r in version.of(unmet.kind) for c in failures(r))
    return any(c is None or unmet.metric in (None, c.metric) for c in failed)


def _fed(state: ManagementState, risks: list[RiskEntry], ids: tuple[str, ...]) -> Iterator[ManagementFinding]:
    """Yield R3: risks that an impact assessment feeds, and that no register has."""
    systems_of: dict[str, set[str | None]] = {}
    for risk in risks:
        systems_of.setdefault(risk.id, set()).add(risk.system)
    for assessment in state.of(ImpactAssessmentDocument):
        others = set(state.systems) - {assessment.system}
        unknown = [r for r in assessment.feeds_risks if not systems_of.get(r, set()) - others]
        if unknown:
            theirs = sorted(str(s) for s in systems_of.get(unknown[0], ()))
            where = f"which is a risk of {', '.join(theirs)}" if theirs else "which is in no risk register"
            fact = f"{assessment.id} feeds risk {unknown[0]}, {where}"
            fix = f"add {unknown[0]} to {ids[-1]}, or correct feeds_risks of {assessment.id}"
            yield ManagementFinding("R3", assessment.id, fact, fix, assessment.system, (assessment.id, *ids))

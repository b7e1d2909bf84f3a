"""Findings K2, K3 and K8: one person holds duties that control each other, or was judged by themselves."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aims_mlflow.gates.document_content.content_words import content_words
from aims_mlflow.gates.document_content.duties import DutyRegister, duties_on
from aims_mlflow.management.findings.rules import ManagementFinding
from aims_mlflow.records.documents.leadership import RoleAssignmentDocument, RolesDocument
from aims_mlflow.records.documents.lifecycle import CompetenceDocument, DeploymentPlanDocument, MonitoringPlanDocument

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from aims_mlflow.management.findings.state import ManagementState
    from aims_mlflow.records.documents.leadership import Activity, AuthorityRole

JUDGING: tuple[Activity, ...] = ("validate", "approve")
ACTING: tuple[Activity, ...] = ("operate", "stop", "approve", "validate", "report")
# Roles whose competence is about AI itself; a clinician who uses a system has to know radiology.
JUDGED = re.compile(r"train|approv|audit", re.IGNORECASE)
# What somebody knows who trains, judges, runs or audits a system: one word of it names a competence for AI.
TOPICS = content_words(
    "AI ML model modelling evaluation validation testing fairness bias discrimination data quality statistics learning "
    "science engineering software programming development risk law legal regulation act compliance privacy protection "
    "security safety ethics audit supplier procurement contract oversight monitoring operation incident management "
    "systems documentation explainability robustness algorithm analysis"
)


def findings(state: ManagementState, now: datetime) -> Iterator[ManagementFinding]:
    """Yield every finding about duties and judgements that need two people."""
    duties = duties_on(state, now.strftime("%Y-%m-%d"))
    for system in state.systems:
        yield from _both(system, duties, state)
    for plan in state.of(DeploymentPlanDocument):
        yield from _may_not_stop(plan, duties, state)
    for watched in state.of(MonitoringPlanDocument):
        yield from _may_not_act(watched, duties, state)
    for document in state.of(RolesDocument):
        yield from _deputies(document, state)
    for record in state.of(CompetenceDocument):
        yield from _shown(record, state)


def judges_own_training(system: str, duties: DutyRegister, state: ManagementState) -> Iterator[tuple[Activity, str]]:
    """Yield (duty, person) of whoever is to train a system and to validate or approve it too."""
    training = {state.same_person(name) for name in duties.holders(("train",), system)}
    for duty in JUDGING:
        by_role = duties.approving_roles(system) if duty == "approve" else ()
        for name in dict.fromkeys((*duties.holders((duty,), system), *by_role)):
            if state.same_person(name) in training:
                yield duty, name


def _both(system: str, duties: DutyRegister, state: ManagementState) -> Iterator[ManagementFinding]:
    """Yield K8: who is to train a system is to validate or approve it too."""
    for duty, name in judges_own_training(system, duties, state):
        fact = f"{name} is to train {system}, and to {duty} it: nobody judges their own work"
        fix = f"give one of both duties to another person: aims document new role-assignment --system {system}"
        ids = tuple(d.id for d in state.about(RoleAssignmentDocument, system))
        yield ManagementFinding("K8", f"{system}/{duty}/{name}", fact, fix, system, ids)


def _may_not_stop(
    plan: DeploymentPlanDocument, duties: DutyRegister, state: ManagementState
) -> Iterator[ManagementFinding]:
    """Yield K2: who may stop a release by its plan, and holds no such duty for the system."""
    system = str(plan.system)
    held = {state.same_person(name) for name in duties.may_stop(system)}
    if held and plan.who_may_stop and not _names_one(plan.who_may_stop, held, state):
        fact = f"by {plan.id} {plan.who_may_stop} may stop the release of {system}, and holds no duty to stop it; "
        fact += f"{', '.join(sorted(held))} does"
        fix = (
            f"name who holds it, or give it to {plan.who_may_stop} in role-assignment: aims document publish {plan.id}"
        )
        yield ManagementFinding("K2", f"{system}/{plan.id}/stop", fact, fix, system, (plan.id,))


def _may_not_act(
    plan: MonitoringPlanDocument, duties: DutyRegister, state: ManagementState
) -> Iterator[ManagementFinding]:
    """Yield K2: who acts on a breach by the plan, and holds no duty for the system."""
    system = str(plan.system)
    held = {state.same_person(name) for name in duties.holders(ACTING, system)}
    known = plan.who_acts and state.same_person(plan.who_acts) in {state.same_person(p) for p in state.people}
    if held and plan.who_acts and known and not _names_one(plan.who_acts, held, state):
        fact = f"by {plan.id} {plan.who_acts} acts on a breach of {system}, and holds no duty for it; "
        fact += f"{', '.join(sorted(held))} does"
        fix = f"name who holds one, or give it to {plan.who_acts} in role-assignment: aims document publish {plan.id}"
        yield ManagementFinding("K2", f"{system}/{plan.id}/acts", fact, fix, system, (plan.id,))


def _names_one(words: str, held: set[str], state: ManagementState) -> bool:
    """Return whether words such as "the head of lending (olga)" name somebody who holds the duty."""
    names = held | {p.name.casefold() for p in state.people.values() if p.name and state.same_person(p.id) in held}
    return state.same_person(words) in held or any(
        re.search(rf"(?<!\w){re.escape(name)}(?!\w)", words.casefold()) for name in names
    )


def is_own_deputy(role: AuthorityRole, state: ManagementState) -> bool:
    """Return whether somebody is to stand in for themselves."""
    return bool(role.person and role.deputy and state.is_one_of(role.deputy, (role.person,)))


def assessed_themselves(record: CompetenceDocument, state: ManagementState) -> bool:
    """Return whether somebody judged their own competence."""
    return bool(record.person and record.assessor and state.is_one_of(record.assessor, (record.person,)))


def _deputies(document: RolesDocument, state: ManagementState) -> Iterator[ManagementFinding]:
    """Yield K2: somebody is their own deputy."""
    for role in document.roles:
        if is_own_deputy(role, state):
            fact = f"{role.deputy} is to stand in for themselves as {role.role} ({document.id})"
            fix = f"name another deputy, and publish it again: aims document publish {document.id}"
            yield ManagementFinding("K2", f"{document.id}/{role.role}/deputy", fact, fix, None, (document.id,), "5.3")


def _shown(record: CompetenceDocument, state: ManagementState) -> Iterator[ManagementFinding]:
    """Yield K3: competence that its holder assessed, or that has nothing to do with AI."""
    if assessed_themselves(record, state):
        fact = f"{record.person} assessed their own competence ({record.id})"
        fix = f"let another person assess it, and publish it again: aims document publish {record.id}"
        yield ManagementFinding("K3", f"{record.id}/assessor", fact, fix, None, (record.id,))
    named = content_words(record.requirement or "")
    if named and record.language == "en" and JUDGED.search(record.role or "") and not named & TOPICS:
        fact = (
            f"{record.id} shows that {record.person} knows {record.requirement!r}, which no work on an AI system needs"
        )
        fix = f"state what the role {record.role or 'of this person'} needs, such as model evaluation, fairness "
        fix += f"analysis, AI risk or law: aims document publish {record.id}"
        yield ManagementFinding("K3", f"{record.id}/requirement", fact, fix, None, (record.id,))

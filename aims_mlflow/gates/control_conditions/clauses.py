"""Conditions of the clauses 4 to 10: context, leadership, risk, audit, review, corrective action."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aims_mlflow.catalog.loader import controls
from aims_mlflow.gates.control_conditions.by_document import (
    by_document,
    by_documents,
    each_entry,
    entries,
    judged,
    states,
)
from aims_mlflow.gates.control_conditions.operation import CHECKS as IN_OPERATION
from aims_mlflow.gates.control_conditions.organisation import CHECKS as OF_THE_ORGANISATION
from aims_mlflow.gates.control_conditions.organisation import dated
from aims_mlflow.gates.person_statements import MANAGEMENT, approving_role, says
from aims_mlflow.gates.shapes import mappings, texts
from aims_mlflow.gates.verdict import Judgement, joined
from aims_mlflow.signing.owners import is_among, person

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from typing import Any

    from aims_mlflow.gates.control_conditions.by_document import Check
    from aims_mlflow.gates.person_statements import PublishedDocument
    from aims_mlflow.gates.status_subject import StatusSubject
    from aims_mlflow.gates.verdict import Problem

# What the standard asks to be written, whatever else an organisation writes.
WRITTEN = ("ai-policy", "scope", "risk-method", "soa")
# Inputs of a management review that clause 9.3 asks for, each with its words.
REVIEW_INPUTS = {
    "earlier_actions": "actions of the last review", "context_changes": "changes of context and parties",
    "nonconformities": "nonconformities and corrective actions", "monitoring": "results of monitoring and measurement",
    "audits": "results of audits", "objectives": "objectives that were reached", "incidents": "incidents",
    "opportunities": "opportunities for improvement",
}  # fmt: skip


def _scanned(entry: Mapping[str, Any], subject: StatusSubject, at: datetime) -> Problem:  # noqa: ARG001
    known = says(entry.get("system")) or says(entry.get("explanation"))
    return None if known else ("failed", f"{entry.get('id')} was found, and is neither registered nor explained")


def all_assessed(document: PublishedDocument, subject: StatusSubject, at: datetime) -> Problem:  # noqa: ARG001
    """Each registered system has a risk."""
    systems = {str(e.get("id")) for d in subject.written("register") for e in mappings(d.fields.get("systems"))}
    systems |= {subject.name} if subject.scope != "organization" and subject.name else set()
    registers = [document, *subject.written("risk-register")]
    assessed = {str(e.get("system")) for d in registers for e in mappings(d.fields.get("risks"))}
    bare = sorted(systems - assessed)
    return ("missing", f"no risk is assessed for {', '.join(bare)}") if bare or not assessed else None


def every_control(document: PublishedDocument, subject: StatusSubject, at: datetime) -> Problem:  # noqa: ARG001
    """Each of the 38 controls is in or out, with a reason."""
    reasoned = {str(e.get("control")) for e in mappings(document.fields.get("controls")) if says(e.get("reason"))}
    lacking = [c for c in controls() if c not in reasoned]
    text = f"{len(lacking)} of {len(controls())} controls have no reason: {', '.join(lacking[:5])}"
    return ("missing", text) if lacking else None


def _impartial(entry: Mapping[str, Any], subject: StatusSubject, at: datetime) -> Problem:  # noqa: ARG001
    own = subject.counted.trainers
    if is_among(str(entry.get("person")), own):
        return "failed", f"{entry.get('person')} audits a model that they trained"
    return (
        None if says(entry.get("competence")) else ("missing", f"the competence of {entry.get('person')} is not stated")
    )


def audited(subject: StatusSubject, at: datetime) -> Judgement:
    """There is a programme, and the team of the newest audit is competent and audits nothing of its own."""
    programme = by_document("audit-programme", entries("audits", "scope", "planned", "auditors"))(subject, at)
    report = by_document("audit-report", entries("team", "person"), each_entry("team", _impartial))(subject, at)
    return joined([programme, report], f"{programme.sentence}; {report.sentence}")


def removed(subject: StatusSubject, at: datetime) -> Judgement:
    """Each nonconformity has a cause, and a corrective action that is done."""
    fact = by_document("nonconformity", entries("nonconformities", "fact", "cause"))(subject, at)
    action = by_document("corrective-action", entries("actions", "action", "owner", "done"))(subject, at)
    return joined([fact, action], f"{fact.sentence}; {action.sentence}")


def _checked_again(entry: Mapping[str, Any], subject: StatusSubject, at: datetime) -> Problem:  # noqa: ARG001
    if subject.digest and entry.get("model_digest") != subject.digest:
        return "failed", f"the effect was checked on {str(entry.get('model_digest'))[:12]}, not on these bytes"
    if person(str(entry.get("by"))) == person(str(entry.get("owner"))):
        return "failed", f"{entry.get('by')} checked the effect of an own action"
    return None if entry.get("result") == "passed" else ("failed", "the check of the effect did not pass")


def _tells_incidents(document: PublishedDocument, subject: StatusSubject, at: datetime) -> Problem:
    """Each published incident until the cut-off is named by its id, here or in the inputs of an earlier review."""
    last = str(document.fields.get("cutoff") or at.strftime("%Y-%m-%d"))[:10]
    told = [d for d in subject.written("review-inputs") if str(d.fields.get("cutoff") or last)[:10] <= last]
    said = " ".join(text for d in told for text in texts(d.fields.get("incidents")))
    named = set(re.findall(r"[\w.-]*\w", said.casefold()))
    for incident in subject.written("incident"):
        day = str(incident.fields.get("detected_on") or incident.fields.get("aware_on") or "9999")[:10]
        if day <= last and incident.id.casefold() not in named:
            return "missing", f"incident {incident.id} of {day} is not among its inputs"
    return None


def context(subject: StatusSubject, at: datetime) -> Judgement:
    """Context and parties are approved documents."""
    issues = MATTERS(subject, at)
    parties = PARTIES(subject, at)
    return joined([issues, parties], f"{issues.sentence}; {parties.sentence}")


def roles_and_stages(subject: StatusSubject, at: datetime) -> Judgement:
    """Each registered system has roles and a stage, within an approved scope."""
    register = by_document("register", entries("systems", "id", "roles", "stage"))(subject, at)
    scope = by_document("scope", states("statement", "systems_in"))(subject, at)
    return joined([register, scope], f"{register.sentence}; {scope.sentence}")


def objectives(subject: StatusSubject, at: datetime) -> Judgement:
    """Objectives of development and of use can be measured."""
    built = OF_THE_ORGANISATION["A.6.1.2/measurable"](subject, at)
    used = IN_OPERATION["A.9.3/measurable"](subject, at)
    return joined([built, used], f"{built.sentence}; {used.sentence}")


def written(subject: StatusSubject, at: datetime) -> Judgement:
    """What the standard asks to be written is there; approvals are another condition's matter."""
    lacking = [kind for kind in WRITTEN if not subject.written(kind)]
    if lacking:
        return Judgement("missing", f"there is no {', no '.join(lacking)}", basis="person")
    parts = [judged(subject, subject.written(kind)[-1], at, (), approving_role(kind)) for kind in WRITTEN]
    return joined(parts, f"{', '.join(WRITTEN)} are here")


def controlled(subject: StatusSubject, at: datetime) -> Judgement:
    """Each published document counts: another person approved it, and its review is not overdue."""
    kinds = dict.fromkeys(d.kind for d in subject.documents)  # in one order: a page that is made again says the same
    parts = [subject.judged(d, at) for kind in kinds for d in subject.written(kind)]
    if not parts:
        return Judgement("missing", "there is no published document", basis="person")
    return joined(parts, f"{len(parts)} documents are approved and in date")


MATTERS = by_document("context", entries("issues", "issue", "effect"))
PARTIES = by_document("parties", entries("parties", "who", "need"))
TREATMENTS = by_document("treatment-plan", entries("risks", "risk", "measure", "owner", "due"))
ACCEPTED = by_document("treatment-plan", entries("risks", "risk", "residual", "accepted_by"))
ASSESSED = by_document("risk-register", entries("risks", "system", "event", "owner"), all_assessed)
DECISIONS = by_document("review-minutes", entries("decisions", "decision", "owner", "due"), dated("date"))

CHECKS: dict[str, Check] = {
    "4.1/matters": by_document("context", entries("issues", "issue")),
    "4.1/effect": MATTERS,
    "4.2/parties": PARTIES,
    "4.3/roles": roles_and_stages,
    "4.3/scan": by_document("register", entries("scan", "id"), each_entry("scan", _scanned)),
    "4.4/processes": OF_THE_ORGANISATION["A.6.1.3/approved"],
    "4.4/kept": DECISIONS,
    "5.1/commitment": by_document("leadership", states("resources", "members"), role=MANAGEMENT),
    "5.2/approved": OF_THE_ORGANISATION["A.2.2/approved"],
    "5.2/communicated": OF_THE_ORGANISATION["A.2.2/communicated"],
    "5.3/authority": by_document("roles", entries("roles", "role", "authority", "person")),
    "6.1.1/determined": context,
    "6.1.1/actions": TREATMENTS,
    "6.1.2/criteria": by_document("risk-method", states("scales", "acceptance"), role=MANAGEMENT),
    "6.1.2/systems": ASSESSED,
    "6.1.3/controls": by_document("soa", every_control, role=MANAGEMENT),
    "6.1.3/residual": ACCEPTED,
    "6.2/measurable": objectives,
    "6.2/results": IN_OPERATION["A.9.3/reviewed"],
    "6.3/planned": by_documents("change", states("what", "assessment")),
    "7.1/committed": by_document("leadership", states("resources"), role=MANAGEMENT),
    "7.1/known": OF_THE_ORGANISATION["A.4.2/stages"],
    "7.2/competence": OF_THE_ORGANISATION["A.4.6/competence"],
    "7.3/reached": OF_THE_ORGANISATION["A.2.2/communicated"],
    "7.4/inside": by_document("communication", states("audience", "channel")),
    "7.4/outside": IN_OPERATION["A.8.5/duties"],
    "7.5/written": written,
    "7.5/controlled": controlled,
    "8.2/assessed": ASSESSED,
    "8.3/plan": TREATMENTS,
    "8.3/rest": ACCEPTED,
    "9.2/auditors": audited,
    "9.2/findings": by_document("audit-report", entries("findings", "finding", "owner", "due")),
    "9.3/inputs": by_document("review-inputs", states(*REVIEW_INPUTS), _tells_incidents),
    "9.3/decisions": DECISIONS,
    "10.1/decided": DECISIONS,
    "10.1/done": by_document("corrective-action", entries("actions", "action", "owner", "done")),
    "10.2/cause": removed,
    "10.2/effect": by_document(
        "effectiveness-check", entries("checks", "action", "by"), each_entry("checks", _checked_again)
    ),
}

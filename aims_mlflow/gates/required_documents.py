"""Documents of people that a stage asks for: published, sealed, approved by another person, and about this version."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aims_mlflow.gates.control_conditions.by_document import by_document
from aims_mlflow.gates.control_conditions.impact import cites, may_go, names_model
from aims_mlflow.gates.control_conditions.model_evidence import reviewed
from aims_mlflow.gates.control_conditions.monitoring import watched_here
from aims_mlflow.gates.document_content.rollback import rollback_version, why_no_way_back
from aims_mlflow.gates.kind_verdict import control_of
from aims_mlflow.gates.person_statements import approving_role
from aims_mlflow.records.decision import Unmet
from aims_mlflow.records.documents import ABOUT_A_MODEL

if TYPE_CHECKING:
    from datetime import datetime

    from aims_mlflow.gates.control_conditions.by_document import FieldCheck
    from aims_mlflow.gates.person_statements import PublishedDocument
    from aims_mlflow.gates.policy import Rules
    from aims_mlflow.gates.status_subject import StatusSubject
    from aims_mlflow.gates.verdict import Judgement, Outcome, Problem
    from aims_mlflow.records.decision import Condition

# What level `standard` asks for at deployment beside the evidence.
STANDARD = ("impact-assessment", "validation-report", "deployment-plan", "monitoring-plan")
# The name of a shortfall of a document that is there and does not count: otherwise "missing".
SHORTFALL: dict[Outcome, Condition] = {"stale": "stale", "failed": "failed", "not evaluated": "not-evaluated"}


def unmet_documents(rules: Rules, subject: StatusSubject, now: datetime) -> list[Unmet]:
    """Return what is lacking of the documents that the stage asks for."""
    if rules.system is None:
        return []
    out = []
    for kind in rules.written:
        verdict = _verdict(kind, subject, now)
        if verdict.outcome not in ("holds", "warned"):
            out.append(_unmet(kind, verdict, subject))
    return out


def documents_in_use(rules: Rules, subject: StatusSubject, now: datetime) -> tuple[str, ...]:
    """Return the sha256 of the documents that the stage asks for, and that count."""
    counting = [kind for kind in rules.written if _verdict(kind, subject, now).outcome in ("holds", "warned")]
    return tuple(sorted(str(d.sha256) for kind in counting for d in subject.newest(kind)))


def _verdict(kind: str, subject: StatusSubject, now: datetime) -> Judgement:
    if kind == "validation-report" and (own := reviewed(subject, now)).outcome not in ("holds", "warned"):
        return own
    return by_document(kind, *_checks(kind), role=approving_role(kind))(subject, now)


def _checks(kind: str) -> tuple[FieldCheck, ...]:
    about = (names_model,) if kind in ABOUT_A_MODEL else ()
    return (_of_this_system, *about, *CHECKS.get(kind, ()))


def _of_this_system(document: PublishedDocument, subject: StatusSubject, at: datetime) -> Problem:  # noqa: ARG001
    if document.system is not None and document.system != subject.name:
        return "missing", f"it is about {document.system}, not {subject.name}"
    return None


def _goes_back(document: PublishedDocument, subject: StatusSubject, at: datetime) -> Problem:  # noqa: ARG001
    """A plan goes back to a version that the gate let in and that is still there, or to none."""
    target = rollback_version(str(document.fields.get("rollback_to")))
    if target is None or subject.ways_back is None:
        return None
    why = why_no_way_back(target, subject.version, subject.ways_back)
    return ("failed", f"it goes back to version {target}, {why}") if why else None


CHECKS: dict[str, tuple[FieldCheck, ...]] = {
    "impact-assessment": (cites, may_go),
    "deployment-plan": (_goes_back,),
    "monitoring-plan": (watched_here,),
}


def _unmet(kind: str, verdict: Judgement, subject: StatusSubject) -> Unmet:
    here = bool(subject.newest(kind))
    system = f" --system {subject.name}" if subject.name else ""
    write = f"`aims document new {kind}{system}`, publish it, and let another person approve it"
    return Unmet(
        control=control_of(kind),
        kind=kind,
        text=verdict.sentence if here else f"no {kind} is published for {subject.name or 'this system'}",
        next=f"mend, publish and approve it: `aims document show {verdict.evidence[0]}`" if verdict.evidence else write,
        evidence=verdict.evidence[0] if verdict.evidence else None,
        condition=SHORTFALL.get(verdict.outcome, "missing"),
    )


def not_asked(rules: Rules) -> tuple[str, ...]:
    """Return the kinds of document that level `standard` asks for at deployment, and this stage does not."""
    if rules.stage != "deployment":
        return ()
    return tuple(kind for kind in STANDARD if kind not in rules.written)

"""`control_status`: the state of a control for a model, a system or the organisation; nothing else decides what is met.

A pure function of sealed records, documents, rules, register, decisions and clock. Each condition of the catalog is
judged by its function, and the worst verdict decides. It says nothing about conformity.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from aims_mlflow.catalog.loader import clauses, controls, require_control
from aims_mlflow.gates.combined_status import ConditionStatus, ControlStatus, combined, telling_waivers
from aims_mlflow.gates.control_conditions import (
    clauses as clause_conditions,
)
from aims_mlflow.gates.control_conditions import (
    data_resources,
    impact,
    model_evidence,
    monitoring,
    operation,
    organisation,
    responsible_use,
    training_data,
    training_resources,
)
from aims_mlflow.gates.counting_evidence import DATA_KINDS
from aims_mlflow.gates.kind_verdict import judge_records
from aims_mlflow.gates.person_statements import MANAGEMENT, says
from aims_mlflow.gates.record_validity import against_records
from aims_mlflow.gates.shapes import mappings
from aims_mlflow.gates.verdict import Judgement
from aims_mlflow.gates.waivers import covers, waived_claim
from aims_mlflow.records.base import parse_time
from aims_mlflow.records.control import Condition
from aims_mlflow.records.documents.context import IN_USE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from aims_mlflow.evidence.statement import SealedRecord
    from aims_mlflow.gates.control_conditions.by_document import ConditionCheck
    from aims_mlflow.gates.status_subject import StatusSubject
    from aims_mlflow.records.control import Control
    from aims_mlflow.records.decision import Unmet, WaivedBy

CHECKS: Mapping[str, ConditionCheck] = {
    **organisation.CHECKS,
    **clause_conditions.CHECKS,
    **data_resources.CHECKS,
    **training_resources.CHECKS,
    **impact.CHECKS,
    **model_evidence.CHECKS,
    **monitoring.CHECKS,
    **operation.CHECKS,
    **training_data.CHECKS,
    **responsible_use.CHECKS,
}


def control_statuses(subject: StatusSubject, at: datetime, *, with_clauses: bool = False) -> list[ControlStatus]:
    """Return the state of each of the 38 controls, and of the clauses, in the catalog's order."""
    entries = [*controls().values(), *(clauses().values() if with_clauses else ())]
    return [control_status(control, subject, at) for control in entries]


def control_status(control: Control | str, subject: StatusSubject, at: datetime) -> ControlStatus:
    """Return the state of a control or clause for a subject at a time.

    Raises:
        ConfigError: there is no control with this id.
    """
    control = require_control(control) if isinstance(control, str) else control
    here = tuple(r for use in control.evidence for r in subject.of(use.kind))
    excluded = _excluded(control, subject, at)
    if excluded:
        return ControlStatus(control, "not applicable", excluded, records=here)
    elsewhere = _elsewhere(control, subject, here)
    if elsewhere:
        return ControlStatus(control, "not assessed here", elsewhere)
    if subject.counted.unsound:
        reason = subject.counted.unsound[0].problems[0].sentence()
        return ControlStatus(control, "unverifiable", reason, records=here)
    conditions = [_judged(control, condition, subject, at) for condition in control.conditions]
    conditions += _supports(control, subject, at)
    conditions += against_records(control, conditions, subject, at)
    if not subject.in_use and all(c.verdict.outcome == "not due" for c in conditions):
        return ControlStatus(control, "not due", f"due from {control.stage} on", tuple(conditions), here)
    conditions += _events(control, subject, conditions)
    status = _begun(combined(control, conditions, here, _unsealed(conditions, subject)), subject)
    return telling_waivers(status, _lasting(subject, at))


def _begun(status: ControlStatus, subject: StatusSubject) -> ControlStatus:
    """Return the state with no beginning before the training: what is older was not yet about these bytes."""
    trained = subject.training.evidence.time if subject.training is not None and subject.digest else None
    if trained is None or status.since is None or parse_time(status.since) >= parse_time(trained):
        return status
    return dataclasses.replace(status, since=trained)


def _elsewhere(control: Control, subject: StatusSubject, here: Sequence[SealedRecord]) -> str | None:
    """Return why a control is judged for another subject, or None."""
    of_organization = control.stage == "organization"
    if subject.scope == "organization":
        return None if of_organization else "judged for each model version"
    if of_organization and not here and not any(subject.newest(use.kind) for use in control.evidence):
        return "the organisation's control: nothing of its kinds is kept with this model"
    return None


def _excluded(control: Control, subject: StatusSubject, at: datetime) -> str | None:
    """Return the reason by which an approved statement of applicability leaves a control out, or None."""
    for soa in subject.written("soa")[-1:]:
        out = [e for e in mappings(soa.fields.get("controls")) if e.get("control") == control.id]
        if out and out[0].get("applies") is False and says(out[0].get("reason")):
            verdict = subject.judged(soa, at, MANAGEMENT)
            if verdict.outcome == "holds":
                return f"excluded: {out[0]['reason']} ({verdict.sentence})"
    return None


def _judged(control: Control, condition: Condition, subject: StatusSubject, at: datetime) -> ConditionStatus:
    try:
        verdict = CHECKS[f"{control.id}/{condition.id}"](subject, at)
    except Exception as exc:  # noqa: BLE001 - evidence of hostile shape: what cannot be judged is never met
        verdict = Judgement("not evaluated", f"{condition.holds}: could not be judged ({type(exc).__name__})")
    due = condition.due or control.stage
    if due in IN_USE and not subject.in_use and verdict.outcome in ("missing", "captured"):
        verdict = Judgement("not due", f"{condition.holds}: due when a gated alias is set", verdict.evidence)
    elif subject.in_use and verdict.outcome == "not due":
        # What is in use has no control that is not due: the sentence tells from when on it is owed.
        verdict = dataclasses.replace(verdict, outcome="missing")
    return ConditionStatus(condition, verdict, _waived(control, verdict, subject, at))


def _waived(control: Control, verdict: Judgement, subject: StatusSubject, at: datetime) -> tuple[WaivedBy, ...]:
    """Return the waivers in force for what failed, if they cover all of it; a waiver is for one control alone."""
    lasting = _lasting(subject, at)
    found = [next((w for w in lasting if _covers(w, u)), None) for u in verdict.unmet if u.control == control.id]
    covered = tuple(w for w in found if w is not None)
    return covered if covered and len(covered) == len(verdict.unmet) else ()


def _lasting(subject: StatusSubject, at: datetime) -> list[WaivedBy]:
    """Return what was waived in decisions about these bytes by waivers that have not ended."""
    known = (w for d in subject.decisions if d.model_digest == subject.digest for w in d.waived)
    return [w for w in known if parse_time(w.expires) > at]


def _covers(waived: WaivedBy, item: Unmet) -> bool:
    """Return whether what a waiver covered in a decision is this failure; a worse value is another one."""
    same = waived.unmet.control == item.control
    return same and waived.unmet.condition is not None and covers(waived_claim(waived.unmet), item)


def _supports(control: Control, subject: StatusSubject, at: datetime) -> list[ConditionStatus]:
    """Return what supporting kinds speak against the control: a failure or a warning; they never suffice alone."""
    read = {kind for condition in control.conditions for kind in condition.kinds}
    out = []
    for use in control.evidence:
        if use.need != "supports" or use.kind in read - DATA_KINDS or use.kind == "waiver":
            continue
        system = subject.rules.system if subject.rules else None
        verdict = judge_records(use.kind, subject.of(use.kind), at, system=system)
        if verdict.outcome == "failed" or (verdict.warnings and use.kind not in DATA_KINDS):
            condition = Condition(
                id=f"no-{use.kind}",
                clause=use.kind,
                holds=f"{use.kind} (supports) did not fail",
                kinds=(use.kind,),
                owed_by="the data scientist",
            )
            out.append(ConditionStatus(condition, verdict, _waived(control, verdict, subject, at)))
    return out


def _events(control: Control, subject: StatusSubject, found: Sequence[ConditionStatus]) -> list[ConditionStatus]:
    """Return what happened since the newest evidence and makes it stale, as the register reports it."""
    newest = max((c.verdict.since for c in found if c.verdict.since), default=None)
    after = [e for e in subject.events if control.id in e.controls and newest is not None and e.time > newest]
    trigger = control.stale_when or "superseded"
    return [
        ConditionStatus(
            Condition(
                id="nothing-since",
                clause=trigger,
                holds=f"nothing happened since: {trigger}",
                kinds=("register",),
                owed_by=control.conditions[0].owed_by,
            ),
            Judgement("stale", f"{event.text} on {event.time[:10]}, after the newest evidence", since=event.time),
        )
        for event in after
    ]


def _unsealed(conditions: Sequence[ConditionStatus], subject: StatusSubject) -> list[str]:
    if subject.sealed is None:
        return []
    used = {e for c in conditions for e in c.verdict.evidence}
    return [r.evidence.kind for r in subject.records if r.id in used and r.sha256 not in subject.sealed]

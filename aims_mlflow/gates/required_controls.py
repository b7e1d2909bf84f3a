"""Controls that a stage asks for by name: all conditions of the catalog must hold, not the presence of kinds alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aims_mlflow.gates.control_status import control_status
from aims_mlflow.records.decision import Condition, Unmet

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from aims_mlflow.gates.combined_status import ConditionStatus, ControlStatus
    from aims_mlflow.gates.policy import Rules
    from aims_mlflow.gates.status_subject import StatusSubject

ENOUGH = ("met", "met with warnings", "not applicable")
HELD = ("holds", "warned", "not applicable", "not due")
# How a verdict on a condition is named where a waiver has to name it.
SHORTFALLS: dict[str, Condition] = {
    "failed": "failed",
    "stale": "stale",
    "not evaluated": "not-evaluated",
    "missing": "missing",
    "captured": "not-evaluated",
}


def unmet_controls(rules: Rules, subject: StatusSubject, now: datetime, known: Sequence[Unmet]) -> list[Unmet]:
    """Return what is lacking of the controls that the stage requires, without what is `known` to be unmet.

    `control_status` judges them, as on every page. At deployment they are judged as if the alias were set already, so
    that what is due from then on is asked for before. What people state counts as published documents. Where it is
    known that evidence does not verify, no control says that again.
    """
    unverifiable = any(item.kind == "session" for item in known)
    out: list[Unmet] = []
    for control in rules.require_controls:
        status = control_status(control, subject, now)
        if status.state not in ENOUGH and not (unverifiable and status.state == "unverifiable"):
            out += _lacking(status)
    said = {_failure(item) for item in known}
    return [item for item in out if _failure(item) not in said]


def _lacking(status: ControlStatus) -> list[Unmet]:
    """Return the conditions that do not hold; the state itself where no condition was judged."""
    found = [item for c in status.conditions if c.verdict.outcome not in HELD for item in _of_condition(status, c)]
    text = f"{status.control.title} is {status.state}: {status.reason}"
    return found or [Unmet(control=status.control.id, kind="control", text=text, condition="not-evaluated")]


def _of_condition(status: ControlStatus, judged: ConditionStatus) -> list[Unmet]:
    verdict, condition = judged.verdict, judged.condition
    mine = [item for item in verdict.unmet if item.control == status.control.id]
    if mine:
        return mine
    return [
        Unmet(
            control=status.control.id,
            kind=condition.kinds[0],
            text=f"{condition.holds}: {verdict.sentence}",
            next=f"{condition.owed_by} owes it; `aims evidence controls` shows every condition",
            evidence=verdict.evidence[0] if verdict.evidence else None,
            metric=condition.id,
            condition=SHORTFALLS.get(verdict.outcome, "not-evaluated"),
        )
    ]


def _failure(item: Unmet) -> tuple[object, ...]:
    return (item.control, item.kind, item.metric, tuple(sorted(item.slice.items())), item.condition, item.value)

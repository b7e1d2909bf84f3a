"""Findings R1, R4 and P7 by the treatment plan: what it and the risk register say of one risk is the same."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aims_mlflow.gates.document_content.acceptance import AcceptingPeople
from aims_mlflow.gates.document_content.risks import OPEN, registered_risks, risks_named
from aims_mlflow.gates.person_statements import says
from aims_mlflow.management.findings.rules import ManagementFinding
from aims_mlflow.records.documents.risk import RiskMethodDocument, TreatmentPlanDocument

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from aims_mlflow.management.findings.state import ManagementState
    from aims_mlflow.records.documents.risk import RiskEntry, ScaleLevel

TREATED = ("reduce", "share", "avoid")
LEAST = re.compile(r"\b(low(est)?|rare(ly)?|never|unlikely|improbable|remote|negligible|minor|small|insignificant)\b")


def findings(state: ManagementState, now: datetime) -> Iterator[ManagementFinding]:  # noqa: ARG001 - one form for all
    """Yield every finding about treatment plans beside the risk registers, and about what is left of a risk."""
    plans = state.of(TreatmentPlanDocument)
    for risk, register, system in registered_risks(state):
        planned = {t.risk for plan in plans if not plan.system or system in (None, plan.system) for t in plan.risks}
        if plans and risk.treatment in TREATED and risk.status in OPEN and risk.id not in planned:
            fact = f"risk {risk.id} of {register} is to be treated ({risk.treatment}), and no treatment plan has it"
            fix = f"add it to {plans[-1].id}, with measure, owner and day"
            about = f"plan/{register}/{risk.id}"
            yield ManagementFinding("R1", about, fact, fix, system, (register, plans[-1].id))
        for method in state.of(RiskMethodDocument):
            if _grew(risk, method):
                fact = f"what is left of risk {risk.id} is more than there was: a treatment makes no risk greater"
                fix = f"correct likelihood and impact, or what is left, of {risk.id} in {register}"
                yield ManagementFinding("R4", f"{register}/{risk.id}/left", fact, fix, risk.system, (register,))
    for plan in plans:
        yield from _accepted(plan, state)


def _accepted(plan: TreatmentPlanDocument, state: ManagementState) -> Iterator[ManagementFinding]:
    may_accept = AcceptingPeople(state)
    for treated in plan.risks:
        named = risks_named(treated.risk, state, plan.system)
        same = [r for r in named if _left(r.risk) in (None, (treated.residual or "").casefold())]
        risk, register, system = next(iter((*same, *named)), (None, "", None))
        left = risk.residual.level if risk and risk.residual else None
        if treated.residual and left and not same:
            fact = f"of risk {treated.risk} {treated.residual} is left by {plan.id}, and {left} by {register}"
            fix = f"state the same level in {plan.id} and {register}"
            yield ManagementFinding("R4", f"{plan.id}/{treated.risk}/left", fact, fix, system, (plan.id, register))
        level = treated.residual or left or ""
        if state.people and says(treated.accepted_by) and not may_accept(str(treated.accepted_by), level):
            fact = (
                f"by {plan.id}, what is left of risk {treated.risk} is accepted by {treated.accepted_by}, who is not "
            )
            fact += f"of top management nor may accept level {level or 'not stated'}"
            fix = f"let top management, or whom the risk method names, accept {treated.risk}"
            yield ManagementFinding("P7", f"{plan.id}/{treated.risk}", fact, fix, system, (plan.id,))


def _left(risk: RiskEntry) -> str | None:
    return risk.residual.level.casefold() if risk.residual and risk.residual.level else None


def _grew(risk: RiskEntry, method: RiskMethodDocument) -> bool:
    """Return whether likelihood or impact is more after the treatment, and neither is less; scales go upwards."""
    left, scales = risk.residual, method.scales
    if left is None or scales is None:
        return False
    steps = (
        _step(scales.likelihood, risk.likelihood, left.likelihood),
        _step(scales.impact_on_people, risk.impact, left.impact),
    )
    known = [step for step in steps if step is not None]
    return len(known) == len(steps) and max(known) > 0 and min(known) >= 0


def _step(scale: tuple[ScaleLevel, ...], before: str | None, after: str | None) -> int | None:
    """Return by how many levels of a scale something grew; None where a level is not on it.

    A scale goes upwards, unless its last level is by its words the least.
    """
    levels = [each.level.casefold() for each in scale] or [""]
    if LEAST.search(levels[-1]) and not LEAST.search(levels[0]):
        levels.reverse()
    named = [str(before).casefold(), str(after).casefold()]
    return levels.index(named[1]) - levels.index(named[0]) if all(n in levels for n in named) else None

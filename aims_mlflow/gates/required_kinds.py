"""The kinds of evidence that a policy requires at a gate: captured by the hooks, or written by people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aims_mlflow.catalog.loader import kinds
from aims_mlflow.gates.counting_evidence import newest
from aims_mlflow.gates.kind_verdict import MEND, control_of, shortcomings
from aims_mlflow.gates.person_statements import DocumentQuestion, attached, judge
from aims_mlflow.records.decision import Unmet

if TYPE_CHECKING:
    from datetime import datetime

    from aims_mlflow.gates.counting_evidence import CountingEvidence
    from aims_mlflow.gates.policy import Rules
    from aims_mlflow.gates.verdict import Outcome
    from aims_mlflow.records.decision import Condition
    from aims_mlflow.records.policy import Requirement

# The name of a shortfall of what people wrote, where it is there and does not count: otherwise "missing".
SHORTFALL: dict[Outcome, Condition] = {"stale": "stale"}


def required_kind(rules: Rules, counted: CountingEvidence, asked: Requirement, now: datetime) -> list[Unmet]:
    """A required kind must be present, have a result that the policy accepts, and be recent enough.

    What people write needs the approval of another person than its author.
    """
    kind = asked.kind
    control, records = control_of(kind), counted.of(kind)
    if kinds()[kind].captured == "human":
        return _written(rules, counted, kind, now)
    out = [
        Unmet(control=control, kind=kind, text=text, next=advice, evidence=record, condition=condition)
        for condition, text, advice, record in shortcomings(kind, records, now, rules.max_age_days, rules.system)
    ]
    for body in (r.evidence for r in records):
        if body.result == "warned" and "warned" not in asked.results:
            text = f"{kind} has warnings, the policy takes {' or '.join(asked.results)}"
            out.append(Unmet(control=control, kind=kind, text=text, next=MEND, evidence=body.id, condition="warned"))
    return out


def _written(rules: Rules, counted: CountingEvidence, kind: str, now: datetime) -> list[Unmet]:
    """A kind that people write must have a document that counts; the newest one decides."""
    control, record = control_of(kind), newest(counted.of(kind))
    if record is None:
        text, advice = (
            f"there is no {kind} evidence for this model",
            f"write and publish it: `aims document new {kind}`",
        )
        return [Unmet(control=control, kind=kind, text=text, next=advice, condition="missing")]
    asked = DocumentQuestion(rules.system.id if rules.system else None, None, (), judged=True)
    verdict = judge(attached(record, counted.signers[record.id].owner), asked, now)
    if verdict.outcome == "holds":
        return []
    advice = "another person than its author approves it"
    return [
        Unmet(
            control=control,
            kind=kind,
            text=verdict.sentence,
            next=advice,
            evidence=record.id,
            condition=SHORTFALL.get(verdict.outcome, "missing"),
        )
    ]

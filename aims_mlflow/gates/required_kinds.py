"""The kinds of evidence that a policy requires at a gate, and that the hooks capture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aims_mlflow.gates.kind_verdict import MEND, control_of, shortcomings
from aims_mlflow.records.decision import Unmet

if TYPE_CHECKING:
    from datetime import datetime

    from aims_mlflow.gates.counting_evidence import CountingEvidence
    from aims_mlflow.gates.policy import Rules
    from aims_mlflow.records.policy import Requirement


def required_kind(rules: Rules, counted: CountingEvidence, asked: Requirement, now: datetime) -> list[Unmet]:
    """A required kind must be present, have a result that the policy accepts, and be recent enough.

    Of what people write, `required_documents` judges the published documents.
    """
    kind = asked.kind
    if kind in rules.written:
        return []
    control, records = control_of(kind), counted.of(kind)
    out = [
        Unmet(control=control, kind=kind, text=text, next=advice, evidence=record, condition=condition)
        for condition, text, advice, record in shortcomings(kind, records, now, rules.max_age_days, rules.system)
    ]
    for body in (r.evidence for r in records):
        if body.result == "warned" and "warned" not in asked.results:
            text = f"{kind} has warnings, the policy takes {' or '.join(asked.results)}"
            out.append(Unmet(control=control, kind=kind, text=text, next=MEND, evidence=body.id, condition="warned"))
    return out

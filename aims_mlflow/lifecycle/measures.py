"""Compensating measures that waivers promise: an incident opens when the day for their evidence is past."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aims_mlflow.records.base import parse_time
from aims_mlflow.records.leaves.others import ConsentLeaf, IncidentLeaf
from aims_mlflow.registers.findings import Finding

if TYPE_CHECKING:
    from datetime import datetime

    from aims_mlflow.ledger.ledger import Ledger
    from aims_mlflow.lifecycle.model_history import ModelHistory


def measures_due(ledger: Ledger, past: ModelHistory, now: datetime) -> list[Finding]:
    """Return an incident for each measure of a model whose day is past, unless one was opened for it before."""
    out = []
    for leaf in past.leaves(("waiver",)):
        waiver = leaf.fact
        if not isinstance(waiver, ConsentLeaf) or waiver.measure_due is None or parse_time(waiver.measure_due) > now:
            continue
        text = (
            f"the waiver {waiver.request} of {past.name} promised a compensating measure with evidence by "
            f"{waiver.measure_due[:10]}"
        )
        content = IncidentLeaf(about="measure-due", model_name=past.name, waivers=[waiver.request])
        finding = Finding(content, text)
        if next(ledger.leaves(types=("incident",), request=finding.key), None) is None:
            out.append(finding)
    return out

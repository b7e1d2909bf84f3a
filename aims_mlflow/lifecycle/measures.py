"""Compensating measures that waivers promise: an incident opens when the day for their evidence is past."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aims_mlflow.records.base import parse_time
from aims_mlflow.records.leaves.others import ConsentLeaf, IncidentLeaf
from aims_mlflow.registers.findings import Finding

if TYPE_CHECKING:
    from datetime import datetime

    from aims_mlflow.lifecycle.model_history import ModelHistory
    from aims_mlflow.records.leaves.base import LeafContent

ABOUT = "measure-due"


def measures_due(past: ModelHistory, now: datetime) -> list[Finding]:
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
        content = IncidentLeaf(about=ABOUT, model_name=past.name, waivers=[waiver.request])
        # The leaf of an earlier incident has the name that the model had then, and so a key of its own.
        if not any(is_about(leaf.fact, waiver.request) for leaf in past.leaves(("incident",))):
            out.append(Finding(content, text))
    return out


def is_about(fact: LeafContent, waiver: str | None) -> bool:
    """Return whether a leaf is an incident about the measure that a waiver promised."""
    return isinstance(fact, IncidentLeaf) and fact.about == ABOUT and waiver in (fact.waivers or ())

"""Findings P9 by control status: what the statement calls implemented, and what published documents do not show."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aims_mlflow.gates.person_statements import says
from aims_mlflow.management.applicability.states import ORGANISATION, organisation_subject, states_of
from aims_mlflow.management.findings.decision_rows import NOT_IN_PLACE
from aims_mlflow.management.findings.rules import ManagementFinding

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from aims_mlflow.management.findings.state import ManagementState

NOT_SHOWN = ("failed", "missing", "stale")


def findings(state: ManagementState, now: datetime) -> Iterator[ManagementFinding]:
    """Yield P9 for each control of the organisation that is said to be implemented, and whose state denies it.

    Drafts count for nothing, so only what was published is judged; what is left of a model, its gate decides.
    """
    statement = state.statement
    if state.published is None or statement is None:
        return
    computed = states_of([(ORGANISATION, organisation_subject(state, now))], now)
    for row in statement.controls:
        denied = [s for _, s in computed.get(row.control, ()) if s.state in NOT_SHOWN]
        if row.applies and says(row.implemented) and denied and not NOT_IN_PLACE.search(row.reason or ""):
            fact = f"{row.control} is said to be implemented by {row.implemented}, and its computed state is "
            fact += f"{denied[0].state}: {denied[0].reason}"
            fix = "publish and approve what it needs, or state in its reason that it is not in place; each state: "
            fix += f"aims document soa {statement.id}"
            yield ManagementFinding("P9", f"{row.control}/computed", fact, fix, None, (statement.id,))

"""Another framework seen through the crosswalk: for each of its rows, the states of the controls behind it.

A row relates a whole part of the standard with another framework's requirement. It says nothing about conformity with
that requirement, and nobody verified it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aims_mlflow.catalog.loader import clauses, controls, crosswalk
from aims_mlflow.errors import ConfigError, did_you_mean
from aims_mlflow.gates.control_coverage import ControlCoverage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aims_mlflow.gates.combined_status import ControlStatus

FRAMEWORKS = {
    "nist-ai-rmf": "NIST AI RMF 1.0",
    "eu-ai-act": "EU AI Act",
    "iso-27001": "ISO/IEC 27001:2022",
    "soc-2": "SOC 2 (TSC)",
    "nist-csf": "NIST CSF 2.0",
    "hitrust": "HITRUST v11",
}


@dataclass(frozen=True)
class FrameworkRow:
    """One row of the crosswalk: the other framework's requirement, and the states of the controls behind it.

    Attributes:
        requirement: What the other framework has there; None where the source leaves the cell empty.
        element: The part of ISO/IEC 42001 that the row is about, as a whole.
        states: How many of its controls have which state.
        coverage: Their counts, with how much of them is machine-made and how much a person's word.
    """

    requirement: str | None
    element: str
    title: str
    members: tuple[str, ...]
    states: Mapping[str, int]
    coverage: ControlCoverage


def framework_rows(framework: str, statuses: Mapping[str, ControlStatus]) -> list[FrameworkRow]:
    """Return each row of the crosswalk for a framework.

    Raises:
        ConfigError: the crosswalk has no such framework.
    """
    if framework not in FRAMEWORKS:
        hint = did_you_mean(framework, FRAMEWORKS)
        known = ", ".join(FRAMEWORKS)
        raise ConfigError(
            f"the crosswalk has no framework {framework!r}" + (f", {hint}" if hint else ""), next=f"it has {known}"
        )
    out = []
    for row in crosswalk().rows:
        members = tuple(c for c in (*clauses(), *controls()) if c == row.element or c.startswith(f"{row.element}."))
        mine = [statuses[c] for c in members if c in statuses]
        requirement = getattr(row, framework.replace("-", "_"))
        states = dict(Counter(str(s.state) for s in mine))
        out.append(FrameworkRow(requirement, row.element, row.title, members, states, ControlCoverage.of(mine)))
    return out


def outside_the_crosswalk() -> tuple[str, ...]:
    """Return the controls and clauses that no row of the crosswalk is about."""
    elements = [row.element for row in crosswalk().rows]
    return tuple(c for c in (*clauses(), *controls()) if not any(c == e or c.startswith(f"{e}.") for e in elements))

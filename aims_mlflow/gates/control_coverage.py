"""How many controls have which state, always with the denominator, and with how much is a person's word."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aims_mlflow.gates.combined_status import ControlStatus

MET = ("met", "met with warnings")


@dataclass(frozen=True)
class ControlCoverage:
    """Counts over a list of controls.

    Attributes:
        total: All controls of the list.
        met: Those that are met, with or without warnings.
        warned: How many of those are met with warnings.
        unassessed: Ids of those that are not assessed here.
        machine: Conditions of the met controls that rest on what the software recorded.
        person: Conditions of the met controls that rest on a person's word.
    """

    total: int
    met: int
    warned: int
    unassessed: tuple[str, ...]
    machine: int
    person: int

    @classmethod
    def of(cls, statuses: Sequence[ControlStatus]) -> ControlCoverage:
        """Count the states of these controls."""
        met = [s for s in statuses if s.state in MET]
        bases = [c.verdict.basis for s in met for c in s.conditions]
        return cls(
            len(statuses),
            len(met),
            sum(s.state == "met with warnings" for s in met),
            tuple(s.control.id for s in statuses if s.state == "not assessed here"),
            bases.count("machine"),
            bases.count("person"),
        )

    def sentence(self) -> str:
        """Return the counts in one sentence."""
        return self.met_text("controls") + (f"; {len(self.unassessed)} not assessed here" if self.unassessed else "")

    def met_text(self, of: str) -> str:
        """Return how many of the controls, or of what else they are, are met, and by whose word."""
        text = f"{self.met} of {self.total} {of} met"
        if self.warned:
            text += f", {self.warned} of them with warnings"
        if self.met:
            text += f" ({self.machine} of their conditions by machine record, {self.person} by a person's word)"
        return text

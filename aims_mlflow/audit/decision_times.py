"""The clocks of decisions: one that was set back lets count what had ended, such as a waiver or the age of evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from aims_mlflow.errors import AimsError
from aims_mlflow.evidence.verify import Problem
from aims_mlflow.gates.person_statements import CLOCK_SKEW
from aims_mlflow.gates.replay import replay
from aims_mlflow.records.base import parse_time

if TYPE_CHECKING:
    from datetime import datetime

    from aims_mlflow.audit.parts import SealedDecision
    from aims_mlflow.audit.view import View
    from aims_mlflow.ledger.ledger import Ledger

MEANING = "a clock was set back, or one before it was ahead: what had ended by then counted again"


class DecisionTimes:
    """Compares each decision's clock with those of the decisions that were sealed before it."""

    def __init__(self, view: View) -> None:
        self._ledger = cast("Ledger", view)
        self._latest: datetime | None = None

    def why_not(self, said: SealedDecision) -> Problem | None:
        """Return the problem of a decision that its own clock alone lets pass; decisions come in order.

        It is made again at the latest time that a decision before it names: a clock that is off does no harm where the
        result is the same.
        """
        if said.decided is None:
            return None
        decided, latest = parse_time(said.decided), self._latest
        if latest is None or decided > latest:
            self._latest = decided
        if latest is None or decided + CLOCK_SKEW >= latest or not (said.allowed and said.passed):
            return None
        try:
            again = replay(self._ledger, said.request, now=latest)
        except AimsError:
            return None  # a body that was erased, or a problem that is told by itself
        if not again.would_refuse:
            return None
        what = f"its clock said {said.decided}, and a decision before it {latest:%Y-%m-%dT%H:%M:%SZ}"
        what += f", when it would have been refused: {again.unmet[0].text}"
        return Problem(f"{said.name}, decision {said.request}", what, MEANING)

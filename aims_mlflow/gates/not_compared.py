"""Models whose outcomes are compared for no group: only a reason of the policy makes fairness not applicable."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aims_mlflow.gates.person_statements import says
from aims_mlflow.records.details import read_details
from aims_mlflow.records.details.training import SessionStartDetails, SystemStatement

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aims_mlflow.evidence.statement import SealedRecord
    from aims_mlflow.gates.policy import Rules
    from aims_mlflow.gates.verdict import Outcome

NOBODY = {"nobody", "no people", "no one", "no persons"}


def _start(record: SealedRecord) -> SessionStartDetails:
    return read_details(record.evidence, SessionStartDetails)


def affected_people(starts: Sequence[SealedRecord]) -> list[str]:
    """Return the groups that aims.yaml names as affected; "none" and the like name nobody."""
    named = [g for s in starts for g in (_start(s).system or SystemStatement()).affected_groups or ()]
    return [g for g in dict.fromkeys(named) if says(g) and g.strip().casefold() not in NOBODY]


def stating_reason(starts: Sequence[SealedRecord]) -> Sequence[SealedRecord]:
    """Return the newest of some starts that gives a reason; the newest of all where none does. Oldest come first."""
    return [s for s in starts if says(_start(s).not_compared)][-1:] or starts[-1:]


def why_not_compared(rules: Rules | None, starts: Sequence[SealedRecord]) -> tuple[Outcome, str]:
    """Return whether fairness may be left out, and the reason in words.

    A team's own reason (data.not_compared in aims.yaml) is a statement that the policy has not approved. A reason
    cannot stand beside affected people that the same evidence names.
    """
    policy = rules.system.not_compared if rules is not None and rules.system is not None else None
    team = next((r for s in stating_reason(starts) if (r := _start(s).not_compared) is not None and says(r)), None)
    people = affected_people(starts)
    if not policy and not team:
        return "missing", (
            "no group was compared: name data.sensitive in aims.yaml, or the policy states a reason (not_compared)"
        )
    if people:
        named = ", ".join(people)
        return "missing", (
            f"no group was compared: the reason {policy or team!r} is contradicted by affected_groups: {named}"
        )
    if policy:
        return "not applicable", f"not applicable: {policy!r}, as the policy states"
    if rules is None:
        return "captured", f"not compared: {team!r}, as aims.yaml states; no policy here to approve the reason"
    return "missing", f"not compared: {team!r}, as aims.yaml states; the policy does not state it (not_compared)"

"""The state of a control from the verdicts on its conditions, with the reason in words."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from aims_mlflow.gates.waivers import last_day

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from aims_mlflow.evidence.statement import SealedRecord
    from aims_mlflow.gates.verdict import Judgement
    from aims_mlflow.records.control import Condition, Control
    from aims_mlflow.records.decision import WaivedBy

State = Literal[
    "met",
    "met with warnings",
    "failed",
    "failed and waived",
    "not evaluated",
    "missing",
    "stale",
    "unverifiable",
    "not sealed yet",
    "not due",
    "not applicable",
    "captured",
    "not assessed here",
]


@dataclass(frozen=True)
class ConditionStatus:
    """A condition of a control with its verdict, and the waivers that cover what failed."""

    condition: Condition
    verdict: Judgement
    waived: tuple[WaivedBy, ...] = ()


@dataclass(frozen=True)
class ControlStatus:
    """A control with its state, the conditions behind it, since when it holds, and what will change it next.

    Attributes:
        reason: The state in one sentence.
        records: The records of the control's kinds that were looked at.
        since: Time of the evidence that brought the state about, not before the training; None where there is none.
        next_change: What will change the state by itself, and `next_time` when.
    """

    control: Control
    state: State
    reason: str
    conditions: tuple[ConditionStatus, ...] = ()
    records: tuple[SealedRecord, ...] = ()
    since: str | None = None
    next_change: str = ""
    next_time: str | None = None

    @property
    def warnings(self) -> tuple[str, ...]:
        """What holds only with a warning."""
        return tuple(dict.fromkeys(w for c in self.conditions for w in c.verdict.warnings))


WAIVED: State = "failed and waived"
# States that hold whatever was waived before, or that say nothing of the evidence.
UNTOUCHED = ("met", "met with warnings", "not applicable", "not assessed here")
# What a condition found, and the state that it gives, the worst first; a failure stays one while a waiver covers it.
ORDER: tuple[tuple[str, State], ...] = (
    ("failed", "failed"),
    (WAIVED, WAIVED),
    ("stale", "stale"),
    ("not evaluated", "not evaluated"),
    ("missing", "missing"),
    ("captured", "captured"),
    ("not due", "not due"),
    ("warned", "met with warnings"),
    ("holds", "met"),
    ("not applicable", "not applicable"),
)
BESIDE = ("stale", "not evaluated", "missing", "captured")  # what the reason of a waived failure names too
# States of several versions or controls, from the worst to the best, for where one has to be shown for all.
WORST_FIRST: tuple[State, ...] = (
    "unverifiable", "failed", WAIVED, "stale", "not evaluated", "missing", "captured", "not sealed yet",
    "met with warnings", "met", "not due", "not applicable", "not assessed here",
)  # fmt: skip


def combined(
    control: Control, conditions: Sequence[ConditionStatus], here: tuple[SealedRecord, ...], unsealed: Sequence[str]
) -> ControlStatus:
    """Return the state that the conditions add up to: the worst decides, a waived failure right after failed."""
    outcomes = {WAIVED if c.waived else c.verdict.outcome for c in conditions}
    state = next(s for o, s in ORDER if o in outcomes)
    if unsealed and state in ("met", "met with warnings", "captured"):
        state = "not sealed yet"
    mine = _deciding(state, conditions)
    ending = min((v for v in map(_ending, conditions) if v), default=None)
    return ControlStatus(
        control,
        state,
        _reason(state, mine, conditions, unsealed),
        tuple(conditions),
        here,
        max((c.verdict.since for c in mine if c.verdict.since), default=None),
        ending[1] if ending else "",
        ending[0] if ending else None,
    )


def telling_waivers(status: ControlStatus, lasting: Sequence[WaivedBy]) -> ControlStatus:
    """Return the state with the waivers by which the gate let these bytes in, where it does not name them itself.

    What is missing stays missing although it was waived for a change, but for until when: the state ends with a waiver.
    """
    told = {w.waiver for c in status.conditions for w in c.waived} if status.state == WAIVED else set[str]()
    others = {w.waiver: w for w in lasting if w.unmet.control == status.control.id and w.waiver not in told}
    if not others or status.state in UNTOUCHED:
        return status
    reason = f"{status.reason}; the gate let these bytes in all the same: {waivers_text(others.values())}"
    first = min(others.values(), key=lambda w: w.expires)
    if status.next_time is not None and status.next_time <= first.expires:
        return dataclasses.replace(status, reason=reason)
    ends = f"waiver by {first.owner}"
    return dataclasses.replace(status, reason=reason, next_change=ends, next_time=first.expires)


def _ending(found: ConditionStatus) -> tuple[str, str] | None:
    """Return when a verdict ends by itself, and what ends."""
    if found.waived:
        first = min(found.waived, key=lambda w: w.expires)
        return first.expires, f"waiver by {first.owner}"
    return (found.verdict.until, found.verdict.ends) if found.verdict.until else None


def _deciding(state: State, conditions: Sequence[ConditionStatus]) -> list[ConditionStatus]:
    """Return the conditions that bring the state about."""
    if state == WAIVED:
        return [c for c in conditions if c.waived]
    outcome = next((o for o, s in ORDER if s == state), None)
    if state in ("met", "met with warnings", "not sealed yet"):
        return list(conditions)
    return [c for c in conditions if c.verdict.outcome == outcome and not c.waived]


def _reason(
    state: State, mine: Sequence[ConditionStatus], conditions: Sequence[ConditionStatus], unsealed: Sequence[str]
) -> str:
    """Return the state in words: what decides it, and what is not applicable."""
    holding = [c for c in conditions if c.verdict.outcome in ("holds", "warned")]
    beside = [c.verdict.sentence for c in conditions if c.verdict.outcome == "not applicable"]
    if state in ("met", "met with warnings"):
        warnings = list(dict.fromkeys(w for c in conditions for w in c.verdict.warnings))
        n = len(conditions) - len(beside)
        text = [f"{len(holding)} of {n} conditions hold", *(f"warning: {w}" for w in warnings)]
    elif state == WAIVED:
        text = [f"{'; '.join(dict.fromkeys(w.unmet.text for c in mine for w in c.waived))}; {_waivers(mine)}"]
        others = [c for o in BESIDE for c in conditions if c.verdict.outcome == o and not c.waived]
        text += [f"{c.verdict.outcome}: {c.verdict.sentence} (owed by {c.condition.owed_by})" for c in others]
    elif state == "not sealed yet":
        text = [f"{', '.join(dict.fromkeys(unsealed))} is not in the ledger yet"]
    elif state == "missing":
        owing = [(c.verdict.sentence, c.condition.owed_by) for c in mine]
        text = [f"{sentence} (owed by {owed})" for sentence, owed in dict(owing).items()]
    elif state == "not due":
        text = [f"{len(holding)} of {len(conditions)} conditions hold", *(c.verdict.sentence for c in mine)]
    else:
        text = [c.verdict.sentence for c in mine]
    return "; ".join(dict.fromkeys([*text, *beside]))


def _waivers(mine: Sequence[ConditionStatus]) -> str:
    return waivers_text({w.waiver: w for c in mine for w in c.waived}.values())


def waivers_text(waivers: Iterable[WaivedBy]) -> str:
    """Return who waived it until and including which day, and why."""
    each = [f"waived by {w.owner} until and including {last_day(w.expires)}: {w.reason}" for w in waivers]
    return "; ".join(each)

"""The state of each control for one model, from checked sessions, the catalog and a clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from aims_mlflow.catalog.loader import controls, kinds
from aims_mlflow.gates.counting_evidence import CountingEvidence, count, data_digests
from aims_mlflow.records.base import parse_time

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aims_mlflow.evidence.statement import SealedRecord
    from aims_mlflow.evidence.verify import CheckedSession
    from aims_mlflow.records.control import Control

State = Literal["met", "failed", "missing", "stale", "unverifiable", "not due", "not applicable"]
# A warning of these kinds means that something which the control asks for is not stated or not joined.
STATED = frozenset({"acquisition", "dataset-record", "lineage", "preparation", "representativeness"})
DUE = ("training", "registration")


@dataclass(frozen=True)
class ControlStatus:
    """A control with its state for a model, the reason, and the records behind it."""

    control: Control
    state: State
    reason: str
    records: tuple[SealedRecord, ...]


def control_statuses(
    sessions: Sequence[CheckedSession], model_digest: str | None, now: datetime | None = None
) -> list[ControlStatus]:
    """Return the state of every Annex A control that is evidenced for each model, in the catalog's order.

    "Met" means that every kind which the control requires is there, evaluated, not failed and not stale;
    a kind that only supports never suffices. It says nothing about conformity.
    """
    moment = now or datetime.now(UTC)
    counted = (
        count(sessions, model_digest)
        if model_digest
        else CountingEvidence((), frozenset(), (), tuple(s for s in sessions if not s.sound), {})
    )
    records = counted.records or tuple(r for s in sessions if s.sound for r in s.records)
    trained = {d for t in counted.trained for d in data_digests(t)}
    behind = [r for s in sessions if s.sound for r in s.records if r.evidence.kind in ("acquisition", "preparation")]
    known = {r.id for r in records}
    everything = [*records, *(r for r in behind if r.id not in known and (trained or not model_digest))]
    return [
        _status(control, everything, counted, moment)
        for control in controls().values()
        if control.stage != "organization"
    ]


def _status(
    control: Control, records: Sequence[SealedRecord], counted: CountingEvidence, now: datetime
) -> ControlStatus:
    wanted = [u.kind for u in control.evidence if u.need == "required"]
    supports = [u.kind for u in control.evidence if u.need == "supports"]
    undone = {r.evidence.supersedes.id for r in records if r.evidence.supersedes is not None}
    mine = tuple(r for r in records if r.evidence.kind in (*wanted, *supports) and r.id not in undone)
    if "fairness" in wanted and not _sensitive(records):
        wanted.remove("fairness")
    state, reason = _verdict(control, wanted, mine, counted, now)
    return ControlStatus(control, state, reason, mine)


def _verdict(
    control: Control, wanted: Sequence[str], mine: Sequence[SealedRecord], counted: CountingEvidence, now: datetime
) -> tuple[State, str]:
    """Return the first state that applies, worst first, and its reason."""
    if counted.unsound:
        problems = counted.unsound[0].problems
        return "unverifiable", problems[0].sentence() if problems else "no manifest"
    for record in mine:
        if record.evidence.result == "failed":
            return "failed", _why(record)
    if control.stage not in DUE:
        return "not due", f"due at {control.stage}"
    for record in mine:
        body = record.evidence
        if body.valid_until and parse_time(body.valid_until) < now:
            return "stale", f"{body.kind} was valid until {body.valid_until}"
    lacking = [
        f"{r.evidence.kind} could not be evaluated: {_why(r)}" for r in mine if r.evidence.result == "not_evaluated"
    ]
    lacking += [_why(r) for r in mine if r.evidence.result == "warned" and r.evidence.kind in STATED]
    lacking += [how_to_add(k) for k in wanted if k not in {r.evidence.kind for r in mine}]
    if lacking:
        return "missing", "; ".join(dict.fromkeys(lacking))
    return "met", f"{', '.join(wanted)} evaluated and in order"


def _sensitive(records: Sequence[SealedRecord]) -> bool:
    return any(r.evidence.details.get("sensitive") for r in records if r.evidence.kind == "session-start") or any(
        r.evidence.kind == "fairness" for r in records
    )


def _why(record: SealedRecord) -> str:
    return record.evidence.reason or f"{record.evidence.kind} {record.evidence.result.replace('_', ' ')}"


def how_to_add(kind: str) -> str:
    """Return the missing kind, and how to produce it."""
    if kinds()[kind].captured == "human":
        return f'no {kind}: aims.attach("{kind}", PATH)'
    ways = {"acquisition": "@aims.acquires", "preparation": "@aims.prepares"}
    return f"no {kind}" + (f": {ways[kind]}" if kind in ways else "")

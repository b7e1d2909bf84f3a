"""What speaks against the records that a control rests on: they have ended, or are about another system."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aims_mlflow.gates.combined_status import ConditionStatus
from aims_mlflow.gates.counting_evidence import DATA_KINDS
from aims_mlflow.gates.verdict import Judgement
from aims_mlflow.records.base import parse_time
from aims_mlflow.records.control import Condition

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from aims_mlflow.evidence.statement import SealedRecord
    from aims_mlflow.gates.status_subject import StatusSubject
    from aims_mlflow.records.control import Control

# Each of these is about a period that is over, and the next one takes its place.
OF_A_PERIOD = ("monitor-run", "log-coverage", "use-conformance")


def against_records(
    control: Control, found: Sequence[ConditionStatus], subject: StatusSubject, at: datetime
) -> list[ConditionStatus]:
    """Return what speaks against the records that the conditions of a control were judged on."""
    named = {e for c in found for e in c.verdict.evidence}
    used = [r for r in subject.records if r.id in named]
    checks = (
        ("in-time", "no record that it rests on has ended", _ended(used, at)),
        ("same-system", "its evidence is about this system", _elsewhere(used, subject)),
    )
    owed = control.conditions[0].owed_by
    return [
        ConditionStatus(
            Condition(id=name, clause=control.stale_when or name, holds=holds, kinds=("session-start",), owed_by=owed),
            verdict,
        )
        for name, holds, verdict in checks
        if verdict is not None
    ]


def _ended(used: Sequence[SealedRecord], at: datetime) -> Judgement | None:
    """Of several records of a kind about the same thing, the newest counts."""
    newest: dict[tuple[str, str], SealedRecord] = {}
    for record in sorted(used, key=lambda r: (r.evidence.time, r.id)):
        about = " ".join(sorted(d for s in record.subjects for d in s.digest.values()))
        newest[record.evidence.kind, about] = record
    ended = [
        r for r in newest.values()
        if r.evidence.kind not in OF_A_PERIOD and r.evidence.valid_until and parse_time(r.evidence.valid_until) < at
    ]  # fmt: skip
    if not ended:
        return None
    text = "; ".join(dict.fromkeys(f"{r.evidence.kind} was valid until {r.evidence.valid_until}" for r in ended))
    return Judgement("stale", text).about(*ended)


def _elsewhere(used: Sequence[SealedRecord], subject: StatusSubject) -> Judgement | None:
    """Data may come from another system's acquisition; a training and its results may not."""
    if subject.scope == "organization" or subject.name is None:
        return None
    trained = [subject.training] if subject.training is not None and used else []
    others = [
        r for r in (*used, *trained)
        if r.evidence.system not in (None, subject.name) and r.evidence.kind not in DATA_KINDS
    ]  # fmt: skip
    if not others:
        return None
    named = ", ".join(sorted({str(r.evidence.system) for r in others}))
    return Judgement("missing", f"the evidence is about {named}, not about {subject.name}").about(*others)

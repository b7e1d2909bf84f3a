"""Watch of a ledger, by reading a few rows: it extends its last known state and delivers its checkpoints."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from aims_mlflow.audit.continuation import ledger_proof, why_not_continued
from aims_mlflow.audit.keyrings import LOOK_AGAIN, check_signer, history_of
from aims_mlflow.audit.outside_checkpoint import read_outside_checkpoint
from aims_mlflow.audit.report import Step
from aims_mlflow.audit.view import LedgerView
from aims_mlflow.errors import EvidenceError
from aims_mlflow.ledger.delivery import LATE_SECONDS
from aims_mlflow.records.base import parse_time

if TYPE_CHECKING:
    from pathlib import Path

    from aims_mlflow.ledger.checkpoint import Checkpoint
    from aims_mlflow.ledger.ledger import Ledger


@dataclass(frozen=True)
class WatchResult:
    """Result of a watch; `before` is the size of the checkpoint that the newest one extends."""

    head: Checkpoint | None
    leaves: int
    before: int
    findings: list[str]


def look(ledger: Ledger, state: Path | None, now: datetime | None = None) -> WatchResult:
    """Check a ledger once; `state` is a file for the newest checkpoint, written if it extends the previous one.

    Raises:
        EvidenceError: the file in `state` is no checkpoint.
        Unreachable: the ledger, or the file, cannot be read or written.
    """
    head, leaves, findings = ledger.proofs.newest(), ledger.proofs.size(), []
    step = Step("keyring")
    history = history_of(LedgerView(ledger), step, None)
    findings += [problem.sentence() for problem in step.problems]
    if head is not None:
        try:
            later = check_signer(head, history, ledger.leaf_below(head.size))
            findings += [f"newest checkpoint: {later}. It means: {LOOK_AGAIN}"] if later else []
        except EvidenceError as exc:
            findings.append(exc.sentence())
    findings += _uncovered(ledger, head, leaves, now or datetime.now(UTC))
    findings += [late.sentence() for late in ledger.proofs.late()]
    before = read_outside_checkpoint(state).head if state is not None and state.exists() else None
    why = _why_not_continued(ledger, before, head) if before else None
    if why:
        findings.append(why)
    elif state is not None and head is not None and not step.problems:
        part = state.with_name(f"{state.name}.part")
        part.write_text(head.text, encoding="utf-8")
        part.replace(state)
    return WatchResult(head, leaves, before.size if before and not why else 0, findings)


def _uncovered(ledger: Ledger, head: Checkpoint | None, leaves: int, now: datetime) -> list[str]:
    covered = head.size if head else 0
    if covered > leaves:
        return [f"the newest checkpoint is over {covered:,} leaves, and only {leaves:,} are there: the end was cut off"]
    first = next(ledger.leaves(start=covered), None) if covered < leaves else None
    late = timedelta(seconds=LATE_SECONDS)
    if first is None or now - late < parse_time(str(first.content["time"])) < now + late:
        return []
    return [f"no checkpoint covers leaf {first.sequence} of {first.content['time'][:19]}Z: `aims ledger checkpoint`"]


def _why_not_continued(ledger: Ledger, before: Checkpoint, head: Checkpoint | None) -> str | None:
    """Return why `head` is not a later state of the log of `before`; None if it is."""
    why = why_not_continued(before, head, ledger_proof(ledger)) if head else "it has no checkpoint now"
    if why is None:
        return None
    what = f"the ledger does not continue the checkpoint over {before.size:,} leaves that was seen before: {why}"
    return f"{what}. Next: `aims ledger verify --since FILE` says what changed"

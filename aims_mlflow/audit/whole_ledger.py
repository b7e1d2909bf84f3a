"""Verification of a whole ledger, from its keyrings to outside checkpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aims_mlflow.audit.contents import ContentCheck
from aims_mlflow.audit.keyrings import history_of
from aims_mlflow.audit.part_workers import cores_for_workers
from aims_mlflow.audit.report import Report
from aims_mlflow.audit.tree import TreeCheck
from aims_mlflow.audit.view import LedgerView
from aims_mlflow.errors import AimsError
from aims_mlflow.ledger import checkpoint
from aims_mlflow.ledger.timestamps import stamped_at

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from aims_mlflow.audit.outside_checkpoint import OutsideCheckpoint
    from aims_mlflow.ledger.ledger import Ledger

# Under this, to fork workers takes as long as it saves.
LEAVES_THAT_PAY = 500


def verify_ledger(
    ledger: Ledger,
    target: str,
    *,
    outside: Sequence[OutsideCheckpoint] = (),
    root: Collection[str] | None = None,
    stamp_roots: Sequence[bytes] = (),
    tick: Callable[[int], None] = lambda _: None,
    processes: int | None = None,
) -> Report:
    """Verify every leaf, envelope, body, keyring, policy and checkpoint of a ledger.

    Args:
        ledger: opened without a log.
        target: name of the ledger in the report.
        outside: checkpoints from outside the ledger; without any, only its own are checked.
        root: key ids of pinned roots of the keyring.
        stamp_roots: PEM certificates of time-stamping authorities.
        tick: called with the number of leaves read so far.
        processes: number of worker processes that check contents, 0 for none; as many as pay by default.

    Raises:
        Unreachable: the database does not answer.
    """
    report = Report(target, root)
    view = LedgerView(ledger)
    history = history_of(view, report["keyring"], root)
    if processes is None:
        processes = cores_for_workers() if ledger.proofs.size() >= LEAVES_THAT_PAY else 0
    ledger.disconnect()
    contents = ContentCheck(view, report, history, whole=True, processes=processes)
    TreeCheck(ledger, report, history, outside).run(contents.page, tick)
    contents.finish()
    check_stamps(ledger, report, stamp_roots)
    for late in ledger.proofs.late():
        report["checkpoint"].wrong(
            f"delivery to {late.anchor}", late.sentence(), "until it is there, only the database vouches for it"
        )
    return report


def check_stamps(ledger: Ledger, report: Report, roots: Sequence[bytes]) -> None:
    """Check the authorities' time stamps on checkpoints."""
    step, notes, seen = report["time stamp"], {size: note for size, note, _ in ledger.proofs.checkpoints()}, []
    for size, anchor, receipt in ledger.proofs.receipts():
        where = f"time stamp of the checkpoint over {size} leaves by {anchor}"
        if size not in notes:
            step.wrong(where, "its checkpoint is gone", "someone deleted the checkpoint in the database")
            continue
        if not roots:
            step.wrong(where, "no certificate to check it by was given", "give the authority's with --stamp-root FILE")
            return
        try:
            seen.append(stamped_at(receipt, notes[size].encode(), roots, anchor))
            checkpoint.parse(notes[size].encode(), where)
        except AimsError as exc:
            step.wrong(where, exc.what, "no third party's word says when this checkpoint was there")
    if seen:
        step.said.append(
            f"{len(seen):,} time stamp{'' if len(seen) == 1 else 's'}, the last of {max(seen):%Y-%m-%d %H:%M:%SZ}"
        )

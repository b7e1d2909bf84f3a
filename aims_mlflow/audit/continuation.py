"""Continuation: checks that a log extends an earlier checkpoint."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from aims_mlflow.audit.keyrings import LOOK_AGAIN, check_signer
from aims_mlflow.errors import EvidenceError
from aims_mlflow.ledger import merkle

if TYPE_CHECKING:
    from aims_mlflow.audit.report import Step
    from aims_mlflow.ledger.checkpoint import Checkpoint
    from aims_mlflow.ledger.leaves import Leaf
    from aims_mlflow.ledger.ledger import Ledger
    from aims_mlflow.signing.keyring_history import KeyringHistory

# Returns the consistency proof (RFC 6962) from an old to a new number of leaves.
Proof = Callable[[int, int], Sequence[bytes]]


class Head(Protocol):
    """Head of a log at a number of leaves: a checkpoint, or computed from the leaves."""

    @property
    def origin(self) -> str:
        """The log's name."""

    @property
    def size(self) -> int:
        """The number of leaves."""

    @property
    def root(self) -> bytes:
        """The root of the tree over them."""


def why_not_continued(old: Checkpoint, now: Head, proof: Proof) -> str | None:
    """Return why `now` is not a later state of the log of `old`; None if it is."""
    if now.size < old.size:
        return f"only {now.size:,} leaves are there now"
    if now.origin != old.origin:
        return f"it is of {old.origin}, not of {now.origin}"
    try:
        steps = proof(old.size, now.size)
    except EvidenceError as exc:
        return exc.what
    if merkle.verify_consistency(old.size, now.size, old.root, now.root, steps):
        return None
    return "leaves below it were rewritten, deleted, moved or inserted since"


def ledger_proof(ledger: Ledger) -> Proof:
    """Return the function that reads consistency proofs from a ledger's database."""
    return lambda old, new: ledger.proofs.consistency(old, new) if 0 < old < new else []


def note_signer(head: Checkpoint, where: str, history: KeyringHistory, last: Leaf | None, step: Step) -> None:
    """Check that a log's key signed a checkpoint; note later findings about that key in `step`.

    `last` is as in `check_signer`.

    Raises:
        EvidenceError: no log's key signed it, or none that was to sign any more.
    """
    later = check_signer(head, history, last)
    if later:
        step.wrong(where, later, LOOK_AGAIN)

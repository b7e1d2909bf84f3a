"""Proof that the policy and keyring in force are those that this log sealed, and that the root signed the keyring.

Whoever has the ledger's database can add a leaf with another policy or keyring, but no signature of log or root.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aims_mlflow.audit.keyrings import check_signer, history_of
from aims_mlflow.audit.report import Step
from aims_mlflow.audit.view import LedgerView
from aims_mlflow.errors import EvidenceError
from aims_mlflow.ledger import merkle
from aims_mlflow.ledger.in_force import KINDS_OF_RULES
from aims_mlflow.settings import keyring_roots

if TYPE_CHECKING:
    from aims_mlflow.ledger.checkpoint import Checkpoint
    from aims_mlflow.ledger.leaves import Leaf
    from aims_mlflow.ledger.ledger import Ledger
    from aims_mlflow.ledger.model_leaves import ModelLeaves
    from aims_mlflow.signing.keyring_history import KeyringHistory

LOOK = (
    "someone wrote to the ledger's database, or the server goes on with an ended log key (AIMS_LOG_KEY): "
    "`aims ledger verify` says what changed"
)


class ProvedRules:
    """Proves the newest leaf of each kind of rules once, and each one that takes its place."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._proved: tuple[str, ...] = ()

    def require(self, for_all: ModelLeaves) -> None:
        """Refuse rules whose leaf stands under no checkpoint of this log, and a keyring that no root signed.

        `for_all` are the leaves that hold for every model.

        Raises:
            EvidenceError: they are such.
            Unreachable: the ledger does not answer.
        """
        newest = [leaves[-1] for kind in KINDS_OF_RULES if (leaves := for_all.of((kind,)))]
        named = tuple(leaf.leaf_hash for leaf in newest)
        if named == self._proved or self._ledger.log is None:
            return
        step = Step("keyring")
        history = history_of(LedgerView(self._ledger), step, keyring_roots() or None)
        if step.problems or history.newest is None:
            what = step.problems[0].what if step.problems else "the ledger has none"
            raise EvidenceError(f"the keyring in force is not the root's: {what}", next=LOOK)
        for leaf in newest:
            self._prove(leaf, history)
        self._proved = named

    def _prove(self, leaf: Leaf, history: KeyringHistory) -> None:
        """Prove that a leaf stands below a checkpoint that this log signed, with a key that was to sign there."""
        proofs, why = self._ledger.proofs, ""
        head = proofs.covering(leaf.sequence + 1)
        try:
            proof = proofs.inclusion(leaf.sequence, head) if head and self._signed(head, history) else None
        except EvidenceError as exc:
            proof, why = None, f": {exc.what}"
        if proof is None or not proof.holds() or proof.leaf_hash != merkle.leaf_hash(leaf.data):
            what = f"the {leaf.fact.type} in force (leaf {leaf.sequence}) stands under no checkpoint of this log{why}"
            raise EvidenceError(what, next=LOOK)

    def _signed(self, head: Checkpoint, history: KeyringHistory) -> bool:
        """Return whether the log signed a checkpoint, by the keyring in force there.

        A log whose key no keyring has named yet knows its own signature.

        Raises:
            EvidenceError: another key signed it, or one that was revoked, had ended or had another role.
        """
        own = self._ledger.log.key.public if self._ledger.log else None
        if own and history.known(own.key_id) is None and head.note.signed_by(head.origin, own):
            return True
        check_signer(head, history, self._ledger.leaf_below(head.size))
        return True

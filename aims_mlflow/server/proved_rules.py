"""Proof that the policy and keyring in force are those that this log sealed, and that the root signed the keyring.

Whoever has the ledger's database can add a leaf with another policy or keyring, but no signature of log or root.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aims_mlflow.audit.keyrings import history_of
from aims_mlflow.audit.report import Step
from aims_mlflow.audit.view import LedgerView
from aims_mlflow.errors import EvidenceError
from aims_mlflow.ledger import merkle
from aims_mlflow.ledger.in_force import KINDS_OF_RULES
from aims_mlflow.ledger.log import LOG_ROLE
from aims_mlflow.settings import keyring_roots
from aims_mlflow.signing.keys import PublicKey

if TYPE_CHECKING:
    from aims_mlflow.ledger.leaves import Leaf
    from aims_mlflow.ledger.ledger import Ledger
    from aims_mlflow.ledger.model_leaves import ModelLeaves
    from aims_mlflow.records.keyring import Keyring

LOOK = "someone wrote to the ledger's database: `aims ledger verify` says what changed"


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
        keyring = history_of(LedgerView(self._ledger), step, keyring_roots() or None).newest
        if step.problems or keyring is None:
            what = step.problems[0].what if step.problems else "the ledger has none"
            raise EvidenceError(f"the keyring in force is not the root's: {what}", next=LOOK)
        for leaf in newest:
            self._prove(leaf, keyring)
        self._proved = named

    def _prove(self, leaf: Leaf, keyring: Keyring) -> None:
        """Prove that a leaf stands below a checkpoint that this log signed, with its key of today or an earlier one."""
        proofs, log = self._ledger.proofs, self._ledger.log
        head = proofs.covering(leaf.sequence + 1)
        keys = [PublicKey.from_pem(entry.pem) for entry in keyring.keys if LOG_ROLE in entry.roles]
        signed = head is not None and any(
            head.note.signed_by(head.origin, key) for key in (*([log.key.public] if log else []), *keys)
        )
        proof = proofs.inclusion(leaf.sequence, head) if signed else None
        if proof is None or not proof.holds() or proof.leaf_hash != merkle.leaf_hash(leaf.data):
            what = f"the {leaf.fact.type} in force (leaf {leaf.sequence}) stands under no checkpoint of this log"
            raise EvidenceError(what, next=LOOK)

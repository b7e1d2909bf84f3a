"""Deletion of the gate's own tags that repeat what a person wrote, once the ledger has erased it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aims_mlflow.errors import EvidenceError, PolicyRefused
from aims_mlflow.evidence.statement import read
from aims_mlflow.gates.consents import ACTIONS, unpacked
from aims_mlflow.lifecycle.erasure import erased
from aims_mlflow.lifecycle.model_history import ModelHistory, qualified
from aims_mlflow.records.leaves.changes import DecisionLeaf
from aims_mlflow.registry.names import REQUEST_TAG

if TYPE_CHECKING:
    from aims_mlflow.ledger.leaves import Leaf
    from aims_mlflow.ledger.ledger import Ledger
    from aims_mlflow.server.plain_store import PlainStore

ERASE_FIRST = "erase it in the ledger first: `aims evidence erase {} --reason …`"


class ErasedTags:
    """Answers which of the gate's tags may be deleted: the ledger says the same for good, or that it was erased."""

    def __init__(self, plain: PlainStore, ledger: Ledger) -> None:
        self._plain = plain
        self._ledger = ledger

    def require_consent(self, name: str, key: str) -> None:
        """Refuse to delete the tag by which a consent came, while its words stand in the ledger.

        Raises:
            PolicyRefused: they do.
        """
        text = self._plain.get_registered_model(name).tags.get(key)
        if text is None:
            return
        try:
            request = read(unpacked(text)[0], "consent").whole().evidence.id
        except EvidenceError:
            return  # no consent of ours
        self._require(list(self._ledger.leaves(types=ACTIONS, request=request)))

    def require_waivers(self, name: str, workspace: str | None, version: str) -> None:
        """Refuse to delete the list of a version's waivers, while a decision that rested on one has its texts.

        Raises:
            PolicyRefused: one has.
        """
        made_by = self._plain.get_model_version(name, version).tags.get(REQUEST_TAG)
        registered = list(self._ledger.leaves(types=("decision",), request=made_by)) if made_by else []
        later = ModelHistory(self._ledger, qualified(name, workspace)).leaves(("decision",), version)
        self._require([x for x in (*registered, *later) if isinstance(x.fact, DecisionLeaf) and x.fact.waivers])

    def _require(self, leaves: list[Leaf]) -> None:
        gone = erased(self._ledger) if leaves else set()
        kept = [leaf for leaf in leaves if leaf.sequence not in gone]
        if kept:
            raise PolicyRefused(
                f"leaf {kept[0].sequence} of the ledger has the same words", next=ERASE_FIRST.format(kept[0].sequence)
            )

"""What rests on an envelope: what is in use, which forbids to erase it, and decisions that are made again from it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from aims_mlflow.errors import AimsError, EvidenceError
from aims_mlflow.evidence.statement import read
from aims_mlflow.gates.authority import Authority
from aims_mlflow.gates.replay import recorded, replay, same
from aims_mlflow.gates.sealed_documents import sealed_shelf
from aims_mlflow.gates.signed_consent import GIVING
from aims_mlflow.lifecycle.ingest import force_now
from aims_mlflow.lifecycle.model_history import ModelHistory
from aims_mlflow.lifecycle.tenures import holders, standing_versions
from aims_mlflow.records.leaves.changes import AdoptionLeaf, DecisionLeaf
from aims_mlflow.records.leaves.others import ConsentLeaf, ErasureLeaf, EvidenceLeaf

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aims_mlflow.gates.authority import SealedLeaves
    from aims_mlflow.ledger.leaves import Leaf
    from aims_mlflow.ledger.ledger import Ledger
    from aims_mlflow.records.leaves.changes import DoneLeaf

LAST_DAY = "9999-12-31"  # documents that begin later are approved and wait: they count as in force


class EnvelopeUses:
    """The leaves that name one envelope of a ledger, and what rests on it by them."""

    def __init__(self, ledger: Ledger, sha256: str) -> None:
        self._ledger, self._sha256 = ledger, sha256
        self._naming = [leaf for leaf in ledger.leaves() if sha256 in leaf.fact.envelopes()]

    @property
    def models(self) -> list[str]:
        """The models that the naming leaves are about."""
        return sorted({leaf.fact.model_name for leaf in self._naming if leaf.fact.model_name})

    def require_none(self) -> None:
        """Refuse an envelope that is not there, that has nothing of a person, or that something in use rests on.

        Raises:
            EvidenceError: it is such; the sentence names what is to be done first.
        """
        raw = self._ledger.envelope(self._sha256)
        if raw is None or not self._naming:
            raise self._not_here()
        for leaf in self._naming:
            fact = leaf.fact
            if isinstance(fact, ErasureLeaf):
                what = f"it is the signed record of the erasure of leaf {leaf.sequence}: nothing else shows who erased"
                raise _refused(what, "it stays (docs/security.md, Erasure)")
            if isinstance(fact, ConsentLeaf) and "words" in (read(raw, self._sha256).evidence.details or {}):
                what = f"the signed record of {fact.type} leaf {leaf.sequence} has no text, only a salted digest of it"
                raise _refused(what, f"`aims evidence erase {leaf.sequence}` erases the text beside it")
            if isinstance(fact, AdoptionLeaf):
                self._require_deleted(fact)
        self._require_no_holder()
        self._require_no_document()

    def decisions(self) -> list[int]:
        """Return the leaves of the decisions that can be made again with the envelope, and not without it."""
        out = {leaf.sequence for leaf in self._naming if isinstance(leaf.fact, DecisionLeaf)}
        by_shelf_or_consent = [x for x in self._naming if isinstance(x.fact, ConsentLeaf) or _is_document(x)]
        if by_shelf_or_consent:
            start, without = by_shelf_or_consent[0].sequence, self._without()
            for leaf in self._ledger.leaves(start=start, types=("decision",)):
                request = leaf.fact.request
                if _made_again(self._ledger, request) and not _made_again(without, request):
                    out.add(leaf.sequence)
        return sorted(out)

    # -- what is in use ---------------------------------------------------------------------

    def _require_deleted(self, fact: AdoptionLeaf) -> None:
        if str(fact.version) in standing_versions(ModelHistory(self._ledger, fact.model_name)):
            what = f"the gate knows {fact.model_name} version {fact.version} by this adoption alone"
            raise _refused(what, "delete the version in MLflow first")

    def _require_no_holder(self) -> None:
        names = {leaf.fact.model_name for leaf in self._ledger.leaves(types=("outcome", "legacy"))}
        for name in sorted(filter(None, names)):
            past = ModelHistory(self._ledger, name)
            for place, fact in holders(past).items():
                if self._carries(past, fact):
                    what = f"{name} version {fact.version} holds {place}, and rests on it"
                    raise _refused(what, f"give {place} to a version that does not rest on it, or take it away, first")

    def _carries(self, past: ModelHistory, held: DoneLeaf) -> bool:
        """Return whether a version in use rests on the envelope: its decision, the evidence of it, or a consent."""
        prior = None if isinstance(held, AdoptionLeaf) else past.authority_of(held.request, str(held.alias))
        if prior is not None and self._sha256 in prior.evidence:
            return True
        return any(_about(leaf.fact, held) for leaf in self._naming)

    def _require_no_document(self) -> None:
        """Refuse a document in force, and an approval, review or withdrawal of one: the shelf would be another."""
        if any(map(_is_document, self._naming)) and _shelf(self._ledger) != _shelf(self._without()):
            what = "the documents in force would be others without it, or without the session that it is in"
            todo = (
                "publish a new version and have it approved (`aims document publish`), or withdraw the document, first"
            )
            raise _refused(what, todo)

    # -- the ledger without it --------------------------------------------------------------

    def _without(self) -> SealedLeaves:
        return cast("SealedLeaves", _Without(self._ledger, self._sha256))

    def _not_here(self) -> EvidenceError:
        if self._ledger.state.stored(self._sha256) is not None:
            what = "it is a policy or keyring that was in force, by which signatures and decisions are judged"
            return _refused(what, "it stays (docs/security.md, Erasure)")
        return _refused(
            f"no leaf of the ledger names an envelope {self._sha256} that is there (any more)",
            "the page of a record, and `aims evidence show`, name its sha256",
        )


class _Without:
    """A ledger as it will be without one envelope."""

    def __init__(self, ledger: Ledger, sha256: str) -> None:
        self._ledger, self._sha256 = ledger, sha256

    def envelopes(self, names: Sequence[str]) -> dict[str, bytes]:
        return self._ledger.envelopes([name for name in names if name != self._sha256])

    def envelope(self, sha256: str) -> bytes | None:
        return self.envelopes([sha256]).get(sha256)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger, name)


def _refused(what: str, todo: str) -> EvidenceError:
    return EvidenceError(f"nothing is erased: {what}", next=todo)


def _is_document(leaf: Leaf) -> bool:
    return isinstance(leaf.fact, EvidenceLeaf) and bool(leaf.fact.documents)


def _about(fact: object, held: DoneLeaf) -> bool:
    """Return whether a leaf that names the envelope is about what a version in use rests on."""
    if isinstance(fact, DecisionLeaf | AdoptionLeaf):
        return fact.request == held.request
    if isinstance(fact, ConsentLeaf):
        return fact.type in GIVING and fact.model_digest == held.model_digest
    return isinstance(fact, EvidenceLeaf) and held.model_digest in fact.model_digests


def _made_again(ledger: SealedLeaves, request: str) -> bool:
    try:
        return same(recorded(cast("Ledger", ledger), request), replay(cast("Ledger", ledger), request))
    except AimsError:
        return False


def _shelf(ledger: SealedLeaves) -> list[object]:
    """Return the documents in force now, and those that wait for their first day, with what people signed of them."""
    now = datetime.now(UTC)
    shelf = sealed_shelf(Authority(ledger, "", force_now(cast("Ledger", ledger)), now))
    days = (now.strftime("%Y-%m-%d"), LAST_DAY)
    return [(p.document, shelf.approvals_of(p.document)) for day in days for p in shelf.on(day)]

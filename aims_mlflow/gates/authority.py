"""Whether a signature counts, now: judged by the ledger's sequence, never by the clock of its signer.

A signature is as old as the first leaf that names it. It counts if the keyring in force at that leaf let its key sign,
and if the keyring in force now does not take that back: by a revocation as of a time before the leaf, by another role,
or by not knowing the key any more. Evidence that no leaf names yet is as old as the decision that reads it.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from aims_mlflow.cached_values import cached_property
from aims_mlflow.canonical import sha256_hex
from aims_mlflow.errors import EvidenceError
from aims_mlflow.gates.erased_envelopes import erased_names
from aims_mlflow.gates.rules_in_force import keyring_of
from aims_mlflow.ledger.lineage import Leaves, spans
from aims_mlflow.records.base import utc_text
from aims_mlflow.records.leaves.others import KeyringLeaf

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from aims_mlflow.evidence.statement import SealedRecord
    from aims_mlflow.gates.counting_evidence import CountingEvidence
    from aims_mlflow.gates.rules_in_force import RulesInForce, StoredTexts
    from aims_mlflow.ledger.leaves import Leaf
    from aims_mlflow.ledger.lineage import Span
    from aims_mlflow.ledger.model_leaves import LeavesNow, ModelLeaves
    from aims_mlflow.records.keyring import KeyEntry, Keyring, Role
    from aims_mlflow.records.leaves.base import LeafBody

EVIDENCE = ("decision", "evidence")
NOT_SEALED = "no leaf sealed it before that, and when it was signed only its signer says"


class SealedLeaves(Leaves, Protocol):
    """A ledger, or the part of it in a bundle."""

    def for_all(self) -> ModelLeaves:
        """Return the leaves that hold for every model."""

    def envelope(self, sha256: str) -> bytes | None:
        """Return an envelope that a leaf names."""

    def envelopes(self, names: Sequence[str]) -> dict[str, bytes]:
        """Return the envelopes of these names that are kept."""

    def body(self, sequence: int) -> LeafBody | None:
        """Return a leaf's body; None where it was erased."""

    @property
    def state(self) -> StoredTexts:
        """The store of the texts of policies and keyrings."""


def named_envelopes(ledger: SealedLeaves, names: Sequence[str]) -> dict[str, bytes]:
    """Return the envelopes that have the digests by which leaves name them: one that was exchanged is not there."""
    return {name: raw for name, raw in ledger.envelopes(names).items() if sha256_hex(raw) == name}


@dataclass(frozen=True)
class Moment:
    """A place in the ledger's order, with the ledger's time there."""

    sequence: int
    time: str


def moment_of(leaf: Leaf) -> Moment:
    """Return the place and time at which a leaf was sealed."""
    return Moment(leaf.sequence, leaf.fact.time)


def why_not_sealed(then: Keyring | None, key_id: str, roles: Sequence[Role], sealed: Moment) -> str | None:
    """Return why a key could not sign, in one of `roles`, what was sealed while `then` was in force; None if it could.

    A key that this keyring revokes could not, whatever time its revocation names: sequence decides, and not clocks.
    """
    entry = then.find(key_id) if then else None
    if entry is None:
        return f"the keyring in force at leaf {sealed.sequence} does not know the key {key_id[:12]}"
    return _could_not(entry, roles, sealed.time)


def why_not_now(now: Keyring, key_id: str, roles: Sequence[Role], sealed: Moment) -> str | None:
    """Return why a keyring takes back what a key signed before `sealed`; None if it does not."""
    entry = now.find(key_id)
    return entry.why_not(roles, sealed.time) if entry else f"the keyring does not know the key {key_id[:12]} any more"


def _could_not(entry: KeyEntry, roles: Sequence[Role], time: str) -> str | None:
    revoked = f"the key of {entry.owner} was revoked at {entry.revoked}" if entry.revoked else None
    return entry.why_not(roles, time) or revoked


class Authority:
    """Who may say something about one model: its lineage, and the keys of the ledger.

    `before` asks as of just before that leaf, with the rules that were in force there.
    """

    def __init__(
        self,
        ledger: SealedLeaves,
        name: str,
        force: RulesInForce,
        at: datetime,
        before: int | None = None,
        *,
        lineage: list[Span] | None = None,
        read: LeavesNow | None = None,
    ) -> None:
        """`name` is the model's qualified name, and `at` the clock of the decision, which evidence is as old as.

        `lineage` is the model's, where it is known already; `read` its leaves, where they have just been read.
        """
        self.ledger, self.name, self.force, self.before = ledger, name, force, before
        if lineage is not None:
            self.lineage = lineage
        self._time, self._read = utc_text(at), read
        self._why_not_signing: dict[tuple[str, tuple[Role, ...]], str | None] = {}

    @cached_property
    def lineage(self) -> list[Span]:
        """The spans of the ledger in which the model's names were its own, newest first."""
        return spans(self.ledger, self.name, self.before)

    @cached_property
    def for_all(self) -> ModelLeaves:
        """The leaves that hold for every model."""
        return self._read.for_all if self._read else self.ledger.for_all()

    def of_model(self, name: str) -> ModelLeaves:
        """Return the leaves of a name."""
        return self._read.mine if self._read and name == self.name else self.ledger.of_model(name)

    def since(self, leaf: Leaf) -> bool:
        """Return whether a leaf comes too late to matter."""
        return self.before is not None and leaf.sequence >= self.before

    @cached_property
    def _erased(self) -> dict[str, int]:
        return erased_names(leaf for leaf in self.for_all.of(("erased",)) if not self.since(leaf))

    @cached_property
    def _keyrings(self) -> list[tuple[int, str]]:
        found = [leaf for leaf in self.for_all.of(("keyring",)) if not self.since(leaf)]
        return [(x.sequence, str(x.fact.keyring_digest)) for x in found if isinstance(x.fact, KeyringLeaf)]

    def keyring_at(self, sequence: int) -> Keyring | None:
        """Return the keyring in force at a leaf: the last one that was sealed before it."""
        digest = next((digest for since, digest in reversed(self._keyrings) if since < sequence), None)
        return keyring_of(self.ledger, digest) if digest else None

    def why_not_then(self, key_id: str, roles: Sequence[Role], sealed: Moment) -> str | None:
        """Return why a signature did not count when it was sealed; None if it did."""
        return why_not_sealed(self.keyring_at(sealed.sequence), key_id, roles, sealed)

    def why_not(self, key_id: str, roles: Sequence[Role], sealed: Moment) -> str | None:
        """Return why a signature that was sealed at `sealed` does not count now; None if it counts."""
        taken_back = why_not_now(self.force.keyring, key_id, roles, sealed)
        return taken_back or self.why_not_then(key_id, roles, sealed)

    def why_not_signing(self, key_id: str, roles: Sequence[Role]) -> str | None:
        """Return why a key may not sign now, by the ledger's clock; None if it may."""
        entry = self.force.keyring.find(key_id)
        return _could_not(entry, roles, self._time) if entry else f"the keyring does not know the key {key_id[:12]}"

    def why_no_evidence(self, record: SealedRecord, roles: Sequence[Role]) -> str | None:
        """Return why a record of evidence does not count now; None if it counts.

        Whose key may sign now may have signed it now. Any other record must have been sealed while its key could sign.
        """
        key_id = record.envelope.key_id
        asked = (key_id, tuple(roles))
        if record.sha256 in self._erased:
            return f"its envelope was erased by leaf {self._erased[record.sha256]}"
        if asked not in self._why_not_signing:  # one key signs most of a session's records
            self._why_not_signing[asked] = self.why_not_signing(key_id, roles)
        why = self._why_not_signing[asked]
        if why is None:
            return None
        for sealed in self._sealings(record):
            earlier = self._why_not_or_lost(key_id, roles, sealed)
            if earlier is None:
                return None
            why = earlier
        return f"{why}; {NOT_SEALED}"

    def seen_from(self, counted: CountingEvidence) -> int:
        """Return the leaf after which people could see each record that takes a failure out; -1 where none does.

        Where one is not sealed yet, nobody has seen it.
        """
        superseding = [other for record, other in counted.undone() if record.evidence.result != "passed"]
        seen = [next(self._sealings(other), None) for other in superseding]
        return max((sealed.sequence if sealed else sys.maxsize for sealed in seen), default=-1)

    def _why_not_or_lost(self, key_id: str, roles: Sequence[Role], sealed: Moment) -> str | None:
        try:
            return self.why_not(key_id, roles, sealed)
        except EvidenceError as exc:
            return exc.what

    def _sealings(self, record: SealedRecord) -> Iterator[Moment]:
        """Yield where a record was sealed: first under the model's own names, then anywhere."""
        for span in reversed(self.lineage):
            yield from self._naming(record, self.ledger.leaves(types=EVIDENCE, model_name=span.name))
        yield from self._naming(record, self.ledger.leaves(types=EVIDENCE))

    def _naming(self, record: SealedRecord, leaves: Iterator[Leaf]) -> Iterator[Moment]:
        """Yield the first of some leaves that names a record."""
        name = record.sha256.encode()
        for leaf in leaves:
            if self.since(leaf):
                return
            if name in leaf.data and record.sha256 in leaf.fact.envelopes():
                yield moment_of(leaf)
                return

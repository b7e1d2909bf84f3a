"""Data source of a verification: a ledger's database, or the part of it in a bundle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aims_mlflow.gates.rules_in_force import StoredTexts
    from aims_mlflow.ledger.leaves import Leaf, SearchColumns
    from aims_mlflow.ledger.ledger import Ledger
    from aims_mlflow.ledger.model_leaves import ModelLeaves
    from aims_mlflow.records.leaves.base import LeafBody, LeafContent


class View(Protocol):
    """Leaves in order, with bodies, envelopes and texts by name."""

    def leaves(
        self, *, start: int = 0, types: Sequence[str] = (), model_name: str | None = None, request: str | None = None
    ) -> Iterator[Leaf]:
        """Yield leaves in order, from `start` on."""

    def leaf(self, sequence: int) -> Leaf | None:
        """Return one leaf; None where there is none."""

    def bodies(self, sequences: Sequence[int]) -> dict[int, tuple[bytes, bytes]]:
        """Return (salt, body) of those leaves that have a body."""

    def columns(self, sequences: Sequence[int]) -> dict[int, SearchColumns]:
        """Return the columns beside these leaves by which a database finds them; none where there are no columns."""

    def hidden(self, leaves: Sequence[tuple[Leaf, LeafContent]]) -> set[int]:
        """Return those leaves of which a session is not found by the digest of its model, where a database finds it."""

    def envelopes(self, names: Sequence[str]) -> dict[str, bytes]:
        """Return the kept envelopes among these sha256 names."""

    def envelope(self, sha256: str) -> bytes | None:
        """Return one kept envelope."""

    def body(self, sequence: int) -> LeafBody | None:
        """Return a leaf's body, checked against its commitment; None where there is none."""

    def of_model(self, name: str) -> ModelLeaves:
        """Return a model's leaves."""

    def for_all(self) -> ModelLeaves:
        """Return the leaves that hold for every model: policies, keyrings, revocations and retirements."""

    @property
    def state(self) -> StoredTexts:
        """The store of the texts of policies and keyrings."""

    def stored(self, digest: str) -> str | None:
        """Return the text of a policy or keyring."""

    def active(self) -> dict[str, str]:
        """Return the digests recorded as in force, by kind."""


class LedgerView:
    """The whole ledger, read from its database."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.envelopes, self.envelope = ledger.envelopes, ledger.envelope
        self.body, self.of_model, self.for_all = ledger.body, ledger.of_model, ledger.for_all
        self.state = ledger.state
        self.stored = ledger.state.stored
        self.active = ledger.state.active
        self.bodies, self.columns, self.hidden = ledger.bodies, ledger.columns, ledger.sessions.hidden

    def leaves(
        self, *, start: int = 0, types: Sequence[str] = (), model_name: str | None = None, request: str | None = None
    ) -> Iterator[Leaf]:
        """Yield leaves in order, from `start` on."""
        return self.ledger.leaves(start=start, types=types, model_name=model_name, request=request)

    def leaf(self, sequence: int) -> Leaf | None:
        """Return one leaf; None where there is none."""
        found = self.ledger.leaf_below(sequence + 1)
        return found if found is not None and found.sequence == sequence else None

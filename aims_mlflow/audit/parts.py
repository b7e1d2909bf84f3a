"""A part of a ledger: the leaves that one worker checks at a time, and what it found."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from aims_mlflow.evidence.verify import Problem

if TYPE_CHECKING:
    from aims_mlflow.audit.report import StepName
    from aims_mlflow.ledger.leaves import Leaf

# The first parts are small, so that all workers are busy in a small ledger; later ones are an eighth of what was read.
PART_BYTES, MAX_PART_BYTES = 64 * 1024, 512 * 1024


@dataclass(frozen=True)
class Part:
    """Leaves in order, and the digest of the policy in force before the first of them."""

    leaves: list[Leaf]
    policy: str


@dataclass(frozen=True)
class NewRules:
    """A leaf that put a policy or keyring in force."""

    kind: Literal["policy", "keyring"]
    digest: str


@dataclass(frozen=True)
class SealedDecision:
    """A decision's leaf: its name in messages, when it was decided, and the digests of the rules that it names.

    `allowed` says whether the change was let pass, `passed` whether every condition held.
    """

    name: str
    request: str
    allowed: bool
    passed: bool
    decided: str | None
    rules: dict[Literal["policy", "keyring"], str | None]


@dataclass(frozen=True)
class CompletedChange:
    """A leaf that says that a decision was carried out."""

    name: str
    request: str


@dataclass
class PartResult:
    """What a part's leaves say that only earlier or later leaves can confirm, and its problems, in their order.

    `without_body` has the names of leaves without one by their sequence; `erased` are the sequences of leaves whose
    body was erased with a reason, `erased_envelopes` the names of envelopes that were. `not_again` has the decisions
    that cannot be made again since, by the sequence of their leaf: the request, and the leaf of the erasure.
    """

    said: list[tuple[StepName, Problem] | NewRules | SealedDecision | CompletedChange] = field(default_factory=list)
    without_body: dict[int, str] = field(default_factory=dict)
    erased: list[int] = field(default_factory=list)
    erased_envelopes: list[str] = field(default_factory=list)
    not_again: dict[int, tuple[str, int]] = field(default_factory=dict)
    envelopes: int = 0
    bodies: int = 0
    made_again: int = 0

    def wrong(self, step: StepName, record: str, what: str, meaning: str) -> None:
        """Note a problem."""
        self.said.append((step, Problem(record, what, meaning)))

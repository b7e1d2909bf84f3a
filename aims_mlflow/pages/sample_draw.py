"""Drawing of a sample: a population, a size, and a seed from a checkpoint that came after the population was fixed.

The population is fixed by the number of leaves that it is taken from. The seed is the root of the first checkpoint over
more leaves than that, so nobody who fixes a population knows which of its items will be drawn.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aims_mlflow.canonical import canonical
from aims_mlflow.errors import AimsError
from aims_mlflow.registers.seeded_draw import order_by_seed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aims_mlflow.pages.source import PageSource

POPULATIONS = {
    "registrations": "stage = 'registration'",
    "registrations that were allowed": "stage = 'registration' AND allowed",
    "deployments": "stage = 'deployment'",
    "decisions on a waiver": "allowed AND waivers > 0",
    "refusals": "NOT allowed",
    "all decisions": "1",
}
UNSEALED = (
    "The seed is the root of the first checkpoint over more than {0:,} leaves, and the ledger has no more than these: "
    "whatever is sealed next gives it, such as a registration, an alias that is set, an approval, or a document that "
    "is published; no day is fixed for that"
)
RANDOM, NEWEST = "random", "newest"


@dataclass(frozen=True)
class SeededDraw:
    """Draws from a list by sha256: the same seed and list give the same items, by anyone's own program."""

    seed: str

    def order(self, sequences: Sequence[int]) -> list[int]:
        """Return the items in the order of sha256(seed, a slash, the leaf's number)."""
        return order_by_seed(self.seed, sequences)


@dataclass(frozen=True)
class SampleQuestion:
    """What is drawn: a population over the first `leaves` leaves, a model or all, how many, and by which method."""

    population: str
    model: str
    leaves: int
    count: int
    method: str


@dataclass(frozen=True)
class DrawnSample:
    """A population with the items that were drawn from it.

    Attributes:
        population: Rows of the index, by leaf.
        items: The drawn leaves in their order; empty where there is no seed yet.
        seed: Root of a checkpoint; empty where none is signed yet, and then `why` says so.
    """

    population: Mapping[int, Any]
    items: Sequence[int]
    seed: str
    why: str

    @property
    def list_sha256(self) -> str:
        """Digest of the list of the population's leaf numbers."""
        return hashlib.sha256(canonical(list(self.population))).hexdigest()


def population(source: PageSource, name: str, model: str = "", leaves: int | None = None) -> dict[int, Any]:
    """Return the decisions of a population by leaf: of one model or all, in the first `leaves` leaves or all."""
    found = source.rows(
        f"SELECT * FROM decision WHERE {POPULATIONS[name]} AND (:leaves IS NULL OR sequence < :leaves) "
        "AND (:m = '' OR model = :m) AND {scope} ORDER BY sequence",
        leaves=leaves,
        m=model,
    )
    return {row["sequence"]: row for row in found}


def draw(source: PageSource, asked: SampleQuestion) -> DrawnSample:
    """Return the sample, from the decisions that the reader may read."""
    by_leaf = population(source, asked.population, asked.model, asked.leaves)
    seed, why = _seed(source, asked.leaves)
    if asked.method == NEWEST:
        return DrawnSample(by_leaf, list(by_leaf)[::-1][: asked.count], seed, why)
    order = SeededDraw(seed).order(list(by_leaf)) if seed else []
    return DrawnSample(by_leaf, order[: asked.count], seed, why)


def _seed(source: PageSource, leaves: int) -> tuple[str, str]:
    """Return the root of the first checkpoint over more than so many leaves, and where it is from."""
    try:
        head = source.shared.proofs.covering(leaves + 1)
    except AimsError as exc:
        return "", exc.what
    if head is None:
        return "", UNSEALED.format(leaves)
    return head.root.hex(), f"root of the first checkpoint after the population was fixed: over {head.size:,} leaves"

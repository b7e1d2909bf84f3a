"""A sample for an audit: a population, a size, and a seed from a checkpoint that came after the population was fixed.

The population is fixed by the number of leaves that it is taken from. The seed is the root of the first checkpoint over
more leaves than that, so nobody who fixes a population knows which of its items will be drawn.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aims_mlflow.canonical import canonical
from aims_mlflow.errors import AimsError
from aims_mlflow.pages.blocks import Facts, Form, FormInput, PageCell, PageTable, PageView, Prose, code_cell, to
from aims_mlflow.pages.views.common import leaf_cell, number_in, time_text, version_cell
from aims_mlflow.pages.views.timeline import decided_cell

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
MOST, DEFAULT, RANDOM = 500, 5, "random"
HOW = (
    "A population is fixed by a number of leaves, and its seed comes from a checkpoint after it. Fix it by today's "
    "number, and draw after the next checkpoint: for an earlier number, the seed was known to whoever asked."
)
TESTS = (
    "Evidence whole",
    "Digest equal",
    "Limits then",
    "Approver is not trainer",
    "Card as behaviour",
    "Note",
    "Result",
)


@dataclass(frozen=True)
class SeededDraw:
    """Draws from a list by sha256: the same seed and list give the same items, by anyone's own program."""

    seed: str

    def order(self, sequences: Sequence[int]) -> list[int]:
        """Return the items in the order of sha256(seed, a slash, the leaf's number)."""
        return sorted(sequences, key=lambda s: hashlib.sha256(f"{self.seed}/{s}".encode()).hexdigest())


@dataclass(frozen=True)
class SampleQuestion:
    """What is drawn: a population over the first `leaves` leaves, a model or all, how many, and by which method."""

    population: str
    model: str
    leaves: int
    count: int
    method: str

    @property
    def form(self) -> Form:
        """The form that asks for it."""
        inputs = (
            FormInput("population", "Population", self.population or "registrations", "choice", tuple(POPULATIONS)),
            FormInput("model", "Model (all if empty)", self.model),
            FormInput("leaves", "Fixed over the first leaves", str(self.leaves), "number"),
            FormInput("n", "Size", str(self.count), "number"),
            FormInput("method", "Method", self.method, "choice", (RANDOM, "newest")),
        )
        return Form("Sample", "sample", inputs, "Draw")


def sample(source: PageSource, _args: Mapping[str, str], query: Mapping[str, str]) -> PageView:
    """Return the form, and where a population is named, its list and the items that are drawn."""
    asked = SampleQuestion(
        query.get("population", ""), query.get("model", ""), number_in(query, "leaves", source.cut_off[0]),
        number_in(query, "n", DEFAULT, 1, MOST), query.get("method", RANDOM),
    )  # fmt: skip
    if asked.population not in POPULATIONS:
        return PageView("Sample", "sample", (HOW,), (asked.form,))
    found = source.rows(
        f"SELECT * FROM decision WHERE {POPULATIONS[asked.population]} AND sequence < :leaves "
        "AND (:m = '' OR model = :m) AND {scope} ORDER BY sequence",
        leaves=asked.leaves,
        m=asked.model,
    )
    by_leaf = {row["sequence"]: row for row in found}
    seed, why = _seed(source, asked.leaves)
    facts = _how(asked, list(by_leaf), seed, why)
    if asked.method == RANDOM and not seed:
        return PageView("Sample", "sample", (HOW,), (asked.form, facts, Prose("Not drawn yet", (why,), loud=True)))
    order = SeededDraw(seed).order(list(by_leaf)) if asked.method == RANDOM else list(by_leaf)[::-1]
    table = PageTable(
        "Drawn",
        ("Item", "What", "Decision", "Decided", *TESTS, "Sealed"),
        [_item(by_leaf[s]) for s in order[: asked.count]],
        "The empty columns are yours: save the CSV, fill them in, and sign the file with your own key; the ledger "
        "keeps no sample.",
    )
    return PageView("Sample", "sample", (HOW,), (table, facts, asked.form))


def _how(asked: SampleQuestion, listed: Sequence[int], seed: str, why: str) -> Facts:
    of_model = f" of {asked.model}" if asked.model else ""
    return Facts(
        "How it was drawn",
        [
            ("Population", f"{asked.population}{of_model}, leaves 0 to {asked.leaves - 1:,}"),
            ("Items", f"N = {len(listed):,}, of models that your login may read"),
            ("Hash of the list of leaf numbers", code_cell(hashlib.sha256(canonical(list(listed))).hexdigest())),
            ("Method", "simple random" if asked.method == RANDOM else "the newest"),
            ("Seed", [code_cell(seed) if seed else PageCell("none yet", mark="!", tone="warn"), PageCell(why)]),
            ("Size", f"n = {min(asked.count, len(listed)):,}"),
            ("Order", "by sha256 of the seed, a slash and the leaf number, as hexadecimal text; the first n are drawn"),
            ("The list's hash", "sha256 of the JSON list of the population's leaf numbers (RFC 8785)"),
        ],
    )


def _seed(source: PageSource, leaves: int) -> tuple[str, str]:
    """Return the root of the first checkpoint over more than so many leaves, and where it is from."""
    try:
        head = source.shared.proofs.covering(leaves + 1)
    except AimsError as exc:
        return "", exc.what
    if head is None:
        return (
            "",
            (
                f"no checkpoint over more than {leaves:,} leaves is signed "
                "yet: draw again after the next change of the registry"
            ),
        )
    return head.root.hex(), f"root of the first checkpoint after the population was fixed: over {head.size:,} leaves"


def _item(row: Any) -> tuple[Any, ...]:
    what = f"{row['stage']}" + (f" as {row['alias']}" if row["alias"] else "")
    return (
        version_cell(row["model"], row["version"]),
        what,
        decided_cell(row, to("decisions", row["sequence"])),
        time_text(row["time"]),
        *("" for _ in TESTS),
        leaf_cell(row["sequence"]),
    )

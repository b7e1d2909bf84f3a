"""Pages of a bundle that stand for what the server's pages ask of a program: a list to search, and a sample to draw.

A bundle runs no script. Its page of search lists every page with names and digests, which the browser's own search
finds; its page of samples has each population in an order that anybody can compute again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aims_mlflow.documents.page_blocks import Facts, PageCell, PageTable, PageView, Prose, TextBlock, code_cell, to
from aims_mlflow.pages.sample_draw import POPULATIONS, SeededDraw, population
from aims_mlflow.pages.views.common import leaf_cell, model_text, time_text, version_cell
from aims_mlflow.pages.views.sample_tests import tests_table
from aims_mlflow.pages.views.timeline import decided_cell

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aims_mlflow.pages.source import PageSource

MOST_FOUND, MOST_DRAWN, LETTERS = 5000, 200, 400
SEARCH = (
    "This page lists what the bundle has pages of. Press Ctrl and F (on a Mac Cmd and F) and type a name, an id, or "
    "the beginning of a digest: your browser searches the list. No script runs in a bundle."
)
DRAWN = (
    "Leaves are the entries of the ledger, numbered in the order in which they were sealed. Each list below has a "
    "population of this bundle in an order that a seed gives, so that its first rows are a random sample."
)
BY_OWN_SEED = """\
# A sample that nobody here could choose: take a seed of your own, such as the digits of ten dice.
SEED=0123456789
for leaf in {leaves}; do
  printf '%s %s\\n' "$(printf '%s/%s' "$SEED" "$leaf" | sha256sum | cut -c1-64)" "$leaf"
done | sort | head -n 5   # the second column has the leaves of the five that are drawn"""


def search_page(source: PageSource) -> PageView:
    """Return the list of all that the index of the bundle knows, by kind and title."""
    count = source.count("SELECT 1 FROM words WHERE {scope}")
    found = source.rows(
        "SELECT kind, address, model, title, text FROM words WHERE {scope} ORDER BY kind, title, address LIMIT :most",
        most=MOST_FOUND,
    )
    rows = [
        (r["kind"], PageCell(r["title"], r["address"]), model_text(r["model"]), code_cell(_ids(r["text"])))
        for r in found
    ]
    table = PageTable("In this bundle", ("Kind", "Page", "Model", "Ids and digests"), rows, total=count)
    return PageView("Search", "search", (SEARCH,), (table,))


def _ids(text: str) -> str:
    return " ".join(dict.fromkeys(text.split()))[:LETTERS]


def drawn_blocks(source: PageSource) -> list[Facts | PageTable | Prose | TextBlock]:
    """Return each population of the bundle's decisions, in the order that the root of its checkpoint draws."""
    head = source.head
    if head is None:
        return []
    seed = head.root.hex()
    tables = [each for name in POPULATIONS if (each := _population(source, name, SeededDraw(seed)))]
    if not tables:
        return [Prose("Draw a sample", ("The bundle has no decision to draw from.",))]
    every = [row["sequence"] for row in source.rows("SELECT sequence FROM decision WHERE {scope} ORDER BY sequence")]
    facts = Facts(
        "Draw a sample",
        [
            ("How", "take the first rows of a list below, as many as your sample is to have"),
            ("Population", "decisions in this bundle; leaves that it leaves out are in none"),
            ("Order", "by sha256 of the seed, a slash and the leaf number, as hexadecimal text"),
            ("Seed", [code_cell(seed), PageCell(f"root of the bundle's checkpoint, over {head.size:,} leaves")]),
            ("What is weak about it", "whoever made the bundle knew this seed; draw with one of your own, as below"),
        ],
    )
    leaves = " ".join(map(str, every[:MOST_DRAWN]))
    own = TextBlock("Draw with a seed of your own", BY_OWN_SEED.format(leaves=leaves), _left_out(len(every)))
    return [facts, *tables, own, tests_table()]


def _left_out(count: int) -> str:
    return f"Of {count:,} decisions the first {MOST_DRAWN} are named." if count > MOST_DRAWN else ""


def _population(source: PageSource, name: str, draw: SeededDraw) -> PageTable | None:
    by_leaf = population(source, name)
    order = draw.order(list(by_leaf))[:MOST_DRAWN]
    columns = ("Place", "Item", "What", "Decision", "Decided", "Sealed")
    title = f"{name[0].upper()}{name[1:]}, in the order of the seed"
    return PageTable(title, columns, list(_items(by_leaf, order)), total=len(by_leaf)) if order else None


def _items(by_leaf: dict[int, Any], order: Iterable[int]) -> Iterable[tuple[Any, ...]]:
    for place, leaf in enumerate(order, 1):
        row = by_leaf[leaf]
        yield (
            place,
            version_cell(row["model"], row["version"]),
            f"{row['stage']}" + (f" as {row['alias']}" if row["alias"] else ""),
            decided_cell(row, to("decisions", leaf)),
            time_text(row["time"]),
            leaf_cell(leaf),
        )

"""A sample for an audit: its form, the items that are drawn, and the samples that auditors signed and sealed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aims_mlflow.documents.page_blocks import (
    Facts,
    Form,
    FormInput,
    PageCell,
    PageTable,
    PageView,
    Prose,
    code_cell,
    to,
)
from aims_mlflow.gates.published_documents import SAMPLE
from aims_mlflow.pages.sample_draw import NEWEST, POPULATIONS, RANDOM, DrawnSample, SampleQuestion, draw
from aims_mlflow.pages.views.common import leaf_cell, number_in, record_cell, time_text, version_cell
from aims_mlflow.pages.views.records import readable
from aims_mlflow.pages.views.sample_items import again, sampled
from aims_mlflow.pages.views.sample_tests import TESTS, tests_table
from aims_mlflow.pages.views.timeline import decided_cell

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aims_mlflow.pages.source import PageSource

MOST, DEFAULT = 500, 5
HOW = (
    "Leaves are the entries of the ledger, numbered in the order in which they were sealed. The population is what "
    "lies in its first leaves. The seed is the root of the first checkpoint over more leaves than that: fix the "
    "population by today's number and draw after the next change of the registry, then nobody knew the seed before; "
    "whoever holds the log's key could at most try several: a seed of your own rules that out. For a smaller number "
    "the seed was known before."
)
COLUMNS = (*TESTS, "Note", "Result")


def sample(source: PageSource, _args: Mapping[str, str], query: Mapping[str, str]) -> PageView:
    """Return the form, and where a population is named, its list and the items that are drawn."""
    asked = SampleQuestion(
        query.get("population", ""), query.get("model", ""), number_in(query, "leaves", source.cut_off[0]),
        number_in(query, "n", DEFAULT, 1, MOST), query.get("method", RANDOM),
    )  # fmt: skip
    if asked.population not in POPULATIONS:
        return PageView("Sample", "sample", (HOW,), (_form(asked), _sealed(source)))
    drawn = draw(source, asked)
    facts = _how(asked, drawn)
    if asked.method == RANDOM and not drawn.seed:
        late = Prose("Not drawn yet", (f"{drawn.why}.", *_drawn_now(source, query)), loud=True)
        return PageView("Sample", "sample", (HOW,), (late, _form(asked), facts))
    table = PageTable(
        "Drawn",
        ("Item", "What", "Decision", "Decided", *COLUMNS, "Sealed"),
        [_item(drawn.population[s]) for s in drawn.items],
        "The empty columns are yours. Save the CSV, fill them in (Result is conform, nonconform or not tested), and "
        "sign it with your own key: `aims ledger sample`. It draws the items again and seals what you found.",
        "Nothing is in this population.",
    )
    return PageView("Sample", "sample", (HOW,), (table, tests_table(), facts, _form(asked), _sealed(source)))


def _drawn_now(source: PageSource, query: Mapping[str, str]) -> list[PageCell]:
    """Return a link to the sample that can be drawn today, with what is weaker about it; none where none can."""
    size = source.head.size if source.head else 0
    if size < 2:
        return []
    at = to("sample", **{**query, "leaves": size - 1})
    return [
        PageCell(f"Draw now over the first {size - 1:,} leaves", at),
        PageCell("The seed of that sample is known already: whoever seals leaves could have known what it draws."),
    ]


def _form(asked: SampleQuestion) -> Form:
    inputs = (
        FormInput("population", "Population", asked.population or "registrations", "choice", tuple(POPULATIONS)),
        FormInput("model", "Model (all if empty)", asked.model),
        FormInput("leaves", "How many leaves (all of today if unchanged)", str(asked.leaves), "number"),
        FormInput("n", "Size", str(asked.count), "number"),
        FormInput("method", "Method", asked.method, "choice", (RANDOM, NEWEST)),
    )
    return Form("Sample", "sample", inputs, "Draw")


def _how(asked: SampleQuestion, drawn: DrawnSample) -> Facts:
    of_model = f" of {asked.model}" if asked.model else ""
    seed = code_cell(drawn.seed) if drawn.seed else PageCell("none yet", mark="!", tone="warn")
    return Facts(
        "How it was drawn",
        [
            ("Population", f"{asked.population}{of_model}, leaves 0 to {asked.leaves - 1:,}"),
            ("Items", f"N = {len(drawn.population):,}, of models that this reader may read"),
            ("Hash of the list of leaf numbers", code_cell(drawn.list_sha256)),
            ("Method", "simple random" if asked.method == RANDOM else "the newest"),
            ("Seed", [seed, PageCell(drawn.why)]),
            ("Size", _size(asked, drawn)),
            ("Order", "by sha256 of the seed, a slash and the leaf number, as hexadecimal text; the first n are drawn"),
            ("The list's hash", "sha256 of the JSON list of the population's leaf numbers (RFC 8785)"),
        ],
    )


def _size(asked: SampleQuestion, drawn: DrawnSample) -> str:
    """Return how many items are drawn, and who chose so many."""
    count = len(drawn.population)
    if asked.count >= count:
        return f"n = {count:,}: the whole population, which has no more than the {asked.count:,} that were asked for"
    whose = "what the form proposes" if asked.count == DEFAULT else "what was asked for"
    return f"n = {asked.count:,} of {count:,}: {whose}; no table chose it, so the auditor states why it suffices"


def _sealed(source: PageSource) -> PageTable:
    """Return the samples that auditors signed and sealed, each drawn again."""
    sql = f"SELECT r.* FROM record r WHERE r.kind = '{SAMPLE}' AND {readable(source)} ORDER BY r.leaf DESC LIMIT 100"
    rows = []
    for row in source.rows(sql):
        record = source.record(row["sha256"], row["leaf"])
        found = sampled(record) if record is not None else None
        if found is None:
            continue
        results = [item.result for item in found.items or ()]
        counted = ", ".join(f"{results.count(each)} {each}" for each in dict.fromkeys(results))
        rows.append(
            (
                record_cell(SAMPLE, row["id"]),
                source.owner(row["key_id"]) or "unknown key",
                f"{found.population}, {found.size} items over {found.leaves} leaves",
                counted or "no item",
                again(source, found),
                time_text(row["time"]),
                leaf_cell(row["leaf"]),
            )
        )
    columns = ("Sample", "Signed by", "Population", "Results", "Drawn again now", "Signed at", "Sealed")
    return PageTable("Samples that were signed and sealed", columns, rows)


def _item(row: Any) -> tuple[Any, ...]:
    what = f"{row['stage']}" + (f" as {row['alias']}" if row["alias"] else "")
    return (
        version_cell(row["model"], row["version"]),
        what,
        decided_cell(row, to("decisions", row["sequence"])),
        time_text(row["time"]),
        *("" for _ in COLUMNS),
        leaf_cell(row["sequence"]),
    )

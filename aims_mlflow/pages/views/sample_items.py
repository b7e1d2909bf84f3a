"""A signed sample of an audit: what it says, whether this ledger draws it again, and its items."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aims_mlflow.documents.page_blocks import PageCell, PageTable, state_cell, to
from aims_mlflow.errors import AimsError
from aims_mlflow.gates.published_documents import SAMPLE
from aims_mlflow.pages.sample_draw import POPULATIONS, RANDOM, SampleQuestion, draw
from aims_mlflow.pages.views.sample_tests import TESTS
from aims_mlflow.records.details import read_details
from aims_mlflow.records.details.gate import SampleDetails

if TYPE_CHECKING:
    from aims_mlflow.evidence.statement import SealedRecord
    from aims_mlflow.pages.source import PageSource


def sampled(record: SealedRecord) -> SampleDetails | None:
    """Return what a record says of a sample; None where it cannot be read."""
    try:
        return read_details(record.evidence, SampleDetails)
    except AimsError:
        return None


def again(source: PageSource, found: SampleDetails) -> PageCell:
    """Return whether the same question draws the same items from this ledger."""
    items = [item.leaf for item in found.items or ()]
    if found.population not in POPULATIONS or found.leaves is None:
        return state_cell("unverifiable", "", "it names no population that is known here")
    question = SampleQuestion(found.population, found.model or "", found.leaves, len(items), found.method or RANDOM)
    drawn = draw(source, question)
    if list(drawn.items) == items and drawn.list_sha256 == found.list_sha256:
        return state_cell("passed", "", "the same items")
    return state_cell("failed", "", "other items: not the sample of this ledger, or not all of it is here")


def items_table(source: PageSource, record: SealedRecord) -> PageTable | None:
    """Return the items of a sample with what the auditor found; None for a record of another kind."""
    found = sampled(record) if record.evidence.kind == SAMPLE else None
    if found is None:
        return None
    tests = list(dict.fromkeys((*TESTS, *(name for item in found.items or () for name in item.answers))))
    tones = {"conform": "passed", "nonconform": "failed"}
    rows: list[tuple[Any, ...]] = [
        (
            PageCell(f"decision {item.leaf}", to("decisions", item.leaf)),
            *(item.answers.get(name, "") for name in tests),
            item.note or "",
            state_cell(tones.get(item.result, "not evaluated"), "", item.result),
        )
        for item in found.items or ()
    ]
    note = f"Drawn again now: {again(source, found).text}."
    return PageTable("Items, with what the auditor found", ("Item", *tests, "Note", "Result"), rows, note)

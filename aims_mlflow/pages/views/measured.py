"""Claims as rows: what was measured, with interval, number of rows, limit, verdict, and a link to the one number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aims_mlflow.documents.index_boxes import claim_slice
from aims_mlflow.documents.page_blocks import PageCell, PageTable, state_cell, to
from aims_mlflow.gates.kind_verdict import warnings_of
from aims_mlflow.records.wording import (
    count_text,
    limit_text,
    metric_text,
    origin_text,
    range_text,
    value_text,
    verdict_word,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aims_mlflow.evidence.statement import SealedRecord
    from aims_mlflow.pages.source import PageSource
    from aims_mlflow.records.evidence import Claim
    from aims_mlflow.records.leaves.changes import DecisionLeaf

COLUMNS = ("Measure", "Rows", "Role", "Value", "Interval", "n", "Limit", "Why this limit", "Verdict")
MOST = 200


def claim_row(record_id: str, number: int, claim: Claim) -> tuple[Any, ...]:
    """Return a claim as a row; `number` is its place in the record, from 0 on."""
    word = verdict_word(claim)
    origin = claim.limit_origin
    why = (
        f"{origin.why}; {origin_text(claim) or 'nobody is named who set it'}"
        if origin
        else ("not said" if claim.limit else "")
    )
    value = value_text(claim) if claim.value is not None else (claim.note or "undefined")
    return (
        PageCell(metric_text(claim.metric), to("claims", record_id, number)),
        claim_slice(claim),
        claim.role,
        value,
        range_text(claim),
        count_text(claim.n),
        limit_text(claim).removeprefix("limit "),
        why,
        state_cell(word) if word else PageCell("no limit"),
    )


def measured_table(title: str, records: Sequence[SealedRecord]) -> PageTable:
    """Return the claims with limits of several records, the failed ones first."""
    found = [
        (claim, number, record)
        for record in records
        for number, claim in enumerate(record.evidence.claims)
        if claim.limit is not None or claim.passed is not None
    ]
    order = {False: 0, None: 1, True: 2}
    found.sort(key=lambda each: order[each[0].passed])
    rows = [claim_row(record.id, number, claim) for claim, number, record in found[:MOST]]
    note = "" if len(found) <= MOST else "The page of each record has all of its claims."
    return PageTable(title, COLUMNS, rows, note, "No value with a limit was measured.", total=len(found))


def warnings_table(source: PageSource, decided: DecisionLeaf) -> list[PageTable]:
    """Return the values behind a decision that are beyond a limit which only warns; no table where there are none."""
    records = source.records_of(dict.fromkeys(decided.evidence))
    undone = {r.evidence.supersedes.id for r in records.values() if r.evidence.supersedes}
    found = [r for r in records.values() if r.id not in undone and warnings_of([r])]
    rows = [
        claim_row(record.id, number, claim)
        for record in found
        for number, claim in enumerate(record.evidence.claims)
        if verdict_word(claim) == "warned"
    ]
    rows += [_warned(r) for r in found if not any(verdict_word(c) == "warned" for c in r.evidence.claims)]
    note = "What the gate let pass with a warning: nobody had to waive it."
    title = "Warnings in the evidence that counted"
    return [PageTable(title, COLUMNS, rows[:MOST], note, total=len(rows))] if rows else []


def _warned(record: SealedRecord) -> tuple[Any, ...]:
    """Return a record that warns as a whole as a row."""
    name = PageCell(f"{record.evidence.kind}, the whole record", to("records", record.id))
    return (name, "", "", record.evidence.reason or "no reason is given", "", "", "", "", state_cell("warned"))

"""Claims as rows: what was measured, with interval, number of rows, limit, verdict, and a link to the one number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aims_mlflow.documents.index_boxes import claim_slice
from aims_mlflow.documents.page_blocks import PageCell, PageTable, state_cell, to
from aims_mlflow.gates.counting_evidence import without_undone
from aims_mlflow.gates.kind_verdict import warnings_of
from aims_mlflow.records.wording import (
    bound_text,
    count_text,
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
MOST, MOST_WITHOUT = 200, 500
# Kinds of evidence whose values the model card states, and that about groups in the data themselves.
BEHAVIOUR, BIAS = ("performance", "fairness", "robustness", "drift", "lineage"), ("representativeness",)
WITHOUT = "Behaviour: what was measured and has no limit, each group too"
IN_DATA = "Bias in the data: shares and labels by group"


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
        bound_text(claim) or "no limit",
        why,
        state_cell(word) if word else PageCell("none"),
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


def without_limit(records: Sequence[SealedRecord]) -> PageTable:
    """Return the values of a model that have no limit; with those that have one, every value that its card states."""
    rows = [
        claim_row(record.id, number, claim)
        for record in records
        if record.evidence.kind in BEHAVIOUR
        for number, claim in enumerate(record.evidence.claims)
        if claim.limit is None and claim.passed is None
    ]
    note = "Values without a limit decide nothing; they describe the model." if rows else ""
    note += " The page of each record has all of its claims." if len(rows) > MOST_WITHOUT else ""
    none = "Each value that was measured has a limit."
    return PageTable(WITHOUT, COLUMNS, rows[:MOST_WITHOUT], note, none, total=len(rows))


def bias_table(records: Sequence[SealedRecord]) -> PageTable:
    """Return what the data themselves say of groups: how large each is, and how often it has the favourable label."""
    rows = [
        claim_row(record.id, number, claim)
        for record in records
        if record.evidence.kind in BIAS
        for number, claim in enumerate(record.evidence.claims)
        if claim.slice
    ]
    note = "What is in the data before a model learns from it. A model can repeat a difference that is here."
    none = "No sealed record compares groups in the data."
    return PageTable(IN_DATA, COLUMNS, rows[:MOST], note if rows else "", none, total=len(rows))


def warnings_table(source: PageSource, decided: DecisionLeaf) -> list[PageTable]:
    """Return the values behind a decision that are beyond a limit which only warns; no table where there are none."""
    records = source.records_of(dict.fromkeys(decided.evidence))
    found = [r for r in without_undone(list(records.values())) if warnings_of([r])]
    rows = [
        claim_row(record.id, number, claim)
        for record in found
        for number, claim in enumerate(record.evidence.claims)
        if verdict_word(claim) == "warned"
    ]
    rows += [_warned(r) for r in found if not any(verdict_word(c) == "warned" for c in r.evidence.claims)]
    note = "What only warns refuses no change, and needs no waiver."
    title = "Warnings in the evidence that counted"
    return [PageTable(title, COLUMNS, rows[:MOST], note, total=len(rows))] if rows else []


def _warned(record: SealedRecord) -> tuple[Any, ...]:
    """Return a record that warns as a whole as a row."""
    name = PageCell(f"{record.evidence.kind}, the whole record", to("records", record.id))
    return (name, "", "", record.evidence.reason or "no reason is given", "", "", "", "", state_cell("warned"))

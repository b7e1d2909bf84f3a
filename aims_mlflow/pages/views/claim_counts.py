"""Counts behind one number, each cell named by its labels; and the data that the number was measured on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aims_mlflow.documents.index_view import DatasetRow
from aims_mlflow.documents.page_blocks import PageCell, PageTable, Prose, code_cell, to
from aims_mlflow.pages.views.records import readable
from aims_mlflow.records.details import read_details
from aims_mlflow.records.details.checks import FairnessDetails, PerformanceDetails
from aims_mlflow.records.wording import slice_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aims_mlflow.evidence.statement import SealedRecord
    from aims_mlflow.pages.source import PageSource
    from aims_mlflow.records.evidence import Claim

    Counts = Sequence[Sequence[int]]

MOST, MOST_LABELS = 100, 12
CONFUSION = "Behaviour: confusion counts"
DATA_KINDS = ("session-start", "training-provenance", "lineage")
WITHOUT = "The record keeps no table of counts for it, or the counts are under 20 and were withheld or erased."


def counts_table(found: SealedRecord, shown: Claim) -> PageTable | Prose:
    """Return the counts of actual and predicted labels behind a claim, where the record has them."""
    body = found.evidence
    named: list[tuple[str, Counts]] = []
    labels: list[str] = []
    if body.kind == "fairness":
        about = read_details(body, FairnessDetails)
        labels = _two_labels(about.favourable)
        named = _by_group(about.tables or (), shown)
    elif body.kind == "performance":
        measured = read_details(body, PerformanceDetails)
        labels = measured.labels or _two_labels(measured.favourable)
        named = [("all rows", measured.counts)] if measured.counts else []
    if not named:
        return Prose("Counts", (WITHOUT,))
    size = max(len(counts) for _, counts in named)
    labels = labels if len(labels) == size else [f"label {number}" for number in range(1, size + 1)]
    if size > MOST_LABELS:
        return Prose("Counts", (f"The record has counts of {size} labels: its page has them.",))
    columns = ("Rows", *(f"actual {a}, predicted {p}" for a in labels for p in labels))
    rows = [(name, *_cells(counts, size)) for name, counts in named[:MOST]]
    return PageTable("Counts", columns, rows, "Each column counts the rows with that actual and that predicted label.",
                     total=len(named))  # fmt: skip


def confusion_tables(records: Sequence[SealedRecord]) -> list[PageTable | Prose]:
    """Return the counts of actual and predicted labels of each performance record that has them, on all of its rows."""
    measured = [(r, read_details(r.evidence, PerformanceDetails)) for r in records if r.evidence.kind == "performance"]
    found = [_confusion(record, details) for record, details in measured if details.counts]
    return found or [Prose(CONFUSION, ("No performance record that counts for it keeps a table of counts.",))]


def _confusion(record: SealedRecord, details: PerformanceDetails) -> PageTable | Prose:
    counts = details.counts or []
    labels = details.labels or _two_labels(details.favourable)
    role = next((claim.role for claim in record.evidence.claims if not claim.slice), "its own")
    title, total = f"{CONFUSION} on {role} data", sum(map(sum, counts))
    if len(counts) > MOST_LABELS or len(labels) != len(counts):
        text = f"{total:,} rows of {len(counts)} labels: the page of the record has their counts"
        return Prose(title, (PageCell(text, to("records", record.id)),))
    rows: list[tuple[Any, ...]] = [
        (PageCell(f"actual {label}", to("records", record.id)), *row, sum(row))
        for label, row in zip(labels, counts, strict=True)
    ]
    favourable = f" The favourable label is {details.favourable}." if details.favourable else ""
    note = f"Each cell is a number of rows, {total:,} in all.{favourable}"
    note += " Counts by group, where they were kept, are on the pages of their numbers."
    return PageTable(title, ("Label", *(f"predicted {label}" for label in labels), "n, rows"), rows, note)


def _two_labels(favourable: str | None) -> list[str]:
    return [f"not {favourable}", str(favourable)] if favourable else ["negative", "positive"]


def _by_group(tables: Sequence[dict[str, Any]], shown: Claim) -> list[tuple[str, Counts]]:
    """Return the counts of each group of the groupings that a claim is about; of all groupings for one about none."""
    out: list[tuple[str, Counts]] = []
    for table in tables:
        groups, columns = table.get("groups"), table.get("columns")
        others = shown.slice and set(columns or ()) != set(shown.slice) - {"label", "column"}
        if others or not isinstance(groups, list):
            continue
        out += [
            (slice_text(g["slice"]), g["counts"])
            for g in groups
            if isinstance(g, dict) and isinstance(g.get("counts"), list) and isinstance(g.get("slice"), dict)
        ]
    return out


def _cells(counts: Counts, size: int) -> list[str]:
    flat = [each for row in counts if isinstance(row, list) for each in row]
    return [f"{each:,}" if isinstance(each, int) else str(each) for each in flat[: size * size]] + [""] * (
        size * size - len(flat)
    )


def data_rows(source: PageSource, row: Any, shown: Claim, version: Any) -> list[tuple[str, Any]]:
    """Return what a claim was measured on: the data set of its role in its session, and where that comes from.

    Args:
        source: The source of the page.
        row: The record's row of the index.
        shown: The claim.
        version: A registered version of the model, as a row of the index; None where there is none.
    """
    marks = ",".join(f"'{kind}'" for kind in DATA_KINDS)
    beside = source.rows(
        f"SELECT r.sha256, r.leaf FROM record r WHERE r.leaf = :leaf AND r.session = :session AND r.kind IN ({marks}) "
        f"AND {readable(source)} ORDER BY r.time",
        leaf=row["leaf"],
        session=row["session"],
    )
    records = source.records_of({each["sha256"]: each["leaf"] for each in beside})
    mine = [each for each in DatasetRow.of(list(records.values())) if each.role == shown.role]
    told: list[PageCell] = []
    for each in mine:
        size = "" if each.rows is None else f", {each.rows:,} rows"
        told += [PageCell(f"{each.name or each.role}{size}"), code_cell(each.digest), PageCell(each.origin)]
    if version is not None:
        link = to("models", version["model"], version["version"])
        told.append(PageCell("its lineage, and the rights to it, are on the version's page", link))
    if not mine:
        told.insert(0, PageCell(f"no record of its session names data of the role {shown.role}"))
    return [("Data", told)]

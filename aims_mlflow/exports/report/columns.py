"""Columns of a table on paper: how wide each is, and the measured values in as few columns as a sheet takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aims_mlflow.documents.page_blocks import PageCell, PageTable, cell
from aims_mlflow.pages.views.measured import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aims_mlflow.documents.page_blocks import Text

LIMITS = "Limits of these values, each with its reason"
LONGEST_NAME = 90  # letters of the values that a reason is told for


def words(value: Text) -> str:
    """Return a cell as text, with its symbol."""
    shown = cell(value)
    return f"{shown.mark} {shown.text}" if shown.mark else shown.text


def shares(columns: Sequence[str], rows: Sequence[Sequence[Text]]) -> tuple[int, ...]:
    """Return the share of each column: enough for its words, and more for a column of long texts."""
    turned = zip(columns, *([words(v) for v in row] for row in rows), strict=True)
    lengths = [[len(text) for text in column] for column in turned]
    return tuple(min(max(14, *each), 24) + min(sum(each) // len(each), 120) // 2 for each in lengths)


def for_paper(table: PageTable) -> list[PageTable]:
    """Return a table for a sheet; of measured values the reasons of limits, which repeat, are a table of their own."""
    if tuple(table.columns) != COLUMNS or not table.rows:
        return [table]
    rows, reasons = [], dict[tuple[str, str], dict[str, None]]()
    for row in table.rows:
        metric, about, role, value, interval, n, limit, why, verdict = map(cell, row)
        shown = f"{value.text} ({interval.text})" if interval.text else value.text
        rows.append((metric, f"{about.text} ({role.text})", PageCell(shown), n, limit, verdict))
        if why.text:
            reasons.setdefault((limit.text, why.text), {})[metric.text] = None
    measured = PageTable(
        table.title, ("Measure", "Rows (data)", "Value (interval)", "n", "Limit", "Verdict"), rows, table.note,
        total=table.total,
    )  # fmt: skip
    told = [(_named(list(metrics)), limit, why) for (limit, why), metrics in reasons.items()]
    return [measured, PageTable(LIMITS, ("Measure", "Limit", "Why this limit"), told)] if told else [measured]


def _named(metrics: Sequence[str]) -> str:
    text = ", ".join(metrics)
    return text if len(text) <= LONGEST_NAME else f"{metrics[0]} and {len(metrics) - 1} more"

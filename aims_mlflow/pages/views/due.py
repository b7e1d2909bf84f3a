"""What is due: days on which states, waivers and keys end, and days that published documents set."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from aims_mlflow.documents.page_blocks import Form, FormInput, PageCell, PageTable, PageView, to
from aims_mlflow.pages.views.common import RowRange, day_text, leaf_cell, model_cell, version_cell
from aims_mlflow.pages.views.dated import duties, plans_table
from aims_mlflow.pages.views.endings import ending_states, ends_with, together
from aims_mlflow.records.base import utc_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from aims_mlflow.pages.source import PageSource
    from aims_mlflow.records.keyring import KeyEntry

    Due = tuple[str, Callable[[], Sequence[Any]]]  # a day, and what makes its row: of many rows few are shown

MOST_DAYS, DAYS, MOST_PLANS, MOST_STATES = 3660, 31, 20, 500
_SPAN = re.compile(r"([1-9][0-9]{0,3})d?", re.ASCII)


def due(source: PageSource, _args: Mapping[str, str], query: Mapping[str, str]) -> PageView:
    """Return what ends, or is owed, within a span of days."""
    span = _SPAN.fullmatch(query.get("within", ""))
    days = min(int(span[1]), MOST_DAYS) if span else DAYS
    until = utc_text(source.now + timedelta(days=days))
    known = (*_due_waivers(source, until), *_due_states(source, until), *_due_keys(source, until))
    today, dated = source.moment[:10], duties(source)
    coming = sorted([*known, *((d.day, d.row) for d in dated if today <= d.day <= until[:10])], key=lambda due: due[0])
    past = [(d.day, d.row) for d in dated if d.day < today]
    paging = RowRange("due", query, max(len(coming), len(past)))  # both tables show the same part
    note = "Ends of control states are known for versions whose states are judged."
    table = _due_table(f"Within {days} days", coming, paging, "There is none.", note)
    form = Form("Another span", "due", (FormInput("within", "Days", str(days), "number"),), "Show")
    none = "No day that a document in force set has passed, of those that this reader may read."
    late = _due_table("Overdue by the published documents", past, paging, none)
    plans = plans_table(source, most=MOST_PLANS)
    if plans.total and plans.total > len(plans.rows):
        plans = replace(plans, note=f"{plans.note} The page Monitors lists all.")
    return PageView("Due", "due", (), (table, late, plans, form), **paging.links)


def _due_table(title: str, due: Sequence[Due], paging: RowRange, none: str, note: str = "") -> PageTable:
    return PageTable(
        title,
        ("Day", "What", "Control", "About", "Who", "Sealed"),
        [row() for _, row in due[paging.first - 1 : paging.first - 1 + paging.most]],
        note,
        f"None of the {len(due):,} days is in this part." if due else none,
        total=len(due),
        first=paging.first,
    )


def _due_waivers(source: PageSource, until: str) -> list[Due]:
    sql = (
        "SELECT * FROM consent WHERE type = 'waiver' AND {column} > :now AND {column} <= :until AND {{scope}} "
        "ORDER BY {column} LIMIT 500"
    )
    columns = (("expires", "waiver ends"), ("measure_due", "evidence of the waiver's measure is due"))
    return [
        (day_text(row[column]), partial(_due_waiver, source, row, column, what))
        for column, what in columns
        for row in source.rows(sql.format(column=column), now=source.moment, until=until)
    ]


def _due_waiver(source: PageSource, row: Any, column: str, what: str) -> Sequence[Any]:
    return (
        day_text(row[column]), what + (ends_with(source, row) if column == "expires" else ""),
        row["control"] or "everything (break-glass)", model_cell(row["model"]),
        source.owner(row["key_id"]) or "unknown key", leaf_cell(row["sequence"]),
    )  # fmt: skip


def _due_states(source: PageSource, until: str) -> list[Due]:
    found = together(ending_states(source, until, MOST_STATES), "model", "version", "next_change", "next_time")
    return [(day_text(row["next_time"]), partial(_due_state, row)) for row in found]


def _due_state(row: Mapping[str, Any]) -> Sequence[Any]:
    first, at = row["controls"][0], {"model": row["model"], "version": row["version"]}
    control = PageCell(", ".join(row["controls"]), to("controls", first, **at))
    return day_text(row["next_time"]), row["next_change"], control, version_cell(**at), "", ""


def _due_keys(source: PageSource, until: str) -> list[Due]:
    newest = source.history.newest if source.scope.whole else None
    return [
        (day_text(key.valid_until), partial(_due_key, key))
        for key in (newest.keys if newest else ())
        if key.valid_until and source.moment < key.valid_until <= until
    ]


def _due_key(key: KeyEntry) -> Sequence[Any]:
    return day_text(key.valid_until), "key ends", ", ".join(key.roles), "", key.owner, ""

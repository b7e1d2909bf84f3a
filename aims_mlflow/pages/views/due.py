"""What is due: days on which states, waivers and keys end, and days that published documents set."""

from __future__ import annotations

import calendar
import re
from bisect import bisect_left, bisect_right
from collections import Counter
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from aims_mlflow.documents.page_blocks import Form, FormInput, PageCell, PageTable, PageView, cell, to
from aims_mlflow.gates.waivers import last_day
from aims_mlflow.pages.views.common import RowRange, day_text, leaf_cell, model_cell, version_cell
from aims_mlflow.pages.views.dated import days_of_duties, duties, duty_row, plans_table, promised_words, words_row
from aims_mlflow.pages.views.endings import ending_states, ends_with, together
from aims_mlflow.pages.views.states import catalogue
from aims_mlflow.pages.views.taken_back import TAKEN_BACK
from aims_mlflow.records.documents.context import SystemEntry
from aims_mlflow.records.documents.lifecycle import MonitoringPlanDocument

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from aims_mlflow.management.promised_days import PromisedDay, PromisedWords
    from aims_mlflow.pages.source import PageSource
    from aims_mlflow.records.keyring import KeyEntry

    Due = tuple[str, Callable[[], Sequence[Any]]]  # a day, and what makes its row: of many rows few are shown

MOST_DAYS, DAYS, MOST_PLANS, MOST_STATES = 3660, 31, 20, 500
YEAR, ANY = 365, "none"
STATE = "the state of the control"
_WITHIN = re.compile(r"([1-9][0-9]{0,3})d?", re.ASCII)
_MONTH = re.compile(r"(19[0-9]{2}|2[01][0-9]{2})-(0[1-9]|1[0-2])", re.ASCII)


@dataclass(frozen=True)
class DueSpan:
    """The days that are shown, the first and the last included; `month` is YYYY-MM, empty for the next days."""

    first: str
    last: str
    title: str
    month: str = ""
    days: int = DAYS

    @classmethod
    def of(cls, source: PageSource, query: Mapping[str, str]) -> DueSpan:
        """Return the calendar month that is asked for, else the next days."""
        month, within = _MONTH.fullmatch(query.get("month", "")), _WITHIN.fullmatch(query.get("within", ""))
        if month is not None:
            first = date(int(month[1]), int(month[2]), 1)
            last = first + timedelta(days=calendar.monthrange(first.year, first.month)[1] - 1)
            return cls(str(first), str(last), f"In {first:%B %Y}", month[0])
        days = min(int(within[1]), MOST_DAYS) if within else DAYS
        today = source.now.date()
        return cls(str(today), str(today + timedelta(days=days)), f"Within {days} days", "", days)


def due(source: PageSource, _args: Mapping[str, str], query: Mapping[str, str]) -> PageView:
    """Return what ends, or is owed, within a span of days or in a calendar month, and what is overdue."""
    span, today = DueSpan.of(source, query), source.moment[:10]
    year = str(source.now.date() + timedelta(days=YEAR))
    dated, days = duties(source), days_of_duties(source)
    ends = _from_ledger(source, span, year)
    promised = dated[bisect_left(days, span.first) : bisect_right(days, span.last)]
    coming = [due for due in ends if span.first <= due[0] <= span.last]
    coming = sorted([*coming, *_promised(source, promised)], key=lambda due: due[0])
    past = _promised(source, dated[: bisect_left(days, today)])
    words = promised_words(source)
    paging = RowRange("due", query, max(len(coming), len(past), len(words)))  # all tables show the same part
    note = "Ends of control states are those of versions in use."
    table = _due_table(span.title, coming, paging, "There is none.", note)
    none = "No day that a document in force set has passed, of those that this reader may read."
    late = _due_table("Overdue by the published documents", past, paging, none)
    months = _months([*(day for day, _ in ends if day >= today), *days[bisect_left(days, today) :]], year)
    plans = plans_table(source, most=MOST_PLANS)
    if plans.total and plans.total > len(plans.rows):
        plans = replace(plans, note=f"{plans.note} The page Monitors lists all.")
    blocks = (table, months, late, _words_table(source, words, paging), plans, _form(span, months))
    return PageView("Due", "due", (_next_month(source),), blocks, **paging.links)


def _promised(source: PageSource, promised: Sequence[PromisedDay]) -> list[Due]:
    return [(each.day, partial(duty_row, source, each)) for each in promised]


def _next_month(source: PageSource) -> PageCell:
    first = (source.now.date().replace(day=1) + timedelta(days=31)).replace(day=1)
    return PageCell(f"Due next month, in {first:%B %Y}", to("due", month=f"{first:%Y-%m}"))


def _from_ledger(source: PageSource, span: DueSpan, year: str) -> list[Due]:
    """Return what the ledger and the keyring set days for, in the span and in the year that comes."""
    since = min(f"{span.first}T00:00:00Z" if span.month else source.moment, source.moment)
    until = f"{max(span.last, year)}T23:59:59.999999Z"
    return [*_due_waivers(source, since, until), *_due_states(source, until), *_due_keys(source, since, until)]


def _months(days: Sequence[str], year: str) -> PageTable:
    """Return each month of the year that comes in which something is due, with how much."""
    counted = Counter(day[:7] for day in days if day <= year)
    rows = [
        (PageCell(f"{date.fromisoformat(f'{month}-01'):%B %Y}", to("due", month=month), state=month), count)
        for month, count in sorted(counted.items())
    ]
    return PageTable("By month", ("Month", "Due from today on"), rows, empty="Nothing is due within a year.")


def _form(span: DueSpan, months: PageTable) -> Form:
    known = [cell(row[0]).state for row in months.rows]
    choices = (ANY, *sorted({*known, *([span.month] if span.month else [])}))
    return Form(
        "Another span",
        "due",
        (
            FormInput("within", "Days", str(span.days), "number"),
            FormInput("month", "Or a month", span.month or ANY, "choice", choices),
        ),
        "Show",
    )


def _due_table(title: str, due: Sequence[Due], paging: RowRange, none: str, note: str = "") -> PageTable:
    return PageTable(
        title,
        ("Day", "What", "Counted from", "Control", "About", "Who", "Sealed"),
        [row() for _, row in due[paging.first - 1 : paging.first - 1 + paging.most]],
        note,
        f"None of the {len(due):,} days is in this part." if due else none,
        total=len(due),
        first=paging.first,
    )


def _words_table(source: PageSource, words: Sequence[PromisedWords], paging: RowRange) -> PageTable:
    note = (
        "A time in an English sentence of a document's fields is listed here until a field has the day from which it "
        "counts. The Markdown text of a document is a file beside its record, and is not read here."
    )
    return PageTable(
        "Promised in words, without a day",
        ("What", "Day", "Field that would give one", "Control", "About", "Who", "Sealed"),
        [words_row(source, each) for each in words[paging.first - 1 : paging.first - 1 + paging.most]],
        note if words else "",
        f"None of the {len(words):,} promises is in this part." if words else "There is none.",
        total=len(words),
        first=paging.first,
    )


def _due_waivers(source: PageSource, since: str, until: str) -> list[Due]:
    """Return the ends of waivers in force, and the days of measures: these are owed though the model is out of use."""
    sql = (
        "SELECT c.* FROM consent c WHERE c.type = 'waiver' AND {column} > :since AND {column} <= :until AND {counts} "
        "AND {{scope}} ORDER BY {column} LIMIT 500"
    )
    columns = (
        ("expires", "waiver ends", f"NOT EXISTS ({TAKEN_BACK})"),
        ("measure_due", "evidence of the waiver's measure is due", "TRUE"),
    )
    return [
        (last_day(row[column]), partial(_due_waiver, source, row, column, what))
        for column, what, counts in columns
        for row in source.rows(sql.format(column=column, counts=counts), since=since, until=until)
    ]


def _due_waiver(source: PageSource, row: Any, column: str, what: str) -> Sequence[Any]:
    return (
        last_day(row[column]), what + (ends_with(source, row) if column == "expires" else ""),
        "the waiver states the day",
        row["control"] or "everything (break-glass)", model_cell(row["model"]),
        source.owner(row["key_id"]) or "unknown key", leaf_cell(row["sequence"]),
    )  # fmt: skip


def _due_states(source: PageSource, until: str) -> list[Due]:
    found = together(ending_states(source, until, MOST_STATES), "model", "version", "next_change", "next_time")
    return [(day_text(row["next_time"]), partial(_due_state, source, row)) for row in found]


def _due_state(source: PageSource, row: Mapping[str, Any]) -> Sequence[Any]:
    first, at = row["controls"][0], {"model": row["model"], "version": row["version"]}
    control = PageCell(", ".join(row["controls"]), to("controls", first, **at))
    about = version_cell(**at)
    return day_text(row["next_time"]), row["next_change"], STATE, control, about, _answering(source, row), ""


def _answering(source: PageSource, row: Mapping[str, Any]) -> str:
    """Return who answers for what ends: by the documents of its controls, else by the register entry of the system."""
    sql = "SELECT system FROM version WHERE model = :m AND version = :v AND {scope}"
    known = source.row(sql, m=row["model"], v=row["version"])
    system = known["system"] if known is not None else None
    if not system:
        return ""
    serving = {use.kind for control in row["controls"] for use in catalogue()[control].evidence}
    mine = [d for d in source.documents.about(system) if d.kind in serving]
    acting = [d.written.who_acts for d in mine if isinstance(d.written, MonitoringPlanDocument) and d.written.who_acts]
    owners = [d.publication.statement.owner for d in mine]
    entries = [entry.owner for _, entry in source.documents.of(SystemEntry, system)]
    return next(iter((*acting, *owners, *entries)), "")


def _due_keys(source: PageSource, since: str, until: str) -> list[Due]:
    newest = source.history.newest if source.scope.whole else None
    return [
        (day_text(key.valid_until), partial(_due_key, key))
        for key in (newest.keys if newest else ())
        if key.valid_until and since < key.valid_until <= until
    ]


def _due_key(key: KeyEntry) -> Sequence[Any]:
    return day_text(key.valid_until), "key ends", "the keyring states the day", ", ".join(key.roles), "", key.owner, ""

"""Days that published documents set: reviews, ends, treatments that are due, and monitor runs that were missed."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from aims_mlflow.catalog.loader import controls_for_kind, kinds
from aims_mlflow.documents.page_blocks import PageCell, PageTable, state_cell, to
from aims_mlflow.management.promised_days import PromisedDay, PromisedWords, header_days, promised_days
from aims_mlflow.management.worded_days import worded_days
from aims_mlflow.pages.library import leaves_of, written_state
from aims_mlflow.pages.views.common import PAGE_ROWS, day_text, document_cell, leaf_cell, system_cell
from aims_mlflow.pages.views.records import readable
from aims_mlflow.records.documents.lifecycle import CompetenceDocument, MonitoringPlanDocument

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aims_mlflow.pages.source import PageSource

MOST_SLOTS = 400  # of one plan, the newest


def duties(source: PageSource) -> list[PromisedDay]:
    """Return every day that the documents in force promise, past ones too, the first first."""
    return source.documents.remembered("duties", lambda: _duties(source))


def days_of_duties(source: PageSource) -> list[str]:
    """Return the day of each of the `duties`, in their order."""
    return source.documents.remembered("days of duties", lambda: [duty.day for duty in duties(source)])


def promised_words(source: PageSource) -> list[PromisedWords]:
    """Return the promises in words of the documents in force of which no day can be computed, by document."""
    found = (each for each in _worded(source) if isinstance(each, PromisedWords))
    return source.documents.remembered("words", lambda: sorted(found, key=lambda p: (p.document, p.what)))


def _worded(source: PageSource) -> list[PromisedDay | PromisedWords]:
    state = written_state(source)
    make = partial(worded_days, state, state.documents, _published(source), source.moment[:10])
    return source.documents.remembered("worded", lambda: list(make()))


def _published(source: PageSource) -> dict[str, str]:
    return {d.id: day_text(d.publication.document.time) for d in source.documents.in_force}


def _duties(source: PageSource) -> list[PromisedDay]:
    found, state = source.documents, written_state(source)
    promised = promised_days(state, state.documents, _published(source), source.moment[:10])
    promised += [each for each in _worded(source) if isinstance(each, PromisedDay)]
    promised += [day for d in found.unread for day in header_days(d.publication.statement, d.id, d.kind)]
    return sorted(promised, key=lambda d: (d.day, d.what, d.document))


def duty_row(source: PageSource, duty: PromisedDay) -> tuple[Any, ...]:
    """Return a promised day as a row of the page of what is due."""
    control, document, leaf = _of_document(source, duty.document)
    return duty.day, duty.what, duty.counted or "the document states the day", control, document, duty.who, leaf


def words_row(source: PageSource, promise: PromisedWords) -> tuple[Any, ...]:
    """Return a promise without a day as a row of the page of what is due."""
    control, document, leaf = _of_document(source, promise.document)
    return promise.what, f"no date can be computed: {promise.why}", promise.field, control, document, promise.who, leaf


def _of_document(source: PageSource, name: str) -> tuple[PageCell, PageCell, PageCell]:
    """Return the control that needs a document, the document and its leaf."""
    found = source.documents
    by_id = found.remembered("by id", lambda: {d.id: d for d in found.in_force})
    leaves = found.remembered("leaves", lambda: leaves_of(source, (d.publication for d in found.in_force)))
    document = by_id[name]
    needing = controls_for_kind(document.kind) if document.kind in kinds() else ()
    control = next((name for name, need in needing if need == "required"), "")
    return (
        PageCell(control, to("controls", control) if control else ""),
        document_cell(document.id, document.id),
        leaf_cell(leaves.get(document.publication.record.sha256)),
    )


def competence_table(source: PageSource) -> PageTable:
    """Return what is published about people's competence."""
    today = source.moment[:10]
    rows = []
    for document, record in source.documents.of(CompetenceDocument):
        ends = document.publication.statement.valid_until or ""
        over = bool(ends) and ends < today
        rows.append(
            (
                record.person or "nobody",
                record.role or "",
                record.requirement or "",
                record.basis or "not stated",
                record.obtained_on or "",
                state_cell("stale", "", f"ended on {ends}") if over else ends or "no end is stated",
                record.gap or "",
                document_cell(document.id, f"{document.id} ({document.state})"),
            )
        )
    columns = ("Person", "Role", "Must know", "Shown by", "On", "Until", "Gap", "Document")
    return PageTable("Competence", columns, rows, empty="No competence record is published here.")


@dataclass(frozen=True)
class MonitorSlot:
    """One period in which a monitoring plan wants a run; `run` is the first record that fell into it."""

    begins: str
    last: str
    run: Any


def slots(plan: MonitoringPlanDocument, since: str, today: str, runs: Sequence[Any]) -> list[MonitorSlot]:
    """Return the periods of a plan that are over, or have a run, the newest first.

    A period is `every_days` long and begins where the one before it ended; the first begins on the day `since`. A run
    may come `grace_days` late, and counts for the first period that has none.

    Args:
        plan: The plan; one without `every_days` has no periods.
        since: The day from which on the plan applies.
        today: The day of the page.
        runs: Rows of the index with `time`, oldest first.
    """
    every, grace, left = plan.every_days, plan.grace_days or 0, list(runs)
    begins, out = date.fromisoformat(since), list[MonitorSlot]()
    while every and begins < date.fromisoformat(today) and len(out) < MOST_SLOTS:
        ends = begins + timedelta(days=every)
        last = ends + timedelta(days=grace)
        left = [run for run in left if run["time"][:10] >= str(begins)]
        run = left.pop(0) if left and left[0]["time"][:10] < str(last) else None
        if run is not None or last <= date.fromisoformat(today):
            out.append(MonitorSlot(str(begins), str(last - timedelta(days=1)), run))
        begins = ends
    return out[::-1]


def _runs_of(source: PageSource, systems: set[str]) -> dict[str, list[Any]]:
    """Return the rows of the readable monitoring runs of some systems, oldest first, by system."""
    sql = (
        "SELECT r.* FROM json_each(:systems) AS j JOIN record AS r ON r.system = j.value "
        f"WHERE r.kind = 'monitor-run' AND {readable(source)} ORDER BY r.time"
    )
    out = defaultdict[str, list[Any]](list)
    for row in source.rows(sql, systems=json.dumps(sorted(systems))):
        out[row["system"]].append(row)
    return out


def plans_table(source: PageSource, first: int = 1, most: int = PAGE_ROWS, about: str = "") -> PageTable:
    """Return `most` of the published monitoring plans, from `first` on, with how many of their runs were missed.

    With `about`, those about one system.
    """
    plans = source.documents.of(MonitoringPlanDocument, about)
    rows, columns = [], ("Plan", "System", "Every", "Periods over", "Missed", "The last missed", "Who acts", "Sealed")
    shown = plans[first - 1 : first - 1 + most]
    leaves = leaves_of(source, (d.publication for d, _ in shown))
    runs = _runs_of(source, {d.publication.document.system or "" for d, _ in shown})
    for document, plan in shown:
        system = document.publication.document.system or ""
        since = plan.effective_from or day_text(document.publication.document.time)
        found = slots(plan, since, source.moment[:10], runs[system])
        missed = [slot for slot in found if slot.run is None]
        rows.append(
            (
                document_cell(document.id, f"{document.id} ({document.state})"),
                system_cell(system),
                f"{plan.every_days:,} days, {plan.grace_days or 0:,} late at most" if plan.every_days else "not stated",
                f"{len(found):,}",
                state_cell("failed" if missed else "holds", "", f"{len(missed):,} of {len(found):,}")
                if found
                else "none was due yet",
                f"{missed[0].begins} to {missed[0].last}" if missed else "",
                plan.who_acts or plan.owner,
                leaf_cell(leaves.get(document.publication.record.sha256)),
            )
        )
    note = (
        "A period begins on the day from which on the plan applies, and has a run if a monitor-run record of the "
        "system was signed in it and sealed here. A run that nobody handed to the ledger counts as missed."
    )
    none = "No monitoring plan is published here: which runs were due is not known."
    return PageTable(
        "Monitoring plans, and runs that were missed",
        columns,
        rows,
        note if rows else "",
        f"None of the {len(plans):,} monitoring plans is in this part." if plans else none,
        total=len(plans),
        first=first,
    )

"""Waivers: what each covers, who signed it, and what speaks against it, on their own page and on that of a decision."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aims_mlflow.documents.page_blocks import PageCell, PageTable, PageView, state_cell, to
from aims_mlflow.gates.waivers import last_day
from aims_mlflow.gates.wording import item_text
from aims_mlflow.pages.views.common import RowRange, day_text, document_cell, end_text, leaf_cell, model_cell
from aims_mlflow.pages.views.doubtful_waivers import Doubts
from aims_mlflow.pages.views.taken_back import DID, TAKEN_BACK
from aims_mlflow.pages.void_waivers import why_void
from aims_mlflow.records.leaves.others import ConsentBody

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aims_mlflow.pages.source import PageSource
    from aims_mlflow.records.decision import WaivedBy

COLUMNS = (
    "State", "Model", "Control", "What it waives", "Ends", "Signed by", "Reason", "What speaks against it",
    "Measure due", "Used by", "Sealed",
)  # fmt: skip
MOST_COVERED = 5
AGAINST = (
    "A waiver names the failures that it covers; a failure that came later, or a worse value, is not covered. One that "
    "covers nothing by the rules and the keyring in force now has the reason of the gate in its state. What "
    "speaks against it is looked up in the evidence, the register of risks and the keyring; it does not end the waiver."
)
VOID = "covers nothing"  # the state for programs
UNUSED = "nothing so far: no decision rests on it"
NO_DAY = "no day is set for evidence of a measure"


def waivers(source: PageSource, _args: Mapping[str, str], query: Mapping[str, str]) -> PageView:
    """Return the waivers, those in force first."""
    sql = f"SELECT c.*, ({TAKEN_BACK}) AS taken FROM consent c WHERE c.type = 'waiver' AND {{scope}}"
    paging = RowRange("waivers", query, source.count(sql))
    found = source.rows(
        f"{sql} ORDER BY taken IS NULL AND expires > :now DESC, expires LIMIT :most OFFSET :skip",
        now=source.moment,
        **paging.limits,
    )
    table = PageTable("Waivers", COLUMNS, _rows(source, found), AGAINST, total=paging.total, first=paging.first)
    return PageView("Waivers", "waivers", (), (table,), **paging.links)


def waivers_used(source: PageSource, waived: Sequence[WaivedBy]) -> list[PageTable]:
    """Return the waivers that a decision rests on, as their own page has them; no table where there are none."""
    ids = dict.fromkeys(name for each in waived for name in each.waivers)
    marks = ",".join("?" * len(ids))
    sql = f"SELECT c.*, ({TAKEN_BACK}) AS taken FROM consent c WHERE c.type = 'waiver' AND c.record IN ({marks}) "
    sql += "ORDER BY c.sequence"
    found = source.shared.index.connection.execute(sql, list(ids)).fetchall() if ids else []
    rows = _rows(source, [row for row in found if source.scope.reads(row["model"])])
    return [PageTable("Waivers that it rests on", COLUMNS, rows, AGAINST)] if rows else []


def _rows(source: PageSource, found: Sequence[Any]) -> list[tuple[Any, ...]]:
    doubts = Doubts(source)
    return [_row(source, row, doubts) for row in found]


def _row(source: PageSource, row: Any, doubts: Doubts) -> tuple[Any, ...]:
    over = not row["expires"] or row["expires"] <= source.moment
    ended = DID[row["taken"]] if row["taken"] else "ended" if over else ""
    void = None if ended else why_void(source, row["model"], row["sequence"])
    state = state_cell("closed", "", ended) if ended else state_cell("failed and waived", "", "in force")
    if void:
        state = PageCell(f"covers nothing: {void}", mark="✗", tone="bad", state=VOID)
    used = source.rows(
        "SELECT sequence FROM waiver_use JOIN decision USING (sequence) WHERE waiver = :w AND allowed AND {scope} "
        "ORDER BY sequence DESC",
        w=row["record"],
    )
    covered = _covered(source, row, used)
    against = [] if void or ended else doubts.against(row, covered)
    return (
        state,
        model_cell(row["model"]),
        "everything (break-glass)" if row["break_glass"] else row["control"] or "",
        _failures(covered),
        end_text(row["expires"]),
        source.owner(row["key_id"]) or "unknown key",
        reason_of(source, row["sequence"]),
        state_cell("open", "", "; ".join(against)) if against else "" if void else "nothing found",
        _measure(row, doubts),
        _used(used),
        leaf_cell(row["sequence"]),
    )


def _covered(source: PageSource, row: Any, used: Sequence[Any]) -> list[WaivedBy]:
    """Return what the newest decision that rests on a waiver let pass by it."""
    said = source.decided([used[0]["sequence"]]) if used else {}
    return [w for decision in said.values() for w in decision.waived if row["record"] in w.waivers]


def _failures(covered: Sequence[WaivedBy]) -> str:
    """Return the failures that a waiver covers, in the words of the decision."""
    if not covered:
        return UNUSED
    told = list(dict.fromkeys(item_text(w.unmet) for w in covered))
    more = f"; and {len(told) - MOST_COVERED} more" if len(told) > MOST_COVERED else ""
    return "; ".join(told[:MOST_COVERED]) + more


def _measure(row: Any, doubts: Doubts) -> PageCell:
    """Return by when evidence of a measure is due: by the waiver, else by the impact assessment of the system."""
    if row["measure_due"]:
        return PageCell(last_day(row["measure_due"]))
    measures = doubts.measures(row)
    if not measures:
        return PageCell(NO_DAY)
    first = min((measure.due or "" for _, measure in measures), default="")
    when = f", the first due {day_text(first)}" if first else ""
    name = measures[0][0].id
    count = f"{len(measures)} measure{'s' if len(measures) > 1 else ''}"
    text = f"{count} of {name}{when}; the waiver itself sets no day"
    return document_cell(name, text)


def _used(decisions: Sequence[Any]) -> PageCell:
    """Return the decisions that rest on a waiver, the newest first, of many the newest three."""
    numbers = [f"{row['sequence']:,}" for row in decisions]
    if not numbers:
        return PageCell("no decision")
    earlier = f", before it {', '.join(numbers[1:3])}" if len(numbers) > 1 else ""
    earlier += f" and {len(numbers) - 3:,} more" if len(numbers) > 3 else ""
    return PageCell(f"decision {numbers[0]}{earlier}", to("decisions", decisions[0]["sequence"]))


def reason_of(source: PageSource, sequence: int) -> str:
    """Return the reason that a person gave for a consent, from its erasable body."""
    try:
        body = source.view.body(sequence)
    except Exception:  # noqa: BLE001 - a body that was changed: the ledger's verification names it
        return "cannot be trusted: the body was changed"
    if not isinstance(body, ConsentBody):
        return "erased"
    return (body.words.comment if body.words else body.comment) or ""

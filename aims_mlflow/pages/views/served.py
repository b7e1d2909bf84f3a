"""Served: which versions held a gated alias or stage at any moment of a day, and on what ground."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aims_mlflow.documents.page_blocks import Form, FormInput, PageCell, PageTable, PageView, Prose, code_cell, to
from aims_mlflow.gates.wording import waiver_lines
from aims_mlflow.pages.views.common import RowRange, grounds_text, time_text, version_cell
from aims_mlflow.records.leaves.others import ConsentBody

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aims_mlflow.pages.source import PageSource
    from aims_mlflow.records.decision import Decision

MOST_COMMENTS = 5
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
COLUMNS = (
    "Version",
    "Held",
    "From",
    "Until",
    "Ended by",
    "Allowed on",
    "Approved by",
    "Comment",
    "Waivers",
    "Policy then",
    "Decision",
)


def served(source: PageSource, _args: Mapping[str, str], query: Mapping[str, str]) -> PageView:
    """Return what was in use on a day (UTC); today by default."""
    asked, today = query.get("on", ""), source.now.astimezone(UTC).strftime("%Y-%m-%d")
    wrong = _why_not_shown(asked, today)
    day = today if wrong or not asked else asked
    lead = (PageCell(f"{wrong}: today is shown.", tone="bad", mark="!"),) if wrong else ()
    first, last = f"{day}T00:00:00", f"{day}T23:59:59.999999Z"
    sql = "SELECT * FROM tenure WHERE since <= :last AND (until IS NULL OR until > :first) AND {scope}"
    paging = RowRange("served", {**query, "on": day}, source.count(sql, first=first, last=last))
    found = source.rows(
        f"{sql} ORDER BY model, place, since LIMIT :most OFFSET :skip", first=first, last=last, **paging.limits
    )
    table = PageTable(
        f"In use at any moment of {day} (UTC)",
        COLUMNS,
        _rows(source, found),
        "What the gate let in under gated aliases and stages. A client "
        "that loads another version by its number is not seen.",
        "No version held a gated alias or stage on that day, as far as the ledger knows.",
        total=paging.total,
        first=paging.first,
    )
    form = Form("Another day", "served", (FormInput("on", "Day (UTC)", day, "date"),), "Show")
    later = Prose("", (f"The ledger begins at {time_text(_begin(source))}; before that it cannot know.",))
    return PageView(f"Served on {day}", "served", lead, (form, table, later), **paging.links)


def _why_not_shown(asked: str, today: str) -> str | None:
    """Return why nothing can be shown of what was asked for as a day; None if it is a day up to today, or nothing."""
    if asked and not _is_day(asked):
        return f"{asked[:40]!r} is no day of the form 2026-11-28"
    return f"{asked} has not come: nobody knows what will be in use" if asked > today else None


def _is_day(text: str) -> bool:
    try:
        return bool(_DAY.fullmatch(text) and datetime.fromisoformat(text))
    except ValueError:
        return False


def _begin(source: PageSource) -> str | None:
    row = source.shared.index.connection.execute("SELECT time FROM leaf ORDER BY sequence LIMIT 1").fetchone()
    return row["time"] if row else None


def _rows(source: PageSource, tenures: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Return a row for each tenure, with the decision that began it; all decisions are read in one go."""
    requests = json.dumps([t["request"] for t in tenures])
    sql = "SELECT * FROM decision WHERE request IN (SELECT value FROM json_each(:requests)) AND {scope}"
    made = {row["request"]: row for row in source.rows(sql, requests=requests)}
    said = source.decided([row["sequence"] for row in made.values()])
    comments = _comments(source, tenures)
    return [_row(source, t, made.get(t["request"]), said, comments[at]) for at, t in enumerate(tenures)]


def _row(source: PageSource, held: Any, made: Any, decided: Mapping[int, Decision], comment: str) -> tuple[Any, ...]:
    said = decided.get(made["sequence"]) if made else None
    approvals = (
        ", ".join(said.approvals) if said else ("adopted without a decision" if made is None else "texts were erased")
    )
    policy = made["policy"] if made else None
    link = to("policies", policy) if policy and source.scope.whole else ""
    return (
        version_cell(held["model"], held["version"]),
        held["place"],
        time_text(held["since"]),
        time_text(held["until"]) or "now",
        held["ended_by"] or "",
        grounds_text(made["basis"], made["waivers"]) if made else grounds_text("legacy", 0),
        approvals or "nobody",
        comment,
        "; ".join(waiver_lines(said)) if said else "",
        code_cell(policy, link, most=12),
        PageCell(f"decision {made['sequence']}", to("decisions", made["sequence"])) if made else "",
    )


def _comments(source: PageSource, tenures: Sequence[Any]) -> list[str]:
    """Return for each tenure what the approvers wrote before the version came into use, the newest first."""
    found = source.rows(
        "SELECT sequence, model, digest, time FROM consent WHERE type = 'approval' AND "
        "digest IN (SELECT value FROM json_each(:digests)) AND {scope} ORDER BY sequence DESC",
        digests=json.dumps(sorted({t["digest"] for t in tenures if t["digest"]})),
    )
    approvals: dict[tuple[str, str], list[Any]] = {}
    for row in found:
        approvals.setdefault((row["model"], row["digest"]), []).append(row)
    out = []
    for held in tenures:
        before = [a for a in approvals.get((held["model"], held["digest"]), ()) if a["time"] <= held["since"]]
        out.append("; ".join(text for a in before[:MOST_COMMENTS] if (text := _comment(source, a["sequence"]))))
    return out


def _comment(source: PageSource, sequence: int) -> str:
    body = source.view.body(sequence)
    if not isinstance(body, ConsentBody):
        return ""
    text = body.words.comment if body.words else body.comment
    return f"{body.owner or 'approver'}: {text}" if text else ""

"""Tables that several pages show: the timeline of a model, its decisions, and its findings."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from aims_mlflow.documents.page_blocks import PageCell, PageTable, state_cell, to
from aims_mlflow.pages.views.common import (
    day_text,
    digest_cell,
    end_text,
    leaf_cell,
    model_text,
    time_text,
    version_cell,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aims_mlflow.pages.source import PageSource

MOST = 200
SEALED_ALONE = (
    "Shown is what leaves of the ledger opened. What `aims document findings` finds is here once somebody seals it "
    "(`--seal`); before that the ledger cannot know it."
)
NO_FINDING = "None is in the ledger."


def decided_cell(row: Any, href: str = "") -> PageCell:
    """Return what a decision came to, in one word with its symbol."""
    if row["would_refuse"] and row["allowed"]:
        return state_cell("would be refused", href, "let pass, would be refused (observed)")
    word = "allowed" if row["allowed"] else "refused"
    return state_cell(word, href, f"{word} on a waiver" if row["allowed"] and row["waivers"] else word)


def decision_row(row: Any) -> tuple[Any, ...]:
    """Return a decision of the index as a row: when, what, which model, result, unmet controls, leaf."""
    what = f"{row['stage']}" + (f" as {row['alias']}" if row["alias"] else "")
    done = {None: "no outcome sealed", 0: "not carried out", 1: ""}[row["done"]] if row["allowed"] else ""
    unmet = ", ".join(dict.fromkeys(json.loads(row["unmet"] or "[]")))
    return (
        time_text(row["time"]),
        what,
        version_cell(row["model"], row["version"]),
        decided_cell(row, to("decisions", row["sequence"])),
        unmet,
        done,
        digest_cell(row["digest"]),
        leaf_cell(row["sequence"]),
    )


DECISIONS = ("Decided", "Change", "Model", "Decision", "Unmet controls", "Outcome", "Model digest", "Sealed")


def timeline_table(source: PageSource, model: str, version: str, digest: str | None) -> PageTable:
    """Return what happened to a version, oldest first: training, decisions, consents, and use."""
    events: list[tuple[str, str, Any, str, Any]] = []
    sql = (
        "SELECT * FROM decision WHERE model = :m AND (version = :v OR digest = :d) AND {scope} "
        "ORDER BY sequence DESC LIMIT :most"
    )
    for row in source.rows(sql, m=model, v=version, d=digest, most=MOST):
        what = f"{row['stage']}" + (f" as {row['alias']}" if row["alias"] else "")
        unmet = ", ".join(dict.fromkeys(json.loads(row["unmet"] or "[]")))
        events.append(
            (
                row["time"],
                f"{what} asked",
                decided_cell(row, to("decisions", row["sequence"])),
                f"unmet: {unmet}" if unmet else "",
                row["sequence"],
            )
        )
    sql = "SELECT * FROM consent WHERE model = :m AND digest = :d AND {scope} ORDER BY sequence DESC LIMIT :most"
    for row in source.rows(sql, m=model, d=digest, most=MOST):
        about = " ".join(filter(None, (row["control"], row["alias"], end_text(row["expires"]))))
        events.append(
            (row["time"], row["type"], source.owner(row["key_id"]) or "signer unknown", about, row["sequence"])
        )
    sql = "SELECT * FROM tenure WHERE model = :m AND version = :v AND {scope}"
    for row in source.rows(sql, m=model, v=version):
        events.append((row["since"], f"serves as {row['place']}", state_cell("open", "", "begins"), "", None))
        if row["until"]:
            events.append((row["until"], f"no longer {row['place']}", str(row["ended_by"]), "", None))
    sql = (
        "SELECT r.*, min(r.time) AS at FROM record r JOIN record_model o ON o.sha256 = r.sha256 WHERE o.model = :m "
        "AND r.digest = :d AND r.kind = 'training-provenance' AND {scope} GROUP BY r.session"
    )
    events += [
        (row["at"], "trained", source.owner(row["key_id"]) or "signer unknown", row["system"] or "", None)
        for row in source.rows(sql, m=model, d=digest)
    ]
    events.sort(key=lambda e: e[0])
    rows = [(time_text(t), what, who, about, leaf_cell(leaf)) for t, what, who, about, leaf in events]
    return PageTable("Timeline", ("When", "What", "By whom, or with which result", "About", "Sealed"), rows)


def findings_table(source: PageSource, models: Sequence[str]) -> PageTable:
    """Return the open findings and incidents about models."""
    found = source.rows(
        "SELECT * FROM finding WHERE closed IS NULL AND model IN (SELECT value FROM json_each(:mine)) AND {scope} "
        "ORDER BY opened DESC LIMIT :most",
        mine=json.dumps(list(models)),
        most=MOST,
    )
    return PageTable(
        "Open findings and incidents", FINDINGS, [finding_row(row) for row in found], SEALED_ALONE, NO_FINDING
    )


FINDINGS = ("State", "Kind", "About", "Control", "Open since", "Closed", "Sealed")


def finding_row(row: Mapping[str, Any] | Any) -> tuple[Any, ...]:
    """Return a finding of the index as a row."""
    state = "closed" if row["closed"] is not None else "open"
    return (
        state_cell(state),
        PageCell(f"{row['type']}: {row['about'].replace('-', ' ')}", to("leaves", row["opened"])),
        version_cell(row["model"], row["version"]) if row["model"] else model_text(row["model"]),
        row["control"] or "",
        time_text(row["time"]),
        day_text(row["closed_time"]),
        leaf_cell(row["opened"]),
    )

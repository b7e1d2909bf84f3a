"""Overview: what is wrong or ending, the systems by stage, and what is not covered."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from aims_mlflow.catalog.loader import controls
from aims_mlflow.pages.blocks import Facts, PageCell, PageTable, PageView, state_cell, to
from aims_mlflow.pages.views.common import UNASSIGNED, day_text, model_text, version_cell
from aims_mlflow.pages.views.states import MET_MEANS, NOT_JUDGED, catalogue, control_cell, live_versions
from aims_mlflow.records.base import utc_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aims_mlflow.pages.source import PageSource

DAYS, MOST = 31, 20
LOUD = ("unverifiable", "failed", "failed and waived", "stale", "not evaluated")
STAGES = ("deployed", "development", "retired")


def overview(source: PageSource, _args: Mapping[str, str], _query: Mapping[str, str]) -> PageView:
    """Return the first page."""
    live = live_versions(source)
    judged = source.judged_among(live)
    blocks = (
        _attention(source, live),
        _ending(source),
        _systems(source),
        _not_covered(source, live, len(judged)),
    )
    return PageView("Overview", "", (MET_MEANS,), blocks)


def _attention(source: PageSource, live: Sequence[Any]) -> PageTable:
    held = {(v["model"], v["version"]): v for v in live}
    marks = ",".join(f"'{state}'" for state in LOUD)
    clause = source.scope.clause("s.model")
    states = source.rows(
        f"SELECT s.* FROM status s JOIN tenure t ON t.model = s.model AND t.version = s.version AND t.until IS NULL "
        f"WHERE s.state IN ({marks}) AND s.control LIKE 'A.%' AND {clause} "
        "GROUP BY s.model, s.version, s.control, s.reason"
    )
    states.sort(key=lambda r: (LOUD.index(r["state"]), r["model"], r["version"], r["position"]))
    rows: list[Sequence[Any]] = []
    for row in _together(states):
        where = held[row["model"], row["version"]]["places"]
        at = PageCell(
            f"{model_text(row['model'])} version {row['version']}, in use as {where}",
            to("models", row["model"], row["version"]),
        )
        first = row["controls"][0]
        link = to("controls", first, model=row["model"], version=row["version"])
        rows.append((control_cell(row, link), at, PageCell(", ".join(row["controls"])), row["reason"]))
    found = source.rows("SELECT * FROM finding WHERE closed IS NULL AND {scope} ORDER BY opened DESC")
    for each in found:
        about = version_cell(each["model"], each["version"])
        text = f"{each['type']}: {each['about'].replace('-', ' ')}, open since {day_text(each['time'])}"
        rows.append((state_cell("open", to("leaves", each["opened"])), about, each["control"] or "", text))
    note = "" if len(rows) <= MOST else "The findings and controls pages list all."
    return PageTable(
        "Needs attention",
        ("State", "About", "Control", "Why"),
        rows[:MOST],
        note,
        total=len(rows),
        empty="Nothing that this page can see. What it cannot see is below.",
    )


def _together(states: Sequence[Any]) -> list[dict[str, Any]]:
    """Return the states with equal versions and reasons as one row with all their controls."""
    out: dict[tuple[str, ...], dict[str, Any]] = {}
    for row in states:
        key = (row["model"], row["version"], row["state"], row["reason"])
        out.setdefault(key, {**dict(row), "controls": []})["controls"].append(row["control"])
    return list(out.values())


def _ending(source: PageSource) -> PageTable:
    until = utc_text(source.now + timedelta(days=DAYS))
    waivers = source.rows(
        "SELECT * FROM consent WHERE type = 'waiver' AND expires > :now "
        "AND expires <= :until AND {scope} ORDER BY expires LIMIT :most",
        now=source.moment,
        until=until,
        most=MOST,
    )
    states = source.rows(
        "SELECT model, version, next_change, min(next_time) AS ends, count(*) AS n FROM status "
        "WHERE next_time > :now AND next_time <= :until AND next_change <> '' AND {scope} "
        "GROUP BY model, version, next_change ORDER BY ends LIMIT :most",
        now=source.moment,
        until=until,
        most=MOST,
    )
    rows: list[Sequence[Any]] = [
        (
            day_text(w["expires"]),
            PageCell(f"waiver of {w['control'] or 'everything (break-glass)'}", to("leaves", w["sequence"])),
            model_text(w["model"]),
            source.owner(w["key_id"]) or "signer unknown",
        )
        for w in waivers
    ]
    rows += [
        (day_text(s["ends"]), f"{s['next_change']} ({s['n']} controls)", version_cell(s["model"], s["version"]), "")
        for s in states
    ]
    return PageTable(
        f"Ending within {DAYS} days",
        ("Last day", "What", "About", "Signed by"),
        sorted(rows, key=lambda r: r[0])[:MOST],
        "The page Due has other spans.",
    )


def _systems(source: PageSource) -> Facts:
    found = source.rows(
        "SELECT coalesce(system, '') AS system, sum(gone IS NULL) AS "
        "living, count(*) AS n FROM version WHERE {scope} GROUP BY 1"
    )
    deployed = {v["system"] or "" for v in live_versions(source)}
    by_stage: dict[str, list[str]] = {stage: [] for stage in STAGES}
    for row in found:
        stage = "deployed" if row["system"] in deployed else "development" if row["living"] else "retired"
        by_stage[stage].append(row["system"])
    rows = [
        (stage, PageCell(f"{len(names):,}", to("systems", stage=stage)) if names else "0")
        for stage, names in by_stage.items()
    ]
    return Facts("Systems by stage", [*rows, ("all", PageCell(f"{len(found):,} known to this ledger", to("systems")))])


def _documents(source: PageSource) -> list[tuple[str, Any]]:
    """Return what is published of documents, and which of those that every audit asks for are not."""
    there = {d.kind for d in source.documents.in_force}
    asked = {
        "soa": "statement of applicability", "risk-register": "risk register", "supplier-record": "supplier record",
        "competence-record": "competence record", "impact-assessment": "impact assessment",
    }  # fmt: skip
    lacking = ", ".join(name for kind, name in asked.items() if kind not in there)
    late = sum(d.state == "overdue" for d in source.documents.in_force)
    count = f"{len(source.documents.in_force):,} published, {late:,} overdue for review"
    return [
        ("Documents", [PageCell(count, to("documents")), PageCell("statement of applicability", to("soa"))]),
        ("Not published here", lacking or "none of those that the pages show"),
    ]


def _not_covered(source: PageSource, live: Sequence[Any], judged: int) -> Facts:
    states = source.rows("SELECT control, state, count(*) AS n FROM status WHERE {scope} GROUP BY control, state")
    seen = {row["control"] for row in states if row["state"] != "not assessed here"}
    nowhere = [c for c in controls() if c not in seen]
    unassigned = source.count("SELECT DISTINCT model FROM version WHERE system IS NULL AND {scope}")
    total = len(controls())
    clauses = len(catalogue()) - total
    rows: list[tuple[str, Any]] = [
        (
            "Controls",
            PageCell(
                f"{total - len(nowhere)} of {total} have evidence here; {len(nowhere)} are not assessed here: "
                f"{', '.join(nowhere) or 'none'}",
                to("controls"),
            ),
        ),
        (
            "Clauses",
            f"{clauses} of ISO/IEC 42001's clauses 4 to 10 have kinds of evidence; the others are not assessed here",
        ),
        ("Models in no system", PageCell(f"{unassigned:,}", to("systems", UNASSIGNED) if unassigned else "")),
        (
            "Versions in use",
            f"{len(live):,}, of which {judged:,} are judged"
            + (f"; {len(live) - judged:,} {NOT_JUDGED}" if judged < len(live) else ""),
        ),
        ("Evidence outside the ledger", "not shown: evidence of runs that never met a gate, and was not ingested"),
        *_documents(source),
    ]
    if not source.scope.whole:
        rows.append(("Other models", "not shown: your login may not read all registered models"))
    return Facts("Not covered here", rows)

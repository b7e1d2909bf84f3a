"""Systems: the list by stage, and one system with its models and the clauses and controls of its live versions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aims_mlflow.pages.blocks import Facts, PageCell, PageTable, PageView, Prose, missing, to
from aims_mlflow.pages.views.common import (
    UNASSIGNED,
    RowRange,
    leaf_cell,
    model_cell,
    system_cell,
    time_text,
    version_cell,
)
from aims_mlflow.pages.views.states import NOT_JUDGED, catalogue, control_cell, counts, live_versions, statuses_of
from aims_mlflow.pages.views.timeline import findings_table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aims_mlflow.pages.source import PageSource

_LIST = (
    "SELECT coalesce(system, '') AS system, count(DISTINCT model) AS models, count(*) AS versions, "
    "sum(gone IS NULL) AS living, max(time) AS latest FROM version WHERE {scope} GROUP BY 1 ORDER BY 1"
)


def systems(source: PageSource, _args: Mapping[str, str], query: Mapping[str, str]) -> PageView:
    """Return the list of systems."""
    live: dict[str, list[Any]] = {}
    for version in live_versions(source):
        live.setdefault(version["system"] or "", []).append(version)
    rows, stage = [], query.get("stage", "")
    for row in source.rows(_LIST):
        held = live.get(row["system"], [])
        now = "deployed" if held else "development" if row["living"] else "retired"
        if stage in ("", now):
            rows.append((row, held, now))
    paging = RowRange("systems", query, len(rows))
    shown = rows[paging.first - 1 : paging.first - 1 + paging.most]
    table = PageTable(
        "Systems",
        ("System", "Stage", "Models", "Versions", "In use now", "Newest version"),
        [_row(*each) for each in shown],
        "A system is what the policy or the evidence names for a model. "
        "A register of systems with roles, affected groups "
        "and assessments is not kept here.",
        total=len(rows),
        first=paging.first,
    )
    return PageView("Systems" + (f": {stage}" if stage else ""), "systems", (), (table,), **paging.links)


def _row(row: Any, held: Sequence[Any], stage: str) -> tuple[Any, ...]:
    in_use = PageCell(
        "; ".join(f"{v['model']} {v['version']} as {v['places']}" for v in held[:3])
        + (f" and {len(held) - 3:,} more" if len(held) > 3 else "")
    )
    name = system_cell(row["system"]) if row["system"] else PageCell(UNASSIGNED, to("systems", UNASSIGNED))
    return name, stage, row["models"], row["versions"], in_use, time_text(row["latest"])


def system(source: PageSource, args: Mapping[str, str], _query: Mapping[str, str]) -> PageView:
    """Return one system."""
    name = args["system"]
    address = to("systems", name)
    condition = "system IS NULL" if name == UNASSIGNED else "system = :s"
    models = source.rows(
        "SELECT model, count(*) AS versions, max(time) AS latest, "
        f"max(sequence) AS leaf FROM version WHERE {condition} "
        "AND {scope} GROUP BY model ORDER BY model LIMIT 500",
        s=name,
    )
    if not models:
        return missing(name, address, "No version of a registered model is known for this system.")
    mine = {row["model"] for row in models}
    live = [v for v in live_versions(source) if v["model"] in mine]
    table = PageTable(
        "Registered models",
        ("Model", "Versions", "Newest version", "Sealed"),
        [(model_cell(m["model"]), m["versions"], time_text(m["latest"]), leaf_cell(m["leaf"])) for m in models],
    )
    facts = Facts(
        "System",
        [
            ("Id", name),
            ("Stage", "deployed" if live else "not in use"),
            (
                "Roles, intended use, affected groups",
                "stated by the team in each training: see a version's card and its evidence",
            ),
            ("Impact assessment, risks, suppliers", "no document is kept here"),
        ],
    )
    blocks = [facts, *_strips(source, live), table, findings_table(source, sorted(mine))]
    return PageView(f"System {name}", address, (), blocks, (("Systems", "systems"),))


def _strips(source: PageSource, live: Sequence[Any]) -> list[PageTable | Prose]:
    """Return the states of each live version by control and clause."""
    if not live:
        return [Prose("In use", ("No version holds a gated alias or stage.",))]
    out: list[PageTable | Prose] = []
    for version in live[:10]:
        model, number = version["model"], version["version"]
        title = f"{model} version {number}, in use as {version['places']}"
        if not source.judged(model, number):
            out.append(Prose(title, (NOT_JUDGED,)))
            continue
        states = statuses_of(source, model, number)
        rows = [
            (
                PageCell(
                    f"{s['control']} {catalogue()[s['control']].title}",
                    to("controls", s["control"], model=model, version=number),
                ),
                control_cell(s),
                s["reason"],
            )
            for s in states
            if s["state"] != "not assessed here"
        ]
        left_out = [s["control"] for s in states if s["state"] == "not assessed here"]
        words = ", ".join(c.text for c in counts(states))
        note = f"{words}. Not assessed here: {', '.join(left_out) or 'none'}."
        out.append(PageTable(title, ("Control or clause", "State", "Why"), rows, note, total=len(states)))
        out.append(Prose("", (version_cell(model, number),)))
    return out

"""Systems: the list by stage, and one system with its models and the clauses and controls of its live versions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aims_mlflow.documents.page_blocks import Facts, PageCell, PageTable, PageView, Prose, missing, to
from aims_mlflow.pages.views.common import (
    UNASSIGNED,
    RowRange,
    document_cell,
    leaf_cell,
    model_cell,
    system_cell,
    time_text,
    version_cell,
)
from aims_mlflow.pages.views.states import NOT_JUDGED, catalogue, control_cell, counts, live_versions, statuses_of
from aims_mlflow.pages.views.timeline import findings_table
from aims_mlflow.records.documents.context import SystemEntry
from aims_mlflow.records.documents.impact import ImpactAssessmentDocument

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
        ("System", "Stage", "Models", "Versions", "In use now", "Newest version", "Impact assessment"),
        [_row(source, *each) for each in shown],
        "A system is what the policy or the evidence names for a model. A system that only the register of systems "
        "names is not in this list: its entry is among the documents.",
        total=len(rows),
        first=paging.first,
    )
    return PageView("Systems" + (f": {stage}" if stage else ""), "systems", (), (table,), **paging.links)


def _row(source: PageSource, row: Any, held: Sequence[Any], stage: str) -> tuple[Any, ...]:
    in_use = PageCell(
        "; ".join(f"{v['model']} {v['version']} as {v['places']}" for v in held[:3])
        + (f" and {len(held) - 3:,} more" if len(held) > 3 else "")
    )
    name = system_cell(row["system"]) if row["system"] else PageCell(UNASSIGNED, to("systems", UNASSIGNED))
    found = source.documents.of(ImpactAssessmentDocument, row["system"]) if row["system"] else []
    assessment = (
        document_cell(found[-1][0].id, f"{found[-1][0].state}, decision {found[-1][1].decision or 'not stated'}")
        if found
        else PageCell("none is published here", mark="·", tone="warn")
    )
    return name, stage, row["models"], row["versions"], in_use, time_text(row["latest"]), assessment


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
            *_register(source, name),
        ],
    )
    blocks = [facts, *_strips(source, live), table, findings_table(source, sorted(mine))]
    return PageView(f"System {name}", address, (), blocks, (("Systems", "systems"),))


def _register(source: PageSource, name: str) -> list[tuple[str, Any]]:
    """Return what the register of systems and the other documents say of a system, each with its state."""
    entries = source.documents.of(SystemEntry, name)
    rows: list[tuple[str, Any]] = []
    for document, entry in entries[-1:]:
        groups = [f"{g.name}: {g.in_data or f'not in the data, {g.not_in_data}'}" for g in entry.affected_groups]
        rows += [
            ("Register entry", document_cell(document.id, f"{entry.title} ({document.state})")),
            ("Purpose", entry.purpose or "not stated"),
            ("Intended use", entry.intended_use or "not stated"),
            ("Roles of the organisation", ", ".join(r.role for r in entry.roles) or "not stated"),
            ("Stage by the register", entry.stage or "not stated"),
            ("In scope", {True: "yes", False: "no", None: "not stated"}[entry.in_scope]),
            ("Affected groups", groups or "not stated"),
            ("Components of third parties", ", ".join(entry.components) or "none declared"),
        ]
    if not entries:
        rows.append(("Register entry", "none is published here; what a training stated is on a version's card"))
    assessments = source.documents.of(ImpactAssessmentDocument, name)
    told = [document_cell(d.id, f"{w.title}: {d.state}, decision {w.decision or 'not stated'}") for d, w in assessments]
    mine = [d for d in source.documents.in_force if d.publication.document.system == name]
    return [
        *rows,
        ("Impact assessment", told or PageCell("none is published here", mark="·", tone="warn")),
        ("Risks", PageCell("the risks of its registers", to("risks", system=name))),
        ("Suppliers", PageCell("its components of third parties", to("suppliers", system=name))),
        ("Documents", PageCell(f"{len(mine):,} published about it", to("documents", system=name))),
    ]


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

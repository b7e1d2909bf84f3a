"""Systems: the list by stage, and one system with its models and the clauses and controls of its live versions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aims_mlflow.documents.page_blocks import Facts, Form, FormInput, PageCell, PageTable, PageView, Prose, missing, to
from aims_mlflow.pages.views.assessed import LACKING, assessed, lacking_cell
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

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aims_mlflow.pages.source import PageSource
    from aims_mlflow.pages.views.assessed import AssessedSystem

ALL, NONE = "all", "none is published"
CONTROLS = "Its controls (A.5)"
STAGES = ("deployed", "development", "retired")
# The stage of a system without a registered model is what its entry of the register states.
BY_REGISTER = "by the register"
_LIST = (
    "SELECT coalesce(system, '') AS system, count(DISTINCT model) AS models, count(*) AS versions, "
    "sum(gone IS NULL) AS living, max(time) AS latest FROM version WHERE {scope} GROUP BY 1 ORDER BY 1"
)


def systems(source: PageSource, _args: Mapping[str, str], query: Mapping[str, str]) -> PageView:
    """Return the list of systems, those of models and those that the register alone names."""
    stage, assessment = query.get("stage", ""), query.get("assessment", ALL)
    every = listed_systems(source)
    found = assessed(source, {s.name: s.stage for s in every}, [v for s in every for v in s.held])
    kept = {
        ALL: every, NONE: [s for s in every if not found[s.name].found],
        LACKING: [s for s in every if found[s.name].lacks],
    }  # fmt: skip
    rows = [
        s
        for s in kept.get(assessment, every)
        if stage in ("", ALL, s.stage.partition(",")[0]) or (stage == BY_REGISTER and not s.row)
    ]
    paging = RowRange("systems", query, len(rows))
    table = PageTable(
        "Systems",
        ("System", "Stage", "Models", "Versions", "In use now", "Newest version", "Impact assessment", CONTROLS),
        [_row(source, s, found[s.name]) for s in rows[paging.first - 1 : paging.first - 1 + paging.most]],
        "A system is what the policy or the evidence names for a model, or what a published entry of the register of "
        "systems names.",
        total=len(rows),
        first=paging.first,
    )
    told = lacking_cell(source, found)
    form = Form(
        "Filter",
        "systems",
        (
            FormInput("stage", "Stage", stage or ALL, "choice", (ALL, *STAGES, BY_REGISTER)),
            FormInput("assessment", "Impact assessment", assessment, "choice", (ALL, LACKING, NONE)),
        ),
        "Show",
    )
    title = "Systems" + (f": {stage}" if stage not in ("", ALL) else "")
    return PageView(title, "systems", (told,), (table, form), **paging.links)


@dataclass(frozen=True)
class ListedSystem:
    """A system of the list: its row of the index, None for one without a model, and its versions in use."""

    name: str
    stage: str
    row: Any
    held: Sequence[Any] = ()


def listed_systems(source: PageSource) -> list[ListedSystem]:
    """Return every system that the reader may read, by name; the models of no system are one."""
    live: dict[str, list[Any]] = {}
    for version in live_versions(source):
        live.setdefault(version["system"] or "", []).append(version)
    out = {}
    for row in source.rows(_LIST):
        name, held = row["system"], live.get(row["system"], [])
        stage = "deployed" if held else "development" if row["living"] else "retired"
        out[name] = ListedSystem(name, stage, row, held)
    for document, entry in source.documents.of(SystemEntry):
        name = document.publication.document.system or ""
        if name and name not in out:
            stage = "retired" if entry.stage == "retirement" else entry.stage or "not stated"
            out[name] = ListedSystem(name, f"{stage}, {BY_REGISTER}", None)
    return [out[name] for name in sorted(out)]


def _row(source: PageSource, listed: ListedSystem, found: AssessedSystem) -> tuple[Any, ...]:
    row, held = listed.row, listed.held
    in_use = PageCell(
        "; ".join(f"{v['model']} {v['version']} as {v['places']}" for v in held[:3])
        + (f" and {len(held) - 3:,} more" if len(held) > 3 else "")
    )
    name = system_cell(listed.name) if listed.name else PageCell(UNASSIGNED, to("systems", UNASSIGNED))
    counted = (row["models"], row["versions"]) if row else (0, 0)
    newest = time_text(row["latest"]) if row else ""
    return name, listed.stage, *counted, in_use, newest, found.document(source), found.controls()


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
    registered = name != UNASSIGNED and source.documents.of(SystemEntry, name)
    if not models and not registered:
        return missing(name, address, "No registered model and no published entry of the register names this system.")
    mine = {row["model"] for row in models}
    live = [v for v in live_versions(source) if v["model"] in mine]
    table = PageTable(
        "Registered models",
        ("Model", "Versions", "Newest version", "Sealed"),
        [(model_cell(m["model"]), m["versions"], time_text(m["latest"]), leaf_cell(m["leaf"])) for m in models],
        empty="None has a version that the gate let in.",
    )
    facts = Facts(
        "System",
        [
            ("Id", name),
            ("Stage", "deployed" if live else "not in use" if models else "no version was let in by the gate"),
            *_register(source, name, assessed(source, {name: ""}, live)[name]),
        ],
    )
    blocks = [facts, *_strips(source, live), table, findings_table(source, sorted(mine | _named(source, name)))]
    return PageView(f"System {name}", address, (), blocks, (("Systems", "systems"),))


def _named(source: PageSource, name: str) -> set[str]:
    """Return the registered models that the register's entries of a system name, let in by the gate or not."""
    return {model for _, entry in source.documents.of(SystemEntry, name) for model in entry.models}


def _register(source: PageSource, name: str, found: AssessedSystem) -> list[tuple[str, Any]]:
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
    told = [document_cell(d.id, f"{w.title}: {d.state}, decision {w.decision or 'not stated'}") for d, w in found.found]
    mine = [d for d in source.documents.in_force if d.publication.document.system == name]
    return [
        *rows,
        ("Impact assessment", told or found.document(source)),
        (CONTROLS, found.controls()),
        ("Risks", PageCell("the risks of its registers", to("risks", system=name))),
        ("Suppliers", PageCell("its components of third parties", to("suppliers", system=name))),
        ("Documents", PageCell(f"{len(mine):,} published about it", to("documents", system=name))),
    ]


def _strips(source: PageSource, live: Sequence[Any]) -> list[PageTable | Prose]:
    """Return the states of each live version by control and clause."""
    if not live:
        return [Prose("In use", ("No version has a gated alias or stage.",))]
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

"""Controls: the matrix of controls by live versions, and one control with its conditions as a checklist."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aims_mlflow.catalog.loader import controls as all_controls
from aims_mlflow.documents.index_boxes import related_facts, told
from aims_mlflow.documents.page_blocks import (
    MET_MEANS,
    Facts,
    Form,
    FormInput,
    PageCell,
    PageTable,
    PageView,
    Prose,
    missing,
    state_cell,
    to,
)
from aims_mlflow.documents.terminal import SYMBOLS
from aims_mlflow.gates.combined_status import ControlStatus
from aims_mlflow.gates.waivers import last_day
from aims_mlflow.pages.views.common import RowRange, document_cell, record_cell, time_text, version_cell
from aims_mlflow.pages.views.state_history import history_table
from aims_mlflow.pages.views.states import (
    NOT_JUDGED,
    catalogue,
    control_cell,
    counts,
    live_versions,
    mark_cell,
    states_among,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aims_mlflow.documents.page_blocks import Block
    from aims_mlflow.gates.status_subject import StatusSubject
    from aims_mlflow.gates.verdict import Judgement
    from aims_mlflow.pages.source import PageSource
    from aims_mlflow.records.control import Control

WIDE = 12  # versions beside each other in the matrix
ALL = "all"


def matrix(source: PageSource, _args: Mapping[str, str], query: Mapping[str, str]) -> PageView:
    """Return the matrix: controls and clauses down, versions in use across."""
    live = live_versions(source)
    paging = RowRange("controls", {**query, "rows": query.get("rows", str(WIDE))}, len(live))
    shown = live[paging.first - 1 : paging.first - 1 + paging.most]
    judged = source.judged_among(shown)
    states = states_among(source, judged)
    stage, wanted = query.get("stage", ALL), query.get("state", ALL)
    rows: list[tuple[PageCell | str, ...]] = []
    for control_id, control in catalogue().items():
        cells = [states.get((v["model"], v["version"], control_id)) for v in judged]
        if stage not in (ALL, due_from(control)) or (wanted != ALL and wanted not in [c["state"] for c in cells if c]):
            continue
        marks = [
            mark_cell(c["state"], _link(control_id, v)) if c else PageCell(NOT_JUDGED)
            for c, v in zip(cells, judged, strict=True)
        ]
        rows.append((PageCell(f"{control_id} {control.title}", to("controls", control_id)), due_from(control), *marks))
    columns = ("Control or clause", "Due from", *(f"{v['model']} {v['version']} ({v['places']})" for v in judged))
    with_evidence = {c for (_, _, c), s in states.items() if s["state"] != "not assessed here"}
    annex = list(all_controls())
    seen = sum(c in with_evidence for c in annex)
    note = (
        (
            f"{seen} of {len(annex)} controls are assessed here for at least one version; "
            f"{len(annex) - seen} are not assessed here. Versions {paging.first:,} "
            f"to {paging.first + len(shown) - 1:,} "
            f"of {len(live):,} in use are shown."
        )
        if live
        else ""
    )
    late = (
        [Prose("", (f"{len(shown) - len(judged)} versions are {NOT_JUDGED}.",), loud=True)]
        if len(judged) < len(shown)
        else []
    )
    table = PageTable("Matrix", columns, rows, note, "No control fits the filter.", total=len(catalogue()))
    legend = Facts("Symbols", [(state, state_cell(state, "", state)) for state in SYMBOLS])
    empty = (
        [] if live else [Prose("", ("No version has a gated alias or stage. Each version's page has its controls.",))]
    )
    return PageView(
        "Controls", "controls", (MET_MEANS,), (_filter(stage, wanted), *empty, *late, table, legend), **paging.links
    )


def due_from(control: Control) -> str:
    """Return from which stage on a control is due, spelt as everywhere else on the pages."""
    return "organisation" if control.stage == "organization" else str(control.stage)


def _filter(stage: str, wanted: str) -> Form:
    stages = (ALL, *dict.fromkeys(due_from(c) for c in catalogue().values()))
    return Form(
        "Filter",
        "controls",
        (
            FormInput("stage", "Due from", stage, "choice", stages),
            FormInput("state", "With the state", wanted, "choice", (ALL, *SYMBOLS)),
        ),
        "Show",
    )


def _link(control: str, version: Any) -> str:
    return to("controls", control, model=version["model"], version=version["version"])


def control(source: PageSource, args: Mapping[str, str], query: Mapping[str, str]) -> PageView:
    """Return one control: for a version its conditions, else its state for every version in use."""
    asked = args["control"]
    found = catalogue().get(asked)
    address = to("controls", asked)
    title = f"{asked} {found.title}" if found else asked
    if found is None:
        return missing(asked, address, "The catalog has no control or clause with this id.")
    about = Facts(
        "Control",
        [
            ("An auditor asks", found.auditor_asks),
            ("Answered by", found.answered_by),
            ("Met when", found.met),
            ("Goes stale when", found.stale_when or "it is superseded"),
            ("Due from", due_from(found)),
            ("Kinds of evidence", [f"{use.kind} ({use.need})" for use in found.evidence]),
            *_related(asked),
        ],
    )
    model, version, system = query.get("model", ""), query.get("version", ""), query.get("system", "")
    blocks: list[Block] = []
    if model and version:
        if (
            source.row("SELECT 1 FROM version WHERE model = :m AND version = :v AND {scope}", m=model, v=version)
            is None
        ):
            return missing(title, address, f"The ledger knows no version {version} of {model}.")
        blocks += _checklist(source, asked, model, version)
        if query.get("history") and blocks[-1].title != "State":
            blocks.append(history_table(source, asked, model, version))
    else:
        blocks.append(_everywhere(source, asked, system))
    return PageView(title, address, (MET_MEANS,), (*blocks, about), (("Controls", "controls"),))


def _related(control_id: str) -> list[tuple[str, Any]]:
    found = related_facts(ControlStatus(catalogue()[control_id], "not assessed here", ""))
    return [*found] or [("Related requirements", "the crosswalk has no row about it")]


def _everywhere(source: PageSource, control_id: str, system: str) -> PageTable:
    live = [v for v in live_versions(source) if not system or v["system"] == system]
    judged = source.judged_among(live[:100])
    states = states_among(source, judged, control_id)
    mine = [(v, states.get((v["model"], v["version"], control_id))) for v in judged]
    rows = [
        (version_cell(v["model"], v["version"]), v["places"], control_cell(s, _link(control_id, v)), s["reason"])
        for v, s in mine
        if s
    ]
    note = ", ".join(c.text for c in counts([s for _, s in mine if s]))
    return PageTable(
        "State for each version in use",
        ("Version", "In use as", "State", "Why"),
        rows,
        note,
        "No version in use is judged.",
        total=len(live),
    )


def _checklist(source: PageSource, control_id: str, model: str, version: str) -> list[Block]:
    judged = source.judge(model, version)
    if judged is None:
        return [Prose("State", ("Not judged: no sealed decision is about this version.",))]
    status = next(s for s in judged.statuses if s.control.id == control_id)
    row = source.row(
        "SELECT * FROM status WHERE model = :m AND version = :v AND control = :c AND {scope}",
        m=model,
        v=version,
        c=control_id,
    )
    facts = Facts(
        f"State for {model} version {version}",
        [
            ("State", control_cell(row or {"state": status.state, "next_time": None})),
            ("Why", status.reason),
            ("Since", time_text(status.since) or "no evidence"),
            (
                "Next change",
                f"{status.next_change}, {last_day(status.next_time)}" if status.next_time else "none by itself",
            ),
            ("Version", version_cell(model, version)),
            (
                "How it came about",
                PageCell(
                    "the states after each of its leaves",
                    to("controls", control_id, model=model, version=version, history="all"),
                ),
            ),
        ],
    )
    return [facts, _conditions(source, status, judged.subject), *waivers_table(status)]


def _conditions(source: PageSource, status: ControlStatus, subject: StatusSubject) -> PageTable:
    rows: list[tuple[PageCell | str, ...]] = []
    for each in status.conditions:
        evidence = _evidence(source, each.verdict, subject)
        more = f" and {len(evidence) - 1} more" if len(evidence) > 1 else ""
        first = evidence[0] if evidence else PageCell("none is named")
        rows.append(
            (state_cell(each.verdict.outcome), each.condition.holds, each.verdict.sentence, first, more, told(each))
        )
    return PageTable(
        "Conditions",
        ("Verdict", "Condition", "What was found", "Evidence", "", "Rests on"),
        rows,
        empty=f"No condition is judged: {status.reason}",
    )


def _evidence(source: PageSource, verdict: Judgement, subject: StatusSubject) -> list[PageCell]:
    """Return links to the records and documents behind a verdict; without any, to its decision."""
    out, written = [], {d.id: d for d in subject.documents}
    for name in verdict.evidence:
        record, document = subject.by_id(name), written.get(name)
        if record is not None:
            out.append(record_cell(record.evidence.kind, record.id))
        elif document is not None:
            text = document.name
            out.append(document_cell(name, text) if source.documents.reads(document.system) else PageCell(text))
    if verdict.evidence or not verdict.since:
        return out
    sql = "SELECT sequence FROM decision WHERE digest = :d AND time = :t AND {scope} ORDER BY sequence DESC"
    made = source.row(sql, d=subject.digest, t=verdict.since)
    return [PageCell(f"decision {made['sequence']:,}", to("decisions", made["sequence"]))] if made else []


def waivers_table(status: ControlStatus) -> list[Block]:
    """Return each failure that a waiver covers; one waiver may cover several."""
    waived = {(w.waivers, w.unmet.text): w for c in status.conditions for w in c.waived}
    if not waived:
        return []
    rows = [
        (", ".join(w.owners), w.reason, f"until and including {last_day(w.expires)}", w.unmet.text)
        for w in waived.values()
    ]
    return [PageTable("Waivers that cover what failed", ("Signed by", "Reason", "Ends", "Covers"), rows)]

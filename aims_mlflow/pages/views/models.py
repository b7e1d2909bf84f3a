"""A registered model with its versions, and one version: timeline, lineage, changes, measurements and card."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aims_mlflow.documents.page_blocks import (
    MET_MEANS,
    Facts,
    PageCell,
    PageTable,
    PageView,
    Prose,
    code_cell,
    missing,
    to,
)
from aims_mlflow.pages.views.cards import card_blocks
from aims_mlflow.pages.views.changes import changes_table
from aims_mlflow.pages.views.claim_counts import confusion_tables
from aims_mlflow.pages.views.common import (
    RowRange,
    digest_cell,
    end_text,
    grounds_text,
    leaf_cell,
    model_cell,
    model_text,
    record_cell,
    system_cell,
    time_text,
)
from aims_mlflow.pages.views.lineage import data_table, lineage_picture, rights_table
from aims_mlflow.pages.views.measured import bias_table, measured_table, without_limit
from aims_mlflow.pages.views.state_history import version_history
from aims_mlflow.pages.views.states import catalogue, control_cell, counts, statuses_of
from aims_mlflow.pages.views.timeline import findings_table, timeline_table
from aims_mlflow.records.result_words import result_word

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aims_mlflow.documents.page_blocks import Block
    from aims_mlflow.evidence.statement import SealedRecord
    from aims_mlflow.pages.judging import JudgedVersion
    from aims_mlflow.pages.source import PageSource

HISTORY = "How these states came about, leaf by leaf"
_VERSION = "version.*, (SELECT waivers FROM decision d WHERE d.request = version.request) AS waivers"
_TENURES = "SELECT * FROM tenure WHERE model = :m AND version = :v AND {scope} ORDER BY since"


def models(source: PageSource, _args: Mapping[str, str], query: Mapping[str, str]) -> PageView:
    """Return the list of registered models that the ledger knows, by a version or by a finding."""
    sql = (
        "SELECT model, max(system) AS system, count(version) AS n, max(time) AS latest FROM "
        "(SELECT model, system, version, time FROM version UNION ALL "
        "SELECT model, NULL, NULL, NULL FROM finding WHERE closed IS NULL AND model IS NOT NULL) "
        "WHERE {scope} GROUP BY model"
    )
    paging = RowRange("models", query, source.count(sql))
    rows = [
        (model_cell(r["model"]), system_cell(r["system"]), r["n"], time_text(r["latest"]))
        for r in source.rows(f"{sql} ORDER BY model LIMIT :most OFFSET :skip", **paging.limits)
    ]
    table = PageTable(
        "Registered models in the ledger",
        ("Model", "System", "Versions", "Newest version"),
        rows,
        "Models with a version that the gate let in, or with an open finding. Models whose every registration was "
        "refused are among the decisions; `aims gate reconcile` finds those that came into the registry past the gate.",
        total=paging.total,
        first=paging.first,
    )
    return PageView("Models", "models", (), (table,), **paging.links)


def model(source: PageSource, args: Mapping[str, str], query: Mapping[str, str]) -> PageView:
    """Return one registered model with its versions."""
    name = args["model"]
    address = to("models", name)
    sql = f"SELECT {_VERSION} FROM version WHERE model = :m AND {{scope}}"
    paging = RowRange(address, query, source.count(sql, m=name))
    found = source.rows(f"{sql} ORDER BY sequence DESC LIMIT :most OFFSET :skip", m=name, **paging.limits)
    decided = source.count("SELECT 1 FROM decision WHERE model = :m AND {scope}", m=name)
    findings = findings_table(source, [name])
    if not found and not decided and findings.rows:
        return PageView(f"Model {model_text(name)}", address, (), (PAST_THE_GATE, findings), (("Models", "models"),))
    if not found and not decided:
        return missing(f"Model {name}", address, "No decision of the gate is known about this registered model.")
    held = {
        r["version"]: r["places"]
        for r in source.rows(
            "SELECT version, group_concat(place, ', ') AS places FROM "
            "tenure WHERE model = :m AND until IS NULL AND {scope} "
            "GROUP BY version",
            m=name,
        )
    }
    rows = [
        (
            PageCell(f"version {v['version']}", to("models", name, v["version"])),
            held.get(v["version"], ""),
            system_cell(v["system"]),
            "deleted" if v["gone"] else "",
            grounds_text(v["basis"], v["waivers"]),
            time_text(v["time"]),
            digest_cell(v["digest"]),
            leaf_cell(v["sequence"]),
        )
        for v in found
    ]
    table = PageTable(
        "Versions, newest first",
        ("Version", "In use as", "System", "Deleted", "Registered on", "Registered", "Model digest", "Sealed"),
        rows,
        total=paging.total,
        first=paging.first,
    )
    more = Prose("", (PageCell(f"All {decided:,} decisions about this model", to("decisions", model=name)),))
    blocks = (table, more, findings)
    return PageView(f"Model {model_text(name)}", address, (), blocks, (("Models", "models"),), **paging.links)


PAST_THE_GATE = Prose("", ("The gate decided nothing about it: it is from before the gate, or came past it.",))


def _past_the_gate(source: PageSource, name: str, number: str, address: str) -> PageView:
    """Return the page of a version that findings name and of which no registration is sealed."""
    findings = findings_table(source, [name])
    title = f"{model_text(name)} version {number}"
    known = source.row("SELECT 1 FROM finding WHERE model = :m AND version = :v AND {scope}", m=name, v=number)
    if known is None:
        return missing(title, address, "No registration of this version is sealed.")
    crumbs = (("Models", "models"), (model_text(name), to("models", name)))
    return PageView(title, address, (), (PAST_THE_GATE, findings), crumbs)


def version(source: PageSource, args: Mapping[str, str], query: Mapping[str, str]) -> PageView:
    """Return one model version; asked for its history, how the states of its controls came about."""
    name, number = args["model"], args["version"]
    address = to("models", name, number)
    row = source.row(
        f"SELECT {_VERSION} FROM version WHERE model = :m AND version = :v AND {{scope}}", m=name, v=number
    )
    if row is None:
        return _past_the_gate(source, name, number, address)
    title = f"{model_text(name)} version {number}"
    crumbs: tuple[tuple[str, str], ...] = (("Models", "models"), (model_text(name), to("models", name)))
    if query.get("history"):
        table, crumbs = version_history(source, name, number), (*crumbs, (f"version {number}", address))
        return PageView(f"{title}: history of its states", address, (MET_MEANS,), (table,), crumbs)
    judged = source.judge(name, number)
    subject = judged.subject if judged else None
    records = subject.records if subject else ()
    blocks: list[Block] = [
        _about(source, row),
        data_table(records),
        rights_table(subject),
        bias_table(records),
        _states(source, name, number, judged),
        Prose("", (PageCell(HISTORY, to("models", name, number, history="all")),)),
        timeline_table(source, name, number, row["digest"]),
        lineage_picture(subject, f"{model_text(name)} {number}", _places(source, name, number)),
        changes_table(source, name, number, judged),
        measured_table("Behaviour: what was measured, against its limits", records),
        without_limit(records),
        *confusion_tables(records),
        *card_blocks(subject, row["digest"]),
        _records(records),
    ]
    return PageView(title, address, (MET_MEANS,), blocks, crumbs)


def _places(source: PageSource, name: str, number: str) -> list[str]:
    return [t["place"] for t in source.rows(_TENURES, m=name, v=number) if t["until"] is None]


def _about(source: PageSource, row: Any) -> Facts:
    held = source.rows(_TENURES, m=row["model"], v=row["version"])
    now = [t["place"] for t in held if t["until"] is None]
    waived = source.row(
        "SELECT waived_until, sequence FROM decision WHERE model = :m AND digest = :d AND allowed AND waivers "
        "AND {scope} ORDER BY sequence DESC",
        m=row["model"],
        d=row["digest"],
    )
    facts: list[tuple[str, Any]] = [
        ("System", system_cell(row["system"])),
        ("In use as", ", ".join(now) or "not in use"),
        ("Registered", PageCell(f"{time_text(row['time'])} on {grounds_text(row['basis'], row['waivers'])}")),
        ("Sealed", leaf_cell(row["sequence"])),
        ("Model digest", code_cell(row["digest"] or "could not be read")),
        ("MLflow run", code_cell(row["run_id"] or "not known")),
    ]
    if row["gone"]:
        facts.append(("Deleted", time_text(row["gone"])))
    if waived:
        facts.append(
            (
                "Allowed on a waiver",
                PageCell(f"the first {end_text(waived['waived_until'])}", to("decisions", waived["sequence"])),
            )
        )
    return Facts("Version", facts)


def _states(source: PageSource, name: str, number: str, judged: JudgedVersion | None) -> PageTable | Prose:
    if judged is None:
        return Prose(
            "Controls", ("Not judged: no sealed decision is about these bytes, so no evidence is known to the ledger.",)
        )
    states = statuses_of(source, name, number)
    rows = [
        (
            PageCell(
                f"{s['control']} {catalogue()[s['control']].title}",
                to("controls", s["control"], model=name, version=number),
            ),
            control_cell(s),
            s["reason"],
            (s["since"] or "")[:10],
            f"{s['next_change']}, {s['next_time'][:10]}" if s["next_time"] else "",
        )
        for s in states
        if s["state"] != "not assessed here"
    ]
    left_out = [s["control"] for s in states if s["state"] == "not assessed here"]
    note = f"{judged.coverage}. {', '.join(c.text for c in counts(states))}. Not assessed here: {', '.join(left_out)}."
    return PageTable(
        "Controls and clauses", ("Control", "State", "Why", "Since", "Next change"), rows, note, total=len(states)
    )


def _records(records: Sequence[SealedRecord]) -> PageTable:
    rows = [
        (
            record_cell(r.evidence.kind, r.id),
            result_word(r.evidence.kind, r.evidence.result, len(r.evidence.claims)),
            r.evidence.reason or "",
            len(r.evidence.claims),
            time_text(r.evidence.time),
            digest_cell(r.sha256),
        )
        for r in records
        if r.evidence.kind != "session"
    ]
    return PageTable("Records that count for it", ("Record", "Result", "Reason", "Claims", "Signed at", "sha256"), rows)

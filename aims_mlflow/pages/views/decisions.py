"""Decisions of the gate: the list, and one decision with its rules, its evidence, and what if."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aims_mlflow.documents.page_blocks import (
    Facts,
    Form,
    FormInput,
    PageCell,
    PageTable,
    PageView,
    Prose,
    code_cell,
    missing,
    state_cell,
    to,
)
from aims_mlflow.gates.waivers import last_day
from aims_mlflow.gates.wording import item_text, next_step
from aims_mlflow.pages.judging import decision_in, rules_of
from aims_mlflow.pages.views.changes import candidate_changes
from aims_mlflow.pages.views.common import (
    RowRange,
    grounds_text,
    leaf_cell,
    record_cell,
    result_cell,
    time_text,
    version_cell,
)
from aims_mlflow.pages.views.decided_again import replayed, shortfall_cell, what_if_blocks
from aims_mlflow.pages.views.erased import erased_table
from aims_mlflow.pages.views.measured import warnings_table
from aims_mlflow.pages.views.timeline import DECISIONS, decided_cell, decision_row
from aims_mlflow.pages.views.waivers import waivers_used
from aims_mlflow.records.leaves.changes import DecisionLeaf
from aims_mlflow.records.wording import metric_text, rule_text, slice_text
from aims_mlflow.signing.owners import person

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aims_mlflow.documents.page_blocks import Block
    from aims_mlflow.ledger.leaves import Leaf
    from aims_mlflow.pages.source import PageSource
    from aims_mlflow.records.decision import Decision

ERASED = "its texts were erased, or cannot be read"
MOST = 200


def decisions(source: PageSource, _args: Mapping[str, str], query: Mapping[str, str]) -> PageView:
    """Return the list of decisions, the newest first."""
    model, result = query.get("model", ""), query.get("result", "all")
    kept = {
        "refused": "NOT allowed",
        "allowed": "allowed AND NOT waivers AND NOT would_refuse",
        "allowed on a waiver": "allowed AND waivers AND NOT would_refuse",
        "would be refused": "allowed AND would_refuse",
    }.get(result, "1")
    where = f"(:m = '' OR model = :m) AND {kept} AND {{scope}}"
    total = source.count(f"SELECT 1 FROM decision WHERE {where}", m=model)
    paging = RowRange("decisions", query, total)
    found = source.rows(
        f"SELECT * FROM decision WHERE {where} ORDER BY sequence DESC LIMIT :most OFFSET :skip",
        m=model,
        **paging.limits,
    )
    table = PageTable(
        "Decisions, newest first", DECISIONS, [decision_row(r) for r in found], total=total, first=paging.first
    )
    choices = ("all", "refused", "allowed", "allowed on a waiver", "would be refused")
    form = Form(
        "Filter",
        "decisions",
        (FormInput("model", "Model", model), FormInput("result", "Decision", result, "choice", choices)),
        "Show",
    )
    return PageView("Decisions", "decisions", (), (form, table), **paging.links)


def decision(source: PageSource, args: Mapping[str, str], query: Mapping[str, str]) -> PageView:
    """Return one decision, by the leaf that it is sealed in."""
    number = args["leaf"]
    address = to("decisions", number)
    asked = int(number) if number.isascii() and number.isdigit() and len(number) < 16 else -1
    row = source.row("SELECT * FROM decision WHERE sequence = :s AND {scope}", s=asked)
    leaf = source.view.leaf(asked) if row is not None else None
    if row is None or leaf is None or not isinstance(leaf.fact, DecisionLeaf):
        return missing(f"Decision {number}", address, "No decision is sealed in this leaf.")
    said = decision_in(source.view, leaf)
    blocks: list[Block] = [
        _about(source, row, leaf, said),
        *_reasons(said),
        *(waivers_used(source, said.waived) if said else ()),
        *warnings_table(source, leaf.fact),
        *([] if row["version"] or row["allowed"] else [candidate_changes(source, leaf)]),
        _limits(source, leaf),
        *what_if_blocks(source, leaf, query),
        _evidence(source, leaf),
        *erased_table(source, leaf.fact.envelopes()),
        replayed(source, leaf),
    ]
    alias = f" as {row['alias']}" if row["alias"] else ""
    title = f"{row['stage'] or 'Change'}{alias}: {row['model']}"
    title += f" version {row['version']}" if row["version"] else ""
    return PageView(title, address, (decided_cell(row),), blocks, (("Decisions", "decisions"),))


def _about(source: PageSource, row: Any, leaf: Leaf, said: Decision | None) -> Facts:
    ends = f"until and including {last_day(row['waived_until'])}" if row["waived_until"] else ""
    grounds = grounds_text(row["basis"], row["waivers"])
    return Facts(
        "Decision",
        [
            ("Result", decided_cell(row)),
            ("Decided", f"{time_text(row['time'])} on {grounds}, mode {row['mode'] or 'unknown'}"),
            ("Model", version_cell(row["model"], row["version"])),
            ("Model digest", code_cell(row["digest"] or "could not be read")),
            ("Approved by", (_approvals(source, leaf.fact, said) or "nobody") if said else ERASED),
            *_documents(said),
            ("Waivers used", f"{row['waivers']}, the first to end {ends}" if row["waivers"] else "none"),
            (
                "Carried out",
                {None: "no outcome is sealed", 0: "no: the registry failed", 1: "yes"}[row["done"]]
                if row["allowed"]
                else "no: it was refused",
            ),
            (
                "Policy",
                code_cell(row["policy"], to("policies", row["policy"]) if source.scope.whole and row["policy"] else ""),
            ),
            (
                "Keyring",
                code_cell(
                    row["keyring"], to("policies", row["keyring"]) if source.scope.whole and row["keyring"] else ""
                ),
            ),
            ("Sealed", leaf_cell(leaf.sequence)),
            ("Request", code_cell(row["request"])),
        ],
    )


def _approvals(source: PageSource, fact: Any, said: Decision) -> list[PageCell]:
    """Return who approved it, each with a link to the leaf that sealed the approval, where the decision named it."""
    marks = ",".join("?" * len(fact.consents))
    sql = f"SELECT sequence, key_id FROM consent WHERE type = 'approval' AND envelope IN ({marks}) ORDER BY sequence"
    sealed = source.shared.index.connection.execute(sql, fact.consents).fetchall() if fact.consents else []
    leaves = {person(source.owner(row["key_id"])): row["sequence"] for row in sealed}
    return [
        PageCell(f"{who}, leaf {leaves[person(who)]:,}", to("leaves", leaves[person(who)]))
        if person(who) in leaves
        else PageCell(who)
        for who in said.approvals
    ]


def _documents(said: Decision | None) -> list[tuple[str, str]]:
    """Return how many documents that people wrote counted, and the kinds for which the policy did not ask."""
    if said is None:
        return []
    rows = [("Documents that counted", str(len(said.documents or ())))]
    return [*rows, ("Not asked for by this policy", ", ".join(said.not_asked))] if said.not_asked else rows


def _reasons(said: Decision | None) -> list[Block]:
    if said is None:
        return [Prose("Reasons", (ERASED,), loud=True)]
    rows: list[tuple[Any, ...]] = [
        (shortfall_cell(u), u.control, item_text(u), u.where or "", next_step(u, said)) for u in said.unmet
    ]
    rows += [
        (
            state_cell("failed and waived"),
            w.unmet.control,
            item_text(w.unmet),
            w.unmet.where or "",
            f"waived until and including {last_day(w.expires)} by {w.owner}: {w.reason}",
        )
        for w in said.waived
    ]
    rows += [(state_cell("warned"), u.control, item_text(u), u.where or "", next_step(u, said)) for u in said.warnings]
    columns = ("State", "Control", "Condition of the policy", "Where", "Next, or by whom waived")
    title = "Conditions that did not hold, were waived or are warned of"
    return [PageTable(title, columns, rows, empty="Every condition of the policy held.")]


def _limits(source: PageSource, leaf: Leaf) -> PageTable:
    columns = ("Kind", "Metric", "Rows", "Limit", "Control", "Where", "Why", "Set by")
    force = rules_of(source.view, leaf.fact) if isinstance(leaf.fact, DecisionLeaf) else None
    if force is None or not isinstance(leaf.fact, DecisionLeaf):
        return PageTable(
            "Limits of the policy then", columns, (), empty="The policy of this decision is missing from the ledger."
        )
    fact = leaf.fact
    workspace, _, name = fact.model_name.rpartition("/")
    rules = force.policy.rules(name, fact.stage or "registration", fact.alias, workspace or None)
    rows = [
        (
            x.kind,
            metric_text(x.metric),
            slice_text(x.slice or {}) or "all",
            rule_text(x.metric, x.comparator, x.limit),
            x.control,
            where,
            x.why or "not said",
            f"{x.set_by or 'nobody is named'} {x.set_on or ''}",
        )
        for x, where in zip(rules.limits, rules.lines, strict=True)
    ]
    return PageTable(
        "Limits of the policy then",
        columns,
        rows,
        f"Required kinds of evidence: {', '.join(r.kind for r in rules.require) or 'none'}.",
    )


def _evidence(source: PageSource, leaf: Leaf) -> PageTable:
    fact = leaf.fact
    names = list(fact.evidence)[:MOST] if isinstance(fact, DecisionLeaf) else []
    marks = ",".join(f"'{name}'" for name in names)
    found = source.rows(f"SELECT * FROM record WHERE sha256 IN ({marks}) AND 1 ORDER BY time") if names else []
    rows = [
        (
            record_cell(r["kind"], r["id"]),
            result_cell(r["kind"], r["result"], r["claims"]),
            r["claims"],
            source.owner(r["key_id"]) or "unknown key",
            time_text(r["time"]),
        )
        for r in found
    ]
    total = len(fact.evidence) if isinstance(fact, DecisionLeaf) else 0
    return PageTable("Evidence that counted", ("Record", "Result", "Claims", "Key of", "Signed at"), rows, total=total)

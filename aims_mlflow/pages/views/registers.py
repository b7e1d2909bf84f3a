"""Registers that the ledger keeps: findings, incidents, monitors, and people with their keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aims_mlflow.documents.page_blocks import (
    PageTable,
    PageView,
    Prose,
    code_cell,
    state_cell,
)
from aims_mlflow.pages.views.common import (
    RowRange,
    day_text,
    leaf_cell,
    record_cell,
    result_cell,
    system_cell,
    time_text,
)
from aims_mlflow.pages.views.conflicts import conflicts_table
from aims_mlflow.pages.views.dated import competence_table, plans_table
from aims_mlflow.pages.views.records import readable
from aims_mlflow.pages.views.timeline import FINDINGS, NO_FINDING, SEALED_ALONE, finding_row
from aims_mlflow.records.documents.lifecycle import MonitoringPlanDocument
from aims_mlflow.registers.kinds import KINDS
from aims_mlflow.signing.owners import NEAR, near_owners

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aims_mlflow.pages.source import PageSource
    from aims_mlflow.records.keyring import KeyEntry


def findings(source: PageSource, _args: Mapping[str, str], query: Mapping[str, str]) -> PageView:
    """Return findings, the open ones first."""
    return _found(source, query, "finding", "Findings")


def incidents(source: PageSource, _args: Mapping[str, str], query: Mapping[str, str]) -> PageView:
    """Return incidents, the open ones first."""
    return _found(source, query, "incident", "Incidents")


def _found(source: PageSource, query: Mapping[str, str], kind: str, title: str) -> PageView:
    sql = "SELECT * FROM finding WHERE type = :kind AND {scope}"
    address = f"{kind}s"
    paging = RowRange(address, query, source.count(sql, kind=kind))
    found = source.rows(
        f"{sql} ORDER BY closed IS NULL DESC, opened DESC LIMIT :most OFFSET :skip", kind=kind, **paging.limits
    )
    rows = [finding_row(row) for row in found]
    note = SEALED_ALONE if kind == "finding" else ""
    table = PageTable(title, FINDINGS, rows, note, NO_FINDING, total=paging.total, first=paging.first)
    kinds = PageTable(
        "Kinds, with what opens and what closes each",
        ("Kind", "Control", "Opens when", "Closes when"),
        [(k.name, k.control, k.opened_by, k.closes) for k in KINDS.values() if k.leaf == kind],
    )
    return PageView(title, address, (), (table, kinds), **paging.links)


def monitors(source: PageSource, _args: Mapping[str, str], query: Mapping[str, str]) -> PageView:
    """Return the monitor runs that are sealed, the newest first; with `system`, those of one system and its plans."""
    kinds, system = "('monitor-run', 'drift')", query.get("system", "")
    sql = f"SELECT r.* FROM record r WHERE r.kind IN {kinds} AND (:of = '' OR r.system = :of) AND {readable(source)}"
    total, plans = source.count(sql, of=system), len(source.documents.of(MonitoringPlanDocument, system))
    paging = RowRange("monitors", query, max(total, plans))  # both tables show the same part
    found = source.rows(f"{sql} ORDER BY r.time DESC LIMIT :most OFFSET :skip", of=system, **paging.limits)
    rows = [
        (
            record_cell(r["kind"], r["id"]),
            result_cell(r["kind"], r["result"], r["claims"]),
            system_cell(r["system"]),
            r["claims"],
            time_text(r["time"]),
            leaf_cell(r["leaf"]),
        )
        for r in found
    ]
    lead = (("Shown are runs whose evidence is in the ledger. A run that nobody handed to the ledger is not here."),)
    table = PageTable(
        "Monitor runs and drift",
        ("Record", "Result", "System", "Claims", "Signed at", "First sealed"),
        rows,
        empty=f"None of the {total:,} runs is in this part." if total else "There is none.",
        total=total,
        first=paging.first,
    )
    planned = plans_table(source, paging.first, paging.most, system)
    return PageView("Monitors", "monitors", lead, (planned, table), **paging.links)


def people(source: PageSource, _args: Mapping[str, str], _query: Mapping[str, str]) -> PageView:
    """Return the people with their keys and roles, by the newest keyring; for readers of everything."""
    if not source.scope.whole:
        return PageView(
            "People and keys",
            "people",
            ("The keyring is shown to logins that may read all registered models.",),
            found=False,
        )
    newest = source.history.newest
    rows = [
        (
            k.owner,
            ", ".join(k.roles),
            code_cell(k.key_id, most=16),
            day_text(k.valid_from),
            day_text(k.valid_until),
            state_cell("failed", "", f"revoked as of {k.revoked}") if k.revoked else "",
        )
        for k in (newest.keys if newest else ())
    ]
    both: dict[str, set[str]] = {}
    for key in newest.keys if newest else ():
        both.setdefault(key.owner, set()).update(key.roles)
    twice = [f"{owner}: {', '.join(sorted(roles))}" for owner, roles in sorted(both.items()) if len(roles) > 1]
    blocks = (
        PageTable("Keys of the newest keyring", ("Owner", "Roles", "Key", "From", "Until", "Revoked"), rows),
        Prose("Owners with several roles", twice or ("none",)),
        conflicts_table(source),
        _near(newest.keys if newest else ()),
        competence_table(source),
    )
    return PageView("People and keys", "people", (), blocks)


def _near(keys: Sequence[KeyEntry]) -> Prose:
    """Return the owners of keys who may be one person, which would hide a conflict."""
    pairs = near_owners(key.owner for key in keys)
    return Prose("Owners whose names are near", [NEAR.format(*pair) for pair in pairs] or ("none",))

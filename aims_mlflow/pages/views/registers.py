"""Registers that the ledger keeps: waivers, findings, incidents, monitors, and people with their keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aims_mlflow.documents.page_blocks import (
    PageCell,
    PageTable,
    PageView,
    Prose,
    code_cell,
    state_cell,
    to,
)
from aims_mlflow.pages.views.common import (
    RowRange,
    day_text,
    end_text,
    leaf_cell,
    model_cell,
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
from aims_mlflow.records.leaves.others import ConsentBody
from aims_mlflow.registers.kinds import KINDS
from aims_mlflow.signing.owners import NEAR, near_owners

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aims_mlflow.pages.source import PageSource
    from aims_mlflow.records.keyring import KeyEntry


def waivers(source: PageSource, _args: Mapping[str, str], query: Mapping[str, str]) -> PageView:
    """Return the waivers, those in force first."""
    sql = "SELECT * FROM consent WHERE type = 'waiver' AND {scope}"
    paging = RowRange("waivers", query, source.count(sql))
    found = source.rows(
        f"{sql} ORDER BY expires > :now DESC, expires LIMIT :most OFFSET :skip", now=source.moment, **paging.limits
    )
    table = PageTable(
        "Waivers",
        ("State", "Model", "Control", "Ends", "Signed by", "Reason", "Used by", "Measure due", "Sealed"),
        [_waiver(source, w) for w in found],
        "A waiver names the failures that it covers; a failure that came later, or a worse value, is not covered.",
        total=paging.total,
        first=paging.first,
    )
    return PageView("Waivers", "waivers", (), (table,), **paging.links)


def _waiver(source: PageSource, row: Any) -> tuple[Any, ...]:
    revoked = source.count(
        "SELECT 1 FROM consent WHERE type = 'revocation' AND digest = :d AND sequence > :s AND {scope}",
        d=row["digest"],
        s=row["sequence"],
    )
    over = not row["expires"] or row["expires"] <= source.moment
    state = (
        state_cell("closed", "", "revoked")
        if revoked
        else state_cell("closed", "", "ended")
        if over
        else state_cell("failed and waived", "", "in force")
    )
    used = source.rows(
        "SELECT sequence FROM waiver_use JOIN decision USING (sequence) WHERE waiver = :w AND allowed AND {scope} "
        "ORDER BY sequence DESC",
        w=row["record"],
    )
    control = "everything (break-glass)" if row["break_glass"] else row["control"] or ""
    return (
        state,
        model_cell(row["model"]),
        control,
        end_text(row["expires"]),
        source.owner(row["key_id"]) or "unknown key",
        reason_of(source, row["sequence"]),
        _used(used),
        day_text(row["measure_due"]) or "none promised",
        leaf_cell(row["sequence"]),
    )


def _used(decisions: Sequence[Any]) -> PageCell:
    """Return the decisions that rest on a waiver, the newest first, of many the newest three."""
    numbers = [f"{row['sequence']:,}" for row in decisions]
    if not numbers:
        return PageCell("no decision")
    earlier = f", before it {', '.join(numbers[1:3])}" if len(numbers) > 1 else ""
    earlier += f" and {len(numbers) - 3:,} more" if len(numbers) > 3 else ""
    return PageCell(f"decision {numbers[0]}{earlier}", to("decisions", decisions[0]["sequence"]))


def reason_of(source: PageSource, sequence: int) -> str:
    """Return the reason that a person gave for a consent, from its erasable body."""
    try:
        body = source.view.body(sequence)
    except Exception:  # noqa: BLE001 - a body that was changed: the ledger's verification names it
        return "cannot be trusted: the body was changed"
    if not isinstance(body, ConsentBody):
        return "erased"
    return (body.words.comment if body.words else body.comment) or ""


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
    """Return the monitor runs that are sealed, the newest first."""
    kinds = "('monitor-run', 'drift')"
    sql = f"SELECT r.* FROM record r WHERE r.kind IN {kinds} AND {readable(source)}"
    total, plans = source.count(sql), len(source.documents.of(MonitoringPlanDocument))
    paging = RowRange("monitors", query, max(total, plans))  # both tables show the same part
    found = source.rows(f"{sql} ORDER BY r.time DESC LIMIT :most OFFSET :skip", **paging.limits)
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
    lead = (("Shown are runs whose evidence is in the ledger. A run that was not ingested is not here."),)
    table = PageTable(
        "Monitor runs and drift",
        ("Record", "Result", "System", "Claims", "Signed at", "First sealed"),
        rows,
        empty=f"None of the {total:,} runs is in this part." if total else "There is none.",
        total=total,
        first=paging.first,
    )
    planned = plans_table(source, paging.first, paging.most)
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

"""What ends within a span of days: waivers with the states that end with them, and states of controls by themselves."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from aims_mlflow.documents.page_blocks import PageCell, PageTable, to
from aims_mlflow.gates.waivers import last_day
from aims_mlflow.pages.views.common import model_text, version_cell
from aims_mlflow.pages.views.taken_back import TAKEN_BACK
from aims_mlflow.records.base import utc_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aims_mlflow.pages.source import PageSource

DAYS, MOST, MOST_STATES = 31, 20, 500
# Of other versions the states are known only where somebody opened their pages.
_IN_USE = "(model, version) IN (SELECT model, version FROM tenure WHERE until IS NULL)"
_WAIVER = (
    "(status.next_change LIKE '%waiver%' AND EXISTS (SELECT 1 FROM consent c WHERE c.type = 'waiver' "
    "AND c.model = status.model AND c.expires = status.next_time))"
)


def ending_states(source: PageSource, until: str, most: int) -> list[Any]:
    """Return the states of versions in use that end by then, the first first, but those that end with a waiver."""
    return source.rows(
        "SELECT * FROM status WHERE next_time > :now AND next_time <= :until AND next_change <> '' "
        f"AND {_IN_USE} AND NOT {_WAIVER} AND {{scope}} "
        "ORDER BY next_time, model, CAST(version AS INTEGER), position LIMIT :most",
        now=source.moment,
        until=until,
        most=most,
    )


def ends_with(source: PageSource, waiver: Any) -> str:
    """Return the controls whose state ends with a waiver, by version in use; empty where none rests on it."""
    found = source.rows(
        "SELECT version, control FROM status WHERE model = :m AND next_time = :t AND next_change LIKE '%waiver%' "
        f"AND {_IN_USE} "
        "AND {scope} ORDER BY CAST(version AS INTEGER), position",
        m=waiver["model"],
        t=waiver["expires"],
    )
    versions: dict[str, list[str]] = {}
    for row in found:
        versions.setdefault(row["version"], []).append(row["control"])
    told = [f"{', '.join(controls)} of version {version}" for version, controls in versions.items()]
    return f"; with it the state of {', '.join(told)}" if told else ""


def together(rows: Sequence[Any], *names: str) -> list[dict[str, Any]]:
    """Return rows of states that are equal in some columns as one row, with all their `controls`."""
    out: dict[tuple[str, ...], dict[str, Any]] = {}
    for row in rows:
        out.setdefault(tuple(row[n] for n in names), {**dict(row), "controls": []})["controls"].append(row["control"])
    return list(out.values())


def ending_table(source: PageSource) -> PageTable:
    """Return the waivers and the states of controls that end within a month, the first first."""
    until = utc_text(source.now + timedelta(days=DAYS))
    waivers = source.rows(
        f"SELECT c.* FROM consent c WHERE c.type = 'waiver' AND expires > :now AND NOT EXISTS ({TAKEN_BACK}) "
        "AND expires <= :until AND {scope} ORDER BY expires LIMIT :most",
        now=source.moment,
        until=until,
        most=MOST,
    )
    states = together(ending_states(source, until, MOST_STATES), "model", "version", "next_change", "next_time")
    ending = [(last_day(w["expires"]), partial(_ending_waiver, source, w)) for w in waivers]
    ending += [(s["next_time"][:10], partial(_ending_state, s)) for s in states]
    return PageTable(
        f"Ending within {DAYS} days",
        ("Last day", "What", "About", "Signed by"),
        [(day, *row()) for day, row in sorted(ending, key=lambda each: each[0])[:MOST]],
        "Waivers, and states of controls. Days that documents set, and other spans, are on the page Due.",
        "No waiver and no state of a control that is known here ends in this time.",
        len(ending),
    )


def _ending_waiver(source: PageSource, waiver: Any) -> Sequence[Any]:
    what = f"waiver of {waiver['control'] or 'everything (break-glass)'}{ends_with(source, waiver)}"
    signer = source.owner(waiver["key_id"]) or "signer unknown"
    return PageCell(what, to("leaves", waiver["sequence"])), model_text(waiver["model"]), signer


def _ending_state(state: Mapping[str, Any]) -> Sequence[Any]:
    what = f"{state['next_change']}: {', '.join(state['controls'])}"
    return what, version_cell(state["model"], state["version"]), ""

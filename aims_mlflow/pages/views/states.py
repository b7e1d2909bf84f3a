"""States of controls as the pages word them, and the counts that stand with their denominator."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeVar

from aims_mlflow.catalog.loader import clauses, controls
from aims_mlflow.documents.page_blocks import PageCell, state_cell
from aims_mlflow.documents.terminal import SYMBOLS
from aims_mlflow.gates.waivers import last_day

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from aims_mlflow.pages.source import PageSource

Summary = TypeVar("Summary")
# What needs a person first.
WORST = ("unverifiable", "failed", "failed and waived", "stale", "not evaluated", "missing", "met with warnings")
NOT_JUDGED = "not judged yet: load the page again"


def control_cell(row: Mapping[str, Any] | Any, href: str = "") -> PageCell:
    """Return the state of a control from a row of the index, by its one name; of a waived one, until when."""
    state = str(row["state"])
    ends = f" until and including {last_day(row['next_time'])}" if row["next_time"] else ""
    return state_cell(state, href, f"{state}{ends}" if state == "failed and waived" else state)


def mark_cell(state: str, href: str = "") -> PageCell:
    """Return a state as its symbol, with the state's name as text for those who do not see it."""
    return state_cell(state, href, state)


def counts(rows: Sequence[Any]) -> list[PageCell]:
    """Return how many rows have each state, the worst first, each with its symbol and word."""
    order = [*WORST, *(s for s in SYMBOLS if s not in WORST)]
    found = {state: sum(row["state"] == state for row in rows) for state in order}
    return [state_cell(state, "", f"{n} {state}") for state, n in found.items() if n]


def catalogue() -> dict[str, Any]:
    """Return all controls and the clauses for which evidence is kept, by id, in the catalog's order."""
    return {**controls(), **clauses()}


def statuses_of(source: PageSource, model: str, version: str) -> list[Any]:
    """Return the states that the index has of a version, in the catalog's order."""
    return source.rows(
        "SELECT * FROM status WHERE model = :m AND version = :v AND {scope} ORDER BY position", m=model, v=version
    )


def states_among(source: PageSource, versions: Sequence[Any], control: str = "") -> dict[tuple[str, str, str], Any]:
    """Return the states of some versions, of one control or of all, by model, version and control."""
    only = "AND control = :control" if control else ""
    found = source.rows(
        "SELECT status.* FROM json_each(:versions) AS asked CROSS JOIN status ON "  # SQLite keeps this order
        "model = json_extract(asked.value, '$[0]') "
        f"AND version = json_extract(asked.value, '$[1]') {only} WHERE {{scope}}",
        versions=json.dumps([(v["model"], v["version"]) for v in versions]),
        control=control,
    )
    return {(row["model"], row["version"], row["control"]): row for row in found}


def summary_of(source: PageSource, name: str, make: Callable[[], Summary]) -> Summary:
    """Return a summary of all states for a reader, made again after each leaf and each version that is judged."""
    judged = source.shared.index.connection.execute("SELECT count(*), max(at), min(until) FROM judged").fetchone()
    key = (name, source.scope.models, source.cut_off, tuple(judged))
    found: Summary = source.shared.summaries.once(key, make)
    return found


def live_versions(source: PageSource, model: str | None = None) -> list[Any]:
    """Return the versions that hold a gated alias or stage now, with the places that they hold."""
    key = ("live", model, source.scope.models, source.cut_off, source.shared.index.last())
    found: list[Any] = source.shared.summaries.once(key, lambda: _live_versions(source, model))
    return found


def _live_versions(source: PageSource, model: str | None) -> list[Any]:
    mine = "AND t.model = :m" if model else ""
    clause = source.scope.clause("t.model")
    return source.rows(
        "SELECT t.model, t.version, group_concat(t.place, ', ') AS places, min(t.since) AS since, v.system, v.digest "
        "FROM tenure t LEFT JOIN version v ON v.model = t.model AND v.version = t.version "
        f"WHERE t.until IS NULL {mine} AND {clause} GROUP BY t.model, t.version "
        "ORDER BY t.model, CAST(t.version AS INTEGER)",
        m=model,
    )

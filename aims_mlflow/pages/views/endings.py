"""What ends within a span of days: waivers with the states that end with them, and states of controls by themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aims_mlflow.pages.source import PageSource

_WAIVER = (
    "(status.next_change LIKE '%waiver%' AND EXISTS (SELECT 1 FROM consent c WHERE c.type = 'waiver' "
    "AND c.model = status.model AND c.expires = status.next_time))"
)


def ending_states(source: PageSource, until: str, most: int) -> list[Any]:
    """Return the states that end by then, the first first; those that end with a waiver are told by its own row."""
    return source.rows(
        "SELECT * FROM status WHERE next_time > :now AND next_time <= :until AND next_change <> '' "
        f"AND NOT {_WAIVER} AND {{scope}} ORDER BY next_time, model, version, position LIMIT :most",
        now=source.moment,
        until=until,
        most=most,
    )


def ends_with(source: PageSource, waiver: Any) -> str:
    """Return the controls whose state ends with a waiver, by version; empty where no judged version rests on it."""
    found = source.rows(
        "SELECT version, control FROM status WHERE model = :m AND next_time = :t AND next_change LIKE '%waiver%' "
        "AND {scope} ORDER BY version, position",
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

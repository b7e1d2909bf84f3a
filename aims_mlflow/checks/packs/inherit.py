"""Packs that extend others: a pack replaces the same line of its parent and keeps the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aims_mlflow.errors import ConfigError, did_you_mean
from aims_mlflow.records.pack import Pack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

COLUMNS = ("column", "column_A", "column_B", "column_list")


def merged(parent: Pack, child: Pack, where: str) -> Pack:
    """Return the child, with everything that it leaves out taken from its parent.

    Raises:
        ConfigError: it leaves out an entry that the parent does not have.
    """
    base = _without(parent.model_dump(mode="json"), child.without, where)
    told = child.model_dump(mode="json", exclude_unset=True)
    for name in ("extends", "without"):
        base.pop(name, None)
    return Pack.model_validate(_over(base, told))


def _over(base: Mapping[str, Any], told: Mapping[str, Any]) -> dict[str, Any]:
    """Return `base` with the child's values over it; lists of entries are joined line by line."""
    out = dict(base)
    for key, value in told.items():
        below = out.get(key)
        if isinstance(value, dict) and isinstance(below, dict) and key not in ("kwargs", "slice", "settings", "shares"):
            out[key] = _over(below, value)
        elif key in IDENTITY and isinstance(below, list):
            out[key] = _lines(below, value, key)
        else:
            out[key] = value
    return out


def _lines(below: list[dict[str, Any]], told: list[dict[str, Any]], key: str) -> list[dict[str, Any]]:
    """Return the parent's entries, those of one identity replaced by all of the child's, and the child's further ones.

    Several entries may share an identity: a metric has a limit on either side, a column two ranges.
    """

    def by_identity(entries: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
        groups: dict[str, list[dict[str, Any]]] = {}
        for entry in entries:
            groups.setdefault(IDENTITY[key](entry), []).append(entry)
        return groups

    return [entry for same in {**by_identity(below), **by_identity(told)}.values() for entry in same]


def _limit(entry: Mapping[str, Any]) -> str:
    at = entry.get("slice")
    return f"{entry['metric']}|{sorted(at.items()) if at is not None else None}"


def _expectation(entry: Mapping[str, Any]) -> str:
    kwargs = entry.get("kwargs") or {}
    where = [(one["column"], one["op"], one.get("value")) for one in entry.get("where") or ()]
    return f"{entry['type']}|{[kwargs.get(name) for name in COLUMNS]}|{where}"


IDENTITY: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "limits": _limit,
    "expectations": _expectation,
    "populations": lambda entry: str(entry["column"]),
    "checks": lambda entry: str(entry["name"]),
}


def _without(base: dict[str, Any], left_out: Iterable[str], where: str) -> dict[str, Any]:
    for name in left_out:
        known = {
            text: (key, i) for key, entries in _entries(base) for i, e in enumerate(entries) for text in _names(key, e)
        }
        if name not in known:
            hint = did_you_mean(name, known)
            raise ConfigError(
                f"`without` names {name!r}, which the parent does not have" + (f", {hint}" if hint else ""),
                where=where,
                next="write it as section.metric, or section.expectation:column",
            )
        for key, entries in _entries(base):
            entries[:] = [entry for entry in entries if name not in _names(key, entry)]
    return base


def _entries(base: Mapping[str, Any]) -> list[tuple[str, list[dict[str, Any]]]]:
    """Return (section, its entries) for each list of entries; own checks are in none."""
    lists = [("checks", base["checks"])]
    for section, content in base.items():
        if isinstance(content, dict):
            lists += [(section, content[key]) for key in IDENTITY if isinstance(content.get(key), list)]
    return lists


def _names(section: str, entry: Mapping[str, Any]) -> list[str]:
    """Return how `without` may name an entry: with its column, or all of its kind at once."""
    name = entry.get("metric") or entry.get("type") or entry.get("name") or f"populations:{entry.get('column')}"
    column = (entry.get("kwargs") or {}).get("column")
    return [f"{section}.{name}", *([f"{section}.{name}:{column}"] if column else [])]

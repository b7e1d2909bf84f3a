"""The catalog, and errors for unknown ids that name the nearest known one."""

from __future__ import annotations

import functools
import re
import threading
from importlib import resources
from typing import TYPE_CHECKING, TypeVar

from aims_mlflow.errors import ConfigError, nearest
from aims_mlflow.records.base import Record
from aims_mlflow.records.control import Control, Crosswalk, CrosswalkRow, EvidenceKind, Need, Objective
from aims_mlflow.strict_yaml import Document, parse

if TYPE_CHECKING:
    from collections.abc import Callable

Item = TypeVar("Item", bound=Record)
Catalog = TypeVar("Catalog")
WAIT_SECONDS = 10.0
_reading = threading.RLock()


def read_once(read: Callable[[], Catalog]) -> Callable[[], Catalog]:
    """Read a catalog once, also where several threads of a server want it at the same time: it takes half a second."""
    found: list[Catalog] = []

    @functools.wraps(read)
    def catalog() -> Catalog:
        if not found:
            locked = _reading.acquire(timeout=WAIT_SECONDS)  # a process that was forked meanwhile reads by itself
            try:
                if not found:
                    found.append(read())
            finally:
                if locked:
                    _reading.release()
        return found[0]

    return catalog


def _document(name: str) -> Document:
    return parse(resources.files("aims_mlflow.catalog").joinpath(name).read_text(encoding="utf-8"), name)


def _items(name: str, model: type[Item]) -> tuple[Item, ...]:
    return tuple(model.model_validate(entry) for entry in _document(name).data)


@read_once
def controls() -> dict[str, Control]:
    """Return the 38 Annex A controls by id, in order."""
    return {c.id: c for c in _items("controls.yaml", Control)}


@read_once
def clauses() -> dict[str, Control]:
    """Return the clauses (4 to 10) with evidence kinds, by id."""
    return {c.id: c for c in _items("clauses.yaml", Control)}


@read_once
def objectives() -> dict[str, Objective]:
    """Return the 11 objectives of Annex C by id."""
    return {o.id: o for o in _items("objectives.yaml", Objective)}


@read_once
def kinds() -> dict[str, EvidenceKind]:
    """Return every evidence kind by id."""
    return {k.id: k for k in _items("kinds.yaml", EvidenceKind)}


@read_once
def crosswalk() -> Crosswalk:
    """Return the crosswalk to other frameworks."""
    return _document("crosswalk.yaml").validate(Crosswalk)


def require_control(control_id: str, where: str | None = None) -> Control:
    """Return a control or clause by its exact id.

    Raises:
        ConfigError: there is none; the text names the nearest, or the members of a group.
    """
    known = {**controls(), **clauses()}
    if control_id in known:
        return known[control_id]
    members = [c for c in known if c.startswith(f"{control_id}.")]
    if members:
        raise ConfigError(
            f"{control_id!r} is a group, not a control; its members are {', '.join(members)}", where=where
        )
    hint = _nearest_control(control_id, list(known))
    raise ConfigError(f"unknown control {control_id!r}" + (f", did you mean {hint!r}?" if hint else ""), where=where)


def _nearest_control(text: str, known: list[str]) -> str | None:
    """Return the id with the most leading parts in common, then the closest by letters."""
    plain = re.sub(r"^[Aa](?=\d)", "A.", text.strip()).upper().replace(" ", "").replace("_", ".").replace("-", ".")
    if plain in known:
        return plain
    parts = plain.rstrip(".").split(".")
    if len(parts) > 1 and parts[-1].isdigit():
        siblings = [k for k in known if k.split(".")[:-1] == parts[:-1]]
        if siblings:
            return min(siblings, key=lambda k: abs(int(k.split(".")[-1]) - int(parts[-1])))
    return nearest(plain, known)


def require_kind(kind: str, where: str | None = None) -> EvidenceKind:
    """Return an evidence kind by its id.

    Raises:
        ConfigError: there is none; the text names the nearest.
    """
    if kind not in kinds():
        hint = nearest(kind.replace("_", "-"), kinds())
        raise ConfigError(
            f"unknown evidence kind {kind!r}" + (f", did you mean {hint!r}?" if hint else ""), where=where
        )
    return kinds()[kind]


def require_objective(name: str, where: str | None = None) -> Objective:
    """Return an objective of Annex C by its id.

    Raises:
        ConfigError: there is none; the text names the nearest.
    """
    if name not in objectives():
        hint = nearest(name.replace("_", "-"), objectives())
        text = f", did you mean {hint!r}?" if hint else f"; Annex C has {', '.join(objectives())}"
        raise ConfigError(f"unknown objective {name!r}{text}", where=where)
    return objectives()[name]


@functools.cache
def controls_for_kind(kind: str) -> tuple[tuple[str, Need], ...]:
    """Return (control or clause id, need) for each control that a kind is evidence for."""
    both = [*controls().values(), *clauses().values()]
    return tuple((c.id, use.need) for c in both for use in c.evidence if use.kind == kind)


def crosswalk_for(control_id: str) -> CrosswalkRow | None:
    """Return the crosswalk row about a control or clause; A.3 has none.

    Raises:
        ConfigError: there is no such control.
    """
    require_control(control_id)
    rows = {r.element: r for r in crosswalk().rows}
    parts = control_id.split(".")
    for end in range(len(parts), 0, -1):
        if ".".join(parts[:end]) in rows:
            return rows[".".join(parts[:end])]
    return None

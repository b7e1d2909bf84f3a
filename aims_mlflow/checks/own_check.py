"""Checks that a team writes: functions behind the entry-point group `aims_mlflow.checks`, named in its pack.

A check is a function `(data, pack, reference) -> Outcome` (`outcome.Check`) under `@own_check`, which says what it
makes and needs. checks/lender/ of the repository has one to copy: the function, the entry point and packs that name it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import metadata
from typing import TYPE_CHECKING, Any

from aims_mlflow.catalog.loader import require_control, require_kind
from aims_mlflow.errors import CheckError, ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

    from aims_mlflow.checks.outcome import Check
    from aims_mlflow.records.pack import Pack

GROUP = "aims_mlflow.checks"


@dataclass(frozen=True)
class Made:
    """What a check says of itself.

    Attributes:
        kind: The evidence kind of the catalog that it makes.
        controls: The controls that it speaks for, where the pack names none.
        needs_predictions: Whether it judges a model; otherwise it judges data.
        needs_reference: Whether it compares with training data.
    """

    kind: str
    controls: tuple[str, ...]
    needs_predictions: bool
    needs_reference: bool


def own_check(
    kind: str, *, controls: tuple[str, ...] = (), needs_predictions: bool = False, needs_reference: bool = False
) -> Callable[[Check], Check]:
    """Return a decorator that says what a check makes and needs; see `Made`.

    Raises:
        ConfigError: the catalog has no such kind or control.
    """
    require_kind(kind)
    for control in controls:
        require_control(control)
    made = Made(kind, controls, needs_predictions, needs_reference)

    def decorate(function: Check) -> Check:
        function.made = made  # type: ignore[attr-defined]
        return function

    return decorate


@cache
def _points() -> dict[str, metadata.EntryPoint]:
    return {point.name: point for point in metadata.entry_points(group=GROUP)}


def names() -> list[str]:
    """Return the names of the checks that installed packages offer; nothing of them is imported."""
    return sorted(_points())


def load(name: str) -> tuple[Check, Made]:
    """Return a check and what it says of itself.

    Raises:
        CheckError: it cannot be imported, or is no check.
    """
    point = _points()[name]
    try:
        function: Any = point.load()
    except Exception as exc:  # whatever a foreign module does when it is imported
        raise CheckError(f"the check {name!r} cannot be imported ({type(exc).__name__})", where=point.value) from exc
    made = getattr(function, "made", None)
    if not isinstance(made, Made):
        raise CheckError(f"{name!r} is no check", where=point.value, next="put @own_check(kind) over the function")
    return function, made


def settings_of(pack: Pack, name: str) -> dict[str, Any]:
    """Return the settings that a pack gives to a check of its own.

    Raises:
        ConfigError: the pack does not name it.
    """
    for mine in pack.checks:
        if mine.name == name:
            return dict(mine.settings)
    raise ConfigError(f"the pack {pack.name!r} does not name the check {name!r}", next="add it under `checks:`")

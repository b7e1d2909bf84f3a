"""Checks that installed packages offer behind the entry-point group `aims_mlflow.checks`."""

from __future__ import annotations

from functools import cache
from importlib import metadata
from typing import TYPE_CHECKING, Any

from aims_mlflow.checks.own_check import CheckDeclaration
from aims_mlflow.errors import CheckError

if TYPE_CHECKING:
    from aims_mlflow.checks.outcome import Check

GROUP = "aims_mlflow.checks"


@cache
def points() -> dict[str, metadata.EntryPoint]:
    """Return the entry points of installed packages by the name of their check."""
    return {point.name: point for point in metadata.entry_points(group=GROUP)}


def names() -> list[str]:
    """Return the names of the checks that installed packages offer; nothing of them is imported."""
    return sorted(points())


def load(name: str) -> tuple[Check, CheckDeclaration]:
    """Return a check and what it declares of itself.

    Raises:
        CheckError: it cannot be imported, or is no check.
    """
    point = points()[name]
    try:
        function: Any = point.load()
    except Exception as exc:  # whatever a foreign module does when it is imported
        raise CheckError(f"the check {name!r} cannot be imported ({type(exc).__name__})", where=point.value) from exc
    declaration = getattr(function, "declaration", None)
    if not isinstance(declaration, CheckDeclaration):
        raise CheckError(f"{name!r} is no check", where=point.value, next="put @own_check(kind) over the function")
    return function, declaration

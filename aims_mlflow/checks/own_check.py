"""The public interface for checks that a team writes.

A check is a function `(data, pack, reference) -> Outcome` under `@own_check`, which declares the evidence kind that the
check makes and the data that it needs. An entry point of the group `aims_mlflow.checks` offers it, and a pack names it.
checks/lender/ of the repository has one to copy: the function, the entry point and packs that name it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aims_mlflow.catalog.loader import require_control, require_kind
from aims_mlflow.checks.claims import claim, held, reason_of
from aims_mlflow.checks.outcome import Check, Outcome
from aims_mlflow.checks.tables.dataset import Dataset
from aims_mlflow.errors import ConfigError
from aims_mlflow.records.evidence import Claim, result_of
from aims_mlflow.records.pack import Limit, Pack

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "Check",
    "CheckDeclaration",
    "Claim",
    "Dataset",
    "Limit",
    "Outcome",
    "Pack",
    "claim",
    "held",
    "own_check",
    "reason_of",
    "result_of",
    "settings_of",
]


@dataclass(frozen=True)
class CheckDeclaration:
    """What a check declares of itself.

    Attributes:
        kind: The evidence kind of the catalog that it makes.
        controls: The controls that it is evidence for, where the pack names none.
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
    """Return a decorator that declares what a check makes and needs.

    Args:
        kind: The evidence kind of the catalog that it makes.
        controls: The controls that it is evidence for, where the pack names none.
        needs_predictions: Whether it judges a model; otherwise it judges data.
        needs_reference: Whether it compares with training data.

    Raises:
        ConfigError: the catalog has no such kind or control.
    """
    require_kind(kind)
    for control in controls:
        require_control(control)
    declaration = CheckDeclaration(kind, controls, needs_predictions, needs_reference)

    def decorate(function: Check) -> Check:
        function.declaration = declaration  # type: ignore[attr-defined]  # a mark on the team's function
        return function

    return decorate


def settings_of(pack: Pack, name: str) -> dict[str, Any]:
    """Return the settings that a pack gives to a check of its own.

    Raises:
        ConfigError: the pack does not name it.
    """
    for mine in pack.checks:
        if mine.name == name:
            return dict(mine.settings)
    raise ConfigError(f"the pack {pack.name!r} does not name the check {name!r}", next="add it under `checks:`")

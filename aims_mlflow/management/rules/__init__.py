"""The rules for documents: their texts from rules.yaml, by their stable ids, and the checks behind them."""

from __future__ import annotations

import functools
from importlib import resources
from typing import TYPE_CHECKING

from aims_mlflow.management.rules import (
    cross,
    cross_management,
    cross_more,
    cross_risks,
    entry_ids,
    figures,
    generic,
    structure,
)
from aims_mlflow.management.rules.base import LintRule
from aims_mlflow.strict_yaml import parse

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aims_mlflow.management.folder import FolderDocument
    from aims_mlflow.management.rules.base import Check, LintContext, Spot

# The rule of files that are no documents: what is read as one has none of its faults.
UNREADABLE = "D0"
FILE = "rules.yaml"


def _nothing(document: FolderDocument, around: LintContext) -> Iterable[Spot]:  # noqa: ARG001
    return ()


CHECKS: dict[str, Check] = {
    UNREADABLE: _nothing,
    **structure.CHECKS,
    **entry_ids.CHECKS,
    **generic.CHECKS,
    **figures.CHECKS,
    **cross.CHECKS,
    **cross_risks.CHECKS,
    **cross_more.CHECKS,
    **cross_management.CHECKS,
}


@functools.cache
def rules() -> dict[str, LintRule]:
    """Return every rule by its id."""
    text = resources.files("aims_mlflow.management.rules").joinpath(FILE).read_text(encoding="utf-8")
    return {r.id: r for r in (LintRule.model_validate(entry) for entry in parse(text, FILE).data)}

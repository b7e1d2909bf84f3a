"""Limits: whether a measured value satisfies a comparator and a limit, compared as exact decimals."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

OPERATORS: dict[str, Callable[[Decimal, Decimal], bool]] = {
    ">=": lambda value, limit: value >= limit,
    "<=": lambda value, limit: value <= limit,
    ">": lambda value, limit: value > limit,
    "<": lambda value, limit: value < limit,
    "==": lambda value, limit: value == limit,
}


def holds(value: str | Decimal, comparator: str, limit: Any) -> bool:
    """Return whether `value comparator limit` is true, compared as exact decimals."""
    return OPERATORS[comparator](Decimal(value), Decimal(limit))

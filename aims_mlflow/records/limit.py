"""Limits: whether a measured value satisfies a comparator and a limit, and who set the limit, when and why."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from pydantic import Field

from aims_mlflow.records.base import Day, Record

if TYPE_CHECKING:
    from collections.abc import Callable

OPERATORS: dict[str, Callable[[Decimal, Decimal], bool]] = {
    ">=": lambda value, limit: value >= limit,
    "<=": lambda value, limit: value <= limit,
    ">": lambda value, limit: value > limit,
    "<": lambda value, limit: value < limit,
    "==": lambda value, limit: value == limit,
}


MOST_AUTHOR = 200  # characters
INFERRED = "inferred from "  # how the author of a limit begins that software took from a table


class LimitAuthor(Record):
    """Who set a limit, and on which day; None where nobody says so."""

    set_by: str | None = Field(default=None, min_length=1, max_length=MOST_AUTHOR)
    set_on: Day | None = None

    @property
    def author(self) -> dict[str, str | None]:
        """Return the fields of this class, for a limit that is made from another record."""
        return {"set_by": self.set_by, "set_on": self.set_on}


class LimitOrigin(LimitAuthor):
    """Why a limit stands where it stands, who set it, and when."""

    why: str


def holds(value: str | Decimal, comparator: str, limit: Any) -> bool:
    """Return whether `value comparator limit` is true, compared as exact decimals."""
    return OPERATORS[comparator](Decimal(value), Decimal(limit))

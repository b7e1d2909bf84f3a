"""Expectations of a pack: checks of a table by Great Expectations, with a reason for each."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from aims_mlflow.records.base import Record
from aims_mlflow.records.evidence import Severity
from aims_mlflow.records.limit import LimitAuthor

# The data quality characteristics of ISO/IEC 5259-2:2024, by name.
Characteristic = Literal[
    "accuracy",
    "completeness",
    "consistency",
    "credibility",
    "currentness",
    "accessibility",
    "compliance",
    "efficiency",
    "precision",
    "traceability",
    "understandability",
    "availability",
    "portability",
    "recoverability",
    "auditability",
    "balance",
    "diversity",
    "effectiveness",
    "identifiability",
    "relevance",
    "representativeness",
    "similarity",
    "timeliness",
]


class RowCondition(Record):
    """Which rows an expectation is about: `column op value`; "is null" and "is not null" take no value."""

    column: str
    op: Literal["==", "!=", ">", ">=", "<", "<=", "in", "not in", "is null", "is not null"]
    value: str | int | float | tuple[str | int | float, ...] | None = None

    @model_validator(mode="after")
    def _fitting_value(self) -> RowCondition:
        wanted = "no value" if self.op.startswith("is ") else "a list" if "in" in self.op else "one value"
        given = "no value" if self.value is None else "a list" if isinstance(self.value, tuple) else "one value"
        if wanted != given:
            raise ValueError(f"{self.op!r} takes {wanted}")
        return self

    def words(self) -> str:
        """Return the condition as readable text."""
        if self.value is None:
            return f"{self.column} {self.op}"
        values = self.value if isinstance(self.value, tuple) else (self.value,)
        return f"{self.column} {self.op} {', '.join(str(v) for v in values[:5])}{', ...' if len(values) > 5 else ''}"


class Expectation(LimitAuthor):
    """One Great Expectations expectation in its own spelling (`type` and `kwargs`).

    In kwargs, "$target", "$sensitive" and "$column" stand for the target, for each sensitive column and for
    each column in turn, "$numeric" and "$text" for each column of that type without the target, and the names
    under `groups` for each column of the group. `where` limits it to rows that meet all conditions. `roles` are
    the data roles it applies to, `characteristic` the one of ISO/IEC 5259-2 that it speaks for.
    """

    type: str = Field(pattern=r"^expect_[a-z_]+$")
    kwargs: dict[str, Any] = Field(default_factory=dict)
    where: tuple[RowCondition, ...] = ()
    characteristic: Characteristic | None = None
    severity: Severity = "failing"
    roles: tuple[str, ...] = ("train", "validation", "test")
    why: str = Field(min_length=1)


class DataQuality(Record):
    """What data must be like before a model learns from it.

    `groups` names sets of columns (`money: [income, amount]`, asked for as "$money"). `examples` is how many values
    that break an expectation may stand in evidence: none, unless a team allows it.
    """

    controls: tuple[str, ...] = ("A.7.4",)
    groups: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    examples: int = Field(default=0, ge=0, le=20)
    expectations: tuple[Expectation, ...] = ()

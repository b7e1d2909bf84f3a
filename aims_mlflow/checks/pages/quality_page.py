"""Data Docs that open offline: each expectation in Great Expectations' words, its reason, and its result."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aims_mlflow.checks.pages.rendering import render
from aims_mlflow.checks.pages.report import Cell, result_word
from aims_mlflow.records.wording import exact_percent_text, limit_text, origin_text, percent_text, value_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aims_mlflow.checks.quality.expectations import Demand
    from aims_mlflow.records.evidence import Claim

BY_ROW = re.compile(r"expect_(column_values|column_value|column_pair|multicolumn|select|compound)_")
MANY = 60  # so many columns are folded


@dataclass(frozen=True)
class ExpectationResult:
    """One demand: its words, its claims, and values that break it where the pack allows examples."""

    demand: Demand
    words: str
    claims: tuple[Claim, ...]
    examples: tuple[str, ...] = ()

    @property
    def worst(self) -> Claim:
        """The claim that decides: one that failed, then one that could not be evaluated."""
        return min(self.claims, key=lambda c: (c.passed is not False, c.passed is not None))


@dataclass(frozen=True)
class Section:
    """The expectations of one column, or of the table; folded where there are many sections."""

    name: str
    opened: bool
    rows: list[list[Cell]]


def quality_page(title: str, asked: Iterable[ExpectationResult]) -> bytes:
    """Return the page: counts, then a section for the table and for each column, those with findings first."""
    asked = list(asked)
    sections: dict[str, list[ExpectationResult]] = {}
    for item in asked:
        name = ", ".join(dict.fromkeys(item.demand.columns)) or "The table"
        sections.setdefault(name, []).append(item)
    met = sum(item.worst.passed is True for item in asked)
    order = sorted(
        sections, key=lambda name: (all(i.worst.passed is True for i in sections[name]), name != "The table")
    )
    shown = [Section(name, i < MANY, [_row(item) for item in sections[name]]) for i, name in enumerate(order)]
    return render("expectations.html.j2", title=title, met=met, asked=len(asked), sections=shown)


def _row(item: ExpectationResult) -> list[Cell]:
    style, word = result_word(item.worst)
    expectation = item.demand.expectation
    results = "; ".join(_found(claim) for claim in item.claims)
    results += f"; for example {', '.join(item.examples)}" if item.examples else ""
    why = f"{expectation.characteristic}: {expectation.why}" if expectation.characteristic else expectation.why
    asked, by = f"{item.words} ({expectation.severity})", origin_text(item.worst)
    return [
        Cell("Result", word, style),
        Cell("What is asked", asked),
        Cell("Found", results),
        Cell("Why", f"{why} ({by})" if by else why, "soft"),
    ]


def _found(claim: Claim) -> str:
    if claim.value is None:
        return claim.note or "nothing"
    if claim.limit == "1" and claim.comparator == "==":
        return "it holds" if claim.passed else "it does not hold"
    if BY_ROW.match(claim.metric) and claim.n is not None:
        share = percent_text(claim.value, claim.comparator, claim.limit)
        return f"{share} of {claim.n:,} rows, limit {claim.comparator} {exact_percent_text(claim.limit or '0')}"
    return f"{value_text(claim)}, {limit_text(claim)}"

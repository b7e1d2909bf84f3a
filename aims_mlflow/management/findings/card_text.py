"""A model card as text: its sections, the columns and groups of its tables, and each figure with its record."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aims_mlflow.management.shown_numbers import matches

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aims_mlflow.evidence.statement import SealedRecord

HEADING = re.compile(r"^## (.+)$", re.MULTILINE)
FOOTNOTE = re.compile(r"^\[\^(e\d+)\]: evidence `([^`]+)`", re.MULTILINE)
CITED = re.compile(r"([^|\[\]\n]*)\[\^(e\d+)\]")
NUMBER = re.compile(r"(?<![\w.-])-?\d[\d,]*(?:\.\d+)?%?(?![\w-])")
IN_RECORD = re.compile(r"-?\d+(?:\.\d+)?")
MARK = re.compile(r"\[\^e\d+\]")
UNSTATED = "Not stated"
RESULTS = (
    "Performance", "Results by class", "Performance and outcomes by group", "Robustness",
    "Drift of test against training data",
)  # fmt: skip
LEVEL = "95%"  # the level of an interval is no figure of the evidence


@dataclass(frozen=True)
class CardFigure:
    """A number that the card shows, in its section, and the record that its mark leads to."""

    section: str
    shown: str
    evidence: str | None
    around: str


class CardText:
    """A card by its sections, with Markdown's escapes taken out."""

    def __init__(self, text: str) -> None:
        parts = HEADING.split(text)
        self.text = plain(text)
        self.sections: Mapping[str, str] = {parts[i].strip(): plain(parts[i + 1]) for i in range(1, len(parts) - 1, 2)}
        self.footnotes: Mapping[str, str] = dict(FOOTNOTE.findall(text))

    def unstated(self) -> list[str]:
        """Return the sections in which something is not stated."""
        return [name for name, said in self.sections.items() if UNSTATED in said]

    def columns(self) -> list[str]:
        """Return the columns of the input specification."""
        return [row[0] for row in rows_of(self.sections.get("Input specification", ""))]

    def inputs(self) -> dict[str, tuple[str, str]]:
        """Return type and missing values of each column of the input specification."""
        rows = rows_of(self.sections.get("Input specification", ""))
        return {row[0]: (row[1], row[2]) for row in rows if len(row) > 2}

    def figures(self) -> Iterator[CardFigure]:
        """Yield the figures of the sections with results."""
        for name in RESULTS:
            for said, mark in CITED.findall(self.sections.get(name, "")):
                for shown in NUMBER.findall(said):
                    if shown != LEVEL:
                        around = " ".join(said.split())
                        yield CardFigure(name, shown.replace(",", ""), self.footnotes.get(mark), around)


def plain(text: str) -> str:
    """Return Markdown without the escapes that keep a record's text from being markup."""
    return re.sub(r"\\([\\`*_{}\[\]<>#|])", r"\1", text)


def rows_of(section: str) -> list[list[str]]:
    """Return the cells of a section's tables, without heads and marks."""
    lines = [line.strip().strip("|").split(" | ") for line in section.splitlines() if line.startswith("|")]
    cells = [[MARK.sub("", cell).strip() for cell in line] for line in lines]
    rule = [n for n, row in enumerate(cells) if all(set(cell) <= {"-", "|", " "} for cell in row)]
    heads = {n - 1 for n in rule} | set(rule)
    return [row for n, row in enumerate(cells) if n not in heads]


def is_in(record: SealedRecord, shown: str) -> bool:
    """Return whether a record has a number, at the digits that are shown.

    A card gives a difference between groups the sign of its direction, which the record's value has not: signs are left
    out.
    """
    known, size = record.evidence.model_dump_json(exclude_none=True), shown.lstrip("-")
    if size.rstrip("%") in known:
        return True
    return any(matches(size, number.lstrip("-")) for number in dict.fromkeys(IN_RECORD.findall(known)))

"""What a page was asked and did not understand: values that its form does not take, and names that it never reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aims_mlflow.documents.page_blocks import Form

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aims_mlflow.documents.page_blocks import FormInput, PageView

ROWS = ("from", "rows")
OF_EVERY_PAGE = frozenset({"from", "rows", "print", "table"})  # parts of long tables, and formats
LONGEST = 40
MOST_DIGITS = 11


class SeenQuery(dict[str, str]):
    """A query that knows which of its names a page asked for."""

    def __init__(self, query: Mapping[str, str]) -> None:
        super().__init__(query)
        self.seen: set[str] = set()

    def get(self, name: str, default: Any = None) -> Any:
        """Return the value of a name, as a dict does."""
        self.seen.add(name)
        return super().get(name, default)

    def __getitem__(self, name: str) -> str:
        self.seen.add(name)
        return super().__getitem__(name)


def unknown_values(view: PageView, query: Mapping[str, str]) -> dict[str, str]:
    """Return the values that a form of the page does not take, by name, with a sentence about each."""
    fields = [f for block in view.blocks if isinstance(block, Form) for f in block.fields]
    told = {field.name: _why_not(field, query[field.name]) for field in fields if query.get(field.name)}
    told |= {name: _why_no_row(name, query[name]) for name in ROWS if query.get(name)}
    return {name: text for name, text in told.items() if text}


def _why_not(field: FormInput, value: str) -> str:
    shown = repr(value[:LONGEST])
    if field.kind == "choice" and value not in field.choices:
        return f"{shown} is no value of {field.label} and is left out: it is one of {', '.join(field.choices)}."
    if field.kind == "number" and value.rstrip("d").lstrip("0") != field.value:
        return f"{shown} is no number that {field.label} takes and is left out."
    return ""


def _why_no_row(name: str, value: str) -> str:
    if value.isascii() and value.isdigit() and int(value[:MOST_DIGITS]) > 0 and len(value) <= MOST_DIGITS:
        return ""
    return f"{value[:LONGEST]!r} is no number of rows for {name!r} and is left out: it is a whole number from 1 on."


def unused_names(query: SeenQuery) -> list[str]:
    """Return a sentence about each name of a query that the page never asked for."""
    names = sorted(set(query) - query.seen - OF_EVERY_PAGE)
    return [f"this page has no filter {name[:LONGEST]!r}: it is left out." for name in names if query[name]]

"""What a document states in the fields of its kind, as facts and tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from aims_mlflow.documents.page_blocks import Facts, PageTable
from aims_mlflow.records.documents import KINDS, key_of

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST = 200


def stated_blocks(kind: str, fields: Mapping[str, Any]) -> list[Facts | PageTable]:
    """Return a block for the plain fields, and a table for each field that lists entries, in the order of the form."""
    model = KINDS.get(kind)
    form = [key_of(name, f) for name, f in model.model_fields.items()] if model else []
    order = [*(name for name in form if name in fields), *(name for name in fields if name not in form)]
    plain = [(field_text(name), plain_text(fields[name])) for name in order if not _lists_entries(fields[name])]
    tables = [_entries(field_text(name), fields[name]) for name in order if _lists_entries(fields[name])]
    return [*([Facts("What it states", plain)] if plain or not tables else []), *tables]


def field_text(name: str) -> str:
    """Return the name of a field as a reader sees it."""
    return name.replace("_", " ").strip().capitalize()


def plain_text(value: Any) -> str:
    """Return a value that a person wrote as one line of text."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return "; ".join(f"{field_text(str(name)).lower()}: {plain_text(each)}" for name, each in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(plain_text, value))
    return "" if value is None else str(value)


def _lists_entries(value: Any) -> bool:
    return isinstance(value, list | tuple) and bool(value) and all(isinstance(each, Mapping) for each in value)


def _entries(title: str, entries: Sequence[Mapping[str, Any]]) -> PageTable:
    columns = list(dict.fromkeys(name for entry in entries for name in entry))
    rows = [tuple(plain_text(entry.get(name)) for name in columns) for entry in entries[:MOST]]
    return PageTable(title, [field_text(name) for name in columns], rows, total=len(entries))

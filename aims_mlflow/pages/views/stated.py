"""What a document states in the fields of its kind, as facts and tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from aims_mlflow.documents.page_blocks import Facts, PageTable
from aims_mlflow.records.documents import KINDS, entry_model, key_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pydantic import BaseModel

MOST = 200
NOT_STATED = "not stated"


def stated_blocks(kind: str, fields: Mapping[str, Any]) -> list[Facts | PageTable]:
    """Return a block for the plain fields, and a table for each field that lists entries, in the order of the form."""
    model = KINDS.get(kind)
    order = _in_order(fields, model)
    inner = {name: _model_of(name, model) for name in order}
    plain = [
        (field_text(name), plain_text(fields[name], inner[name])) for name in order if not _lists_entries(fields[name])
    ]
    tables = [_entries(field_text(name), fields[name], inner[name]) for name in order if _lists_entries(fields[name])]
    return [*([Facts("What it states", plain)] if plain or not tables else []), *tables]


def field_text(name: str) -> str:
    """Return the name of a field as a reader sees it."""
    return name.replace("_", " ").strip().capitalize()


def plain_text(value: Any, model: type[BaseModel] | None = None) -> str:
    """Return a value that a person wrote as one line of text; `model` is that of its parts, whose order it has."""
    if value is None or value in ("", [], (), {}):
        return NOT_STATED
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        parts = ((name, plain_text(value[name], _model_of(name, model))) for name in _in_order(value, model))
        return "; ".join(f"{field_text(str(name)).lower()}: {text}" for name, text in parts)
    if isinstance(value, list | tuple):
        return ", ".join(plain_text(each, model) for each in value)
    return str(value)


def _in_order(fields: Iterable[str], model: type[BaseModel] | None) -> list[str]:
    """Return names of fields in the order in which the model asks for them; those that it does not know come last."""
    form = [key_of(name, field) for name, field in model.model_fields.items()] if model else []
    return [*(name for name in form if name in fields), *(name for name in fields if name not in form)]


def _model_of(name: str, model: type[BaseModel] | None) -> type[BaseModel] | None:
    """Return the model of the parts of a field; None for plain values, and for a field that the form does not know."""
    known = model.model_fields.items() if model else ()
    field = next((field for each, field in known if key_of(each, field) == name), None)
    return entry_model(field) if field is not None else None


def _lists_entries(value: Any) -> bool:
    return isinstance(value, list | tuple) and bool(value) and all(isinstance(each, Mapping) for each in value)


def _entries(title: str, entries: Sequence[Mapping[str, Any]], model: type[BaseModel] | None) -> PageTable:
    columns = _in_order(dict.fromkeys(name for entry in entries for name in entry), model)
    inner = {name: _model_of(name, model) for name in columns}
    rows = [tuple(plain_text(entry.get(name), inner[name]) for name in columns) for entry in entries[:MOST]]
    return PageTable(title, [field_text(name) for name in columns], rows, total=len(entries))

"""Documents that people write: one model for each kind of the catalog."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

from pydantic import BaseModel, ValidationError

from aims_mlflow.errors import ConfigError, did_you_mean
from aims_mlflow.records.documents import (
    context,
    impact,
    improvement,
    incident,
    information,
    leadership,
    lifecycle,
    risk,
    third_parties,
)
from aims_mlflow.records.documents.base import HEADER, MARK, WrittenDocument

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pydantic.fields import FieldInfo

KINDS: dict[str, type[WrittenDocument]] = {
    **context.KINDS,
    **leadership.KINDS,
    **risk.KINDS,
    **impact.KINDS,
    **lifecycle.KINDS,
    **information.KINDS,
    **third_parties.KINDS,
    **improvement.KINDS,
    **incident.KINDS,
}
# Kinds that are about one version of a model, and name it by its digest.
ABOUT_A_MODEL = frozenset(
    {"impact-assessment", "validation-report", "deployment-plan", "user-information", "technical-documentation"}
)
Path = tuple[str | int, ...]


def document_model(kind: str, where: str | None = None) -> type[WrittenDocument]:
    """Return the model of a kind of document.

    Raises:
        ConfigError: people write no such kind; the text names the nearest.
    """
    if kind not in KINDS:
        hint = did_you_mean(kind.replace("_", "-"), KINDS)
        raise ConfigError(
            f"{kind!r} is no kind of document" + (f", {hint}" if hint else ""),
            where=where,
            next=None if hint else "`aims document list --kinds` has them",
        )
    return KINDS[kind]


def as_form(kind: str, fields: Mapping[str, Any], **header: Any) -> WrittenDocument | None:
    """Return the fields of a document as the model of its kind; None where they do not fit it."""
    try:
        return KINDS[kind].model_validate({**fields, **header, "kind": kind}) if kind in KINDS else None
    except ValidationError:
        return None


def not_of_one_system(kind: str, system: str | None) -> str | None:
    """Return why a document of a kind cannot be about one system, where one is named; None where it can."""
    model = KINDS.get(kind)
    if system is None or model is None or model.ABOUT != "organisation":
        return None
    return f"a document of kind {kind} is about the whole organisation, and cannot be about {system} alone"


def newest_last(document: WrittenDocument) -> tuple[str, str, str]:
    """Return what orders documents of one kind by the day from which on they apply."""
    return document.effective_from or "", document.version, document.id


def key_of(name: str, field: FieldInfo) -> str:
    """Return the key under which people write a field."""
    return field.alias or name


def entry_model(field: FieldInfo) -> type[BaseModel] | None:
    """Return the model that a field holds, or lists; None for plain values."""
    annotation: Any = field.annotation
    return _model_in(annotation)


def is_listed(field: FieldInfo) -> bool:
    """Return whether a field holds several entries, and not one."""
    return any(get_origin(part) in (tuple, list) for part in _parts(field.annotation))


def choices(field: FieldInfo) -> tuple[str, ...]:
    """Return the words of which a field has to be one; () where it may be any."""
    parts = list(_parts(field.annotation))
    if bool in parts:
        return ("true", "false")
    return tuple(str(w) for part in parts if get_origin(part) is Literal for w in get_args(part))


def _parts(annotation: Any) -> Iterator[Any]:
    yield annotation
    for part in get_args(annotation):
        yield from _parts(part)


@functools.cache
def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((m for a in get_args(annotation) if (m := _model_in(a))), None)


def question_of(kind: str, path: Path) -> str:
    """Return what the innermost field of a path asks; empty where there is no such field."""
    model: type[BaseModel] | None = KINDS.get(kind)
    asked = ""
    for key in path:
        if isinstance(key, str):
            fields = model.model_fields.items() if model is not None else ()
            field = next((f for name, f in fields if key_of(name, f) == key), None)
            asked, model = (field.description or "", entry_model(field)) if field is not None else ("", None)
    return asked


def is_needed(field: FieldInfo) -> bool:
    """Return whether control status needs a field, beyond what publication needs."""
    extra = field.json_schema_extra
    return isinstance(extra, dict) and extra.get(MARK) == "met"


def stated_fields(document: WrittenDocument) -> dict[str, Any]:
    """Return what a document states in the fields of its kind, as JSON values; its common fields are left out."""
    plain = document.model_dump(mode="json", by_alias=True, exclude_none=True)
    return {name: value for name, value in plain.items() if name not in HEADER}


def missing_for_met(kind: str, fields: Mapping[str, Any], says: Callable[[object], bool]) -> list[tuple[Path, str]]:
    """Return (path, what an auditor asks) of each field of a kind that *met* needs and that says nothing.

    `says` tells whether a value says something. Common fields are looked at only where `fields` has them.
    """
    model = KINDS.get(kind)
    if model is None:
        return []
    return list(_missing(model, fields, (), says))


def _missing(model: type[BaseModel], fields: Mapping[str, Any], at: Path, says: Any) -> Iterator[tuple[Path, str]]:
    for name, field in model.model_fields.items():
        if not at and name in HEADER and name not in fields:
            continue
        key = key_of(name, field)
        value, inner = fields.get(key), entry_model(field)
        answered = _is_entry(value) if inner is not None else _answers(field, value, says)
        # A group is found in the data, or it is said why not.
        if is_needed(field) and not answered and not (key == "in_data" and says(fields.get("not_in_data"))):
            yield (*at, key), field.description or key
        if inner is not None:
            for index, entry in enumerate(value if isinstance(value, list | tuple) else [value]):
                if isinstance(entry, Mapping):
                    place = (*at, key, index) if isinstance(value, list | tuple) else (*at, key)
                    yield from _missing(inner, entry, place, says)


def _is_entry(value: object) -> bool:
    entries = value if isinstance(value, list | tuple) else [value]
    return bool(entries) and all(isinstance(entry, Mapping) and entry for entry in entries)


def _answers(field: FieldInfo, value: object, says: Callable[[object], bool]) -> bool:
    """A truth value, or one of several fixed words, answers a question whichever it is."""
    choices = {
        c for a in (field.annotation, *get_args(field.annotation)) if get_origin(a) is Literal for c in get_args(a)
    }
    return isinstance(value, bool) or (isinstance(value, str) and value in choices) or says(value)

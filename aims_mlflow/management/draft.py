"""A draft of a document: what register and evidence know is filled in, and each gap asks what an auditor would ask."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import yaml

from aims_mlflow.catalog.loader import controls_for_kind, kinds, require_control
from aims_mlflow.errors import ConfigError
from aims_mlflow.management.applicability.proposals import open_questions
from aims_mlflow.management.draft_sources import draft_note
from aims_mlflow.management.folder import FENCE
from aims_mlflow.management.known_facts import known_facts
from aims_mlflow.management.legal_forms import filled, legal_form
from aims_mlflow.records.documents import (
    choices,
    document_model,
    entry_model,
    is_listed,
    is_needed,
    key_of,
    not_of_one_system,
)
from aims_mlflow.records.documents.base import HEADER

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pydantic import BaseModel
    from pydantic.fields import FieldInfo

    from aims_mlflow.management.folder import FolderDocument
    from aims_mlflow.management.rules.base import LintContext
    from aims_mlflow.records.documents.base import WrittenDocument

# Without the word that marks a gap: what explains gaps is none.
GUIDE = (
    "A line `# NAME: question` is a field. To answer it, take away what stands before NAME, and write the answer in",
    "place of the question. Fields marked as to do are needed; the others may be left out. A day is 2026-03-31.",
    "Filled-in examples are in examples/organisation/documents of aims_mlflow's source.",
)
FIRST = ("id", "kind", "title", "system", "owner", "author", "approver", "version", "review_by", "retention_until")
WIDTH = 116
DOCUMENTED_INFORMATION = "7.5"
OF_ONE_SYSTEM = re.compile(r"\bthis system\b")
TITLES = {
    "soa": "Statement of applicability", "system": "AI system", "impact-people": "Impact on people",
    "impact-society": "Impact on society",
}  # fmt: skip


def draft_id(kind: str, system: str | None) -> str:
    """Return the id of a new document."""
    return system if kind == "system" and system else f"{kind}-{system}" if system else kind


def new_draft(
    kind: str, system: str | None, author: str | None, around: LintContext, form: str | None = None
) -> tuple[str, str]:
    """Return (name of the file, its text) of a draft of a kind, with the points of a legal form if one is named.

    Raises:
        ConfigError: there is no such kind, or it is about a system and none is named, or none of the register.
    """
    model = document_model(kind)
    if model.ABOUT == "system" and system is None:
        known = ", ".join(sorted(around.systems)) or "none yet: aims system add"
        raise ConfigError(f"{kind} is about one system", next=f"add --system ID (the register has {known})")
    wrong = not_of_one_system(kind, system)
    if wrong:
        raise ConfigError(wrong, next="leave out --system, and name the systems that it concerns in what it states")
    if system is not None and kind != "system" and around.systems and system not in around.systems:
        known = ", ".join(sorted(around.systems))
        raise ConfigError(f"{system!r} is no system of the register", next=f"name one of {known}")
    entry = around.systems.get(system or "")
    owner = entry.owner if entry else None
    facts = {"owner": owner, "author": author, **known_facts(kind, system, around)}
    notes = tuple(draft_note(kind, system, around, form))
    if form is None:
        return draft_text(kind, system, facts, around, notes=notes)
    asked = legal_form(form, kind)
    points = filled(asked, system, around)
    return draft_text(kind, system, {**facts, asked.field: points.statements}, around, points.citations, notes)


def drafted(
    kind: str, system: str | None, author: str | None, around: LintContext, form: str | None = None
) -> tuple[Path, str]:
    """Return (path, text) of a draft; a form goes into the one document of its kind about the system, if there is one.

    Raises:
        ConfigError: as `new_draft` and `with_form`; the file is there; or several documents could take the form.
    """
    there = around.folder.of(kind, system) if form is not None and system is not None else []
    if form is not None and there:
        if len(there) > 1:
            names = ", ".join(d.id for d in there)
            raise ConfigError(f"several documents could have the form {form}: {names}", next="keep one of them")
        return there[0].path, with_form(there[0], form, around)
    name, text = new_draft(kind, system, author, around, form)
    path = around.folder.root / name
    if path.exists():
        raise ConfigError("there is such a file already", where=str(path), next="edit it, or give it another name")
    return path, text


def with_form(document: FolderDocument, form: str, around: LintContext) -> str:
    """Return the text of a file that is there already, with the points of a legal form added to its fields.

    Raises:
        ConfigError: it has them already, or has no text under its fields for the citations.
    """
    asked = legal_form(form, document.written.kind)
    lines = document.content.decode("utf-8-sig").replace("\r\n", "\n").split("\n")
    if asked.field in document.front.data:
        raise ConfigError(
            f"the document has {asked.field} already", where=str(document.path),
            next=f"`aims document show {document.id} --table` says what is open",
        )  # fmt: skip
    if lines[0].rstrip() != FENCE:
        raise ConfigError(
            "the file is YAML alone, and the citations of the form stand in a text", where=str(document.path),
            next="make it a file .md: its fields between two lines ---, and its text below",
        )  # fmt: skip
    points = filled(asked, document.written.system, around)
    end = next(n for n, line in enumerate(lines[1:], 1) if line.rstrip() == FENCE)
    field = type(document.written).model_fields[asked.field]
    block = [*_stated(asked.field, points.statements), *_gaps(field, points.statements)]
    text = "\n".join([*lines[:end], *block, *lines[end:]]).rstrip()
    return "\n".join([text, *([""] if points.citations else []), *points.citations]) + "\n"


def draft_text(
    kind: str,
    system: str | None,
    known: dict[str, Any],
    around: LintContext,
    citations: tuple[str, ...] = (),
    notes: tuple[str, ...] = (),
) -> tuple[str, str]:
    """Return (name of the file, its text) of a draft of a kind with what is known of it, as plain values.

    `citations` are the lines below the text that say what marks in the known values rest on, `notes` stand as comments
    above the fields.
    """
    model = document_model(kind)
    facts: dict[str, Any] = {
        "id": draft_id(kind, system), "kind": kind, "title": _title(kind, system, around), "version": "1", **known,
    }  # fmt: skip
    if system is not None:
        facts["system"] = system
    guide = [f"# {line}" for line in (f"{kind}: {kinds()[kind].description}", *GUIDE)]
    head = [*guide, "", *_header(model, facts), *(f"# {note}" for note in notes), "", *_own_fields(model, facts)]
    if kind == "soa":
        head += [f"# {line}" for line in open_questions(around)]
    text = "\n".join(head).rstrip() + "\n"
    if not model.TEXT:
        return f"{facts['id']}.yaml", text
    body = "\n".join(
        [*_body(kind, str(facts["title"]), of_one=system is not None), *([""] if citations else []), *citations]
    )
    return f"{facts['id']}.md", f"---\n{text}---\n\n{body}\n"


def _title(kind: str, system: str | None, around: LintContext) -> str:
    entry = around.systems.get(system or "")
    what = TITLES.get(kind, kind.replace("-", " ").capitalize().replace("Ai ", "AI "))
    return f"{what}: {entry.name or system if entry else system}" if system else what


def _dumped(name: str, value: Any) -> str:
    dumped = yaml.safe_dump({name: value}, sort_keys=False, allow_unicode=True, width=WIDTH, default_flow_style=False)
    return dumped.rstrip("\n")


def _header(model: type[WrittenDocument], facts: dict[str, Any]) -> Iterator[str]:
    fields = model.model_fields
    for name in (*FIRST, "model_digests"):
        if facts.get(name) not in (None, (), []):
            yield _dumped(name, facts[name])
        elif name in ("owner", "author"):
            yield _dumped(name, f"TODO: {fields[name].description}")
        elif is_needed(fields[name]):
            yield f"# TODO {name}: {fields[name].description}"
        elif name == "retention_until":
            yield f"# {name}: {fields[name].description}"


def _own_fields(model: type[WrittenDocument], facts: dict[str, Any]) -> Iterator[str]:
    for name, field in model.model_fields.items():
        if name in HEADER:
            continue
        key = key_of(name, field)
        if key in facts:
            yield from _stated(key, facts[key])
            yield from _gaps(field, facts[key])
        else:
            yield f"# {'TODO ' if is_needed(field) else ''}{key}: {_question(field)}"
            inner = entry_model(field)
            if inner is not None:
                yield from _entry_form(inner, "- " if is_listed(field) else "")
            elif is_listed(field):
                yield "#   - "


def _stated(name: str, value: Any) -> Iterator[str]:
    """Yield a field with its value; one of which nothing is known stands open."""
    yield f"{name}:" if value == {} else _dumped(name, value)


def _gaps(field: Any, entries: Any) -> Iterator[str]:
    """Ask what the entries, or the points of one, that are filled in do not say."""
    inner = entry_model(field)
    if inner is None or not isinstance(entries, list | dict):
        return
    if isinstance(entries, dict):
        for name, part in inner.model_fields.items():
            if is_needed(part) and key_of(name, part) not in entries:
                yield f"  # TODO {key_of(name, part)}: {_question(part)}"
        return
    for name, part in inner.model_fields.items():
        key = key_of(name, part)
        if is_needed(part) and any(isinstance(e, dict) and key not in e and "not_in_data" not in e for e in entries):
            yield f"# TODO {key} of each entry above: {_question(part)}"


def _entry_form(model: type[BaseModel], mark: str) -> Iterator[str]:
    """Show the fields of an entry, as comments; `mark` begins each of several."""
    for number, (name, field) in enumerate(model.model_fields.items()):
        asked = _question(field) + ("" if field.is_required() or is_needed(field) else " (may be left out)")
        yield f"#   {mark if number == 0 else ' ' * len(mark)}{key_of(name, field)}:  # {asked}"


def _question(field: FieldInfo) -> str:
    """Return what a field asks, with the words of which it has to be one."""
    asked, words = str(field.description), choices(field)
    if all(word in asked for word in words):
        return asked
    return f"{asked} ({', '.join(words[:-1])} or {words[-1]})"


def _body(kind: str, title: str, *, of_one: bool) -> Iterator[str]:
    """Yield the text to write, by what an auditor asks for each control; 7.5 is left out, which is about all files."""
    yield f"# {title}"
    for control, _ in controls_for_kind(kind):
        if control == DOCUMENTED_INFORMATION:
            continue
        entry = require_control(control)
        yield ""
        yield f"## {entry.title} ({control})"
        yield ""
        asked = entry.auditor_asks if of_one else OF_ONE_SYSTEM.sub("each system", entry.auditor_asks)
        yield f"TODO: write here what answers an auditor's question: {asked}"

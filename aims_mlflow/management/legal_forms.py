"""Forms that a law asks for, each a field of a document: Art. 27, Annex IV, and Art. 13 with Art. 50 of the AI Act.

They are made from the same records as the other documents: register, impact assessment, risks, plans and evidence. What
a person wrote elsewhere stays that person's word; what nobody said is open, with the question of an auditor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

from aims_mlflow.errors import ConfigError, did_you_mean
from aims_mlflow.gates.person_statements import says
from aims_mlflow.management import legal_points
from aims_mlflow.management.known_statements import EVIDENCE, KnownStatement, KnownStatements
from aims_mlflow.management.passages import MARK
from aims_mlflow.records.documents import document_model, entry_model, is_needed

if TYPE_CHECKING:
    from aims_mlflow.management.folder import FolderDocument
    from aims_mlflow.management.rules.base import LintContext

Points = dict[str, Callable[[KnownStatements], Iterable[KnownStatement]]]


@dataclass(frozen=True)
class LegalForm:
    """A form: the kind and field of the document that it is part of, and what fills in each of its points.

    `mark` begins the names of its citations, so that they meet no other ones of the document.
    """

    title: str
    kind: str
    field: str
    mark: str
    points: Points


FORMS: dict[str, LegalForm] = {
    "fria": LegalForm(
        "Impact on fundamental rights (AI Act Art. 27)", "impact-assessment", "rights", "r", legal_points.RIGHTS
    ),
    "annex-iv": LegalForm(
        "Technical documentation (AI Act Annex IV)", "technical-documentation", "technical_file", "t",
        legal_points.TECHNICAL,
    ),
    "instructions": LegalForm(
        "Instructions for use and disclosure (AI Act Art. 13 and 50)", "user-information", "instructions", "u",
        legal_points.INSTRUCTIONS,
    ),
}  # fmt: skip


@dataclass(frozen=True)
class FilledForm:
    """A form as far as it is known: the statements of each point, and the lines that their citations need."""

    statements: dict[str, list[str]]
    citations: tuple[str, ...]


@dataclass(frozen=True)
class PointOrigin:
    """Where the answer to one point comes from.

    Attributes:
        point: Its field.
        asks: What an auditor asks there.
        machine: Statements that the evidence makes, as it is now.
        person: Statements of people, each with the document that they are taken from, or that is being read.
        optional: Whether the law does not ask for it in every case.
    """

    point: str
    asks: str
    machine: tuple[str, ...]
    person: tuple[tuple[str, str], ...]
    optional: bool = False

    @property
    def unanswered(self) -> bool:
        """Whether nothing answers it."""
        return not (self.machine or self.person)

    @property
    def open(self) -> bool:
        """Whether nothing answers it, and something has to."""
        return self.unanswered and not self.optional

    @property
    def sentence(self) -> str:
        """How many statements come from where, or what is open."""
        if self.open:
            return f"open: {self.asks}"
        if self.unanswered:
            return f"not stated, and not asked for in every case: {self.asks}"
        return f"{len(self.machine)} machine-made, {len(self.person)} written by a person"

    def plain(self) -> dict[str, Any]:
        """Return it as JSON values."""
        person = [{"text": text, "document": source} for text, source in self.person]
        return {
            "point": self.point, "asks": self.asks, "machine": list(self.machine), "person": person, "open": self.open
        }  # fmt: skip


def legal_form(name: str, kind: str) -> LegalForm:
    """Return a form by its name.

    Raises:
        ConfigError: there is none of that name, or it belongs to another kind of document.
    """
    if name not in FORMS:
        hint = did_you_mean(name, FORMS)
        raise ConfigError(f"{name!r} is no form" + (f", {hint}" if hint else ""), next=f"forms are {', '.join(FORMS)}")
    form = FORMS[name]
    if form.kind != kind:
        raise ConfigError(f"the form {name} is part of a document of kind {form.kind}, not {kind}")
    return form


def filled(form: LegalForm, system: str | None, around: LintContext) -> FilledForm:
    """Return what is known of each point of a form, as texts with marks, and the citations below."""
    statements: dict[str, list[str]] = {}
    names: dict[str, str] = {}
    for point, found in _known(form, system, around).items():
        for each in found:
            mark = ""
            if each.cited is not None:
                mark = f"[^{names.setdefault(each.cited, f'{form.mark}{len(names) + 1}')}]"
            statements.setdefault(point, []).append(each.marked(mark))
    lines = tuple(f"[^{name}]: evidence {cited}" for cited, name in names.items())
    return FilledForm(statements, lines)


def point_origins(document: FolderDocument, around: LintContext) -> dict[str, list[PointOrigin]]:
    """Return, for each form that a document has, where the answer to each of its points comes from now."""
    out = {}
    for name, form in FORMS.items():
        stated = document.fields.get(form.field)
        if form.kind == document.written.kind and isinstance(stated, dict):
            out[name] = list(_origins(form, stated, document, around))
    return out


def _origins(
    form: LegalForm, stated: dict[str, Any], document: FolderDocument, around: LintContext
) -> Iterator[PointOrigin]:
    known = _known(form, document.written.system, around)
    model = entry_model(document_model(form.kind).model_fields[form.field])
    for point, field in model.model_fields.items() if model else ():
        sources = {k.marked(): k.source for k in known.get(point, ())}
        value = stated.get(point)
        texts = [str(t) for t in (value if isinstance(value, list) else [value]) if says(t)]
        told = [(text, sources.get(MARK.sub("", text), document.id)) for text in texts]
        yield PointOrigin(
            point,
            field.description or point,
            tuple(text for text, source in told if source == EVIDENCE),
            tuple((text, source) for text, source in told if source != EVIDENCE),
            optional=not is_needed(field),
        )


def _known(form: LegalForm, system: str | None, around: LintContext) -> dict[str, list[KnownStatement]]:
    statements = KnownStatements(system, around)
    found: dict[str, dict[str, KnownStatement]] = {}
    for point, make in form.points.items():
        for each in make(statements):
            found.setdefault(point, {}).setdefault(each.text, each)
    return {point: list(each.values()) for point, each in found.items()}


def as_table(origins: Iterable[PointOrigin]) -> str:
    """Return the origins as a table in Markdown: machine-made, a person's word, and what is open."""
    rows = [("Point", "Machine-made", "A person wrote", "Open: an auditor would ask")]
    for each in origins:
        person = "; ".join(f"{text} ({source})" for text, source in each.person)
        rows.append((each.point, "; ".join(each.machine), person, each.asks if each.unanswered else ""))
    lines = ["| " + " | ".join(_cell(text) for text in row) + " |" for row in rows]
    return "\n".join(chain(lines[:1], ["|---|---|---|---|"], lines[1:]))


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())

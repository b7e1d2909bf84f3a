"""Where each field of a document comes from: register and evidence, a person's word, or nowhere yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from aims_mlflow.gates.person_statements import says
from aims_mlflow.management.known_facts import known_facts
from aims_mlflow.management.legal_forms import FORMS
from aims_mlflow.records.documents import is_needed, key_of
from aims_mlflow.records.documents.base import HEADER

if TYPE_CHECKING:
    from aims_mlflow.management.folder import FolderDocument
    from aims_mlflow.management.rules.base import LintContext

FORM_FIELDS = frozenset(form.field for form in FORMS.values())
Origin = Literal["machine", "person", "machine and person", "open"]


def field_origins(document: FolderDocument, around: LintContext) -> dict[str, Origin]:
    """Return the origin of each field of a document's kind that it states, or that *met* needs.

    The points of a legal form have origins of their own (`legal_forms.point_origins`).
    `machine`: what register and evidence say now; `machine and person`: such entries, completed or beside others.
    """
    known = known_facts(document.written.kind, document.written.system, around)
    out: dict[str, Origin] = {}
    for name, field in type(document.written).model_fields.items():
        key = key_of(name, field)
        if name in HEADER or name in FORM_FIELDS:
            continue
        value = document.fields.get(key)
        if says(value) or isinstance(value, bool):
            out[key] = _origin(value, known.get(key))
        elif is_needed(field):
            out[key] = "open"
    return out


def _origin(value: Any, known: Any) -> Origin:
    if known is None:
        return "person"
    if value == known:
        return "machine"
    entries = known if isinstance(known, list) else [known]
    stated = value if isinstance(value, list) else [value]
    return "machine and person" if any(_is_part(k, v) for k in entries for v in stated) else "person"


def _is_part(known: Any, stated: Any) -> bool:
    """Return whether a statement has what is known, alone or completed."""
    if isinstance(known, dict) and isinstance(stated, dict):
        return all(stated.get(key) == value for key, value in known.items())
    return bool(known == stated)

"""Who set each limit of a pack: the limit's own author, else the pack's; of a default, the authors of the software."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aims_mlflow.records.base import Record
from aims_mlflow.records.limit import LimitAuthor

if TYPE_CHECKING:
    from aims_mlflow.records.pack import Pack

DEFAULT: dict[str, str | None] = {"set_by": "the authors of aims_mlflow (default)", "set_on": "2026-11-28"}
# Fields of a section that are no limits of its own: the entries of a list name their authors themselves.
NOT_OWN = {
    "controls",
    "limits",
    "expectations",
    "groups",
    "examples",
    "populations",
    "slices",
    "set_aside",
    "reference",
}


def with_origins(pack: Pack, *, root: bool = False) -> Pack:
    """Return a pack whose limits know who set them and when; without an author of the pack, those stay unknown.

    Sections that a child leaves out keep what their parent says; those that a `root` leaves out are defaults.
    """
    sections: dict[str, Any] = {}
    for name in type(pack).model_fields:
        section = getattr(pack, name)
        if not isinstance(section, Record):
            continue
        if name in pack.model_fields_set:
            sections[name] = _section(section, pack.author, DEFAULT if root else {})
        elif root:
            sections[name] = _section(section, DEFAULT, DEFAULT)
    return pack.model_copy(update=sections)


def _section(section: Record, own: dict[str, str | None], default: dict[str, str | None]) -> Record:
    """Return a section with the author of what stands in it; `default` is that of what it leaves out."""
    update: dict[str, Any] = {}
    written = section.model_fields_set - NOT_OWN
    if isinstance(section, LimitAuthor) and section.set_by is None:
        update = {**(own if written else default)}
    for name in ("limits", "expectations"):
        entries = getattr(section, name, ())
        author = own if name in section.model_fields_set else default
        if entries and author:
            update[name] = tuple(e if e.set_by else e.model_copy(update=dict(author)) for e in entries)
    return section.model_copy(update={key: value for key, value in update.items() if value is not None})

"""The people whom a document names, with the field in which each stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aims_mlflow.records.documents.base import WrittenDocument

    Path = tuple[str | int, ...]

PEOPLE_FIELDS = (
    "owner",
    "author",
    "approver",
    "person",
    "deputy",
    "who_acts",
    "who_may_stop",
    "responsible",
    "accepted_by",
    "approved_by",
    "decided_by",
    "evaluator",
    "read_by",
    "who_reads",
    "members",
    "top_management",
    "by",
    "auditors",
    "reported_to",
)
# What somebody did who was there then: that they left since changes nothing about it.
HISTORY = frozenset(
    {
        "author",
        "approver",
        "accepted_by",
        "approved_by",
        "decided_by",
        "evaluator",
        "read_by",
        "by",
        "auditors",
        "reported_to",
    }
)
OUTSIDE = "outside"


def named_people(
    document: WrittenDocument, fields: Mapping[str, Any], today: str | None = None
) -> Iterator[tuple[Path, str]]:
    """Yield (place, name) of each person whom a document names, in its header and in the fields of its kind.

    With `today`, entries that ended before that day (`until`) are left out.
    """
    for name in ("owner", "author", "approver"):
        value = getattr(document, name)
        if value:
            yield (name,), value
    yield from _inside(dict(fields), (), today)


def _inside(value: Any, at: Path, today: str | None) -> Iterator[tuple[Path, str]]:
    if isinstance(value, dict):
        # Who tests a channel from outside, and who takes a step in an incident, may belong to somebody else.
        stranger = value.get("by") == OUTSIDE or "what" in value
        if not stranger and (today is None or not _ended(value, today)):
            for key, item in value.items():
                yield from _inside(item, (*at, key), today)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            at_item = (*at, index)
            # Several names of one field: the field tells that they are people.
            if isinstance(item, str) and at and at[-1] in PEOPLE_FIELDS:
                yield at_item, item
            else:
                yield from _inside(item, at_item, today)
    elif isinstance(value, str) and at[-1] in PEOPLE_FIELDS and value not in (OUTSIDE, "inside"):
        yield at, value


def _ended(entry: Mapping[str, Any], today: str) -> bool:
    return bool(entry.get("until")) and str(entry["until"]) < today

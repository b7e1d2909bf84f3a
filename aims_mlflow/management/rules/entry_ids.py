"""Rule D11: what names an entry of a list, such as its id, names no other entry of that list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel

from aims_mlflow.gates.document_content.stated_results import direction
from aims_mlflow.management.rules.base import Spot
from aims_mlflow.records.documents.context import ScanItem
from aims_mlflow.records.documents.information import PreparationCriterion
from aims_mlflow.records.documents.lifecycle import ResourceEntry, WatchedMetric

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from aims_mlflow.management.folder import FolderDocument
    from aims_mlflow.management.rules.base import Check, LintContext

    Place = tuple[str | int, ...]

# What names an entry whose id is none, or does not suffice: one server is a resource of several stages.
NAMED_BY: dict[type[BaseModel], Callable[..., tuple[object, ...]]] = {
    ScanItem: lambda item: (item.kind, item.id, item.source),
    ResourceEntry: lambda entry: (entry.stage, entry.resource, entry.id),
    PreparationCriterion: lambda criterion: (criterion.step,),
    # A metric may have a lower and an upper limit.
    WatchedMetric: lambda watched: (watched.metric, sorted(watched.slice.items()), direction(watched.limit)),
}


def _repeated(document: FolderDocument, around: LintContext) -> Iterator[Spot]:  # noqa: ARG001
    for place, entry, first in repeated_entries(document.written):
        name = getattr(entry, "id", None) or _named(entry)[0]
        yield Spot(document.line(*place), f"{name} is entry {first + 1} and entry {int(place[-1]) + 1} of {place[-2]}")


def repeated_entries(within: BaseModel, at: Place = ()) -> Iterator[tuple[Place, BaseModel, int]]:
    """Yield (place, entry, number of the first one) of each entry that is named like one before it in its list."""
    for field in type(within).model_fields:
        value = getattr(within, field)
        if isinstance(value, BaseModel):
            yield from repeated_entries(value, (*at, field))
        elif isinstance(value, tuple):
            first: dict[tuple[str, ...], int] = {}
            for number, entry in enumerate(e for e in value if isinstance(e, BaseModel)):
                name = tuple(str(part).casefold().strip() for part in _named(entry))
                if name and first.setdefault(name, number) != number:
                    yield (*at, field, number), entry, first[name]
                yield from repeated_entries(entry, (*at, field, number))


def _named(entry: BaseModel) -> tuple[object, ...]:
    """Return what names an entry; nothing where it has no name."""
    if type(entry) in NAMED_BY:
        return NAMED_BY[type(entry)](entry)
    name = getattr(entry, "id", None)
    return (name,) if name else ()


CHECKS: dict[str, Check] = {"D11": _repeated}

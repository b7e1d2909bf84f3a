"""`scan`: what the named sources show of AI systems, as one value; a source that cannot be read is listed as such."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aims_mlflow.errors import AimsError
from aims_mlflow.records.base import utc_text
from aims_mlflow.records.counts import how_many
from aims_mlflow.records.inventory import Inventory, InventorySource

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from aims_mlflow.records.inventory import InventoryItem


@dataclass(frozen=True)
class SourceContent:
    """What one source has: its items, what of it is never looked at, and what could not be read, with the reason."""

    items: tuple[InventoryItem, ...]
    left_out: str | None = None
    unread: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class SourceReader:
    """A source that a scan reads: its kind and address, and the function that reads it."""

    kind: str
    address: str
    read: Callable[[], SourceContent]


def scan(
    readers: Iterable[SourceReader], now: datetime, version: str, tell: Callable[[str], None] = lambda _: None
) -> Inventory:
    """Read every source, and return what was found.

    Args:
        readers: The sources.
        now: When the scan is made.
        version: Version of this package.
        tell: Is told each source before it is read.
    """
    sources: list[InventorySource] = []
    items: list[InventoryItem] = []
    for reader in readers:
        tell(f"{reader.kind} of {reader.address}")
        try:
            content = reader.read()
        except AimsError as exc:
            sources.append(InventorySource(kind=reader.kind, address=reader.address, failed=exc.sentence()))
            continue
        found = {item.key: item for item in content.items}
        sources.append(
            InventorySource(
                kind=reader.kind, address=reader.address, items_seen=len(found), left_out=content.left_out,
                unread=dict(content.unread),
            )
        )  # fmt: skip
        items.extend(found.values())
    return Inventory(time=utc_text(now), tool_version=version, sources=tuple(sources), items=tuple(items))


def carried_over(before: Inventory | None, found: Inventory) -> Inventory:
    """Return a scan with the items of sources that an earlier scan read and this one did not.

    So nothing unknown vanishes because a source does not answer for a day. The source stands as not read, with the day
    of its items. What no source dates is first seen when the first scan saw it.
    """
    seen = {i.key: i.first_seen for i in before.items} if before else {}
    items = [
        i if i.first_seen else i.model_copy(update={"first_seen": seen.get(i.key) or found.time}) for i in found.items
    ]
    if before is None:
        return found.model_copy(update={"items": tuple(items)})
    read = {(s.kind, s.address) for s in found.scanned}
    sources = [s for s in found.sources if s.failed is None]
    for source in (*found.sources, *before.sources):
        place = (source.kind, source.address)
        if place in read:
            continue
        read.add(place)
        old = [i for i in before.items if (i.source, i.address) == place]
        why = source.failed or "not named in this scan"
        since = f"; {how_many(len(old), 'item')} of it as of {before.time[:10]}" if old else ""
        sources.append(
            source.model_copy(update={"failed": f"{why.partition('; its ')[0]}{since}", "items_seen": len(old)})
        )
        items += old
    return found.model_copy(update={"sources": tuple(sources), "items": tuple(items)})

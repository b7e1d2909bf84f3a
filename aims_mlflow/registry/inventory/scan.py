"""`scan`: what the named sources show of AI systems, as one value; a source that cannot be read is listed as such."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aims_mlflow.errors import AimsError
from aims_mlflow.records.base import utc_text
from aims_mlflow.records.inventory import Inventory, InventorySource

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from aims_mlflow.records.inventory import InventoryItem


@dataclass(frozen=True)
class SourceContent:
    """What one source has: its items, and what of it was not looked at."""

    items: tuple[InventoryItem, ...]
    left_out: str | None = None


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
            InventorySource(kind=reader.kind, address=reader.address, items_seen=len(found), left_out=content.left_out)
        )
        items.extend(found.values())
    return Inventory(time=utc_text(now), tool_version=version, sources=tuple(sources), items=tuple(items))

"""What a scan of registries, gateways, traces, source trees and vendor lists found: a value without input or output."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from aims_mlflow.records.base import Record, Time

ItemKind = Literal[
    "registered model", "alias", "logged models", "gateway endpoint", "provider", "MCP server", "prompt",
    "import", "model file", "vendor product", "skill",
]  # fmt: skip
# Kinds of item by which a system answers requests now.
SERVING = ("alias", "gateway endpoint")


class InventorySource(Record):
    """A place that a scan looked at, or could not look at.

    Attributes:
        kind: Kind of place, such as `registered models`.
        address: Its address or path.
        items_seen: How many items it has; 0 where it could not be read.
        left_out: What of it was not looked at, and why; None where nothing was left out.
        failed: Why it could not be read; None where it was.
        unread: What of it was to be read and could not be, with the reason.
    """

    kind: str
    address: str
    items_seen: int = Field(0, ge=0)
    left_out: str | None = None
    failed: str | None = None
    unread: dict[str, str] = Field(default_factory=dict)


class InventoryItem(Record):
    """One thing that a scan found.

    Attributes:
        kind: What it is.
        id: Its name, unique among items of its kind and source.
        source: Kind of the source in which it was found.
        address: Address of that source.
        names: Names by which a system's entry may claim it, its id among them.
        first_seen: When the source says that it was made; None where it does not say.
        volume: How much of it there is, such as spans or models; None where it is one thing.
        facts: What else the source says of it.
    """

    kind: ItemKind
    id: str
    source: str
    address: str
    names: tuple[str, ...] = ()
    first_seen: Time | None = None
    volume: int | None = None
    facts: dict[str, str] = Field(default_factory=dict)

    @property
    def key(self) -> str:
        """What tells it from every other item, in every scan of the same place."""
        return f"{self.kind}:{self.id}@{self.address}"

    @property
    def called(self) -> str:
        """The item as a sentence names it."""
        return f"{self.kind} {self.id}"


class Inventory(Record):
    """What one scan found; that nothing else exists, it cannot say.

    Attributes:
        time: When the scan ended.
        tool_version: Version of this package.
        sources: Places that were looked at, and those that could not be.
        items: What was found, in the order of sources.
    """

    time: Time
    tool_version: str
    sources: tuple[InventorySource, ...] = ()
    items: tuple[InventoryItem, ...] = ()

    @property
    def scanned(self) -> tuple[InventorySource, ...]:
        """The sources that could be read."""
        return tuple(s for s in self.sources if s.failed is None)

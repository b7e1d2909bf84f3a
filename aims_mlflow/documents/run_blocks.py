"""Blocks of the page of a run alone: pictures that were drawn before, and boxes that a reader opens one by one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aims_mlflow.documents.page_blocks import Block, PageCell, Text


@dataclass(frozen=True)
class Image:
    """A picture that was drawn before: its data URI, what it shows in words, what stands below it, and its anchor.

    Inside `<img>` a picture can run no script.
    """

    uri: str
    told: str
    caption: Text
    id: str


@dataclass(frozen=True)
class Gallery:
    """Pictures, one below the other."""

    title: str
    images: Sequence[Image]
    kind: str = "gallery"


@dataclass(frozen=True)
class FoldedBox:
    """A box with a heading line that is always seen, and blocks that are seen when it is open.

    `id` is the anchor of its heading.
    """

    id: str
    state: PageCell
    title: str
    blocks: Sequence[Block]
    reason: str = ""
    open: bool = False


@dataclass(frozen=True)
class FoldedBoxes:
    """Boxes that a reader opens one by one."""

    title: str
    boxes: Sequence[FoldedBox]
    note: str = ""
    kind: str = "boxes"

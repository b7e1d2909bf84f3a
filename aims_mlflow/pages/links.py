"""Links of a page's view model: which there are, and the same page with other addresses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from aims_mlflow.documents.page_blocks import Facts, PageCell, PageTable, Prose

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from aims_mlflow.documents.page_blocks import Block, PageView

    Change = Callable[[str], str]


def links_of(view: PageView) -> Iterator[str]:
    """Yield the address behind each link of a page, in the order of the page."""
    found: list[str] = []

    def note(address: str) -> str:
        found.append(address)
        return address

    relinked(view, note)
    yield from found


def relinked(view: PageView, change: Change) -> PageView:
    """Return the page with each address changed; one that becomes empty is no link any more."""
    return replace(
        view,
        crumbs=tuple((name, change(address)) for name, address in view.crumbs),
        lead=tuple(_value(each, change) for each in view.lead),
        blocks=tuple(_block(block, change) for block in view.blocks),
        older=change(view.older) if view.older else "",
        newer=change(view.newer) if view.newer else "",
    )


def _block(block: Block, change: Change) -> Block:
    if isinstance(block, Facts):
        return replace(block, rows=[(name, _values(values, change)) for name, values in block.rows])
    if isinstance(block, PageTable):
        return replace(block, rows=[tuple(_value(each, change) for each in row) for row in block.rows])
    if isinstance(block, Prose):
        return replace(block, sentences=[_value(each, change) for each in block.sentences])
    return block


def _values(value: Any, change: Change) -> Any:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_value(each, change) for each in value]
    return _value(value, change)


def _value(value: Any, change: Change) -> Any:
    if isinstance(value, PageCell) and value.href:
        return replace(value, href=change(value.href))
    return value

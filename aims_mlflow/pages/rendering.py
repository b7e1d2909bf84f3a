"""A page as HTML, CSV and JSON: three renderings of one view model."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aims_mlflow.documents.page_blocks import (
    Facts,
    Form,
    PageCell,
    PageTable,
    PageView,
    Picture,
    Prose,
    TextBlock,
    cell,
)
from aims_mlflow.documents.page_html import cells, page_html, stylesheet
from aims_mlflow.pages.site import MENU

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aims_mlflow.documents.page_blocks import Block
    from aims_mlflow.pages.source import PageSource

_NUMBER = re.compile(r"[-+]?[0-9.,%]+")
# Spreadsheets take a cell that begins so for a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


@dataclass(frozen=True)
class OfflineFrame:
    """What stands around a page of a bundle: where its links lead, and how much of the ledger is here.

    `menu` has (name, address on the site, address of the file); `twins` the files of the other formats, and `path` is
    the page's own file in the bundle.
    """

    menu: Sequence[tuple[str, str, str]]
    start: str
    check: str
    twins: Mapping[str, str]
    leaves: int
    path: str


@dataclass(frozen=True, kw_only=True)
class PageFrame:
    """What stands around every page: its cut-off, its checkpoint, and where its links lead.

    `root` is the address of the pages' root as a link from this page, and `host` the scheme and host before it.
    """

    root: str
    time: str
    leaves: int
    sealed: str
    origin: str
    checkpoint: int | None
    checkpoint_root: str
    behind: bool
    whole: bool
    print_view: bool = False
    offline: OfflineFrame | None = None
    host: str = ""

    @classmethod
    def of(cls, source: PageSource, root: str, *, host: str = "", print_view: bool = False) -> PageFrame:
        """Return the frame of a page that was made from this source."""
        head, (leaves, sealed) = source.head, source.cut_off
        return cls(
            root=root,
            time=source.moment[:19],
            leaves=leaves,
            sealed=sealed[:19],
            origin=head.origin if head else "",
            checkpoint=head.size if head else None,
            checkpoint_root=head.root.hex() if head else "",
            behind=source.behind,
            whole=source.scope.whole,
            print_view=print_view,
            host=host,
        )


def as_html(view: PageView, frame: PageFrame) -> bytes:
    """Return the page as HTML; every text is escaped."""
    path, _, query = view.address.partition("?")
    path = (path or "index").removesuffix(".html")
    menu = [(name, address, f"{frame.root}{address}") for name, address in MENU]
    return page_html(
        "site_page.html.j2",
        view,
        frame.root,
        print_view=frame.print_view,
        frame=frame,
        menu=frame.offline.menu if frame.offline else menu,
        twin=lambda kind: f"{path}.{kind}" + (f"?{query}" if query else ""),
        style=stylesheet().decode() if frame.offline else "",
    )


def as_json(view: PageView, frame: PageFrame) -> bytes:
    """Return the page as one JSON object: the texts of the page, with states and addresses as fields."""
    data = {
        "title": view.title,
        "address": view.address,
        "as_of": f"{frame.time}Z",
        "leaves": frame.leaves,
        "last_leaf_sealed": f"{frame.sealed}Z" if frame.sealed else None,
        "checkpoint": None
        if frame.checkpoint is None
        else {"origin": frame.origin, "size": frame.checkpoint, "root": frame.checkpoint_root},
        "index_is_behind": frame.behind,
        "shows_all_models": frame.whole,
        "lead": [_value(each) for each in view.lead],
        "blocks": [_block(block) for block in view.blocks if not isinstance(block, Form)],
        "next": view.newer or None,
    }
    return (json.dumps(data, ensure_ascii=False, indent=1) + "\n").encode()


def _block(block: Block) -> dict[str, Any]:
    out: dict[str, Any] = {"kind": block.kind, "title": block.title}
    if isinstance(block, PageTable):
        total = len(block.rows) if block.total is None else block.total
        rows = [dict(zip(block.columns, map(_value, row), strict=True)) for row in block.rows]
        more = {"more_than_total": True} if block.or_more else {}
        return {**out, "rows": rows, "first": block.first, "total": total, **more, "note": block.note}
    if isinstance(block, Facts):
        return {**out, "facts": {name: [_value(c) for c in cells(values)] for name, values in block.rows}}
    if isinstance(block, TextBlock):
        return {**out, "text": block.text, "note": block.note}
    if isinstance(block, Picture):
        return {**out, "text": block.told}
    return {**out, "sentences": [_value(s) for s in block.sentences] if isinstance(block, Prose) else []}


def _value(value: Any) -> Any:
    if isinstance(value, PageCell):
        more = {"state": value.state, "href": value.href}
        return (
            {"text": value.text, **{name: text for name, text in more.items() if text}}
            if any(more.values())
            else value.text
        )
    return value


def as_csv(view: PageView, frame: PageFrame, number: int = 0) -> bytes:
    """Return the page's first table, or the table with this number, as CSV; without a table, its facts.

    Each row ends with the time of the page and the checkpoint. A text that a spreadsheet would take for a formula
    begins with an apostrophe.
    """
    stream = io.StringIO()
    writer = csv.writer(stream)
    tables = [block for block in view.blocks if isinstance(block, PageTable)]
    around = (f"{frame.time}Z", "" if frame.checkpoint is None else f"{frame.origin} {frame.checkpoint}")
    if tables:
        table = tables[min(number, len(tables) - 1)]
        writer.writerow([*map(_plain, table.columns), "as of", "checkpoint"])
        writer.writerows([*(_plain(cell(value).text) for value in row), *around] for row in table.rows)
    else:
        writer.writerow(["part", "name", "value", "as of", "checkpoint"])
        for block in (block for block in view.blocks if isinstance(block, Facts)):
            for name, values in block.rows:
                text = "; ".join(c.text for c in cells(values))
                writer.writerow([_plain(block.title), _plain(name), _plain(text), *around])
    return stream.getvalue().encode()


def _plain(text: str) -> str:
    return f"'{text}" if text.startswith(FORMULA) and not _NUMBER.fullmatch(text) else text

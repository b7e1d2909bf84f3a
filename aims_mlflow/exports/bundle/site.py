"""The auditor's pages in a bundle: the same views and template as on the server, as files that open offline.

They are made from the bundle's other files alone, as of the last leaf that is in it: whoever has the bundle makes them
again and compares.
"""

from __future__ import annotations

import hashlib
import re
import sqlite3
import tempfile
from collections import deque
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from aims_mlflow.documents.page_blocks import Form, to
from aims_mlflow.errors import AimsError, EvidenceError
from aims_mlflow.exports.bundle import layout
from aims_mlflow.exports.bundle.site_notes import MOST_HISTORIES, start_page, with_files, without_history
from aims_mlflow.exports.bundle.site_search import DRAWN, drawn_blocks, search_page
from aims_mlflow.ledger.proofs import Proof
from aims_mlflow.pages.index import PageIndex
from aims_mlflow.pages.links import links_of, relinked
from aims_mlflow.pages.rendering import OfflineFrame, PageFrame, as_csv, as_html, as_json
from aims_mlflow.pages.scope import EVERYTHING
from aims_mlflow.pages.site import MENU, found_at
from aims_mlflow.pages.source import PageSource, SharedSource
from aims_mlflow.records.base import parse_time

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aims_mlflow.documents.page_blocks import PageView
    from aims_mlflow.exports.bundle.ledger import PartLedger
    from aims_mlflow.ledger.checkpoint import Checkpoint

MOST_PAGES = 3000
LISTED = "search"  # the server's answers questions; the bundle's lists everything, and is made last
ALONE = ("record", "claim", "leaf", "policy")  # their content is in the bundle as JSON already: no twins
FAILURES = (AimsError, sqlite3.Error, ArithmeticError, LookupError, TypeError, ValueError, AttributeError)
_PLAIN = re.compile(r"[A-Za-z0-9.-]", re.ASCII)
_SIGNS = {"/": "_", "?": "@", "&": "+"}
LONGEST = 120
MOST_CLAIMS, MOST_ROWS = 60, 1000  # of one record, and of one table
_CLAIM = re.compile(r"claims/[^/]+/(\d{1,9})", re.ASCII)
_PART = re.compile(r"[?&]from=(\d{1,9})\b", re.ASCII)


class PartProofs:
    """The proofs that a bundle has: each of its leaves below its one checkpoint."""

    def __init__(self, view: PartLedger) -> None:
        self._view = view

    def newest(self) -> Checkpoint | None:
        """Return the bundle's checkpoint."""
        return self._view.head()

    def covering(self, size: int) -> Checkpoint | None:
        """Return the bundle's checkpoint if it is over at least `size` leaves."""
        head = self._view.head()
        return head if head.size >= size else None

    def inclusion(self, sequence: int) -> Proof:
        """Return the proof that is in the bundle for a leaf."""
        leaf = self._view.leaf(sequence)
        if leaf is None:
            raise EvidenceError("the leaf is not in this bundle", where=f"leaf {sequence}")
        path = tuple(self._view.path(sequence))
        return Proof(sequence, bytes.fromhex(leaf.leaf_hash), path, self._view.head())

    def consistency(self, old: int, size: int) -> list[bytes]:
        """Refuse: a page of a bundle is asked nothing."""
        raise EvidenceError(f"no proof from {old} to {size} leaves is asked for in a bundle")


def file_name(address: str) -> str:
    """Return the file name of a page: plain on every file system, and another one for each address."""
    text = "".join(
        c if _PLAIN.match(c) else _SIGNS.get(c) or "".join(f"={byte:02X}" for byte in c.encode()) for c in address
    )
    short = f"{text[:LONGEST]}={hashlib.sha256(address.encode()).hexdigest()[:24]}" if len(text) > LONGEST else text
    return short if short[:1] not in (".", "") else f"={short}"


@dataclass(frozen=True)
class OfflinePage:
    """One page: its name in the site, its view model, and the stem of its file."""

    kind: str
    view: PageView
    stem: str


class OfflineSite:
    """All pages of a bundle, found by following the links from the menu, up to `most` of them."""

    def __init__(self, view: PartLedger, about: Mapping[str, Any], most: int = MOST_PAGES) -> None:
        self._view, self._about, self._most = view, about, most
        self._pages: dict[str, OfflinePage] = {}
        self._left_out = 0

    def files(self) -> dict[str, bytes]:
        """Return the files of the pages, by their names in the bundle; {} for a bundle without a leaf."""
        leaves = list(self._view.leaves())
        if not leaves:
            return {}
        with tempfile.TemporaryDirectory() as folder:
            shared = SharedSource(self._view, PageIndex(Path(folder) / "pages.db"), PartProofs(self._view), roots=())
            while not shared.index.refresh(self._view):
                pass
            source = PageSource(shared, EVERYTHING, parse_time(leaves[-1].fact.time), deadline=float("inf"))
            self._follow(source)
            frame = PageFrame.of(source, "")
            out: dict[str, bytes] = {}
            for page in self._pages.values():
                out |= self._rendered(page, frame, len(leaves))
            shared.index.connection.close()
        return out

    def _follow(self, source: PageSource) -> None:
        """Make the pages in the order of clicks from the menu, then the list of all."""
        self._follow_links(source, [address for _, address in MENU if address != LISTED])
        self._pages[LISTED] = OfflinePage(LISTED, search_page(source), LISTED)

    def _follow_links(self, source: PageSource, menu: Sequence[str]) -> None:
        waiting, known, taken = deque(menu), set(menu), set[str]()
        while waiting:
            address = waiting.popleft()
            if len(self._pages) >= self._most - 1:  # one is the list of all
                self._left_out += len(waiting) + 1
                return
            if _too_far(address):
                self._left_out += 1
                continue
            page = self._made(source, address)
            if page is None:
                continue
            if page.stem.lower() in taken:  # some file systems take A and a for one letter
                page = replace(page, stem=f"{page.stem}={hashlib.sha256(address.encode()).hexdigest()[:24]}")
            taken.add(page.stem.lower())
            self._pages[address] = page
            found = [link for link in links_of(page.view) if link and not link.startswith(layout.FILE)]
            waiting.extend(link for link in dict.fromkeys(found) if link not in known)
            known.update(found)

    def _made(self, source: PageSource, address: str) -> OfflinePage | None:
        """Return a page; None for one that is not there, cannot be made, or needs a server."""
        path, _, query = address.partition("?")
        place = found_at(path)
        if place is None or place[0].name == LISTED or not self._has_history(place[0].name, query):
            return None
        page, args = place
        try:
            view = page.view(source, args, dict(parse_qsl(query)))
        except FAILURES:
            return None
        if not view.found:
            return None
        blocks = tuple(block for block in view.blocks if not isinstance(block, Form))
        if page.name == "sample":
            view, blocks = replace(view, lead=(DRAWN,)), (*drawn_blocks(source), *blocks)
        view = with_files(replace(view, blocks=blocks, address=path), page.name, args, self._view)
        return OfflinePage(page.name, view, file_name(address) if address else "index")

    def _has_history(self, name: str, query: str) -> bool:
        """Return whether a page of history is here: of some versions one, with all of their controls."""
        if "history=" not in query:
            return True
        made = sum("?history=" in address for address in self._pages)
        self._left_out += name == "version" and made >= MOST_HISTORIES
        return name == "version" and made < MOST_HISTORIES

    # -- files ----------------------------------------------------------------------------------

    def _rendered(self, page: OfflinePage, frame: PageFrame, leaves: int) -> dict[str, bytes]:
        folder = "" if page.kind == "overview" else layout.PAGES
        view = page.view
        if page.kind == "overview":
            view = start_page(view, self._about, len(self._pages), self._left_out)
        view = without_history(view, self._pages)
        view = relinked(view, lambda link: self._link(link, folder))
        twins = {} if page.kind in ALONE else {kind: f"{page.stem}.{kind}" for kind in ("csv", "json")}
        path = f"{folder}{page.stem}.html"
        around = replace(frame, offline=self._around(folder, twins, leaves, path))
        out = {path: as_html(view, around)}
        if twins:
            out[f"{folder}{page.stem}.csv"] = as_csv(view, around)
            out[f"{folder}{page.stem}.json"] = as_json(view, around)
        return out

    def _around(self, folder: str, twins: Mapping[str, str], leaves: int, path: str) -> OfflineFrame:
        up = "../" if folder else ""
        menu = [(name, a, link) for name, a in MENU if (link := self._link(a, folder))]
        return OfflineFrame(menu, f"{up}{layout.INDEX}", f"{up}{layout.HOW_TO}", twins, leaves, path)

    def _link(self, address: str, folder: str) -> str:
        """Return the file behind an address, as seen from a folder; empty where the bundle has no such page."""
        up = "../" if folder else ""
        if address.startswith(layout.FILE):
            return f"{up}{address.removeprefix(layout.FILE)}"
        page = self._pages.get(_history_of_version(address))
        if page is None:
            return ""
        if page.kind == "overview":
            return f"{up}{layout.INDEX}"
        return f"{'' if folder else layout.PAGES}{page.stem}.html"


def _history_of_version(address: str) -> str:
    """Return the page of a version's history for the history of one of its controls; any other address as it is."""
    path, _, query = address.partition("?")
    asked = dict(parse_qsl(query))
    if not path.startswith("controls/") or "history" not in asked:
        return address
    return to("models", asked.get("model"), asked.get("version"), history="all")


def _too_far(address: str) -> bool:
    """Return whether a page shows a claim, or rows of a table, beyond the first: records may have 10,000."""
    claim, part = _CLAIM.fullmatch(address), _PART.search(address)
    return bool((claim and int(claim[1]) >= MOST_CLAIMS) or (part and int(part[1]) > MOST_ROWS))


def site_files(view: PartLedger, about: Mapping[str, Any]) -> dict[str, bytes]:
    """Return the auditor's pages of a bundle, by their names in it."""
    return OfflineSite(view, about).files()

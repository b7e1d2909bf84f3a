"""What several pages share: names, days, paging, and links to what a row is about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aims_mlflow.documents.page_blocks import PageCell, code_cell, state_cell, to, with_query
from aims_mlflow.gates.waivers import last_day
from aims_mlflow.pages.scope import GONE
from aims_mlflow.records.result_words import result_word

if TYPE_CHECKING:
    from collections.abc import Mapping

PAGE_ROWS, MOST_ROWS = 100, 1000
UNASSIGNED = "no system"
UNREAD = "not read yet: load the page again"
NOT_READ = f"The published documents are {UNREAD}. What this page shows of documents is not what is published."


def time_text(time: str | None) -> str:
    """Return a time to the second, in UTC."""
    return f"{time[:19].replace('T', ' ')}Z" if time else ""


def day_text(time: str | None) -> str:
    """Return the day of a time."""
    return (time or "")[:10]


def end_text(time: str | None) -> str:
    """Return the last day of a waiver or another end; empty where there is none."""
    return f"until and including {last_day(time)}" if time else ""


def model_text(model: str | None) -> str:
    """Return a model's name; of a deleted one, that it is deleted."""
    name, _, gone = (model or "").partition(GONE)
    return f"{name} (deleted, leaf {gone})" if gone else name


def model_cell(model: str | None) -> PageCell:
    """Return a link to a model's page."""
    return PageCell(model_text(model), to("models", model)) if model else PageCell()


def version_cell(model: str | None, version: str | None) -> PageCell:
    """Return a link to a version's page; without a version, to its model's."""
    if not model or not version:
        return model_cell(model)
    return PageCell(f"{model_text(model)} version {version}", to("models", model, version))


def system_cell(system: str | None) -> PageCell:
    """Return a link to a system's page."""
    return PageCell(system, to("systems", system)) if system else PageCell(UNASSIGNED)


_GROUNDS = {
    "restored": "an earlier decision",
    "legacy": "its adoption from before the gate",
    "break-glass": "an emergency waiver",
}


def grounds_text(basis: str | None, waivers: int | None) -> str:
    """Return on what a decision let a change pass, in words."""
    words = _GROUNDS.get(basis or "", basis or "unknown")
    return f"{words} and a waiver" if waivers and basis in ("evidence", "restored") else words


def leaf_cell(sequence: int | None) -> PageCell:
    """Return a link to a leaf's page."""
    return PageCell(f"leaf {sequence:,}", to("leaves", sequence)) if sequence is not None else PageCell()


def digest_cell(digest: str | None) -> PageCell:
    """Return the first letters of a digest."""
    return code_cell(digest, most=12)


def record_cell(kind: str, record_id: str) -> PageCell:
    """Return a link to a record's page."""
    return PageCell(f"{kind} {record_id[:13]}…", to("records", record_id))


def result_cell(kind: str, result: str, claims: int) -> PageCell:
    """Return the result of a record with a number of claims; what measures nothing has passed nothing."""
    word = result_word(kind, result, claims)
    return state_cell(word) if word == result.replace("_", " ") else PageCell(word, state=word)


def document_cell(document: str, text: str) -> PageCell:
    """Return a link to a published document's page."""
    return PageCell(text, to("documents", document))


def number_in(query: Mapping[str, str], name: str, default: int, least: int = 0, most: int = 10**9) -> int:
    """Return a whole number of a query, within bounds; the default for anything else."""
    text = query.get(name, "")
    return min(max(int(text), least), most) if text.isascii() and text.isdigit() and len(text) < 12 else default


class RowRange:
    """The part of a long table that a page shows: `from` is its first row, `rows` how many."""

    def __init__(self, address: str, query: Mapping[str, str], total: int) -> None:
        self.address, self.total = address, total
        self.most = number_in(query, "rows", PAGE_ROWS, 1, MOST_ROWS)
        self.first = number_in(query, "from", 1, 1)
        self._query = {k: v for k, v in query.items() if k not in ("from", "rows")}

    @property
    def limits(self) -> dict[str, int]:
        """The parameters `most` and `skip` of a query's LIMIT and OFFSET."""
        return {"most": self.most, "skip": self.first - 1}

    def _at(self, first: int) -> str:
        rows = self.most if self.most != PAGE_ROWS else None
        return with_query(self.address, {**self._query, "from": first if first > 1 else None, "rows": rows})

    @property
    def links(self) -> dict[str, Any]:
        """The addresses of the part before and of the part after; empty where there is none."""
        before = self._at(max(self.first - self.most, 1)) if self.first > 1 else ""
        after = self._at(self.first + self.most) if self.first + self.most <= self.total else ""
        return {"older": before, "newer": after}

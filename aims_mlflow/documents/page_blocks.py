"""Blocks of a page: its view model, from which HTML, CSV and JSON are all made."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote, quote_plus

from aims_mlflow.documents.run_blocks import FoldedBoxes, Gallery
from aims_mlflow.documents.terminal import MARKS, SYMBOLS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

MET_MEANS = "Met means that the policy's evidence conditions hold; conformity is the auditor's judgement."
Tone = Literal["", "good", "bad", "warn", "idle"]
TONES: dict[str, Tone] = {
    "met": "good",
    "holds": "good",
    "passed": "good",
    "allowed": "good",
    "met with warnings": "warn",
    "warned": "warn",
    "stale": "warn",
    "approved": "good",
    "due": "warn",
    "overdue": "bad",
    "not evaluated": "warn",
    "not enough data": "warn",
    "not sealed yet": "warn",
    "failed": "bad",
    "failed and waived": "bad",
    "unverifiable": "bad",
    "refused": "bad",
}
# Symbols of words that are no state of a control.
OTHER_MARKS = {
    "passed": "✓",
    "allowed": "✓",
    "refused": "✗",
    "not enough data": "?",
    "open": "!",
    "closed": "✓",
    "approved": "✓",
    "due": "!",
    "overdue": "✗",
    "withdrawn": "/",
    "superseded": "/",
    "published": "·",
    "would be refused": "✗",
    "not verified": "!",
}


_UNRESERVED = re.compile(r"[A-Za-z0-9_.~-]*")  # RFC 3986, section 2.3
_MARKS: dict[str, str] = {
    **OTHER_MARKS,
    **{str(k): v for k, v in MARKS.items()},
    **{str(k): v for k, v in SYMBOLS.items()},
}


@dataclass(frozen=True)
class PageCell:
    """One value: its text, the address that it leads to, and a symbol that stands before it.

    `href` is relative to the root of the pages. `code` sets identifiers in a fixed width. `state` is the word for
    programs, where the text is longer.
    """

    text: str = ""
    href: str = ""
    mark: str = ""
    tone: Tone = ""
    code: bool = False
    state: str = ""


Text = PageCell | str | int | None


def cell(value: Text) -> PageCell:
    """Return a value as a cell."""
    if isinstance(value, PageCell):
        return value
    if value is None:
        return PageCell()
    return PageCell(f"{value:,}" if isinstance(value, int) else value)


def state_cell(word: str, href: str = "", text: str = "") -> PageCell:
    """Return a state, an outcome or a verdict with its symbol: colour is never the only sign."""
    return PageCell(text or word, href, _MARKS.get(word, "").strip(), TONES.get(word, "idle"), state=word)


def code_cell(text: str | None, href: str = "", most: int = 0) -> PageCell:
    """Return an identifier; of a long one its first `most` characters."""
    shown = text or ""
    return PageCell(f"{shown[:most]}…" if most and len(shown) > most else shown, href, code=True)


@dataclass(frozen=True)
class Facts:
    """Names with values; of each name one value or several."""

    title: str
    rows: Sequence[tuple[str, Text | Sequence[Text]]]
    kind: str = "facts"


@dataclass(frozen=True)
class PageTable:
    """A table. `total` is the number of rows that there are; where fewer are shown, the page says so.

    With `or_more` there are more than `total`, which nobody counted.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Text]]
    note: str = ""
    empty: str = "There is none."
    total: int | None = None
    first: int = 1
    or_more: bool = False
    kind: str = "table"

    @property
    def shown(self) -> str:
        """Which rows are shown, of how many."""
        count = len(self.rows)
        total = count if self.total is None else self.total
        if self.or_more:
            return f"rows {self.first:,} to {self.first + count - 1:,} of more than {total:,}"
        if total == count or not count:
            return f"{total:,} in all" if total else ""
        return f"rows {self.first:,} to {self.first + count - 1:,} of {total:,}"


@dataclass(frozen=True)
class Prose:
    """Sentences; `loud` ones are framed."""

    title: str
    sentences: Sequence[Text]
    loud: bool = False
    kind: str = "prose"


@dataclass(frozen=True)
class TextBlock:
    """Text as it is: an envelope, or commands to paste."""

    title: str
    text: str
    note: str = ""
    kind: str = "listing"


@dataclass(frozen=True)
class FormInput:
    """One field of a form; `long` fields have several lines."""

    name: str
    label: str
    value: str = ""
    kind: Literal["text", "date", "number", "long", "choice"] = "text"
    choices: Sequence[str] = ()


@dataclass(frozen=True)
class Form:
    """A form that only reads: it is sent by GET, and its answer has an address."""

    title: str
    action: str
    fields: Sequence[FormInput]
    button: str
    kind: str = "form"


@dataclass(frozen=True)
class PictureBox:
    """A box with two lines of text, in a grid of columns and rows from 0 on."""

    first: str
    second: str
    column: float
    row: float


@dataclass(frozen=True)
class Picture:
    """Boxes and arrows between them; `told` says the same in words."""

    title: str
    told: str
    boxes: Sequence[PictureBox]
    arrows: Sequence[tuple[PictureBox, PictureBox]]
    kind: str = "picture"

    @property
    def columns(self) -> float:
        """How many columns the grid has."""
        return max(box.column for box in self.boxes) + 1

    @property
    def rows(self) -> float:
        """How many rows the grid has, from the highest box to the lowest."""
        return max(box.row for box in self.boxes) - self.top + 1

    @property
    def top(self) -> float:
        """The row of the highest box."""
        return min(box.row for box in self.boxes)


Block = Facts | PageTable | Prose | TextBlock | Form | Picture | Gallery | FoldedBoxes


@dataclass(frozen=True)
class PageView:
    """One page: what its title, its first sentences and its blocks say.

    `address` is relative to the root of the pages, with the query that the page was asked with.
    """

    title: str
    address: str
    lead: Sequence[Text] = ()
    blocks: Sequence[Block] = ()
    crumbs: Sequence[tuple[str, str]] = ()
    older: str = ""
    newer: str = ""
    found: bool = True
    asked: Mapping[str, str] = field(default_factory=dict)


def to(*parts: object, **query: Any) -> str:
    """Return the address of a page from its parts, which are encoded; `None` values of a query are left out."""
    path = "/".join(_encoded(str(part), "/" if i == 1 and parts[0] == "models" else "") for i, part in enumerate(parts))
    last = str(parts[-1]) if parts else ""
    if len(parts) > 1 and last.endswith((".csv", ".json", ".html")):
        path += ".html"
    return with_query(path, query)


def with_query(address: str, query: Mapping[str, Any]) -> str:
    """Return an address with a query, without the values that are empty."""
    given = [
        f"{name}={_encoded(str(value), '', quote_plus)}" for name, value in query.items() if value not in (None, "")
    ]
    return f"{address}?{'&'.join(given)}" if given else address


def _encoded(text: str, safe: str, encode: Callable[..., str] = quote) -> str:
    """Return a text as a part of an address; most need no encoding, and a page has hundreds."""
    return text if _UNRESERVED.fullmatch(text) else encode(text, safe=safe)


def missing(title: str, address: str, what: str) -> PageView:
    """Return the page of something that is not there, or that the reader may not read: nobody can tell which."""
    sentences = (what, "Either it does not exist, or your login may not read its registered model in MLflow.")
    return PageView(title, address, sentences, found=False)

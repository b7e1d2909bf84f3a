"""Search over what a reader may read: models, versions, decisions, consents, findings, records, controls."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aims_mlflow.documents.page_blocks import Form, FormInput, PageCell, PageTable, PageView, Prose, to
from aims_mlflow.pages.views.common import RowRange, model_text
from aims_mlflow.pages.views.records import READABLE
from aims_mlflow.pages.views.states import catalogue

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aims_mlflow.pages.source import PageSource

MOST_WORDS, MOST_LETTERS, MOST_COUNTED = 8, 200, 1000
FIRST_SEALED = (
    f"Only the first {MOST_COUNTED:,} are listed, in the order in which they were sealed: one more word finds fewer"
)
_WORD = re.compile(r"\w+")


def search(source: PageSource, _args: Mapping[str, str], query: Mapping[str, str]) -> PageView:
    """Return what has all words of a question; the last of them may be the beginning of one."""
    asked = query.get("q", "")[:MOST_LETTERS]
    form = Form(
        "Search", "search", (FormInput("q", "Words, names, or the beginning of an id or digest", asked),), "Search"
    )
    words = _WORD.findall(asked)[:MOST_WORDS]
    if not words:
        return PageView("Search", "search", (), (form,))
    match = " ".join(f'"{word}"' for word in words[:-1]) + f' "{words[-1]}"*'
    # A record has no model of its own: it is for those who may read a model that relied on it.
    records = (
        "1"
        if source.scope.whole
        else f"EXISTS (SELECT 1 FROM record r WHERE words.address = 'records/' || r.id AND {READABLE})"
    )
    where = f"words MATCH :match AND CASE WHEN kind = 'record' THEN {records} ELSE {{scope}} END"
    counted = source.count(f"SELECT 1 FROM words WHERE {where} LIMIT {MOST_COUNTED + 1}", match=match)
    total = min(counted, MOST_COUNTED)
    paging = RowRange("search", {**query, "q": asked}, total)
    # To rank them all would take seconds in a ledger of a million records.
    order = "rank" if counted == total else "rowid"
    found = source.rows(
        f"SELECT * FROM words WHERE {where} ORDER BY {order} LIMIT :most OFFSET :skip", match=match, **paging.limits
    )
    rows = [(r["kind"], PageCell(r["title"], _address(r["address"])), model_text(r["model"])) for r in found]
    table = PageTable(
        f"Found for {asked}",
        ("Kind", "Page", "Model"),
        rows,
        FIRST_SEALED if counted > total else "",
        total=total,
        or_more=counted > total,
        first=paging.first,
        empty="Nothing that this reader may read has all of these words.",
    )
    note = Prose("", ("Searched are names, ids, digests and results. Texts that can be erased are not in the index.",))
    return PageView("Search", "search", (), (form, table, _controls(words), note), **paging.links)


def _address(kept: str) -> str:
    kind, _, rest = kept.partition("/")
    if kind == "models":
        name, _, version = rest.rpartition("/")
        return to("models", name, version)
    return to(kind, rest)


def _controls(words: Sequence[str]) -> PageTable:
    lower = [word.lower() for word in words]
    found = [c for c in catalogue().values() if all(w in f"{c.id} {c.title} {c.explanation}".lower() for w in lower)]
    return PageTable(
        "Controls and clauses", ("Control", "Title"), [(PageCell(c.id, to("controls", c.id)), c.title) for c in found]
    )

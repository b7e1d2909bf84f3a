"""Answer to a request for a page, without a web framework: status, headers and bytes."""

from __future__ import annotations

import logging
import sqlite3
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from aims_mlflow.documents.page_blocks import PageCell, PageView, with_query
from aims_mlflow.errors import AimsError
from aims_mlflow.pages.asked_query import SeenQuery, unknown_values, unused_names
from aims_mlflow.pages.rendering import PageFrame, as_csv, as_html, as_json
from aims_mlflow.pages.source import PageSource
from aims_mlflow.pages.views.common import NOT_READ, number_in
from aims_mlflow.records.base import uuid7

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aims_mlflow.pages.scope import Scope
    from aims_mlflow.pages.site import SitePage
    from aims_mlflow.pages.source import SharedSource

MEDIA = {"html": "text/html; charset=utf-8", "csv": "text/csv; charset=utf-8", "json": "application/json"}
# No script, no frame, nothing from elsewhere; forms only to these pages.
SECURITY = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "private, no-store",
}
LONGEST_VALUE = 8000
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PageRequest:
    """What was asked: a page, the variable parts of its address, the query, the format, and the root of the pages.

    `host` is the scheme and the host name by which the server was asked; empty where that is not known.
    """

    page: SitePage
    args: Mapping[str, str]
    query: Mapping[str, str]
    kind: str
    root: str
    host: str = ""


@dataclass(frozen=True)
class PageAnswer:
    """What is answered."""

    status: int
    body: bytes
    headers: Mapping[str, str]


def answer(
    shared: SharedSource,
    scope: Scope,
    asked: PageRequest,
    now: datetime | None = None,
    *,
    indexed: bool | None = None,
) -> PageAnswer:
    """Return a page for a reader; a failure inside is one sentence with an id that the server's log has.

    `indexed` says whether all leaves are in the index, where the caller has just added them.
    """
    query = {name: value[:LONGEST_VALUE] for name, value in asked.query.items()}
    moment = now or datetime.now(UTC)
    try:
        indexed = shared.index.refresh(shared.view) if indexed is None else indexed
        source = PageSource(shared, scope, moment, behind=not indexed)
        view = _answered(source, asked, query)
        frame = PageFrame.of(source, asked.root, host=asked.host, print_view=bool(query.get("print")))
        return _rendered(view, frame, asked, query)
    except (AimsError, sqlite3.Error, ArithmeticError, LookupError, TypeError, ValueError, AttributeError) as exc:
        number = uuid7()
        _log.error("aims: incident %s while the page %s was made", number, asked.page.name, exc_info=exc)
        what = exc.what if isinstance(exc, AimsError) else "the page cannot be made"
        text = f"{what}. Next: the platform team finds incident {number} in the server's log\n"
        return PageAnswer(503, text.encode(), {**SECURITY, "Content-Type": "text/plain; charset=utf-8"})


def _answered(source: PageSource, asked: PageRequest, query: Mapping[str, str]) -> PageView:
    """Return the page; values that it does not know, and names that it did not ask for, are left out and told first."""
    seen = SeenQuery(query)
    view = asked.page.view(source, asked.args, seen)
    wrong = unknown_values(view, query)
    if wrong:
        seen = SeenQuery({name: value for name, value in query.items() if name not in wrong})
        view = asked.page.view(source, asked.args, seen)
    told = (*wrong.values(), *unused_names(seen))
    if source.unread and source.told_of_documents:
        told = (NOT_READ, *told)
    return replace(view, lead=(*(PageCell(text, tone="bad", mark="!") for text in told), *view.lead))


def _rendered(view: PageView, frame: PageFrame, asked: PageRequest, query: Mapping[str, str]) -> PageAnswer:
    address = view.address.partition("?")[0]
    shown = {name: value for name, value in query.items() if name not in ("print", "table")}
    view = replace(view, address=with_query(address, shown))
    status = 200 if view.found else 503 if frame.behind else 404  # it may be among what is not indexed yet
    headers = {**SECURITY, "Content-Type": MEDIA[asked.kind]}
    if asked.kind == "html":
        return PageAnswer(status, as_html(view, frame), headers)
    name = f"aims-{asked.page.name}-{frame.checkpoint or 0}.{asked.kind}"
    headers["Content-Disposition"] = f'attachment; filename="{name}"'
    body = as_json(view, frame) if asked.kind == "json" else as_csv(view, frame, number_in(query, "table", 0))
    return PageAnswer(status, body, headers)

"""Flask routes of the auditor's pages, on MLflow's own app: its logins protect them as they protect its API."""

from __future__ import annotations

import functools
import logging
import re
import threading
from typing import TYPE_CHECKING, Any

from aims_mlflow.audit.view import LedgerView
from aims_mlflow.documents.page_html import stylesheet
from aims_mlflow.errors import AimsError
from aims_mlflow.pages.background import BackgroundReader
from aims_mlflow.pages.index import PageIndex, index_path
from aims_mlflow.pages.serving import SECURITY, PageAnswer, PageRequest, answer
from aims_mlflow.pages.site import FORMATS, SITE, split_format
from aims_mlflow.pages.source import SharedSource
from aims_mlflow.server.failing_closed import reported
from aims_mlflow.server.page_readers import reader_scope

if TYPE_CHECKING:
    from flask import Flask, Response

    from aims_mlflow.pages.site import SitePage

PREFIX = "/aims/"
_VARIABLE = re.compile(r"<(?:path:)?(\w+)>")
_lock = threading.Lock()
_log = logging.getLogger(__name__)


def add_pages(app: Flask, prefix: str = "") -> None:
    """Add a route for each page to MLflow's app, below `prefix`, all of them GET."""
    root = f"{prefix.rstrip('/')}{PREFIX}"
    app.add_url_rule(f"{root}style.css", "aims_style", _style, methods=["GET"])
    app.add_url_rule(
        root.rstrip("/"), "aims_root", functools.partial(_to_root, root), methods=["GET"], strict_slashes=False
    )
    for page in SITE:
        view = functools.partial(_respond, page, root)
        app.add_url_rule(f"{root}{page.address}", f"aims_{page.name}", view, methods=["GET"])
        if not _VARIABLE.search(page.address):
            for kind in FORMATS:
                twin = functools.partial(_respond, page, root, kind=kind)
                address = f"{root}{page.address or 'index'}.{kind}"
                app.add_url_rule(address, f"aims_{page.name}_{kind}", twin, methods=["GET"])


def _respond(page: SitePage, root: str, kind: str = "html", **args: str) -> Response:
    """Answer a request for a page; the last variable part of an address may end with the format."""
    import flask

    names = _VARIABLE.findall(page.address)
    if names:
        args[names[-1]], kind = split_format(args[names[-1]])
    try:
        reader = page_reader()
        if reader is None:
            return _said(
                404, "This server's registry is not gated, so it has no ledger to show. Next: see docs/gate.md\n"
            )
        indexed = reader.caught_up()  # a model that is new has to be among those whose readers are asked for
        index = reader.shared.index
        scope = reader_scope(reader.shared.summaries.once(("models", index.last()), index.models))
    except AimsError as exc:
        return _said(403, f"{exc.sentence()}\n")
    except Exception as exc:  # noqa: BLE001 - who may not be known reads nothing
        return _said(403, f"What this login may read is not known. Next: {reported('the auditor pages', exc)}\n")
    asked = PageRequest(page, args, flask.request.args.to_dict(), kind, root, flask.request.host_url.rstrip("/"))
    with reader.shared.pages_first.page():
        return _as_flask(answer(reader.shared, scope, asked, indexed=indexed))


def _as_flask(made: PageAnswer) -> Response:
    import flask

    return flask.Response(made.body, made.status, dict(made.headers))


def _said(status: int, text: str) -> Response:
    return _as_flask(PageAnswer(status, text.encode(), {**SECURITY, "Content-Type": "text/plain; charset=utf-8"}))


def _style() -> Response:
    return _as_flask(
        PageAnswer(
            200, stylesheet(), {**SECURITY, "Content-Type": "text/css; charset=utf-8", "Cache-Control": "max-age=3600"}
        )
    )


def _to_root(root: str) -> Any:
    import flask

    return flask.redirect(root, 308)


def read_ahead() -> None:
    """Begin to read the ledger, before the first page asks; what fails here, that page tells."""
    try:
        page_reader()
    except Exception as exc:  # noqa: BLE001 - a server that starts is never kept from it by its pages
        _log.debug("aims: the pages read nothing ahead: %s", exc)


def page_reader() -> BackgroundReader | None:
    """Return what reads for all pages of this process; None for a registry without a gate."""
    from mlflow.server import handlers

    gate = getattr(handlers._get_model_registry_store(), "gate", None)
    return reader_of(gate.ledger) if gate is not None else None


def reader_of(ledger: Any) -> BackgroundReader:
    """Return what reads a ledger for the pages, made once for each ledger; it begins at once."""
    with _lock:
        known: BackgroundReader | None = getattr(ledger, "aims_pages", None)
        if known is None:
            known = BackgroundReader(SharedSource(LedgerView(ledger), PageIndex(index_path(ledger.uri)), ledger.proofs))
            known.start()
            ledger.aims_pages = known
    return known

"""Reading ahead of the pages: the index, the documents, and the states of versions in use, in one thread.

No page of a server waits for what takes long. It shows what was read so far, and says that newer leaves are not in.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from aims_mlflow.catalog.loader import clauses, controls, kinds
from aims_mlflow.documents.page_html import template_named
from aims_mlflow.errors import AimsError
from aims_mlflow.pages.freed_memory import hand_back
from aims_mlflow.pages.library import NEWEST, shelf_key
from aims_mlflow.pages.scope import EVERYTHING
from aims_mlflow.pages.source import PageSource

if TYPE_CHECKING:
    from aims_mlflow.pages.source import SharedSource

WARM = ("site_page.html.j2", "picture.svg.j2")
PAGE_SECONDS = 0.2  # what one page waits for new leaves, and for the documents in them
FIRST_SECONDS = 0.5  # what the first page waits for all that, and for states: small ledgers are read by then
PAUSE = 5.0  # seconds between two looks for states that ended
_UNJUDGED = (
    "SELECT DISTINCT t.model, t.version FROM tenure t LEFT JOIN judged j USING (model, version) WHERE t.until IS NULL "
    "AND (j.until IS NULL OR j.until <= :now) AND {scope}"
)
_log = logging.getLogger(__name__)


def warm() -> None:
    """Read the catalog and the templates, which would cost the first page more than all that it shows."""
    controls(), clauses(), kinds()
    for name in WARM:
        template_named(name)


class BackgroundReader:
    """Reads what the pages of one ledger need before they ask for it. Safe to use from several threads."""

    def __init__(self, shared: SharedSource, first_seconds: float = FIRST_SECONDS) -> None:
        self.shared, self._first_seconds = shared, first_seconds
        self._lock = threading.Lock()
        self._read, self._all = threading.Event(), threading.Event()
        self._first = True
        self._thread: threading.Thread | None = None
        self._looked = 0.0
        self._documents: tuple[object, ...] = ()  # the key of those that are read

    def caught_up(self) -> bool:
        """Return whether all leaves are in the index and all documents are read; what is not yet is read on.

        It waits for `PAGE_SECONDS` at most for each of both; the first call for `first_seconds`, and for states too.
        """
        if self._first:
            self._first = False
            self.start()
            self._all.wait(self._first_seconds)
        if self.shared.index.refresh(self.shared.view, PAGE_SECONDS) and self._knows_documents():
            if time.monotonic() - self._looked > PAUSE:
                self.start()
            return True
        self._read.clear()
        self.start()
        return self._read.wait(PAGE_SECONDS) and self._knows_documents()

    def _knows_documents(self) -> bool:
        return shelf_key(self.shared) == self._documents

    def start(self) -> None:
        """Read on in the background, if nothing does."""
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._looked = time.monotonic()
                self._thread = threading.Thread(target=self._run, name="aims-pages-reader", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        shared = self.shared
        try:
            with shared.pages_first.reading_ahead():
                self._read_ahead()
        except (AimsError, sqlite3.Error) as exc:
            _log.warning("aims: what the pages show could not be read ahead: %s", exc)

    def _read_ahead(self) -> None:
        shared = self.shared
        warm()
        while not shared.index.refresh(shared.view, 1.0):
            pass
        self._read_documents()
        self._read.set()
        self._judge()
        self._all.set()
        hand_back()

    def _read_documents(self) -> None:
        key, source = shelf_key(self.shared), PageSource(self.shared, EVERYTHING, datetime.now(UTC))
        if key != self._documents:
            _log.debug("aims: the pages have %d documents", len(source.documents.all))
            self.shared.shelves.put(NEWEST, source.shelf)
            self._documents = key

    def _judge(self) -> None:
        """Judge the versions in use whose states are not known, with a pause after each as long as it took."""
        now = datetime.now(UTC)
        source = PageSource(self.shared, EVERYTHING, now)
        for row in source.rows(_UNJUDGED, now=source.moment):
            begun = time.monotonic()
            with self.shared.judging:
                PageSource(self.shared, EVERYTHING, datetime.now(UTC)).judge(row["model"], row["version"])
            time.sleep(time.monotonic() - begun)

"""The index of a ledger that the pages read: filled leaf by leaf, shared by all workers, and disposable."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import logging
import sqlite3
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aims_mlflow.errors import EvidenceError, Unreachable
from aims_mlflow.pages import tables
from aims_mlflow.pages.index_writer import IndexWriter
from aims_mlflow.settings import home

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aims_mlflow.audit.view import View
    from aims_mlflow.ledger.leaves import Leaf
    from aims_mlflow.pages.scope import Scope

BATCH = 100
WAIT_SECONDS = 3.0  # how long one call may add leaves, or wait for another thread that adds them
_log = logging.getLogger(__name__)


def index_path(ledger_uri: str) -> Path:
    """Return where the index of a ledger lies: beside its SQLite file, else in `AIMS_HOME`."""
    if ledger_uri.startswith("sqlite:///"):
        return Path(ledger_uri.removeprefix("sqlite:///").split("?", maxsplit=1)[0] + ".pages.db")
    folder = home() if home().is_dir() else Path(tempfile.gettempdir())
    return folder / f"pages-{hashlib.sha256(ledger_uri.encode()).hexdigest()[:16]}.db"


class PageIndex:
    """The index of one ledger. Safe to use from several threads and worker processes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._local = threading.local()
        self._filling = threading.Lock()
        self._opening = threading.Lock()

    @property
    def connection(self) -> sqlite3.Connection:
        """The connection of this thread; a file that was deleted or replaced is opened anew.

        Raises:
            Unreachable: the file cannot be opened.
        """
        try:
            stat = self.path.stat()
            here: tuple[int, int] | None = (stat.st_dev, stat.st_ino)
        except OSError:
            here = None
        if getattr(self._local, "file", None) != here or here is None:
            try:
                with self._opening:
                    self._local.connection = tables.connect(self.path)
                stat = self.path.stat()
            except (sqlite3.Error, OSError) as exc:
                raise Unreachable(f"the index of the pages cannot be opened ({exc})", where=str(self.path)) from None
            self._local.file = (stat.st_dev, stat.st_ino)
        connection: sqlite3.Connection = self._local.connection
        return connection

    def size(self) -> int:
        """Return how many leaves are indexed."""
        return int(self.connection.execute("SELECT coalesce(max(sequence) + 1, 0) FROM leaf").fetchone()[0])

    def last(self) -> tuple[int, str] | None:
        """Return number and hash of the last indexed leaf, which tell all before it; None of an empty index."""
        row = self.connection.execute("SELECT sequence, hash FROM leaf ORDER BY sequence DESC LIMIT 1").fetchone()
        return (int(row["sequence"]), str(row["hash"])) if row else None

    def rows(self, sql: str, scope: Scope, **values: Any) -> list[sqlite3.Row]:
        """Return the rows of a query, whose `{scope}` keeps those that a reader may read."""
        given = {**values, "scope": scope.parameter}
        return self.connection.execute(sql.replace("{scope}", scope.clause()), given).fetchall()

    def row(self, sql: str, scope: Scope, **values: Any) -> sqlite3.Row | None:
        """Return the first row of a query; None where there is none."""
        return next(iter(self.rows(sql, scope, **values)), None)

    def count(self, sql: str, scope: Scope, **values: Any) -> int:
        """Return how many rows a query has."""
        found = self.rows(f"SELECT count(*) AS n FROM ({sql})", scope, **values)
        return int(found[0]["n"])

    def models(self) -> list[str]:
        """Return the names of all models of the ledger."""
        return [
            row["model"] for row in self.connection.execute("SELECT DISTINCT model FROM leaf WHERE model IS NOT NULL")
        ]

    @contextlib.contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Open a writing transaction of the index."""
        connection = self.connection
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")

    def refresh(self, view: View, seconds: float = WAIT_SECONDS) -> bool:
        """Add new leaves for some seconds; return whether all are in. Another thread that does so is waited for."""
        ends = time.monotonic() + seconds
        if not self._filling.acquire(timeout=seconds):
            return False
        try:
            self._require_same(view)
            while self._add_batch(view) == BATCH:
                if time.monotonic() >= ends:
                    return False
            return True
        finally:
            self._filling.release()

    def _add_batch(self, view: View) -> int:
        start = self.size()
        if next(view.leaves(start=start), None) is None:  # the numbers of a bundle's leaves have gaps
            return 0
        with self.writing() as connection:
            start = int(connection.execute("SELECT coalesce(max(sequence) + 1, 0) FROM leaf").fetchone()[0])
            found, writer, erased = _batch(view, start), IndexWriter(connection, view), False
            for leaf in found:
                try:
                    writer.add(leaf)
                except EvidenceError as exc:  # a leaf of no format: the ledger's verification says so
                    _log.warning("aims: leaf %d is not in the index of the pages: %s", leaf.sequence, exc.what)
                    connection.execute(
                        "INSERT OR IGNORE INTO leaf (sequence, type, hash) VALUES (?, 'unreadable', ?)",
                        (leaf.sequence, leaf.leaf_hash),
                    )
                    continue
                erased |= leaf.fact.type == "erased"
        if erased:
            with contextlib.suppress(sqlite3.OperationalError):
                self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return len(found)

    def _require_same(self, view: View) -> None:
        """Throw the index away if it was made from another ledger, or from one with another past."""
        last = self.connection.execute("SELECT sequence, hash FROM leaf ORDER BY sequence DESC LIMIT 1").fetchone()
        if last is None:
            return
        found = view.leaf(last["sequence"])
        if found is None or found.leaf_hash != last["hash"]:
            _log.warning("aims: the index of the pages was made from another ledger, and is made again")
            with self.writing() as connection:
                tables.empty(connection)


def _batch(view: View, start: int) -> list[Leaf]:
    return list(itertools.islice(view.leaves(start=start), BATCH))

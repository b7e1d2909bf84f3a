"""Source of a page: the index within the reader's scope, and the ledger for everything that the index does not keep."""

from __future__ import annotations

import functools
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from aims_mlflow.audit.keyrings import history_of
from aims_mlflow.audit.report import Step
from aims_mlflow.bounded_cache import BoundedCache
from aims_mlflow.cached_values import cached_property
from aims_mlflow.canonical import sha256_hex
from aims_mlflow.errors import AimsError
from aims_mlflow.gates.consents import KnownConsents
from aims_mlflow.gates.sealed_documents import KnownSessions
from aims_mlflow.pages.judging import JudgedVersion, VersionLeaves, decision_at, judge_version
from aims_mlflow.pages.library import ReadableDocuments, is_unread, known_shelf, newest_shelf
from aims_mlflow.pages.pages_first import PagesFirst
from aims_mlflow.pages.read_records import records_of
from aims_mlflow.records.base import utc_text
from aims_mlflow.settings import keyring_roots

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from aims_mlflow.audit.view import View
    from aims_mlflow.evidence.statement import SealedRecord
    from aims_mlflow.gates.published_documents import DocumentShelf
    from aims_mlflow.ledger.checkpoint import Checkpoint
    from aims_mlflow.ledger.leaves import Leaf
    from aims_mlflow.ledger.proofs import Proof
    from aims_mlflow.pages.index import PageIndex
    from aims_mlflow.pages.library import SealedDocument
    from aims_mlflow.pages.scope import Scope
    from aims_mlflow.records.decision import Decision
    from aims_mlflow.signing.keyring_history import KeyringHistory

MOST_JUDGED, MOST_DECIDED = 32, 2000  # judged versions and decisions in memory
MOST_READERS = 4  # whose documents are in memory
MOST_RECORDS = 8 * 2**20  # bytes of envelopes whose records are in memory
MOST_SESSION_BYTES = 32 * 1024**2  # of documents that were verified
JUDGING_SECONDS = 0.1  # what one page may spend on states that are not in the index yet
NO_DECISION = "no sealed decision is about this version"


class LogProofs(Protocol):
    """Checkpoints and proofs of a ledger, or of the part of it in a bundle."""

    def newest(self) -> Checkpoint | None:
        """Return the checkpoint over the most leaves."""

    def covering(self, size: int) -> Checkpoint | None:
        """Return the smallest checkpoint over at least `size` leaves."""

    def inclusion(self, sequence: int) -> Proof:
        """Return the proof that a leaf is below a checkpoint."""

    def consistency(self, old: int, size: int) -> list[bytes]:
        """Return the proof that the first `old` leaves are the beginning of the first `size`."""


@dataclass(frozen=True)
class SharedSource:
    """What the pages of one ledger share: its view and index, and caches of what was proved, read and judged."""

    view: View
    index: PageIndex
    proofs: LogProofs
    histories: BoundedCache[KeyringHistory] = field(default_factory=lambda: BoundedCache(2))
    shelves: BoundedCache[DocumentShelf] = field(default_factory=lambda: BoundedCache(3))
    documents: BoundedCache[tuple[DocumentShelf, list[SealedDocument]]] = field(default_factory=lambda: BoundedCache(2))
    readable: BoundedCache[ReadableDocuments] = field(default_factory=lambda: BoundedCache(MOST_READERS))
    shelf_keys: BoundedCache[tuple[object, ...]] = field(default_factory=lambda: BoundedCache(2))
    sessions: KnownSessions = field(default_factory=lambda: KnownSessions(MOST_SESSION_BYTES))
    statements: BoundedCache[Any] = field(default_factory=lambda: BoundedCache(4))
    summaries: BoundedCache[Any] = field(default_factory=lambda: BoundedCache(16))
    roots: Collection[str] | None = None  # pinned ones; None: those of the environment
    judgements: BoundedCache[JudgedVersion | None] = field(default_factory=lambda: BoundedCache(MOST_JUDGED))
    decisions: BoundedCache[Decision | None] = field(default_factory=lambda: BoundedCache(MOST_DECIDED))
    records: BoundedCache[SealedRecord | None] = field(default_factory=lambda: BoundedCache(MOST_RECORDS))
    consents: KnownConsents = field(default_factory=lambda: KnownConsents(MOST_JUDGED))
    void_waivers: BoundedCache[str | None] = field(default_factory=lambda: BoundedCache(MOST_DECIDED))
    judging: threading.Lock = field(default_factory=threading.Lock)
    pages_first: PagesFirst = field(default_factory=PagesFirst)

    def history(self) -> KeyringHistory:
        """Return the history of the keyrings, read anew after each keyring that is sealed."""
        connection = self.index.connection
        last = connection.execute("SELECT max(sequence), max(hash) FROM leaf WHERE type = 'keyring'").fetchone()
        roots = (keyring_roots() or None) if self.roots is None else self.roots
        return self.histories.once(tuple(last), lambda: history_of(self.view, Step("keyring"), roots))


@dataclass(frozen=True)
class PageSource:
    """What one page reads, for one reader, at one moment."""

    shared: SharedSource
    scope: Scope
    now: datetime
    behind: bool = False
    deadline: float = field(default_factory=lambda: time.monotonic() + JUDGING_SECONDS)

    @property
    def view(self) -> View:
        """The ledger."""
        return self.shared.view

    @cached_property
    def history(self) -> KeyringHistory:
        """Every keyring that was in force."""
        return self.shared.history()

    @cached_property
    def shelf(self) -> DocumentShelf:
        """Every document that people published, with its approvals, whoever may read it."""
        return newest_shelf(self.shared) if self.behind else known_shelf(self.shared, self.now)

    @cached_property
    def unread(self) -> bool:
        """Whether no document was read yet, so that the page cannot tell what is published."""
        return self.behind and is_unread(self.shared)

    @property
    def told_of_documents(self) -> bool:
        """Whether the page asked for the documents."""
        return not {"documents", "shelf"}.isdisjoint(self.__dict__)

    @cached_property
    def documents(self) -> ReadableDocuments:
        """The published documents that the reader may read; pages of one cut-off and one day share them."""
        key = (id(self.shelf), self.scope.models, self.cut_off, self.moment[:10])
        return self.shared.readable.once(key, lambda: ReadableDocuments(self))

    @cached_property
    def head(self) -> Checkpoint | None:
        """The newest checkpoint; None where there is none, or what is stored is none."""
        try:
            return self.shared.proofs.newest()
        except AimsError:
            return None

    @cached_property
    def cut_off(self) -> tuple[int, str]:
        """How many leaves the page is made from, and the time of the last of them."""
        row = self.shared.index.connection.execute(
            "SELECT sequence + 1, time FROM leaf ORDER BY sequence DESC LIMIT 1"
        ).fetchone()
        return (int(row[0]), str(row[1] or "")) if row else (0, "")

    @cached_property
    def moment(self) -> str:
        """The time of the page."""
        return utc_text(self.now)

    def rows(self, sql: str, **values: object) -> list[sqlite3.Row]:
        """Return the rows of the index that the reader may read; `{scope}` is in each query."""
        return self.shared.index.rows(sql, self.scope, **values)

    def row(self, sql: str, **values: object) -> sqlite3.Row | None:
        """Return the first row, or None."""
        return self.shared.index.row(sql, self.scope, **values)

    def count(self, sql: str, **values: object) -> int:
        """Return the number of rows of a query."""
        return self.shared.index.count(sql, self.scope, **values)

    def owner(self, key_id: str | None) -> str:
        """Return the owner of a key, by the newest keyring that has it; empty for an unknown key."""
        entry = self.history.known(key_id or "")
        return entry.owner if entry else ""

    def record(self, sha256: str, leaf: int | None = None) -> SealedRecord | None:
        """Return a record with the numbers beside it, where the body of its decision still has them.

        None where the ledger has lost it, or it cannot be read.
        """
        return self.records_of({sha256: leaf}).get(sha256)

    def records_of(self, leaves: Mapping[str, int | None]) -> dict[str, SealedRecord]:
        """Return records by their sha256, as `record`; `leaves` has the leaf that first sealed each."""
        return records_of(self.view, leaves, self.shared.records)

    def decided(self, sequences: Sequence[int]) -> dict[int, Decision]:
        """Return the decisions of these leaves with their texts, but those whose texts were erased or cannot be read.

        A body is compared with its leaf once: what is remembered is found again by the same bytes alone.
        """
        out = {}
        for sequence, (salt, body) in self.view.bodies(sequences).items():
            key, make = (sequence, sha256_hex(salt + body)), functools.partial(decision_at, self.view, sequence)
            said = self.shared.decisions.get(key, make)
            if said is not None:
                out[sequence] = said
        return out

    # -- states of controls ----------------------------------------------------------------------

    def version_leaves(self, model: str, version: str) -> VersionLeaves:
        """Return what the ledger has about a version of a model that the reader may read."""
        known = self.row("SELECT digest FROM version WHERE model = :m AND version = :v AND {scope}", m=model, v=version)
        digest = known["digest"] if known else None
        made = self.rows(
            "SELECT sequence, request, allowed FROM decision WHERE model "
            "= :m AND digest = :d AND (allowed OR version = :v) "
            "AND {scope} ORDER BY sequence",
            m=model,
            v=version,
            d=digest,
        )
        later = self.rows("SELECT sequence FROM ingested WHERE digest = :d", d=digest) if known else []
        places = self.rows(
            "SELECT place, request FROM tenure WHERE model = :m AND version = :v AND until IS NULL AND {scope}",
            m=model,
            v=version,
        )
        held = {row["request"] for row in places}
        chosen = [r for r in made if r["request"] in held] or [r for r in made if r["allowed"]] or made
        deciding = self.view.leaf(chosen[-1]["sequence"]) if chosen else None
        return VersionLeaves(deciding, self._leaves(made), self._leaves(later), [row["place"] for row in places])

    def _leaves(self, rows: Sequence[sqlite3.Row]) -> list[Leaf]:
        found = (self.view.leaf(row["sequence"]) for row in rows)
        return [leaf for leaf in found if leaf is not None]

    def judgement(self, model: str, version: str) -> JudgedVersion | None:
        """Judge a version; what was judged from the same leaves for the same reader within this minute is remembered.

        A state that ends within the minute is judged anew.
        """
        key = (model, version, self.scope.models, self.cut_off, self.behind, self.moment[:16])
        known = self.shared.judgements.once(key, lambda: self._judgement(model, version))
        return known if known is None or known.until > self.moment else self._judgement(model, version)

    def _judgement(self, model: str, version: str) -> JudgedVersion | None:
        leaves = self.version_leaves(model, version)
        return judge_version(self.view, leaves, self.history, self.now, self.shelf)

    def judge(self, model: str, version: str) -> JudgedVersion | None:
        """Judge a version, and keep the states in the index; not those of a page that is behind the documents."""
        judged = self.judgement(model, version)
        if self.behind:
            return judged
        kept = self.row("SELECT at FROM judged WHERE model = :m AND version = :v AND {scope}", m=model, v=version)
        if judged is not None and kept is not None and kept["at"] == judged.at:
            return judged
        with self.shared.index.writing() as to:
            to.execute("DELETE FROM status WHERE model = ? AND version = ?", (model, version))
            for position, s in enumerate(judged.statuses if judged else ()):
                to.execute(
                    "INSERT INTO status VALUES (?,?,?,?,?,?,?,?,?)",
                    (model, version, s.control.id, s.state, s.reason, s.since, s.next_change, s.next_time, position),
                )
            kept_as = (judged.at, judged.until, judged.coverage) if judged else (self.moment, "9999", NO_DECISION)
            to.execute("INSERT OR REPLACE INTO judged VALUES (?,?,?,?,?)", (model, version, *kept_as))
        return judged

    def judged(self, model: str, version: str, *, whatever_it_takes: bool = False) -> bool:
        """Return whether the index has the current states of a version, judging it if the page has time left."""
        known = self.row("SELECT until FROM judged WHERE model = :m AND version = :v AND {scope}", m=model, v=version)
        if known is not None and known["until"] > self.moment:
            return True
        if whatever_it_takes:
            self.judge(model, version)
            return True
        return self._judged_in_time(model, version)

    def judged_among(self, live: Sequence[sqlite3.Row]) -> list[sqlite3.Row]:
        """Return those of some versions in use whose current states the index has, as `judged` tells of each."""
        found = self.rows(
            "SELECT model, version FROM tenure JOIN judged USING (model, version) "
            "WHERE tenure.until IS NULL AND judged.until > :now AND {scope}",
            now=self.moment,
        )
        current = {(row["model"], row["version"]) for row in found}
        return [
            v for v in live if (v["model"], v["version"]) in current or self._judged_in_time(v["model"], v["version"])
        ]

    def _judged_in_time(self, model: str, version: str) -> bool:
        """Judge a version if the page has time left, and no other page is judging; return whether it did."""
        late = self.behind or time.monotonic() >= self.deadline
        if late or not self.shared.judging.acquire(blocking=False):
            return False
        try:
            self.judge(model, version)
        finally:
            self.shared.judging.release()
        return True

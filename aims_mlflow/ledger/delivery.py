"""Delivery of checkpoints to anchors: a queue in the ledger's database, emptied by a thread of each worker.

A checkpoint that is not delivered within a minute is a finding, since only the database vouches for it until then.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa

from aims_mlflow.errors import AimsError, EvidenceError
from aims_mlflow.ledger.anchors import CheckpointCopy
from aims_mlflow.ledger.database import reading
from aims_mlflow.ledger.heads import leaf_hashes
from aims_mlflow.ledger.stored_values import optional
from aims_mlflow.records.base import utc_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, Engine

    from aims_mlflow.ledger.anchors import Anchor
    from aims_mlflow.ledger.tree import TreeTables

LATE_SECONDS = 60
# Under `LATE_SECONDS`: a worker that died on the way is made up for before that is a finding. A slow one is overtaken
# at worst, by one that delivers the same.
LEASE_SECONDS = 45
LONGEST_PAUSE_SECONDS = 300
IDLE_SECONDS = 5
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LateDelivery:
    """An overdue delivery, with its time and the last error of the anchor."""

    size: int
    anchor: str
    queued: str
    attempts: int
    error: str | None

    def sentence(self) -> str:
        """Return the finding as one line."""
        said = f"; it says: {self.error}" if self.error else ""
        return (
            f"checkpoint {self.size} of {self.queued[:19]}Z is not at {self.anchor} after {self.attempts} tries{said}"
        )


def late(connection: Connection, tables: TreeTables, now: datetime | None = None) -> list[LateDelivery]:
    """Return the deliveries that are more than a minute behind, oldest first."""
    table = tables.deliveries
    limit = utc_text((now or datetime.now(UTC)) - timedelta(seconds=LATE_SECONDS))
    query = sa.select(table).where(table.c.delivered.is_(None), table.c.queued < limit).order_by(table.c.queued)
    return [LateDelivery(r.size, r.place, r.queued, r.attempts, r.error) for r in connection.execute(query.limit(100))]


class Deliverer:
    """Delivers queued copies to their anchors; may run in every worker at once."""

    def __init__(self, engine: Engine, tables: TreeTables, leaves: sa.Table, anchors: Sequence[Anchor]) -> None:
        self._engine, self._tables, self._leaves = engine, tables, leaves
        self._anchors = {anchor.name: anchor for anchor in anchors}
        self._woken = threading.Event()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread; it ends with the process."""
        if self._thread is None and self._anchors:
            self._thread = threading.Thread(target=self._run, name="aims-delivery", daemon=True)
            self._thread.start()

    def wake(self) -> None:
        """Notify the thread that a copy was queued."""
        self._woken.set()

    def stop(self, seconds: float = 10) -> None:
        """Deliver what is due once more, then end the thread."""
        self._stopped.set()
        self._woken.set()
        if self._thread is not None:
            self._thread.join(seconds)

    def _run(self) -> None:
        while True:
            last = self._stopped.is_set()
            try:
                self.deliver_due()
            except Exception:  # noqa: BLE001 - a thread that dies would stop deliveries without a word
                _log.exception("aims: checkpoints are not delivered now")
            if last:
                return
            self._woken.wait(IDLE_SECONDS)
            self._woken.clear()

    def deliver_due(self, now: datetime | None = None) -> int:
        """Deliver what is due now; returns how many checkpoints reached an anchor."""
        moment, reached = now or datetime.now(UTC), 0
        for anchor in self._anchors.values():
            for size in self._due(anchor):
                if not self._claim(anchor, size, moment) or not self._deliver(anchor, size, moment):
                    break  # one that waits, or that another worker has, comes first: order is kept
                reached += 1
        return reached

    def _due(self, anchor: Anchor) -> list[int]:
        table = self._tables.deliveries
        query = sa.select(table.c.size).where(table.c.place == anchor.name, table.c.delivered.is_(None))
        with reading(self._engine) as connection:
            sizes = list(connection.execute(query.order_by(table.c.size)).scalars())
        return sizes[-1:] if anchor.newest_only else sizes

    def _claim(self, anchor: Anchor, size: int, now: datetime) -> bool:
        """Claim one delivery for this worker, for a bounded time."""
        table = self._tables.deliveries
        mine = sa.and_(
            table.c.size == size,
            table.c.place == anchor.name,
            table.c.delivered.is_(None),
            table.c.next_try <= utc_text(now),
        )
        lease = utc_text(now + timedelta(seconds=LEASE_SECONDS))
        with self._engine.begin() as connection:
            taken: int = connection.execute(sa.update(table).where(mine).values(next_try=lease)).rowcount
        return taken == 1

    def _deliver(self, anchor: Anchor, size: int, now: datetime) -> bool:
        table = self._tables.deliveries
        try:
            receipt = anchor.deliver(self._copy(anchor, size))
        except AimsError as exc:
            self._failed(anchor, size, now, exc.sentence())
            return False
        except Exception as exc:  # noqa: BLE001 - an anchor's own library may raise anything
            _log.exception("aims: checkpoint %d is not delivered to %s", size, anchor.name)
            self._failed(anchor, size, now, f"it cannot be delivered ({type(exc).__name__})")
            return False
        row = sa.and_(table.c.size == size, table.c.place == anchor.name)
        values = {"delivered": utc_text(), "receipt": receipt, "error": None, "attempts": table.c.attempts + 1}
        with self._engine.begin() as connection:
            connection.execute(sa.update(table).where(row).values(**values))
            if anchor.newest_only:
                older = sa.and_(table.c.place == anchor.name, table.c.delivered.is_(None), table.c.size < size)
                covered = f"covered by the checkpoint over {size} leaves"
                connection.execute(sa.update(table).where(older).values(delivered=values["delivered"], error=covered))
        return True

    def _failed(self, anchor: Anchor, size: int, now: datetime, error: str) -> None:
        table = self._tables.deliveries
        row = sa.and_(table.c.size == size, table.c.place == anchor.name)
        with self._engine.begin() as connection:
            attempts = int(connection.execute(sa.select(table.c.attempts).where(row)).scalar() or 0) + 1
            pause = timedelta(seconds=min(2**attempts, LONGEST_PAUSE_SECONDS))
            values = {"attempts": attempts, "error": error[:2000], "next_try": utc_text(now + pause)}
            connection.execute(sa.update(table).where(row).values(**values))
        _log.warning("aims: checkpoint %d is not delivered (try %d): %s", size, attempts, error)

    def _copy(self, anchor: Anchor, size: int) -> CheckpointCopy:
        checkpoints, table = self._tables.checkpoints, self._tables.deliveries
        before = sa.select(optional(sa.func.max(table.c.size), table.c.size)).where(
            table.c.place == anchor.name, table.c.delivered.is_not(None), table.c.size < size
        )
        with self._engine.begin() as connection:
            note = connection.execute(sa.select(checkpoints.c.note).where(checkpoints.c.size == size)).scalar()
            if note is None:
                raise EvidenceError("the checkpoint is no longer in the ledger", next="`aims ledger verify`")
            begin = int(connection.execute(before).scalar() or 0)
            needed = [] if anchor.newest_only else leaf_hashes(connection, self._leaves, begin, size)
            hashes = "".join(f"{value}\n" for value in needed)
        return CheckpointCopy(size, note.encode(), begin, hashes.encode())

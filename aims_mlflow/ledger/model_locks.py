"""One lock for each model name, across threads and worker processes."""

from __future__ import annotations

import contextlib
import functools
import logging
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from aims_mlflow.canonical import sha256_hex
from aims_mlflow.errors import Unreachable
from aims_mlflow.ledger.engine import CHECK, make_engine, why
from aims_mlflow.ledger.file_lock import locked_file
from aims_mlflow.settings import wait_seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Threads of one worker that wait for the same model. MLflow's server has 40: the others keep some.
MAX_WAITING = 30
_log = logging.getLogger(__name__)


class ModelLocks:
    """One lock for each model name, across threads and worker processes; a process that dies releases it."""

    def __init__(self, engine: sa.Engine) -> None:
        self._seconds = 2 * wait_seconds()  # whoever holds it may wait for a database too
        self._queues: dict[str, _Queue] = {}
        self._guard = threading.Lock()
        self._hold: Callable[[str, float], contextlib.AbstractContextManager[None]]
        if engine.dialect.name == "sqlite":
            self._hold = functools.partial(_in_file, Path(f"{engine.url.database}.locks"))
        else:
            # Connections of their own: whoever holds a lock must never wait for a connection of those who wait.
            waiting = make_engine(engine.url, statement_seconds=2 * self._seconds, max_overflow=100)
            self._hold = functools.partial(_in_database, waiting)

    @contextlib.contextmanager
    def hold(self, name: str, seconds: float | None = None) -> Iterator[None]:
        """Hold the lock of one name. An error while releasing it does not undo the work under the lock.

        `seconds` is the longest wait for it; twice `AIMS_WAIT_SECONDS` without.

        Raises:
            Unreachable: another change held it for that long, many wait for it, or the database is gone.
        """
        key = sha256_hex(name.encode())
        longest = self._seconds if seconds is None else seconds
        with self._turn(key, longest):
            held = contextlib.ExitStack()
            try:
                held.enter_context(self._hold(key, longest))
                yield
            finally:
                try:
                    held.close()
                except Exception:  # noqa: BLE001 - whatever it is, it must not undo what was done
                    _log.exception("aims: the lock of a model could not be let go; it ends with its process")

    @contextlib.contextmanager
    def _turn(self, key: str, seconds: float) -> Iterator[None]:
        """Let the threads of this worker in, one at a time; a key that nobody waits for is forgotten."""
        with self._guard:
            queue = self._queues.setdefault(key, _Queue())
            if queue.length > MAX_WAITING:
                raise Unreachable(f"{MAX_WAITING} other changes of this model wait already", next="try again later")
            queue.length += 1
        try:
            if not queue.lock.acquire(timeout=seconds):
                raise _busy()
            try:
                yield
            finally:
                queue.lock.release()
        finally:
            with self._guard:
                queue.length -= 1
                if not queue.length:
                    del self._queues[key]


@dataclass
class _Queue:
    """The threads that hold or want one lock."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    length: int = 0


@contextlib.contextmanager
def _in_file(folder: Path, key: str, seconds: float) -> Iterator[None]:
    with contextlib.ExitStack() as held:
        try:
            folder.mkdir(exist_ok=True)
            is_held = held.enter_context(locked_file(folder / key[:16], seconds))
        except OSError as exc:
            raise Unreachable(f"the ledger's lock cannot be taken ({exc.strerror})", next="check the disk") from None
        if not is_held:
            raise _busy()
        yield


# The columns of a row are computed from left to right: the wait is bounded before the lock is asked for.
_WAIT_AND_LOCK = sa.text("SELECT set_config('lock_timeout', :wait, true), pg_advisory_xact_lock(:key)")


@contextlib.contextmanager
def _in_database(engine: sa.Engine, key: str, seconds: float) -> Iterator[None]:
    with contextlib.ExitStack() as held:
        try:
            connection = held.enter_context(engine.begin())
            asked = {"key": int(key[:15], 16), "wait": f"{int(seconds * 1000)}ms"}
            connection.execute(_WAIT_AND_LOCK, asked)
        except sa.exc.SQLAlchemyError as exc:
            if any(timeout in str(exc) for timeout in ("lock timeout", "statement timeout")):
                raise _busy() from None
            raise Unreachable(f"the ledger's lock cannot be taken ({why(exc)})", next=CHECK) from exc
        yield


def _busy() -> Unreachable:
    return Unreachable("another change of this model takes too long", next="try again")

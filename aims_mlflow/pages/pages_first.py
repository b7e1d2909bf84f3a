"""Pages go first: what is read ahead rests while a page is made, so that no page waits for it.

Threads of one process share an interpreter. A page waits for it after each of its hundreds of queries, up to 5 ms each
time, while another thread computes without a rest.
"""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from aims_mlflow.bounded_cache import BoundedCache

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator

Value = TypeVar("Value")

RESTS = 4.0  # seconds of rest for each second of work, while a page is made
LONGEST_REST = 0.1  # seconds


class PagesFirst:
    """Counts the pages that are made, and lets the thread that reads ahead rest. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock, self._pages, self._local = threading.Lock(), 0, threading.local()

    @contextmanager
    def page(self) -> Iterator[None]:
        """Count a page while it is made."""
        with self._lock:
            self._pages += 1
        try:
            yield
        finally:
            with self._lock:
                self._pages -= 1

    @contextmanager
    def reading_ahead(self) -> Iterator[None]:
        """Let this thread rest at each `rest`; in any other thread `rest` does nothing."""
        self._local.since = time.monotonic()
        try:
            yield
        finally:
            self._local.since = None

    def rest(self) -> None:
        """Rest for `RESTS` times what this thread has worked since its last rest, if a page is made now."""
        since = getattr(self._local, "since", None)
        if since is None:
            return
        if self._pages:
            time.sleep(min((time.monotonic() - since) * RESTS, LONGEST_REST))
        self._local.since = time.monotonic()


class RestingCache(BoundedCache[Value]):
    """What another cache remembers, with a rest after each value."""

    def __init__(self, kept: BoundedCache[Value], rest: Callable[[], None]) -> None:
        super().__init__(0)
        self._values, self._rest = kept, rest

    def get(self, key: Hashable, make: Callable[[], Value], size: int = 1) -> Value:
        """Return the value of a key, as the other cache does; then rest."""
        found = self._values.get(key, make, size)
        self._rest()
        return found

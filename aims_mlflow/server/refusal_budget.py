"""Bounds on what refused calls leave in the ledger, for each caller and each model.

A refusal changes nothing in the registry, and its leaf stays for good. Beyond the bound a call is refused all the same,
counted, and not sealed.
"""

from __future__ import annotations

import threading
from collections import deque
from time import monotonic

from cachetools import LRUCache

HOUR = 3600.0
MAX_KNOWN = 10_000


class RefusalBudget:
    """What one worker sealed within the last hour, by caller and by model; safe to use from several threads."""

    def __init__(self) -> None:
        self._sealed: LRUCache[tuple[str, str], deque[float]] = LRUCache(MAX_KNOWN)
        self._lock = threading.Lock()

    def take(self, most: int, *, caller: str, model: str) -> bool:
        """Return whether one more refusal of this caller and about this model may be sealed, and count it if so."""
        now = monotonic()
        with self._lock:
            both = [self._sealed.setdefault(key, deque()) for key in (("caller", caller), ("model", model))]
            for times in both:
                while times and times[0] < now - HOUR:
                    times.popleft()
            if any(len(times) >= most for times in both):
                return False
            for times in both:
                times.append(now)
        return True

"""What one worker remembers between decisions: bounded, and only where the key fixes the value for good."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

Value = TypeVar("Value")


class BoundedCache(Generic[Value]):
    """Values by key; what was used longest ago is forgotten first. Safe to use from several threads."""

    def __init__(self, most: int) -> None:
        """`most` bounds the sum of the sizes that values are put in with."""
        from cachetools import LRUCache

        self._kept: LRUCache[Hashable, tuple[Value, int]] = LRUCache(most, getsizeof=lambda pair: pair[1])
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], Value], size: int = 1) -> Value:
        """Return the value of a key, made where it is not known; what `make` raises is not remembered."""
        with self._lock:
            known = self._kept.get(key)
        if known is not None:
            return known[0]
        value = make()
        if size <= self._kept.maxsize:
            with self._lock:
                self._kept[key] = (value, size)
        return value

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._kept.clear()

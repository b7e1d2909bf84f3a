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
        self._making: dict[Hashable, threading.RLock] = {}

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

    def once(self, key: Hashable, make: Callable[[], Value]) -> Value:
        """Return the value of a key as `get`; threads that want it while it is made wait for it, and make no other."""
        with self._lock:
            known = self._kept.get(key)
            if known is not None:
                return known[0]
            making = self._making.setdefault(key, threading.RLock())
        try:
            with making:
                return self.get(key, make)
        finally:
            with self._lock:
                self._making.pop(key, None)

    def put(self, key: Hashable, value: Value) -> None:
        """Keep a value that is known, in the place of an earlier one."""
        with self._lock:
            self._kept[key] = (value, 1)

    def known(self, key: Hashable) -> Value | None:
        """Return the value of a key if it is remembered."""
        with self._lock:
            found = self._kept.get(key)
        return found[0] if found is not None else None

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._kept.clear()

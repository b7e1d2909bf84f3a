"""A draw that anyone can repeat: the same seed and list give the same items, by anyone's own program."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable

Item = TypeVar("Item", int, str)


def order_by_seed(seed: str, items: Iterable[Item]) -> list[Item]:
    """Return items in the order of sha256(seed, a slash, the item), as hexadecimal text; the first n are a sample."""
    return sorted(items, key=lambda item: hashlib.sha256(f"{seed}/{item}".encode()).hexdigest())

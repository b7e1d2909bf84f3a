"""Columns processed in threads: numpy releases the interpreter while it sorts, compares and adds."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Item = TypeVar("Item")
Found = TypeVar("Found")
LARGE = 100_000  # rows in memory, from which on threads are worth their start
MOST = 4  # each holds copies of the column that it works on


def side_by_side(function: Callable[[Item], Found], items: Iterable[Item], rows: int) -> list[Found]:
    """Return what `function` makes of each item, in order; in threads where the tables have many `rows` in memory."""
    if rows < LARGE:
        return [function(item) for item in items]
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(min(os.cpu_count() or 1, MOST)) as workers:
        return list(workers.map(function, items))

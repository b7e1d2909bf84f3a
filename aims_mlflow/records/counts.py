"""Counts with their noun, as sentences have them."""

from __future__ import annotations


def how_many(number: int, noun: str) -> str:
    """Return a count with its noun, such as `1 finding` or `2,400 findings`."""
    return f"{number:,} {noun if number == 1 else noun + 's'}"

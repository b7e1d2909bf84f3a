"""Address of a field in a file, as people read it: entries of a list are counted from 1."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    Path = Sequence[str | int]

# One entry of a list whose name is no plain plural.
SINGULAR = {"criteria": "criterion", "data": "data set"}


def field_text(path: Path) -> str:
    """Return the address of a field: `owner of measure 2 (measures[1].owner)`; without a list in it `scope.period`.

    Counted from 1 in words, as people count, and from 0 in brackets, as programs do.
    """
    parts: list[str] = []
    names: list[str] = []  # keys since the last entry of a list
    for part in path:
        if isinstance(part, int):
            *before, key = names or ["entry"]
            parts += [".".join(before)] if before else []
            parts.append(f"{one_of(key)} {part + 1}")
            names = []
        else:
            names.append(part)
    if names:
        parts.append(".".join(names))
    words = " of ".join(reversed(parts))
    return f"{words} ({_address(path)})" if any(isinstance(part, int) for part in path) else words


def one_of(name: str) -> str:
    """Return what one entry of a list is called: `duty` of `duties`."""
    if name in SINGULAR:
        return SINGULAR[name]
    if name.endswith("ies"):
        return f"{name[:-3]}y"
    return name[:-1] if name.endswith("s") and not name.endswith(("ss", "us")) else name


def _address(path: Path) -> str:
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text

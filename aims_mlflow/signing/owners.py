"""Owners of keys as people: two spellings of one name are one person."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

# Letters of other scripts that look like Latin ones (Unicode TR 39), by their small form.
LOOK_ALIKE = str.maketrans(
    "авеіјкмнорстухѕһԁԛԝ" + "αβεηικνορτυχγ" + "\u0131",
    "abeijkmhopctyxshdqw" + "abenikvoptuxy" + "i",
)


def person(owner: str) -> str:
    """Return the form in which one person's spellings are equal: without case, marks, spaces and look-alikes."""
    plain = unicodedata.normalize("NFKD", owner).casefold()
    letters = "".join(c for c in plain if not unicodedata.combining(c) and unicodedata.category(c) != "Cf")
    return "".join(letters.translate(LOOK_ALIKE).split())


def is_among(owner: str, others: Iterable[str]) -> bool:
    """Return whether an owner is one of several people, under any spelling."""
    return person(owner) in {person(other) for other in others}

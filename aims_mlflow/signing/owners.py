"""Owners of keys as people: two spellings of one name are one person, and near names are worth a look."""

from __future__ import annotations

import functools
import itertools
import unicodedata
from typing import TYPE_CHECKING

from aims_mlflow.signing.look_alikes import LOOK_ALIKE

if TYPE_CHECKING:
    from collections.abc import Iterable

NEAR = "{!r} and {!r} could be taken for each other: are they two people?"
# Letters that no font need show, though Unicode calls them letters: the fillers of Hangul, and Khmer's inherent vowels.
UNSEEN = frozenset("\u115f\u1160\u17b4\u17b5\u3164\uffa0")
# Marks (Mn, Me), formats and controls (C), separators (Z): nothing of a name that two people could tell apart.
LEFT_OUT = ("M", "C", "Z")
# What is one letter in one font and another, or two, in the next.
IN_SOME_FONTS = (("rn", "m"), ("vv", "w"), ("cl", "d"), ("0", "o"), ("1", "l"), ("i", "l"), ("|", "l"), ("5", "s"))


@functools.lru_cache(maxsize=4096)
def person(owner: str) -> str:
    """Return the form in which one person's spellings are equal: without case, marks, spaces and look-alikes.

    That is NFKD, case folding, and the letters of other scripts that look like Latin ones (UTS 39).
    """
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", owner).casefold())
    letters = "".join(c for c in plain if unicodedata.category(c)[0] not in LEFT_OUT and c not in UNSEEN)
    return letters.translate(LOOK_ALIKE)


def is_among(owner: str, others: Iterable[str]) -> bool:
    """Return whether an owner is one of several people, under any spelling."""
    return person(owner) in {person(other) for other in others}


def other_spellings(owner: str, others: Iterable[str]) -> list[str]:
    """Return the other spellings of the same person among owners."""
    return sorted({other for other in others if other != owner and person(other) == person(owner)})


def look_alikes(name: str, others: Iterable[str]) -> list[str]:
    """Return the other names that this one reads like: other spellings, and the same in some font (`rn` and `m`)."""
    return sorted(
        {each for each in others if each != name and _in_one_font(person(each)) == _in_one_font(person(name))}
    )


def near_owners(owners: Iterable[str]) -> list[tuple[str, str]]:
    """Return pairs of owners to look at: two spellings of one person, or two names that could pass for each other.

    Those differ by one letter, left out or exchanged with its neighbour, look alike in some font (`rn` and `m`, `1` and
    `l`), or are a name and an e-mail address with it before the `@`.
    """
    everyone = sorted(set(owners))
    return [pair for pair in itertools.combinations(everyone, 2) if _near(*map(person, pair))]


def _near(one: str, other: str) -> bool:
    if _in_one_font(one) == _in_one_font(other):
        return True
    if one.partition("@")[0] == other.partition("@")[0]:
        return "" in (one.partition("@")[2], other.partition("@")[2])
    return min(len(one), len(other)) > 2 and _one_step(one, other)


def _in_one_font(name: str) -> str:
    for seen, meant in IN_SOME_FONTS:
        name = name.replace(seen, meant)
    return name


def _one_step(one: str, other: str) -> bool:
    """Return whether one letter more, less or other, or two neighbours exchanged, make one name the other."""
    short, long = sorted((one, other), key=len)
    if len(long) - len(short) == 1:
        return any(long[:at] + long[at + 1 :] == short for at in range(len(long)))
    if len(long) != len(short):
        return False
    differ = [at for at in range(len(short)) if short[at] != long[at]]
    swapped = len(differ) == 2 and differ[1] == differ[0] + 1
    return len(differ) == 1 or (swapped and short[differ[0]] == long[differ[1]] and short[differ[1]] == long[differ[0]])

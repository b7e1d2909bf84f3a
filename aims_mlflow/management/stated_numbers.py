"""Numbers as people write them: how many days a time is, and whether a result misses its target."""

from __future__ import annotations

import re
from fractions import Fraction

WORDS = {
    "a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
    "ten": 10, "eleven": 11, "twelve": 12, "eighteen": 18, "twenty": 20, "thirty": 30, "ninety": 90,
}  # fmt: skip
DAYS = {
    "hour": Fraction(1, 24),
    "day": Fraction(1),
    "week": Fraction(7),
    "month": Fraction(61, 2),
    "year": Fraction(365),
}
SPAN = re.compile(rf"\b(\d+|{'|'.join(WORDS)})[\s-]+(hour|day|week|month|year)s?\b", re.IGNORECASE)
NUMBER = re.compile(r"(?<![\w.-])(\d[\d,]*(?:\.\d+)?)\s*(%|per ?cent\b)?(?:\s+(?:of|out of)\s+(\d[\d,]*))?(?![\w-])")
AT_MOST = re.compile(
    r"<|≤|\b(at most|under|below|less than|fewer than|up to|maximum|max|no more than)\b", re.IGNORECASE
)
ALL = re.compile(r"\b(all|every|each)\b", re.IGNORECASE)
NONE = re.compile(r"\b(no|none|never|nothing|zero)\b", re.IGNORECASE)


def days_in(text: str) -> Fraction | None:
    """Return the longest time that a text names, in days; None where it names none."""
    found = ((WORDS.get(n.casefold()) or int(n), unit.casefold()) for n, unit in SPAN.findall(text))
    return max((count * DAYS[unit] for count, unit in found), default=None)


def misses(target: str, result: str) -> bool:
    """Return whether a result is beyond its target, as far as both name one value; false where nobody can tell.

    A target is reached from below unless its words, such as "at most", say otherwise.
    """
    got, wanted = _value(result), _value(target)
    if got is None or wanted is None:
        return False
    at_most = AT_MOST.search(target) or wanted == 0
    return got > wanted if at_most else got < wanted


def _value(text: str) -> Fraction | None:
    """Return the one value of a text: a number, a share (38 of 40, 95%), all (1) or none (0); else None."""
    found = NUMBER.findall(text)
    if len(found) > 1:
        return None
    if not found:
        return Fraction(1) if ALL.search(text) else Fraction(0) if NONE.search(text) else None
    number, percent, whole = (part.replace(",", "") for part in found[0])
    if whole:
        return Fraction(number) / int(whole) if int(whole) else None
    return Fraction(number) / (100 if percent else 1)

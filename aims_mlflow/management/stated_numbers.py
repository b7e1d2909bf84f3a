"""Times as people write them: how many days they are."""

from __future__ import annotations

import re
from fractions import Fraction

WORDS = {
    "a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
    "ten": 10, "eleven": 11, "twelve": 12, "fourteen": 14, "fifteen": 15, "eighteen": 18, "twenty": 20, "thirty": 30,
    "forty-eight": 48, "sixty": 60, "seventy-two": 72, "ninety": 90,
}  # fmt: skip
DAYS = {
    "hour": Fraction(1, 24),
    "day": Fraction(1),
    "week": Fraction(7),
    "month": Fraction(61, 2),
    "year": Fraction(365),
}
NUMBER = rf"\d{{1,6}}|{'|'.join(WORDS)}"
# ASCII alone: in other scripts there are letters that match these and are not in the tables. "A few days" is no number.
SPAN = re.compile(
    rf"(?<![\w.,])({NUMBER})\W+(?:(?!few|couple|half|\d)\w+ )?(hour|day|week|month|year)s?\b", re.IGNORECASE | re.ASCII
)
AT_ONCE = re.compile(r"\b(same day|at once|immediate(ly)?|without delay)\b", re.IGNORECASE)


def days_in(text: str) -> Fraction | None:
    """Return the longest time that a text names, in days; None where it names none."""
    return max(_times_in(text), default=None)


def within_days(text: str | None) -> int | None:
    """Return within how many days something has to be done by the first time of a text: "the same day", "ten days"."""
    times = _times_in(text or "")
    return int(times[0] + Fraction(1, 2)) if times else None  # half a day more is a day; an hour is the same day


def _times_in(text: str) -> list[Fraction]:
    """Return the times that a text names, in days and in its order; what is done at once takes none."""
    found = [(n.casefold(), DAYS[unit.casefold()]) for n, unit in SPAN.findall(text)]
    times = [(WORDS[n] if n in WORDS else int(n)) * unit for n, unit in found]
    return times or [Fraction(0)] * bool(AT_ONCE.search(text))

"""Times that people write in English sentences: a deadline ("within two days") or a recurrence ("every six months").

What has two meanings, or needs a calendar of holidays, keeps its words and the reason why no day can be computed.
"""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from typing import TYPE_CHECKING

from aims_mlflow.gates.document_content.content_words import affirmed
from aims_mlflow.management.stated_numbers import AT_ONCE, NUMBER, WORDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    Unit = tuple[int, str]

MOST_COUNT = 36_500  # of units: what is longer than a century is no promise
HOURS, DAYS, MONTHS = "hours", "days", "months"
UNITS: dict[str, Unit] = {
    "hour": (1, HOURS), "day": (1, DAYS), "week": (7, DAYS), "fortnight": (14, DAYS), "month": (1, MONTHS),
    "quarter": (3, MONTHS), "year": (12, MONTHS),
}  # fmt: skip
ADVERBS: dict[str, Unit] = {
    "daily": (1, DAYS), "weekly": (7, DAYS), "fortnightly": (14, DAYS), "monthly": (1, MONTHS),
    "quarterly": (3, MONTHS), "half-yearly": (6, MONTHS), "semi-annually": (6, MONTHS), "semiannually": (6, MONTHS),
    "annually": (12, MONTHS), "yearly": (12, MONTHS),
}  # fmt: skip
TIMES = {"once": 1, "twice": 2, "three times": 3, "four times": 4, "six times": 6}
OFFICE = "working days depend on holidays, which no field has"
TWO_MEANINGS = "the word has two meanings"
NO_LENGTH = "the words name no length of time"
UNEVEN = "the words name no length of time between one and the next"
SEVERAL = "the words name more than one time"

_UNIT = rf"(?P<unit>{'|'.join(UNITS)})s?\b(?! of an? hour)"
# No part of a longer number or of a range ("1.5 days", "2-3 days").
_SPAN = (
    rf"(?<![\w.,\u2013-])(?P<count>{NUMBER})[ -]+(?:(?P<office>working|business)[ -]+|(?:calendar|full|whole) )?{_UNIT}"
)
_FLAGS = re.IGNORECASE | re.ASCII
SPAN = re.compile(_SPAN, _FLAGS)
DEADLINES = tuple(
    re.compile(pattern, _FLAGS)
    for pattern in (
        (
            r"\b(?:within|(?:no|not) later than|in (?:at most|no more than)|at (?:the )?latest) "
            rf"(?:the (?:next|first) |at most |no more than )?{_SPAN}"
        ),
        rf"{_SPAN} (?:at (?:the )?latest|after)\b",
    )
)
# "the income of each month" describes; an adverb before a noun, as in "monthly income", describes too.
_REPEATED = (
    re.compile(
        rf"\b(?<!\bof )(?<!\bfor )(?:every|each) (?:{_SPAN}|(?P<other>other |second )?(?P<one>{'|'.join(UNITS)})\b)",
        _FLAGS,
    ),
    re.compile(rf"\b(?P<times>{'|'.join(TIMES)}) (?:an?|per|each|every) {_UNIT}", _FLAGS),
    re.compile(
        rf"(?<![\w-])(?P<adverb>{'|'.join(ADVERBS)}|bi-?weekly|bi-?monthly|bi-?annually)(?![\w-])"
        r"(?=\s*(?:[.,;:!?)]|$)|\s+(?:by|in|at|on|to|with|and|or|until|from|for|after|before|"
        r"review|report|audit|check|meeting|test|assessment|measurement|inspection)s?\b)",
        _FLAGS,
    ),
)  # fmt: skip


@dataclass(frozen=True)
class TimePhrase:
    """A deadline or a recurrence in words; `why_not` is the reason why it gives no day, empty where it gives one."""

    words: str
    again: bool = False
    count: int = 0
    unit: str = DAYS
    why_not: str = ""

    @property
    def length(self) -> str:
        """Its length as a sentence names it, such as "6 months"."""
        return f"{self.count} {self.unit if self.count != 1 else self.unit[:-1]}"

    def after(self, day: str, times: int = 1) -> str:
        """Return the day that lies so many lengths after a day; of a month without that date its last day.

        Half a day more counts as a day, since the day that is counted from has no hour.
        """
        count = self.count * times
        if self.unit == MONTHS:
            begun = date.fromisoformat(day)
            years, month = divmod(begun.month - 1 + count, 12)
            last = calendar.monthrange(begun.year + years, month + 1)[1]
            return date(begun.year + years, month + 1, min(begun.day, last)).isoformat()
        days = int(Fraction(count, 24) + Fraction(1, 2)) if self.unit == HOURS else count
        return (date.fromisoformat(day) + timedelta(days=days)).isoformat()


def phrases_in(sentence: str) -> Iterator[TimePhrase]:
    """Yield the deadlines and recurrences that a sentence names; none that it denies ("not every month")."""
    told, read = affirmed(sentence), 0
    for pattern in _REPEATED:
        yield from (_repeated(found) for found in pattern.finditer(sentence) if found[0] in told)
    for found in sorted((f for p in DEADLINES for f in p.finditer(sentence)), key=re.Match.start):
        if found.start() >= read:  # "no later than 15 days after" is one deadline
            yield _span(found, again=False)
        read = max(read, found.end())


def deadline_of(text: str) -> TimePhrase:
    """Return the deadline that a field for one names: "ten days", "72 hours after the bank knows", "the same day"."""
    found = [_span(each, again=False) for each in SPAN.finditer(text)]
    if len({(each.count, each.unit, each.why_not) for each in found}) > 1:
        return TimePhrase(text, why_not=SEVERAL)
    return found[0] if found else TimePhrase(text, why_not="" if AT_ONCE.search(text) else NO_LENGTH)


def _span(found: re.Match[str], *, again: bool) -> TimePhrase:
    number = found["count"].casefold()
    count = WORDS[number] if number in WORDS else int(number)
    many, unit = UNITS[found["unit"].casefold()]
    if found["office"]:
        return TimePhrase(found[0], again, why_not=OFFICE)
    return _length(found[0], again, count * many, unit)


def _length(words: str, again: bool, count: int, unit: str) -> TimePhrase:
    none = count > MOST_COUNT or (again and (count == 0 or unit == HOURS))
    return TimePhrase(words, again, count, unit, NO_LENGTH if none else "")


def _repeated(found: re.Match[str]) -> TimePhrase:
    groups, words = found.groupdict(), found[0]
    if groups.get("count"):
        return _span(found, again=True)
    if groups.get("adverb"):
        known = ADVERBS.get(groups["adverb"].casefold())
        return TimePhrase(words, True, *known) if known else TimePhrase(words, True, why_not=TWO_MEANINGS)
    many, unit = UNITS[str(groups.get("one") or groups["unit"]).casefold()]
    times = TIMES[groups["times"].casefold()] if groups.get("times") else 1
    if many % times:
        return TimePhrase(words, True, why_not=UNEVEN)
    return _length(words, True, many * (2 if groups.get("other") else 1) // times, unit)

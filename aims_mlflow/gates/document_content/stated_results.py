"""Numbers that people state: whether a limit names a value, and whether a result misses its limit or says so."""

from __future__ import annotations

import re
from decimal import Decimal

from aims_mlflow.records.limit import holds

# A limit names a number, or all or nothing; the year by which it is to be reached is none.
YEAR = re.compile(r"\b(in|by|until|since|of|from|than|before|after|during)\s+(19|20)\d\d(-\d\d){0,2}\b", re.IGNORECASE)
# "One" is a number after such words alone: "no worse than the one before" names none.
BOUND = r"(?:at (?:least|most)|more than|less than|fewer than|up to|within|under|over|below|above)"
NUMERALS = (
    "two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen "
    "nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million dozen half third quarter"
)
VALUE = re.compile(
    rf"\d|\b(all|every|each|none|no|never|zero|{NUMERALS.replace(' ', '|')})\b|\b{BOUND} one\b", re.IGNORECASE
)
EVERY = re.compile(r"\s*(all|every|each)\b", re.IGNORECASE)
NOTHING = re.compile(r"\s*(none|no|never|zero)\b", re.IGNORECASE)
FAILED = re.compile(
    r"\b(fail|fails|failed|missed|not\s+(met|reached|passed|enough|fulfilled)|unmet|too\s+(few|low|high|many|late))\b",
    re.IGNORECASE,
)
# "0 failed" and "failed: none" speak of no failure.
NONE_FAILED = re.compile(
    r"\b(no|none|0|nothing|zero)\b[^.;:]{0,30}?\b(failed|missed)\b|\b(failed|missed)\s*:?\s*(0|none|no)\b",
    re.IGNORECASE,
)
# "1,200" is a thousand and more; "0,85" is below one, as most of Europe writes it.
THOUSANDS = r"[1-9]\d{0,2}(?:,\d{3})+"
NUMBER = rf"(?<![\w.,-])({THOUSANDS}(?:\.\d+)?(?![\d,])|\d+(?:[.,]\d+)?)(?!\d|-\d)\s?(%?)"
SECONDS: dict[str, Decimal | int] = {
    "ms": Decimal("0.001"), "s": 1, "sec": 1, "second": 1, "min": 60, "minute": 60, "h": 3600, "hour": 3600,
    "day": 86_400, "week": 604_800, "month": 2_629_800, "year": 31_557_600,
}  # fmt: skip
UNIT = rf"(?:[\s-]?({'|'.join(SECONDS)})s?\b)?"
MEASURED = re.compile(
    rf"{NUMBER}(?:\s*(?:of|out of|/)\s*(?:the\s+)?({THOUSANDS}|\d+))?{UNIT}", re.ASCII | re.IGNORECASE
)
LIMITED = re.compile(
    r"(?P<at_least>at least|no less than|minimum(?: of)?|>=|≥)|(?P<at_most>at most|no more than|maximum(?: of)?|<=|≤)"
    r"|(?P<above>above|more than|>)|(?P<below>below|less than|<)",
    re.IGNORECASE,
)
# Other words of a target for the same; in the midst of a result they limit something else.
OF_TARGETS = (
    (re.compile(r"\b(within|up to|max|maximal|höchstens)\b", re.IGNORECASE), "at most"),
    (re.compile(r"\b(never below|not below|no fewer than|mindestens)\b", re.IGNORECASE), "at least"),
    (re.compile(r"\b(under|fewer than|unter)\b", re.IGNORECASE), "below"),
)
COMPARATORS = {"at_least": ">=", "at_most": "<=", "above": ">", "below": "<"}


def names_value(limit: str | None) -> bool:
    """Return whether a limit or target names a value, so that somebody can say when it is missed."""
    return limit is not None and VALUE.search(YEAR.sub("", limit)) is not None


def direction(limit: str | None) -> str | None:
    """Return in which direction a limit such as "at least 0.8" goes: `at_least`; None if no word says it."""
    words = LIMITED.search(limit or "")
    return words.lastgroup if words else None


def misses(result: str) -> bool:
    """Return whether a result says that it failed, or whether its number misses the limit beside it.

    Where a result has several numbers before its limit, each of them has to miss it: one of them is the value.
    """
    if FAILED.search(NONE_FAILED.sub("", result)):
        return True
    limited = LIMITED.search(result)
    return limited is not None and _miss(result[: limited.start()], result[limited.start() :])


def falls_short(target: str, result: str) -> bool:
    """Return whether the result of an objective misses its target; where the two cannot be compared it does not.

    A target that is a number alone is reached from below; none at all is the only number that is reached from above.
    """
    if FAILED.search(NONE_FAILED.sub("", result)):
        return True
    parts = MEASURED.findall(result)
    if EVERY.match(target):
        return any(_decimal(n) < (_decimal(of) if of else 100) for n, sign, of, _ in parts if of or sign)
    wanted = YEAR.sub("", target).strip()
    for words, plain in OF_TARGETS:
        wanted = words.sub(plain, wanted)
    limited = LIMITED.search(wanted)
    if NOTHING.match(wanted) and not (limited and limited.start() == 0):
        return any(_decimal(n) > 0 for n, *_ in parts[:1])
    stated = MEASURED.findall(wanted[: limited.start()] if limited else wanted)
    if limited:
        return not stated and _miss(result, wanted[limited.start() :])
    bare = "at most" if len(stated) == 1 and _decimal(stated[0][0]) == 0 else "at least"
    return len(stated) == 1 and _miss(result, f"{bare} {wanted}")


def beyond(limit: str, comparator: str | None, value: str) -> bool:
    """Return whether a value is beyond a limit such as "at least 0.8"; `comparator` is for a limit without words."""
    plain = YEAR.sub("", limit)
    words = LIMITED.search(plain)
    found = re.search(NUMBER, plain[words.end() :] if words else plain)
    how = COMPARATORS[str(words.lastgroup)] if words else comparator
    if found is None or how is None:
        return False
    number = _decimal(found[1]) / (100 if found[2] else 1)
    return not holds(value, how, str(number))


def _miss(stated: str, limited: str) -> bool:
    """Return whether there are values in a text, and each is beyond the limit with which another text begins."""
    how = LIMITED.match(limited)
    wanted = MEASURED.search(limited, how.end()) if how else None
    if how is None or wanted is None:
        return False
    limit, comparator = _decimal(wanted[1]), COMPARATORS[str(how.lastgroup)]
    values = [
        _value(*m, percent=bool(wanted[2]), unit_of_limit=wanted[4], limit=limit) for m in MEASURED.findall(stated)
    ]
    return bool(values) and all(v is not None and not holds(str(v), comparator, str(limit)) for v in values)


def _value(
    number: str, sign: str, of: str, unit: str, *, percent: bool, unit_of_limit: str, limit: Decimal
) -> Decimal | None:
    """Return a value in the unit of its limit; None where the two cannot be compared."""
    value = _decimal(number)
    if of and _decimal(of) and (percent or limit < 1):
        return value / _decimal(of) * (100 if percent else 1)
    if unit and unit_of_limit:
        return value * SECONDS[unit.casefold()] / SECONDS[unit_of_limit.casefold()]
    return value if of or bool(sign) == percent else None


def _decimal(number: str) -> Decimal:
    thousands = re.fullmatch(rf"{THOUSANDS}(\.\d+)?", number)
    return Decimal(number.replace(",", "" if thousands else "."))

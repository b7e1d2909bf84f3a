"""Whether a number as a text shows it is a value of the evidence, at the digits that are shown."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation

THOUSANDS = re.compile(r"-?\d{1,3}(,\d{3})+(\.\d+)?%?")


def matches(shown: str, value: str) -> bool:
    """Return whether a number as it is shown is a value, to half a unit of its last digit; percent is a hundredth.

    A comma parts thousands, or stands before the digits after the point: where it can be either, one of them suffices.
    """
    plain = shown.replace("\u2212", "-")
    readings = {plain.replace(",", "")} if "," not in plain or THOUSANDS.fullmatch(plain) else set()
    readings |= {plain.replace(",", ".")} if plain.count(",") == 1 and "." not in plain else set()
    return any(_is_value(number, value) for number in readings)


def _is_value(shown: str, value: str) -> bool:
    percent = shown.endswith("%")
    try:
        number, exact = Decimal(shown.rstrip("%")), Decimal(value)
    except InvalidOperation:
        return False
    digits = -int(number.as_tuple().exponent)
    unit = Decimal(1).scaleb(-digits)
    if percent:
        number, unit = number / 100, unit / 100
    return abs(number - exact) <= unit / 2

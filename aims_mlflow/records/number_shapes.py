"""Decimal numbers as text: where an exponent, a thousand's comma or a tenth of 0 belongs."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal

TEN, GROUPED_FROM = 10, 1000
TINY = Decimal("0.000001")


def tenth(number: Decimal) -> Decimal | None:
    """Return a fraction from 10 to 1,000 with its tenth, where that is 0: `42.0` is no whole number, and short."""
    if not TEN <= abs(number) < GROUPED_FROM or number == number.to_integral_value():
        return None
    rounded = number.quantize(Decimal("0.1"), rounding=ROUND_HALF_EVEN)
    return rounded if rounded == rounded.to_integral_value() and abs(rounded) < GROUPED_FROM else None


def plain(number: Decimal) -> str:
    """Return a number without an exponent, or with one under a millionth, and without zeros at its end."""
    if number == 0:
        return "0"
    if abs(number) < TINY:
        mantissa, _, exponent = f"{number:e}".partition("e")
        mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
        return f"{mantissa}e{exponent}"
    text = f"{number:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text

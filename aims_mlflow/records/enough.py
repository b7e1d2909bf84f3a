"""How many rows would decide a limit that an interval does not decide."""

from __future__ import annotations

from decimal import ROUND_CEILING, Context, Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aims_mlflow.records.evidence import Claim

# Decimals give the same text on every machine, so that a decision that is made again reads the same.
EXACT = Context(prec=30)
SHOWN = Context(prec=2, rounding=ROUND_CEILING)
MOST = 10**9
# What the rows of a rate are: those that its `n` counts.
COUNTED = {
    "true_positive_rate": "rows with the favourable label",
    "false_negative_rate": "rows with the favourable label",
    "recall": "rows with the favourable label",
    "false_positive_rate": "rows with another label than the favourable one",
    "precision": "rows that are predicted so",
}


def rows_enough(measured: Claim, bound: str) -> int | None:
    """Return about how many rows would take the bound out of the interval, if the value stayed as it is.

    An interval narrows with the root of the number of rows, when all groups grow alike: n is to be multiplied by the
    square of (value to the interval's end) / (value to the bound), of ratios on the scale of the logarithm
    (W. G. Cochran, "Sampling techniques", 3rd edition, 1977, section 4.4; ratios: D. Katz and others, "Obtaining
    confidence intervals for the risk ratio in cohort studies", Biometrics 34, 1978). The number is rounded up to two
    digits; None where the value is at the bound, no interval is there, or over a billion rows are needed.
    """
    if measured.value is None or measured.interval is None or not measured.n:
        return None
    ratio = measured.metric.endswith("_ratio")
    value, to = (_scaled(text, ratio=ratio) for text in (measured.value, bound))
    if value is None or to is None or value == to:
        return None
    end = _scaled(measured.interval.low if to < value else measured.interval.high, ratio=ratio)
    if end is None:
        return None
    times = EXACT.power(EXACT.divide(end - value, to - value), 2)
    rows = SHOWN.create_decimal(EXACT.multiply(times, Decimal(measured.n)))
    return int(rows) if rows <= MOST else None


def _scaled(text: str, *, ratio: bool) -> Decimal | None:
    number = Decimal(text)
    if not ratio:
        return number
    return EXACT.ln(number) if number > 0 else None


def enough_text(measured: Claim, bound: str) -> str:
    """Return how many rows of which group would decide (`, about 1,900 rows of sex=F would ...`); else nothing.

    Nothing either where the estimate is no more than the rows that are there, and do not decide.
    """
    rows = rows_enough(measured, bound)
    if rows is None or measured.n is None or rows <= measured.n:
        return ""
    base = next((m for m in COUNTED if measured.metric.startswith(m)), "")
    group = ", ".join(f"{column}={value}" for column, value in (measured.n_of or measured.slice).items())
    what = COUNTED.get(base, "rows") + (f" of {group}" if group else "")
    return f", about {rows:,} {what} would decide at this value, now {measured.n:,}"

"""A number as people read it is on the same side of its limit as the value, for every value, comparator and limit."""

import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aims_mlflow.records.base import decimal_text
from aims_mlflow.records.evidence import Claim, Interval
from aims_mlflow.records.limit import OPERATORS, holds
from aims_mlflow.records.wording import (
    EXACT,
    describe,
    exact_percent_text,
    measured_text,
    number_text,
    percent_text,
    rounded_limit,
)

COMPARATORS = st.sampled_from(sorted(OPERATORS))
DECIMALS = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.floats(-2, 2),
    st.decimals(-2, 2, places=30).map(float),
).map(decimal_text)


def near(limit):
    """Values at, and very near, a limit."""
    steps = st.integers(-40, 40).flatmap(lambda n: st.integers(0, 25).map(lambda e: Decimal(n).scaleb(-e)))
    return steps.map(lambda step: format(Decimal(limit) + step, "f"))


PAIRS = DECIMALS.flatmap(lambda limit: st.tuples(st.one_of(DECIMALS, near(limit)), st.just(limit)))


def read(text):
    return Decimal(text.replace(",", ""))


@given(PAIRS, COMPARATORS)
def test_a_number_reads_as_what_it_is_against_its_limit(pair, comparator):
    value, limit = pair
    assert holds(read(number_text(value, comparator, limit)), comparator, limit) == holds(value, comparator, limit)


@given(PAIRS, COMPARATORS)
def test_a_share_reads_as_what_it_is_against_its_limit(pair, comparator):
    value, limit = pair
    shown = EXACT.divide(read(percent_text(value, comparator, limit).removesuffix("%")), Decimal(100))
    assert holds(shown, comparator, limit) == holds(value, comparator, limit)


@given(PAIRS, PAIRS, COMPARATORS)
def test_every_figure_of_a_sentence_is_on_its_side(pair, other, comparator):
    value, limit = pair
    low, high = sorted((value, other[0]), key=Decimal)
    claim = Claim(
        metric="m", value=value, n=12, interval=Interval(low=low, high=high, method="w"), comparator=comparator,
        limit=limit, passed=holds(value, comparator, limit),
    )  # fmt: skip
    figures = re.fullmatch(
        r"m is (\S+) \(95% (\S+?)(?:(?<=[\d])-| to )(\S+), n=12\), limit (\S+) (\S+)", describe(claim)
    )
    assert figures, describe(claim)
    assert (figures[4], figures[5]) == (comparator, limit)
    for shown, exact in zip(figures.groups(), (value, low, high), strict=False):
        assert holds(read(shown), comparator, limit) == holds(exact, comparator, limit), describe(claim)


@given(DECIMALS, st.lists(DECIMALS, max_size=5), COMPARATORS)
def test_a_computed_limit_is_met_by_the_values_that_meet_it(limit, values, comparator):
    shown = rounded_limit(limit, comparator, values)
    assert read(exact_percent_text(shown).removesuffix("%")) == EXACT.multiply(Decimal(shown), Decimal(100))
    assert [holds(v, comparator, shown) for v in values] == [holds(v, comparator, limit) for v in values]


@given(DECIMALS)
def test_without_a_limit_three_digits_count(value):
    shown = read(number_text(value))
    assert abs(shown - Decimal(value)) <= abs(Decimal(value)) * Decimal("0.005")
    assert shown == Decimal(value) or shown != shown.to_integral_value() or abs(shown) >= 1000


@pytest.mark.parametrize(
    ("value", "comparator", "limit", "text"),
    [
        ("0.7999", ">=", "0.8", "0.7999"),
        ("0.79999999", ">=", "0.80", "0.79999999"),
        ("0.8004", ">=", "0.8", "0.8"),
        ("0.8004", "<=", "0.8", "0.8004"),
        ("0.8004", "==", "0.8", "0.8004"),
        ("0.8", "==", "0.80", "0.8"),
        ("0.312345", ">=", "0.8", "0.312"),
        ("0.9996", None, None, "0.9996"),
        ("0.0000001234", None, None, "1.23e-7"),
        ("1234567.8", None, None, "1,234,568"),
        ("3210", None, None, "3,210"),
        ("12.3456", None, None, "12.3"),
        ("-0.05", ">=", "-0.05", "-0.05"),
        (f"0.7{'9' * 40}", ">=", "0.8", f"0.7{'9' * 40}"),
        (None, ">=", "0.8", "undefined"),
    ],
)
def test_the_rule_by_example(value, comparator, limit, text):
    assert number_text(value, comparator, limit) == text


def test_a_share_is_exact_to_the_last_digit():
    assert percent_text(f"0.9{'9' * 40}", ">=", "1") == f"99.{'9' * 39}%"
    assert percent_text("0.123456") == "12.3%"
    assert percent_text("0.660001") == percent_text("0.66") == "66%"
    assert percent_text("0.99999") == "99.999%"
    assert percent_text("0.12", ">", "0.12") == "12%"
    assert percent_text("0.120001", ">", "0.12") == "12.0001%"


def test_the_limit_of_a_server_may_be_another_than_the_claims_own():
    claim = Claim(metric="m", value="0.7996", comparator=">=", limit="0.5", passed=True)
    assert measured_text(claim) == "0.8"
    assert measured_text(claim, ">=", "0.8") == "0.7996"

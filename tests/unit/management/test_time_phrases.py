"""Times in English sentences: what names one length is read exactly, and nothing else is guessed."""

import pytest

from aims_mlflow.management.stated_numbers import days_in, within_days
from aims_mlflow.management.time_phrases import (
    NO_LENGTH,
    OFFICE,
    SEVERAL,
    TWO_MEANINGS,
    UNEVEN,
    TimePhrase,
    deadline_of,
    phrases_in,
)


@pytest.mark.parametrize(
    ("sentence", "words", "length"),
    [
        ("olga answers within two days of it", "within two days", "2 days"),
        ("the bank tells it 72 hours after somebody knows", "72 hours after", "72 hours"),
        ("no later than 15 days after the bank knows", "no later than 15 days", "15 days"),
        ("a finding that is not closed within ninety days is escalated", "within ninety days", "90 days"),
        ("an answer in no more than three weeks", "in no more than three weeks", "21 days"),
        ("10 days at the latest", "10 days at the latest", "10 days"),
    ],
)
def test_a_deadline_is_read(sentence, words, length):
    (found,) = phrases_in(sentence)
    assert (found.words, found.length, found.again, found.why_not) == (words, length, False, "")


@pytest.mark.parametrize(
    ("sentence", "length"),
    [
        ("the board reads it every six months", "6 months"),
        ("max looks at it each quarter", "3 months"),
        ("It is reviewed quarterly.", "3 months"),
        ("a half-yearly review by eva", "6 months"),
        ("twice a year", "6 months"),
        ("every other week", "14 days"),
        ("once per month", "1 month"),
        ("it is made again annually", "12 months"),
        ("every 30 days", "30 days"),
    ],
)
def test_a_recurrence_is_read(sentence, length):
    (found,) = phrases_in(sentence)
    assert (found.length, found.again, found.why_not) == (length, True, "")


@pytest.mark.parametrize(
    ("sentence", "why"),
    [
        ("the bimonthly report", TWO_MEANINGS),
        ("three times a week", UNEVEN),
        ("within 5 working days", OFFICE),
        ("every 0 days", NO_LENGTH),
        ("every 12 hours", NO_LENGTH),
    ],
)
def test_what_gives_no_day_keeps_the_reason(sentence, why):
    (found,) = phrases_in(sentence)
    assert found.why_not == why


@pytest.mark.parametrize(
    "sentence",
    [
        "monthly income of the applicant", "the loans of each month", "it is not looked at every month",
        "within the last two days", "within 1.5 days", "within 2-3 days", "within 2\u20133 days", "within a few days",
        "within a quarter of an hour", "a daily wage", "older than 90 days", "for six months at most",
        "within FİVE days", "within " + "9" * 5000 + " days", "each letter and every application", "as soon as possible",
    ],
)  # fmt: skip
def test_what_is_no_promise_of_a_time_is_left_alone(sentence):
    assert list(phrases_in(sentence)) == []


@pytest.mark.parametrize(
    ("text", "length", "why"),
    [
        ("15 days after the bank knows of it", "15 days", ""),
        ("the same day", "0 days", ""),
        ("one hour", "1 hour", ""),
        ("15 days, and a report within 6 months", None, SEVERAL),
        ("with the letter", None, NO_LENGTH),
        ("a few days", None, NO_LENGTH),
        ("10 business days", None, OFFICE),
    ],
)
def test_the_deadline_of_a_field_is_one_length_of_time(text, length, why):
    found = deadline_of(text)
    assert (found.why_not, None if why else found.length) == (why, length)


def test_months_are_those_of_the_calendar_and_half_a_day_is_a_day():
    month = TimePhrase("monthly", True, 1, "months")
    assert [month.after("2026-01-31", n) for n in (1, 2, 12, 25)] == [
        "2026-02-28", "2026-03-31", "2027-01-31", "2028-02-29"
    ]  # fmt: skip
    hours = [TimePhrase("", count=n, unit="hours").after("2026-12-31") for n in (1, 12, 36, 72)]
    assert hours == ["2026-12-31", "2027-01-01", "2027-01-02", "2027-01-03"]


@pytest.mark.parametrize("text", ["a few days", "a couple days", "every 1.5 years"])
def test_a_few_days_are_no_day_and_a_fraction_is_not_its_last_digit(text):
    assert (days_in(text), within_days(text)) == (None, None)

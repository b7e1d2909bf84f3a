"""Results in words: what they say of themselves, and whether their number misses the limit beside it."""

import pytest

from aims_mlflow.gates.document_content.stated_results import beyond, falls_short, misses, names_value


@pytest.mark.parametrize(
    "result",
    [
        "accuracy 0.5, at least 0.8: failed", "accuracy 0.5, at least 0.8: passed", "12 of 40, at least 36: passed",
        "12 of 40 letters, at least 90%: passed", "error rate 7%, at most 5%", "the limit was missed", "not met",
        "accuracy 0.5 >= 0.8: passed", "1,200 of 4,000, at least 3,600",
    ],
)  # fmt: skip
def test_a_result_misses_its_limit(result):
    assert misses(result)


@pytest.mark.parametrize(
    "result",
    [
        "accuracy 0.91 >= 0.85: passed", "38 of 40 letters, at least 36: passed", "38 of 40 letters, at least 90%",
        "0.02, below 0.05: passed", "40 of 40 passed, 0 failed", "failed: none", "no case failed", "looks good",
        "3 errors in 400 cases, at most 5: passed", "gpt-4o-2024-11-20: 0.95, at least 0.9: passed",
        "95%, at least 0.9: passed", "accuracy 0.9, limit 0.8", "latency 800 ms < 1 s",
    ],
)  # fmt: skip
def test_a_result_within_its_limit_or_one_that_cannot_be_compared_misses_none(result):
    assert not misses(result)


@pytest.mark.parametrize(
    ("target", "result", "short"),
    [
        ("at least 10", "3", True), ("at least 10", "12", False), ("all", "12 of 400", True), ("all", "all", False),
        ("every refusal", "400 of 400", False), ("none", "2 complaints", True), ("none", "none", False),
        ("at most 5%", "7%", True), ("10", "3", True), ("at least 10", "not reached", True),
        ("10", "12", False), ("at most 10", "3", False), ("at most 10", "12", True), ("all", "95%", True),
        ("95%", "90%", True), ("at least 95%", "0.96", False), ("no complaints", "2 complaints", True),
        ("at least 36 of 40", "38 of 40", False), ("at least 36 of 40", "30 of 40", True), ("fair letters", "mostly", False),
        ("90% within 10 days", "3", False), ("0.8", "0.7", True), ("at least 95%", "47 of 50, 2 missed", True),
        ("within 5 days", "3 days", False), ("within 5 days", "7 days", True), ("at least 0,85", "0,9", False),
        ("at least 0,85", "0,8", True), ("höchstens 5 %", "3 %", False), ("below 2 hours", "90 minutes", False),
        ("below 2 hours", "150 minutes", True), ("no more than 5", "3", False), ("0 complaints", "2", True),
        ("0", "0", False), ("at least 90% by 2027", "95%", False), ("all within 5 days", "12 of 12", False),
        ("9" * 5000, "1", True), ("90 minutes", "2%", False),
    ],
)  # fmt: skip
def test_a_result_falls_short_of_its_target(target, result, short):
    assert falls_short(target, result) is short


@pytest.mark.parametrize(
    ("limit", "comparator", "value", "is_beyond"),
    [
        ("at least 0.8", None, "0.7", True), ("0.8", ">=", "0.7", True), ("0.8", "<=", "0.7", False),
        ("at most 5%", None, "0.07", True), ("0.8", None, "0.1", False), ("good", ">=", "0.1", False),
    ],
)  # fmt: skip
def test_a_value_is_beyond_a_limit_in_words(limit, comparator, value, is_beyond):
    assert beyond(limit, comparator, value) is is_beyond


def test_a_limit_names_a_value_or_nobody_can_miss_it():
    assert [names_value(x) for x in ("0.8", "all", "as high as it gets", "better than in 2024", None)] == [
        True, True, False, False, False,
    ]  # fmt: skip

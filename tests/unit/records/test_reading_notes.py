"""The sentence about verdicts says what the rule does, in the cases where a short one would be untrue."""

from aims_mlflow.records.evidence import Claim, Interval
from aims_mlflow.records.pack import Limit
from aims_mlflow.records.reading_notes import RULE, reading_notes
from aims_mlflow.records.verdicts import verdict

LIMIT = Limit(metric="true_positive_rate_difference", comparator="<=", limit="0.1", why="a test")


def difference(value, low, high, n):
    return Claim(
        metric="true_positive_rate_difference", value=value, n=n, slice={"sex": "Female"}, reference={"sex": "Male"},
        interval=Interval(method="bootstrap-t", level="0.95", low=low, high=high),
    )  # fmt: skip


def test_too_few_rows_are_not_enough_data_also_where_the_value_meets_its_limit():
    assert verdict(difference("0.08", "-0.2", "0.3", 9), LIMIT, min_n=30).passed is None
    assert "fewer rows than the least that is asked for, also where the value meets its limit" in RULE


def test_a_failed_comparison_may_reach_inside_its_limit():
    assert verdict(difference("0.11", "0.0458", "0.175", 900), LIMIT).passed is False
    assert "leaves out equality" in RULE
    assert "may still reach inside the limit" in RULE


def extremes(metric, value, low, high):
    drawn = Interval(method="bootstrap range, percentile", low=low, high=high)
    return Claim(metric=metric, value=value, slice={"sex": "*"}, interval=drawn)


def test_a_range_is_called_one_of_the_far_side_only_where_it_is():
    near = extremes("equalized_odds_difference", "0.156", "0.084", "0.218")
    ratio = extremes("equalized_odds_ratio", "0.671", "0.565", "0.813")
    even = extremes("demographic_parity_difference", "0.065", "0.0159", "0.114")
    far = extremes("demographic_parity_difference", "0.02", "0.01", "0.09")
    (plain,) = reading_notes([near, ratio])
    assert "far side" not in plain
    assert "no verdict rests on it" in plain
    assert "far side" not in reading_notes([even])[0]
    (told,) = reading_notes([near, far])
    assert "that of demographic parity difference lies mostly on the far side of its value" in told
    lower = extremes("demographic_parity_ratio", "0.9", "0.6", "0.95")
    assert "demographic parity ratio lies" in reading_notes([lower])[0]

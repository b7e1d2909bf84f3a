"""Differences from a reference group have a sign in every text, and stay sizes in the record."""

import pytest

from aims_mlflow.records.differences import exact_texts
from aims_mlflow.records.evidence import Claim, Interval
from aims_mlflow.records.wording import bound_text, describe, range_text, rows_shown, rule_text, value_text


def difference(note, **more):
    known = {
        "metric": "selection_rate_difference",
        "slice": {"sex": "F"},
        "reference": {"sex": "M"},
        "value": "0.12",
        "n": 40,
        "interval": Interval(low="-0.01", high="0.25", method="score"),
        "comparator": "<=",
        "limit": "0.1",
        "note": note,
    }
    return Claim(**{**known, **more})


@pytest.mark.parametrize(
    ("note", "value", "around", "against"),
    [
        ("below the reference group", "-0.12", "95% -0.25 to 0.01", "below M"),
        ("above the reference group", "0.12", "95% -0.01 to 0.25", "above M"),
        (
            "not enough data: n=40; label 'a', its share below the reference group",
            "-0.12",
            "95% -0.25 to 0.01",
            "below M",
        ),
        (None, "0.12", "95% -0.01 to 0.25", "against M"),
    ],
)
def test_value_and_interval_have_the_sign_of_group_minus_reference(note, value, around, against):
    claim = difference(note)
    assert value_text(claim) == value
    assert range_text(claim) == around
    assert f"is {value} ({against}, {around}, n=40), limit <= 0.1 in size" in describe(claim)
    assert exact_texts(claim)[0] == value


def test_a_size_on_the_wrong_side_of_its_limit_never_reads_as_on_the_right_one():
    assert value_text(difference("below the reference group", value="0.1000004")) == "-0.1000004"
    assert value_text(difference("below the reference group", value="0", interval=None)) == "0"


def test_ratios_and_rates_have_no_sign():
    ratio = difference("below the reference group", metric="selection_rate_ratio", value="0.8")
    assert value_text(ratio) == "0.8"
    assert "limit <= 0.1 in" not in describe(ratio)


@pytest.mark.parametrize("metric", ["selection_rate_difference", "selection_rate_ratio"])
def test_a_limit_is_written_as_the_claims_that_are_held_to_it_write_it(metric):
    assert rule_text(metric, "<=", "0.1") == bound_text(difference(None, metric=metric))


def test_rows_of_another_group_are_named_where_they_decide():
    assert rows_shown(difference(None)) == "40"
    assert rows_shown(difference(None, n_of={"sex": "M"})) == "40 of M"
    assert "n=40 of M" in describe(difference(None, n_of={"sex": "M"}))


def test_an_undefined_difference_is_held_to_the_size_as_measured_ones_are():
    named = Claim(metric="true_positive_rate_difference", slice={"sex": "X"}, comparator="<=", limit="0.1")
    assert bound_text(named) == rule_text(named.metric, "<=", "0.1") == "<= 0.1 in size"
    assert bound_text(named.model_copy(update={"metric": "selection_rate_ratio"})) == "<= 0.1"

import pytest

from aims_mlflow.records.evidence import Claim, Interval
from aims_mlflow.records.pack import Limit
from aims_mlflow.records.verdicts import verdict

RATIO = Limit(metric="selection_rate_ratio", comparator=">=", limit="0.8", why="for the test")
STRICT = RATIO.model_copy(update={"verdict": "interval"})
MALE = {"sex": "Male"}


def ratio(value, low=None, high=None, *, reference=MALE, n=100, metric="selection_rate_ratio", method="score"):
    interval = None if low is None else Interval(low=low, high=high, method=method)
    at = {"sex": "Female"}
    return Claim(metric=metric, slice=at, reference=reference, value=value, n=n, interval=interval)


@pytest.mark.parametrize(
    ("measured", "limit", "passed"),
    [
        # Below the limit and distinguishable from chance fails, as in 29 CFR 1607.4(D); below and not so is open.
        (ratio("0.7", "0.5", "0.95"), RATIO, False),
        (ratio("0.7", "0.5", "1"), RATIO, None),
        (ratio("0.7", "0.5", "1.2"), RATIO, None),
        (ratio("0.8", "0.5", "0.95"), RATIO, True),
        (ratio("0.9", "0.5", "1.4"), RATIO, True),
        # The whole interval must meet the limit where the limit says so.
        (ratio("0.9", "0.8", "1.4"), STRICT, True),
        (ratio("0.9", "0.79", "1.4"), STRICT, None),
        (ratio("0.7", "0.5", "0.8"), STRICT, None),
        (ratio("0.7", "0.5", "0.79"), STRICT, False),
        (ratio("0.9"), STRICT, None),
        (ratio("0.9", "0.8", "1.4", method="bootstrap range, percentile"), STRICT, None),
        # What is no comparison fails where its whole interval misses the limit.
        (ratio("0.7", "0.5", "0.79", reference=None), RATIO, False),
        (ratio("0.7", "0.5", "0.8", reference=None), RATIO, None),
        (ratio("0.9", "0.5", "0.95", reference=None), RATIO, True),
        # Without an interval the value decides; without a value nothing is decided.
        (ratio("0.7"), RATIO, False),
        (ratio(None), RATIO, None),
    ],
)
def test_the_rule(measured, limit, passed):
    assert verdict(measured, limit).passed is passed


def test_a_difference_is_equal_at_zero():
    limit = Limit(metric="true_positive_rate_difference", comparator="<=", limit="0.1", why="for the test")
    for low, passed in (("-0.01", None), ("0", None), ("0.01", False)):
        measured = ratio("0.2", low, "0.4", metric="true_positive_rate_difference")
        assert verdict(measured, limit).passed is passed


def test_fewer_rows_than_are_asked_for_decide_nothing():
    few = verdict(ratio("0.9", "0.8", "1.4", n=29), RATIO, 30)
    assert few == (None, "not enough data: n=29, and 30 are asked for")
    assert verdict(ratio("0.9", "0.8", "1.4", n=30), RATIO, 30).passed is True

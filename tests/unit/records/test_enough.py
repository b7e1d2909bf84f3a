"""How many rows would decide: the number that a sentence gives is held to the intervals themselves."""

import re

import numpy as np
import pytest

from aims_mlflow.checks.fairness.comparisons import comparison, share_claims
from aims_mlflow.checks.statistics.groups import Groups
from aims_mlflow.records.enough import enough_text, rows_enough
from aims_mlflow.records.evidence import Claim, Interval
from aims_mlflow.records.pack import Fairness, Limit
from aims_mlflow.records.verdicts import verdict

STRICT = Limit(metric="selection_rate_ratio", comparator=">=", limit="0.8", verdict="interval", why="for the test")
PLAIN = STRICT.model_copy(update={"verdict": "value"})
ODDS = Limit(
    metric="true_positive_rate_difference", comparator="<=", limit="0.1", verdict="interval", why="for the test"
)


def compared(hits, n, metric="selection_rate"):
    """Return the ratio and the difference of the second group to the first."""
    names = tuple((f"group {g}",) for g in range(len(n)))
    groups = Groups(("race",), names, np.empty(0, dtype=int), 0, 0, {})
    hits, n = np.array(hits, float), np.array(n, float)
    claims = share_claims((metric,), hits[None], n[None], comparison(groups, n, Fairness(), "test"))
    return {c.metric: c for c in claims if c.slice == {"race": "group 1"}}


@pytest.mark.parametrize(
    ("hits", "n", "limit"),
    [
        ((400, 38), (1000, 94), STRICT),
        ((2400, 20), (8000, 81), STRICT),
        ((400, 9), (1000, 30), PLAIN),
        ((300, 20), (1000, 90), PLAIN),
        ((650, 66), (1000, 100), ODDS),
        ((650, 120), (1000, 200), ODDS),
    ],
)
def test_with_so_many_rows_at_these_rates_the_limit_is_decided_and_with_far_fewer_it_is_not(hits, n, limit):
    metric = limit.metric.rpartition("_")[0]
    found = verdict(compared(hits, n, metric)[limit.metric], limit)
    assert found.passed is None
    rows = int(re.search(r"about ([\d,]+) rows", found.lacking)[1].replace(",", ""))
    assert f"now {n[1]}" in found.lacking
    for times, decided in ((rows * 1.15 / n[1], True), (rows * 0.75 / n[1], False)):
        more = verdict(compared(np.array(hits) * times, np.array(n) * times, metric)[limit.metric], limit)
        assert (more.passed is not None) is decided, times


def test_the_group_that_has_fewer_rows_is_named_and_what_its_rows_are():
    small_reference = Fairness(reference={"race": "group 1"})
    groups = Groups(("race",), (("group 0",), ("group 1",)), np.empty(0, dtype=int), 0, 0, {})
    n, hits = np.array([[1000.0, 60.0]]), np.array([[650.0, 40.0]])
    claims = share_claims(("true_positive_rate",), hits, n, comparison(groups, n[0], small_reference, "test"))
    (apart,) = [c for c in claims if c.metric.endswith("difference")]
    assert (apart.n, apart.slice, apart.n_of) == (60, {"race": "group 0"}, {"race": "group 1"})
    lacking = verdict(apart, ODDS).lacking
    assert "rows with the favourable label of race=group 1 would decide at this value, now 60" in lacking


@pytest.mark.parametrize(
    ("value", "low", "n"), [("0.8", "0.6", 50), (None, "0.6", 50), ("0.9", "0.6", None), ("0.8000001", "0.1", 10**6)]
)
def test_no_number_is_given_where_none_would_do(value, low, n):
    interval = Interval(low=low, high="1.3", method="score")
    assert rows_enough(Claim(metric="selection_rate_ratio", value=value, n=n, interval=interval), "0.8") is None


def test_no_number_of_rows_is_given_that_is_there_already():
    measured = Claim(
        metric="balanced_accuracy", value="0.5", n=12, interval=Interval(low="0.4", high="0.6", method="m")
    )
    assert "rows would decide" in enough_text(measured, "0.55")
    assert enough_text(measured, "0.6") == enough_text(measured, "0.61") == ""

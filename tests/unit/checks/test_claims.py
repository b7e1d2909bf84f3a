import pytest

from aims_mlflow.checks.claims import claim, hold, reason_of
from aims_mlflow.records.limit import holds
from aims_mlflow.records.pack import Limit
from aims_mlflow.records.wording import describe, number_text


def limit(metric="m", comparator=">=", bound="0.8", **more):
    return Limit(metric=metric, comparator=comparator, limit=bound, why="for the test", **more)


@pytest.mark.parametrize(
    ("value", "comparator", "bound", "expected"),
    [
        ("0.8", ">=", "0.80", True),
        ("0.7999999999999999", ">=", "0.8", False),
        ("0.8", ">", "0.8", False),
        ("0.1", "<", "0.1", False),
        ("0.1", "<=", "0.1", True),
        ("2", "==", "2.0", True),
    ],
)
def test_values_are_compared_as_exact_decimals(value, comparator, bound, expected):
    assert holds(value, comparator, bound) is expected


def test_limits_add_up():
    found = hold([claim("m", 0.85)], [limit(bound="0.8"), limit(bound="0.9", severity="warning")])
    assert [(c.limit, c.passed, c.severity) for c in found] == [("0.8", True, "failing"), ("0.9", False, "warning")]


def test_a_claim_without_a_limit_stays_as_it_is():
    (found,) = hold([claim("other", 0.5)], [])
    assert (found.limit, found.passed) == (None, None)


def test_a_limit_that_speaks_of_nothing_is_not_evaluated():
    (_, lone) = hold([claim("other", 0.5)], [limit()])
    assert (lone.metric, lone.value, lone.passed, lone.limit) == ("m", None, None, "0.8")
    assert "not computed" in lone.note


def test_a_star_stands_for_any_group():
    claims = [claim("m", 0.5, slice={"sex": "*"}), claim("m", 0.6, slice={"sex": "F"}), claim("m", 0.7)]
    found = hold(claims, [limit(slice={"sex": "*"})])
    assert [c.passed for c in found] == [False, False, None]


def test_an_undefined_interval_is_left_out():
    assert claim("m", 0.5, interval=(float("nan"), 1.0)).interval is None
    assert claim("m", float("nan")).value is None


def test_the_reason_names_failures_before_warnings_and_counts_the_rest():
    claims = hold([claim("m", i / 10, slice={"g": str(i)}) for i in range(5)], [limit(severity="warning")])
    claims += hold([claim("n", 0.1)], [limit("n")])
    assert reason_of(claims).startswith("n is 0.1, limit >= 0.8; m for g=0 is 0")
    assert reason_of(claims).endswith("and 3 more")
    assert reason_of([claim("m", 1)]) is None


def test_what_could_not_be_evaluated_is_described_so():
    (found,) = hold(
        [claim("m", None, slice={"a": "*", "b": "*"}, note="one group")], [limit(slice={"a": "*", "b": "*"})]
    )
    assert describe(found) == "m for a and b could not be evaluated (one group)"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("0.3", "0.3"),
        ("0.29681", "0.297"),
        ("0.00012345", "0.000123"),
        ("123456.7", "123,457"),
        ("0", "0"),
        (None, "undefined"),
        ("-0.0431", "-0.0431"),
    ],
)
def test_numbers_are_rounded_for_reading(value, text):
    assert number_text(value) == text


def test_a_range_without_width_is_left_out_and_the_note_says_so():
    drawn = claim("balanced_accuracy", 1, n=21, interval=(1, 1), method="bootstrap range, percentile", note="one")
    assert drawn.interval is None
    assert drawn.note == "one; no range: these rows give none a width, which does not make the value sure"
    assert claim("accuracy", 1, interval=(0.9, 1), method="exact (Clopper-Pearson)").interval is not None
    assert claim("m", None, interval=(float("nan"),) * 2, method="bootstrap range").note is None


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("42.0001", "42.0"),
        ("43.03", "43.0"),
        ("123.0004", "123.0"),
        ("42", "42"),
        ("41.52", "41.5"),
        ("0.9999", "0.9999"),
    ],
)
def test_a_fraction_near_a_whole_number_keeps_one_tenth(value, text):
    assert number_text(value) == text


def test_a_tenth_is_not_kept_where_it_would_be_on_the_other_side_of_a_limit():
    assert number_text("42.0001", "<=", "42") == "42.0001"

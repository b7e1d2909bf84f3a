from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from aims_mlflow.checks.statistics.distances import category_counts
from aims_mlflow.checks.statistics.labels import (
    NAME_LENGTH,
    distinct_labels,
    is_label,
    label_key,
    label_text,
    listing,
    same_label,
    short_name,
)


@pytest.mark.parametrize(
    "one", [1, 1.0, "1", "1.0", True, np.True_, np.int8(1), np.float32(1), "True", "true", Decimal("1.0")]
)
def test_every_way_to_write_one_is_the_same_label(one):
    assert same_label(one, "1")
    assert not same_label(one, "0")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0, "1"),
        (True, "True"),
        (np.False_, "False"),
        (0.5, "0.5"),
        (" >50K", ">50K"),
        (10**20, "1" + "0" * 20),
        ("", ""),
    ],
)
def test_label_text_is_what_people_write(value, text):
    assert label_text(value) == text


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA, pd.NaT])
def test_a_missing_label_is_none_and_equals_nothing(missing):
    assert label_text(missing) is None
    assert label_key(missing) is None
    assert not same_label(missing, missing)


def test_text_labels_are_told_apart():
    assert not same_label("yes", "Yes")
    assert not same_label("10", "1")
    assert not same_label(">50K", "<=50K")


@pytest.mark.parametrize(
    "values",
    [
        [1, 0, 1],
        np.array([1.0, 0.0, 1.0]),
        np.array([True, False, True]),
        pd.Series(["1", "0", "1"]),
        pd.Series([1, 0, 1], dtype="Int64"),
        pd.Series(["1", "0", "1"], dtype="category"),
        np.array([[1], [0], [1]]),
        pd.DataFrame({"a": [1, 0, 1]}),
        pd.array([True, False, True], dtype="boolean"),
    ],
)
def test_is_label_reads_what_models_return(values):
    assert is_label(values, "1").tolist() == [True, False, True]


def test_is_label_is_false_for_missing_values():
    assert is_label(pd.Series([1.0, np.nan, 0.0]), "1").tolist() == [True, False, False]


def test_distinct_labels_are_sorted_and_without_missing_ones():
    assert distinct_labels(pd.Series([2.0, 1.0, np.nan, 1.0])) == {"1": "1", "2": "2"}
    assert list(distinct_labels(pd.Series(["b", "a", None, ""]))) == ["", "a", "b"]


def test_listing_is_short():
    assert listing(["a", "b"]) == "'a', 'b'"
    assert listing("abcdefgh").endswith("and 3 more")


def test_a_long_label_is_cut_and_told_apart_from_one_that_begins_alike():
    one, other = (short_name("a" * 90 + end) for end in "xy")
    assert one != other
    assert len(one) == NAME_LENGTH
    assert one.startswith("a" * 60)
    assert short_name("a" * NAME_LENGTH) == "a" * NAME_LENGTH


def test_categories_of_columns_of_different_types_are_compared_as_labels():
    truth = pd.Series([True, False, True])
    for same in (pd.Series([1, 0, 1]), pd.Series([1.0, 0.0, 1.0]), pd.Series(["true", "false", "true"])):
        train, now = category_counts((truth, None), (same, None))
        assert sorted(train) == sorted(now) == [1, 2]

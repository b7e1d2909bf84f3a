from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from aims_mlflow.checks.tables.predictions import Predictions
from aims_mlflow.checks.tables.targets import outcomes
from aims_mlflow.checks.tables.task import PredictionTask
from aims_mlflow.checks.tables.validation import make_dataset, validate_pair
from aims_mlflow.errors import DataError

YES_OR_NO = PredictionTask(target="y", favourable="yes")


def frame(**columns):
    return pd.DataFrame(
        {"x": [1.0, 2.0, 3.0, 4.0], "sex": ["F", "M", "F", "M"], "y": ["no", "yes", "no", "yes"], **columns}
    )


def refusal(*args, **kwargs):
    with pytest.raises(DataError) as caught:
        make_dataset(*args, **kwargs)
    text = str(caught.value)
    assert "\n" not in text
    return text


def test_a_good_table_becomes_a_data_set_that_shares_it():
    table = frame()
    data = make_dataset(
        "train", table, PredictionTask(target="y", favourable="yes"), sensitive=["sex"], identifiers=["id"]
    )
    assert data.features == ["x", "sex"]
    assert data.sensitive_names == ("sex",)
    assert np.shares_memory(data.frame["x"].to_numpy(), table["x"].to_numpy())


def test_sensitive_columns_may_stand_beside_the_table():
    beside = pd.DataFrame({"group": ["a", "b", "a", "b"]}, index=[9, 8, 7, 6])
    data = make_dataset("test", frame(), PredictionTask(target="y", favourable="yes"), sensitive_frame=beside)
    assert data.sensitive["group"].tolist() == ["a", "b", "a", "b"]
    assert "group" not in data.frame.columns


def test_number_names_become_text():
    data = make_dataset("train", pd.DataFrame({0: [1, 2], 1: [0, 1]}), PredictionTask(target="1"))
    assert data.task.favourable == "1"
    assert data.features == ["0"]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"frame": pd.DataFrame({"y": []})}, ["train data", "no rows"]),
        ({"target": "why"}, ["no target column 'why'"]),
        ({"target": "Y"}, ["no target column 'Y'", "did you mean 'y'?"]),
        ({"sensitive": ["sexx"]}, ["no sensitive column 'sexx'", "did you mean 'sex'?", "aims.yaml"]),
        ({"favourable": "Yes"}, ["favourable label 'Yes'", "'no', 'yes'", "did you mean 'yes'?"]),
        ({"favourable": None}, ["favourable is not said", "data.favourable"]),
        ({"frame": frame(y=[None] * 4)}, ["'y' has no value in any of its 4 rows"]),
        ({"frame": frame(sex=[None] * 4)}, ["'sex' has no value in any of its 4 rows"]),
        ({"frame": frame(x=[np.nan] * 4)}, ["'x' has no value in any of its 4 rows"]),
        ({"frame": frame(y=["no", "yes", "maybe", "no"])}, ["outside the two expected", "3 labels", "'maybe'"]),
        ({"frame": frame(y=["yes"] * 4)}, ["same label in 'y'"]),
        ({"frame": pd.concat([frame(), frame()[["x"]]], axis=1)}, ["several columns have the same name: 'x'"]),
    ],
)
def test_each_mistake_gets_one_sentence_with_the_fix(change, expected):
    asked = {"frame": frame(), "target": "y", "favourable": "yes", "sensitive": ["sex"], **change}
    task = PredictionTask(target=asked["target"], favourable=asked["favourable"])
    text = refusal("train", asked["frame"], task, sensitive=asked["sensitive"])
    for part in expected:
        assert part in text


def test_many_labels_are_counted_and_not_listed():
    text = refusal(
        "train",
        pd.DataFrame({"name": [f"Person {i}" for i in range(100)]}),
        PredictionTask(target="name", favourable="x"),
    )
    assert "100 labels" in text
    assert "Person" not in text


def test_a_column_that_is_empty_in_the_test_table_alone_is_allowed():
    assert make_dataset("test", frame(x=[np.nan] * 4), PredictionTask(target="y", favourable="yes")).role == "test"


@pytest.mark.parametrize(
    "cells",
    [[["a"], ["b", "c"], None, ["a"]], [{"a": 1}] * 4, [{"a"}] * 4, ["a", ["b"], "c", "d"], [np.array([1, 2])] * 4],
)
def test_a_sensitive_column_of_lists_is_one_sentence(cells):
    said = refusal("test", frame().assign(sex=cells), YES_OR_NO, sensitive=["sex"])
    assert "the sensitive column 'sex' holds lists or dictionaries" in said
    beside = pd.DataFrame({"g": pd.Series(cells, dtype=object)})
    assert "'g' holds lists" in refusal("test", frame(), YES_OR_NO, sensitive_frame=beside)


def test_a_sensitive_arrow_column_of_lists_is_the_same_sentence():
    cells = pd.Series(pa.array([["a"], ["b"], None, ["a"]]), dtype=pd.ArrowDtype(pa.list_(pa.string())))
    assert "holds lists" in refusal("test", frame().assign(sex=cells), YES_OR_NO, sensitive=["sex"])


def test_sensitive_columns_of_another_length_are_refused():
    assert "3 rows, the table has 4" in refusal("test", frame(), sensitive_frame=pd.DataFrame({"g": [1, 2, 3]}))


def test_a_pair_is_refused_for_a_lost_column_and_for_labels_written_otherwise():
    train = make_dataset("train", frame(), PredictionTask(target="y", favourable="yes"))
    lost = make_dataset("test", frame().rename(columns={"x": "X"}), PredictionTask(target="y", favourable="yes"))
    with pytest.raises(DataError, match="no column that train data has, 'x', did you mean 'X'"):
        validate_pair(train, lost)
    dotted = make_dataset("test", frame(y=["no.", "yes", "no.", "yes"]), PredictionTask(target="y", favourable="yes"))
    with pytest.raises(DataError, match=r"label outside the two expected \('no\.'"):
        validate_pair(train, dotted)
    validate_pair(train, make_dataset("test", frame(), PredictionTask(target="y", favourable="yes")))


def scored(predictions, favourable="yes", **columns):
    data = make_dataset("test", frame(**columns), PredictionTask(target="y", favourable=favourable))
    return replace(data, predictions=Predictions(np.asarray(predictions)))


def test_outcomes_compare_labels_as_text():
    data = scored([True, False, True, True], favourable="1", y=[0, 1, 0, 1])
    actual, predicted = outcomes(data)
    assert actual.tolist() == [False, True, False, True]
    assert predicted.tolist() == [True, False, True, True]


@pytest.mark.parametrize(
    ("predictions", "expected"),
    [
        (["yes", "no", "maybe", "no"], "neither label of 'y': other values are predicted, 1 of them"),
        ([0.25, 0.5, 0.75, 0.1], "predict labels, not probabilities"),
        ([None, "no", "yes", "no"], "1 of 4 rows have no prediction"),
        (["yes", "no"], "shape (2,) for 4 rows"),
    ],
)
def test_predictions_that_do_not_fit_are_refused(predictions, expected):
    with pytest.raises(DataError) as caught:
        outcomes(scored(predictions))
    assert expected in str(caught.value)


def test_a_missing_label_is_refused_and_not_left_out():
    with pytest.raises(DataError, match="1 of 4 rows have no label in 'y'"):
        outcomes(scored(["yes"] * 4, y=["no", "yes", None, "yes"]))
    with pytest.raises(DataError, match="no predictions"):
        outcomes(make_dataset("test", frame(), PredictionTask(target="y", favourable="yes")))


@pytest.mark.parametrize(
    ("y", "favourable", "role"),
    [
        (["ann@example.org", "bob@example.org", "yes", "no"], "yes", "train"),
        (["ann@example.org"] * 4, "yes", "train"),
        (["ann@example.org", "no", "ann@example.org", "no"], "yes", "train"),
        (["ann@example.org", "no", "no", "no"], None, "test"),
    ],
)
def test_labels_are_shown_to_the_person_and_stand_in_no_sentence_that_a_record_keeps(y, favourable, role):
    with pytest.raises(DataError) as raised:
        make_dataset(role, frame(y=y), PredictionTask(target="y", favourable=favourable))
    assert "ann@example.org" in str(raised.value)
    assert "ann@example.org" in raised.value.shown()
    assert "@" not in raised.value.sentence() + raised.value.what


def test_strange_labels_of_a_pair_stand_in_no_record():
    train = make_dataset("train", frame(), YES_OR_NO)
    other = make_dataset("test", frame(y=["ann@example.org", "yes"] * 2), YES_OR_NO)
    with pytest.raises(DataError, match=r"ann@example\.org") as raised:
        validate_pair(train, other)
    assert "@" not in raised.value.sentence()


def test_a_favourable_label_that_nobody_named_is_told():
    (note,) = make_dataset("train", frame(y=[0, 1, 0, 1]), PredictionTask(target="y")).notes
    assert note == "no outcome of 'y' is named favourable: 1 is supposed, of 0 and 1"
    assert make_dataset("train", frame(y=[0, 1, 0, 1]), PredictionTask(target="y", favourable="0")).notes == ()

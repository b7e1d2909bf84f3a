"""Labels beside the features: one column, the named one of several, or one-hot."""

import numpy as np
import pandas as pd
import pytest

from aims_mlflow.adapters.tables import make_table
from aims_mlflow.errors import DataError

X = pd.DataFrame({"income": [1.0, 2.0, 3.0]})


def labels(y, target="repaid"):
    return make_table("train", target=target, sensitive=(), X=X, y=y).frame[target].tolist()


def test_one_column_is_the_target_whatever_its_name():
    assert labels(pd.Series([1, 0, 1], name="y")) == [1, 0, 1]
    assert labels(np.array([[1], [0], [1]])) == [1, 0, 1]


def test_of_several_columns_the_one_with_the_targets_name_counts():
    assert labels(pd.DataFrame({"second": [1, 1, 1], "repaid": [0, 1, 0]})) == [0, 1, 0]


def test_one_hot_columns_have_their_names_as_labels():
    assert labels(pd.DataFrame({"yes": [1, 0, 0], "no": [0, 1, 1]})) == ["yes", "no", "no"]
    assert labels(pd.DataFrame({"yes": [True, False, False], "no": [False, True, True]})) == ["yes", "no", "no"]


def test_one_hot_arrays_have_places_as_labels():
    assert labels(np.eye(12)[[0, 11, 2]]) == [0, 11, 2]


@pytest.mark.parametrize(
    "y", [pd.DataFrame({"a": [1, 1, 0], "b": [1, 0, 0]}), np.array([["a", "b"]] * 3, dtype=object), np.ones((3, 2))]
)
def test_other_columns_are_refused(y):
    with pytest.raises(DataError, match="y_train has 2 columns, none is named 'repaid', and they are not one-hot"):
        labels(y)

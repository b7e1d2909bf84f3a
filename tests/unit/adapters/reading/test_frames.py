"""Tables in memory: every library's table is the same frame, and what is no table gets one sentence."""

import decimal

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from aims_mlflow.adapters.reading.frames import as_frame
from aims_mlflow.adapters.tables import make_table
from aims_mlflow.errors import DataError

FRAME = pd.DataFrame({"a": [1, 2, 3], "b": ["x", "NA", None], "c": [1.5, None, 2]})
ARROW = pa.Table.from_pandas(FRAME)


@pytest.mark.parametrize(
    "value",
    [
        FRAME,
        ARROW,
        ARROW.to_batches()[0],
        pl.from_arrow(ARROW),
        pl.from_arrow(ARROW).lazy(),
        duckdb.from_arrow(ARROW),
        FRAME.to_dict("list"),
        FRAME.to_dict("records"),
    ],
    ids=["pandas", "arrow", "batch", "polars", "lazy", "duckdb", "columns", "rows"],
)
def test_every_library_gives_the_same_frame(value):
    got = as_frame(value, "train")
    assert got.astype(object).where(got.notna(), None).to_dict("list") == FRAME.astype(object).where(
        FRAME.notna(), None
    ).to_dict("list")


def test_arrays_have_columns():
    named = np.array([(1, "x"), (2, "y")], dtype=[("a", "i4"), ("b", "U3")])
    assert as_frame(named, "train").to_dict("list") == {"a": [1, 2], "b": ["x", "y"]}
    assert list(as_frame(np.zeros((2, 2)), "train")) == ["feature_0", "feature_1"]
    masked = as_frame(np.ma.array([[1, 2], [3, 4]], mask=[[0, 1], [0, 0]]), "train")
    assert masked["feature_1"].isna().tolist() == [True, False]


def test_large_whole_numbers_of_polars_stay_exact():
    frame = as_frame(pl.DataFrame({"id": [2**53 + 1, None]}), "train")
    assert frame["id"][0] == 2**53 + 1


def test_sparse_columns_become_plain_ones_that_can_be_digested():
    frame = pd.DataFrame({"a": pd.arrays.SparseArray([0, 0, 1]), "y": ["n", "y", "n"]})
    assert make_table("train", target="y", sensitive=(), frame=frame).frame["a"].tolist() == [0, 0, 1]


def test_a_column_beside_may_have_any_name():
    table = make_table(
        "train", target="self", sensitive=("index",), X=FRAME[["a"]], y=[0, 1, 0], beside={"index": list("xyx")}
    )
    assert list(table.frame) == ["a", "self", "index"]


class Samples:
    """A data set of samples, which hands out items and is no table."""

    def __len__(self):
        return 3

    def __getitem__(self, at):
        return at


class Loader(Samples):
    """The same of a library for deep learning."""


Loader.__module__ = "torch.utils.data.dataset"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ((FRAME, FRAME["a"]), "a tuple of 2"),
        (Samples(), "no table"),
        (Loader(), "stream of batches"),
        (iter([1]), "read once only"),
        (ARROW.to_reader(), "read once only"),
        ({"a": [1], "b": [1, 2]}, "no columns of one length"),
        (5, "no table"),
        (np.zeros((2, 2, 2)), "3 dimensions"),
        (pd.DataFrame([[1, 2, 3, 4]], columns=["a", "a", "b", "b"]), "same name: 'a', 'b'"),
        (pd.DataFrame([[1, 2]], columns=[1, "1"]), "same name: '1'"),
    ],
)
def test_what_is_no_table_is_refused_in_one_sentence(value, said):
    with pytest.raises(DataError) as caught:
        as_frame(value, "train")
    assert said in caught.value.sentence()
    assert "train" in caught.value.sentence()
    assert caught.value.next


def test_decimals_keep_their_digits_in_the_digest():
    one, two = (
        make_table("train", target="y", sensitive=(), frame=pd.DataFrame({"d": [decimal.Decimal(text)], "y": [1]}))
        for text in ("0.1000000000000000055", "0.1")
    )
    assert one.digest != two.digest

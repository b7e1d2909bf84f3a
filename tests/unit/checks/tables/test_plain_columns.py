"""Columns in plain types: the same values whatever library made them, and a person is told where digits may be lost."""

import datetime as dt
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from aims_mlflow.checks.tables.plain_columns import plain, plain_frame

ARROW = pd.ArrowDtype


@pytest.mark.parametrize(
    ("column", "kind", "values"),
    [
        (pd.Series([Decimal("1.50"), None]), "float64", [1.5, None]),
        (pd.Series([Decimal(7), Decimal(8)]), "int64", [7, 8]),
        (pd.Series([Decimal(2**60 + 1), None]), "Int64", [2**60 + 1, None]),
        (pd.Series([1, None], dtype=object), "float64", [1.0, None]),
        (pd.Series([2**53 + 1, None], dtype=object), "Int64", [2**53 + 1, None]),
        (pd.Series([2**64 - 1, 1], dtype=object), "uint64", [2**64 - 1, 1]),
        (pd.Series([2**70, 1], dtype=object), "str", [str(2**70), "1"]),
        (pd.Series([True, False], dtype=object), "bool", [True, False]),
        (pd.Series([True, None], dtype="boolean"), "object", [True, None]),
        (pd.Series([1, 2], dtype="Int8"), "int8", [1, 2]),
        (pd.Series([1.5, None], dtype="Float64"), "float64", [1.5, None]),
        (pd.Series([b"yes", b"no"]), "str", ["yes", "no"]),
        (pd.Series(pd.arrays.SparseArray([0, 1])), "int64", [0, 1]),
        (pd.Series([1, None], dtype=ARROW(pa.int64())), "float64", [1.0, None]),
        (pd.Series([2**53 + 1, None], dtype=ARROW(pa.int64())), "Int64", [2**53 + 1, None]),
        (pd.Series([Decimal("1.50")], dtype=ARROW(pa.decimal128(9, 2))), "float64", [1.5]),
        (pd.Series([True, None], dtype=ARROW(pa.bool_())), "object", [True, None]),
        (pd.Series([dt.date(2024, 1, 1)]), "datetime64", [pd.Timestamp("2024-01-01")]),
    ],
)
def test_a_column_becomes_plain_and_keeps_its_values(column, kind, values):
    got = plain(column)
    if kind == "str":
        assert pd.api.types.infer_dtype(got) == "string"
    else:
        assert str(got.dtype).startswith(kind)
    assert got.astype(object).where(got.notna(), None).tolist() == values


@pytest.mark.parametrize(
    "column",
    [
        pd.Series([1.5]),
        pd.Series(["a", None]),
        pd.Series([1, "two"]),
        pd.Series([[1], [2]]),
        pd.Series([b"\xff"]),
        pd.Series(pd.Categorical(["a"], categories=["a", "b"])),
        pd.Series([pd.Timestamp("2024-01-01", tz="Europe/Berlin")]),
    ],
)
def test_a_plain_column_is_itself(column):
    assert plain(column) is column


def test_decimals_that_floating_point_numbers_cannot_tell_apart_are_named():
    close = [Decimal("0.10000000000000000001"), Decimal("0.10000000000000000002")]
    frame, notes = plain_frame(pd.DataFrame({"self": close, "index": ["a", "b"]}))
    assert list(frame) == ["self", "index"]
    assert notes == (
        "'self': decimals are read as floating-point numbers; 1 of its values differ in digits that those do not hold",
    )


def test_a_frame_without_odd_columns_is_given_back():
    frame = pd.DataFrame({"a": np.arange(3)})
    assert plain_frame(frame)[0] is frame

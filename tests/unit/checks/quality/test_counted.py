"""Plain counts are what Great Expectations says, in its words; whatever is not certain to be the same is left to it."""

import subprocess
import sys
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from aims_mlflow.checks.quality import data_quality
from aims_mlflow.checks.quality.counted import COUNTS, CountResult, counted
from aims_mlflow.checks.quality.expectations import Demand
from aims_mlflow.records.expectation import Expectation

TABLE = pd.DataFrame(
    {
        "whole": range(8),
        "gaps": [1.0, 2.0, None, 4.0, np.inf, -np.inf, 7.0, None],
        "nullable": pd.array([1, 2, None, 4, 5, 5, None, 8], dtype="Int64"),
        "text": ["a", "b", None, "a", "", "c", "a", None],
        "level": pd.Categorical(["x", "y", "x", None, "y", "x", "x", "x"], categories=["x", "y", "z"]),
        "flag": [True, False] * 4,
        "day": pd.to_datetime(["2026-01-01", None] * 4),
        "empty": [np.nan] * 8,
        "unhashable": [[1], [2], [1], [3], [4], [5], [6], [7]],
        "decimal": [Decimal(i) for i in range(8)],
    }
)
BETWEEN = (
    {"min_value": 2},
    {"max_value": 4.5},
    {"min_value": 1, "max_value": 4, "strict_min": True},
    {"min_value": 1, "max_value": 4, "strict_max": True, "mostly": 0.375},
    {"min_value": 2, "mostly": 0.75},
    {"min_value": 3, "max_value": 3},
    {"min_value": 4, "max_value": 1},
    {"min_value": "2"},
    {},
)


def demand(kind, kwargs):
    return Demand(Expectation(type=kind, kwargs=kwargs, why="for the test"), kwargs)


def asked():
    yield from (demand("expect_table_row_count_to_be_between", kwargs) for kwargs in BETWEEN if "mostly" not in kwargs)
    for column in TABLE.columns:
        for kind in ("expect_column_unique_value_count_to_be_between", "expect_column_values_to_be_between"):
            for kwargs in BETWEEN:
                yield demand(kind, {"column": column, **kwargs})
        for kwargs in ({}, {"mostly": 1}, {"mostly": 0.625}, {"mostly": 0.75}, {"mostly": 0.755}):
            yield demand("expect_column_values_to_not_be_null", {"column": column, **kwargs})


def test_results_and_words_are_great_expectations_own(monkeypatch):
    wanted = dict(enumerate(asked()))
    mine = counted(TABLE, wanted)
    assert {wanted[i].type for i in mine} == set(COUNTS)
    assert {wanted[i].column for i in mine} == {*TABLE.columns, None}
    monkeypatch.setattr(data_quality, "counted", lambda *_: {})
    theirs = data_quality.validate(TABLE, wanted)
    for i, found in mine.items():
        said = theirs[i]
        assert not isinstance(said, str), (wanted[i], said)
        assert found.success is bool(said.success), (wanted[i], found, said.result)
        assert found.result.items() <= said.result.items(), (wanted[i], found, said.result)
        if wanted[i].kwargs.get("max_value") != 4.5:  # its words cut a count's bound of 4.5 to 4
            assert found.words == data_quality.words_of(wanted[i], said)


@pytest.mark.parametrize(
    ("kind", "kwargs"),
    [
        ("expect_column_mean_to_be_between", {"column": "whole", "min_value": 1}),
        ("expect_column_values_to_be_between", {"column": "text", "min_value": 1}),
        ("expect_column_values_to_be_between", {"column": "flag", "min_value": 1}),
        ("expect_column_values_to_be_between", {"column": "whole", "min_value": float("nan")}),
        ("expect_column_values_to_not_be_null", {"column": "whole", "mostly": 95}),
        ("expect_column_values_to_not_be_null", {"column": "whole", "catch": 1}),
        ("expect_column_unique_value_count_to_be_between", {"column": "unhashable", "max_value": 9}),
        ("expect_table_row_count_to_be_between", {}),
    ],
)
def test_what_is_no_plain_count_is_left_to_the_library(kind, kwargs):
    assert counted(TABLE, {0: demand(kind, kwargs)}) == {}


def test_a_condition_on_rows_and_wanted_examples_are_left_to_the_library():
    where = Expectation(
        type="expect_column_values_to_not_be_null",
        kwargs={"column": "gaps"},
        where=[{"column": "whole", "op": ">", "value": 3}],
        why="for the test",
    )
    assert counted(TABLE, {0: Demand(where, where.kwargs)}) == {}
    plain = demand("expect_column_values_to_not_be_null", {"column": "gaps"})
    assert isinstance(data_quality.validate(TABLE, {0: plain})[0], CountResult)
    assert not isinstance(data_quality.validate(TABLE, {0: plain}, examples=3)[0], CountResult)


def test_a_shipped_pack_is_evaluated_without_importing_the_library():
    code = """
import sys
import pandas as pd
from aims_mlflow.checks.packs import load_pack
from aims_mlflow.checks.runner import run_check
from aims_mlflow.checks.tables.task import PredictionTask
from aims_mlflow.checks.tables.validation import make_dataset
table = pd.DataFrame({"a": range(40), "sex": ["f", "m"] * 20, "y": ["no", "yes"] * 20})
data = make_dataset("train", table, PredictionTask(target="y", favourable="yes"), sensitive=["sex"])
found = run_check("data_quality", data, load_pack("tabular-classification", None))
assert found.result == "passed", found
assert set(found.tools) == {"pandas"}, found.tools
assert "great_expectations" not in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr

import json
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from aims_mlflow.checks.quality import data_quality
from aims_mlflow.checks.quality.expectations import KNOWN, Demand
from aims_mlflow.checks.runner import run_check
from aims_mlflow.checks.tables.task import PredictionTask
from aims_mlflow.checks.tables.validation import make_dataset
from aims_mlflow.records.expectation import DataQuality, Expectation
from aims_mlflow.records.pack import Pack

SECRET = "Erika Mustermann"


def expect(kind, severity="failing", roles=("train", "validation", "test"), **kwargs):
    return Expectation(type=f"expect_{kind}", kwargs=kwargs, severity=severity, roles=roles, why="for the test")


def pack(*expectations):
    return Pack(name="p", version="1", description="d", data_quality=DataQuality(expectations=expectations))


def frame(rows=40):
    return pd.DataFrame(
        {
            "name": [SECRET] + [f"person {i}" for i in range(rows - 1)],
            "age": [None if i % 4 == 0 else 20 + i for i in range(rows)],
            "sex": ["F", "M"] * (rows // 2),
            "y": [0, 1] * (rows // 2),
        }
    )


def run(*expectations, table=None, role="test"):
    data = make_dataset(role, frame() if table is None else table, PredictionTask(target="y"), sensitive=["sex"])
    return data_quality.run(data, pack(*expectations))


def demand_on_names():
    return Demand(expect("column_values_to_be_in_set"), {"column": "name", "value_set": ["nobody"]})


def only(outcome):
    (found,) = [c for c in outcome.claims if c.metric != "duplicate_rows"]
    return found


def test_the_known_expectations_are_great_expectations_own():
    from great_expectations.expectations.registry import list_registered_expectation_implementations

    registered = {name for name in list_registered_expectation_implementations() if name.startswith("expect_")}
    assert set(KNOWN) == registered


def test_a_share_is_held_to_mostly_and_counts_what_was_checked():
    found = only(run(expect("column_values_to_be_between", column="age", min_value=30, mostly=0.9)))
    assert (found.metric, found.slice, found.role) == ("expect_column_values_to_be_between", {"column": "age"}, "test")
    assert (found.n, found.comparator, found.limit, found.passed) == (30, ">=", "0.9", False)
    assert float(found.value) == (30 - 7) / 30


def test_missing_values_are_counted_by_not_null():
    found = only(run(expect("column_values_to_not_be_null", "warning", column="age", mostly=0.8)))
    assert (found.value, found.n, found.limit, found.severity, found.passed) == ("0.75", 40, "0.8", "warning", False)


def test_an_observed_number_is_held_to_each_bound():
    outcome = run(expect("column_mean_to_be_between", column="y", min_value=0.4, max_value=0.45, strict_max=True))
    low, high = (c for c in outcome.claims if c.metric == "expect_column_mean_to_be_between")
    assert (low.value, low.comparator, low.limit, low.passed) == ("0.5", ">=", "0.4", True)
    assert (high.value, high.comparator, high.limit, high.passed) == ("0.5", "<", "0.45", False)
    assert outcome.result == "failed"


def test_the_value_of_a_single_row_is_not_shown():
    found = only(run(expect("column_max_to_be_between", column="age", max_value=50)))
    assert (found.value, found.comparator, found.limit, found.passed) == ("0", "==", "1", False)
    assert "59" not in found.model_dump_json()


def test_placeholders_stand_for_the_tables_columns():
    outcome = run(
        expect("column_values_to_not_be_null", column="$target"),
        expect("column_values_to_not_be_null", column="$sensitive"),
        expect("column_to_exist", column="$column"),
        expect("compound_columns_to_be_unique", column_list=["$target", "$sensitive", "name"]),
    )
    columns = [(c.metric.removeprefix("expect_"), c.slice.get("column")) for c in outcome.claims[:-1]]
    assert columns == [
        ("column_values_to_not_be_null", "y"),
        ("column_values_to_not_be_null", "sex"),
        *(("column_to_exist", name) for name in ("name", "age", "sex", "y")),
        ("compound_columns_to_be_unique", None),
    ]
    assert all(c.passed for c in outcome.claims[:-1])


def test_an_expectation_for_other_roles_is_left_out():
    both = (expect("column_to_exist", column="age"), expect("column_to_exist", roles=("train",), column="sex"))
    assert len(run(*both).claims) == 2
    assert len(run(*both, role="train").claims) == 3


def test_a_missing_column_is_not_evaluated_which_is_not_failed():
    outcome = run(expect("column_values_to_not_be_null", column="agee", mostly=0.9))
    found = only(outcome)
    assert (found.value, found.passed, found.limit) == (None, None, "0.9")
    assert "there is no column 'agee', did you mean 'age'?" in found.note
    assert outcome.result == "not_evaluated"
    failed = run(expect("column_to_exist", column="agee"))
    assert (only(failed).passed, failed.result) == (False, "failed")


def test_an_expectation_that_raises_inside_is_not_evaluated_and_quotes_no_cell():
    outcome = run(expect("column_mean_to_be_between", column="name", min_value=0))
    found = only(outcome)
    assert (found.passed, found.limit) == (None, "1")
    assert "inside great_expectations" in found.note
    assert outcome.result == "not_evaluated"
    assert SECRET not in repr(outcome)


def test_wrong_arguments_are_said_and_the_rest_still_runs():
    outcome = run(
        expect("column_values_to_be_in_set", column="sex", valueset=["F"]), expect("column_to_exist", column="age")
    )
    wrong, right, _ = outcome.claims
    assert wrong.passed is None
    assert "not evaluated: value_set" in wrong.note or "not evaluated: valueset" in wrong.note
    assert right.passed is True


def test_nothing_to_check_is_not_a_pass():
    table = frame().assign(age=np.nan)
    found = only(run(expect("column_values_to_be_between", column="age", min_value=0), table=table))
    assert (found.value, found.n, found.passed, found.note.split(";")[0]) == (
        None,
        0,
        None,
        "not evaluated: no value to check",
    )


def test_equal_and_similar_expectations_each_get_their_result():
    """Great Expectations keeps one of two equal expectations and returns results in its own order."""
    outcome = run(
        expect("column_values_to_be_between", column="age", min_value=0),
        expect("column_values_to_not_be_null", column="sex"),
        expect("column_values_to_be_between", column="age", min_value=40),
        expect("column_values_to_be_between", "warning", column="age", min_value=0),
    )
    assert [c.passed for c in outcome.claims[:-1]] == [True, True, False, True]
    assert [c.severity for c in outcome.claims[:-1]] == ["failing", "failing", "failing", "warning"]


def test_no_cell_of_the_table_gets_into_the_outcome(record):
    outcome = run(
        expect("column_values_to_be_in_set", column="name", value_set=["nobody"]),
        expect("column_distinct_values_to_be_in_set", column="name", value_set=["nobody"]),
        expect("column_most_common_value_to_be_in_set", column="name", value_set=["nobody"]),
        expect("column_values_to_match_regex", column="name", regex="^x"),
        expect("column_value_lengths_to_equal", column="name", value=3),
    )
    assert {c.passed for c in outcome.claims[:-1]} == {False}
    (result,) = data_quality.validate(frame(), {0: demand_on_names()}).values()
    assert result.result["partial_unexpected_list"] == []
    text = record(outcome).model_dump_json() + b"".join(outcome.reports.values()).decode()
    assert "Mustermann" not in text
    assert "person" not in text


def test_repeated_rows_are_counted_beside():
    table = pd.concat([frame(20), frame(20).head(5)])
    repeated = run(expect("column_to_exist", column="y"), table=table).claims[-1]
    assert (repeated.metric, repeated.value, repeated.limit) == ("duplicate_rows", "0.2", None)


def test_sensitive_columns_that_stand_beside_are_checked_too():
    beside = pd.DataFrame({"race": ["A", None] * 20})
    data = make_dataset("test", frame(), PredictionTask(target="y"), sensitive_frame=beside)
    outcome = data_quality.run(data, pack(expect("column_values_to_not_be_null", column="$sensitive")))
    assert (only(outcome).slice, only(outcome).value) == ({"column": "race"}, "0.5")


def test_a_pack_that_expects_nothing_of_a_role_is_not_evaluated():
    data = make_dataset("validation", frame(), PredictionTask(target="y"))
    outcome = run_check("data_quality", data, pack(expect("column_to_exist", roles=("train",), column="y")))
    assert outcome.result == "not_evaluated"
    assert "expects nothing of validation data" in outcome.reason


def test_the_table_is_not_altered():
    table = frame()
    before = table.copy()
    run(expect("column_values_to_not_be_null", column="$column"), table=table)
    pd.testing.assert_frame_equal(table, before)


def test_it_writes_no_file_prints_nothing_and_opens_no_connection(tmp_path):
    script = """
import socket, sys
def refuse(*a, **k): raise AssertionError("a connection was opened")
socket.socket.connect = refuse
import pandas as pd
from aims_mlflow.checks.tables.task import PredictionTask
from aims_mlflow.checks.tables.validation import make_dataset
from aims_mlflow.checks.packs import load_pack
from aims_mlflow.checks.runner import run_check
pack = load_pack("tabular-classification")
run_check("data_quality", make_dataset("test", pd.DataFrame({"y": [0, 1]}), PredictionTask(target="y")), pack)
def watch(event, args):
    if event in ("os.mkdir", "tempfile.mkstemp", "tempfile.mkdtemp") or (event == "open" and "w" in str(args[1])):
        raise AssertionError(f"{event} {args}")
sys.addaudithook(watch)
frame = pd.DataFrame({"x": range(50), "y": [0, 1] * 25})
outcome = run_check("data_quality", make_dataset("test", frame, PredictionTask(target="y")), pack)
assert outcome.result == "passed", outcome.reason
"""
    env = {**os.environ, "HOME": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env=env, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert list(tmp_path.rglob("*")) == []


def test_the_outcome_is_a_valid_record(record):
    outcome = run(expect("column_values_to_not_be_null", column="$column", mostly=0.5))
    record(outcome)
    assert outcome.result == "passed"
    assert json.dumps(outcome.details.plain())
    assert outcome.controls == ("A.7.4",)
    assert set(outcome.reports) == {"data_quality.html", "data_docs.html"}


def test_an_import_that_ends_the_process_is_an_error_with_the_fix(monkeypatch):
    class Ends:
        def find_spec(self, name, *_):
            if name == "great_expectations":
                raise SystemExit(0)

    monkeypatch.delitem(sys.modules, "great_expectations", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Ends(), *sys.meta_path])
    data = make_dataset("test", frame(), PredictionTask(target="y"))
    outcome = run_check("data_quality", data, pack(expect("column_to_exist", column="y")))
    assert outcome.result == "not_evaluated"
    assert "pyspark[connect]" in outcome.reason


@pytest.mark.parametrize("dtype", ["category", "Int64", "float32", "int64[pyarrow]"])
def test_column_types_make_no_difference(dtype):
    if dtype.endswith("[pyarrow]"):
        pytest.importorskip("pyarrow")
    table = frame().assign(y=pd.Series([0, 1] * 20).astype(dtype))
    assert only(run(expect("column_values_to_not_be_null", column="$target"), table=table)).value == "1"

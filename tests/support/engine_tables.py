"""The same table in every engine, and claims made comparable: shared by the tests and by a process of its own (Connect)."""

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from aims_mlflow.checks.runner import run_check
from aims_mlflow.operation.checking import Columns, dataset_from
from aims_mlflow.records.pack import Pack
from aims_mlflow.records.system import Data

CHECKS = ("data_quality", "representativeness", "fairness", "performance", "privacy", "drift", "drift_baseline")
EXPECTATIONS = [
    {"type": "expect_table_row_count_to_be_between", "kwargs": {"min_value": 1}},
    {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "$column", "mostly": 0.97}},
    {"type": "expect_column_unique_value_count_to_be_between", "kwargs": {"column": "$target", "max_value": 2}},
    {"type": "expect_column_values_to_be_in_set", "kwargs": {"column": "sex", "value_set": ["F"]}},
    {"type": "expect_column_values_to_be_between", "kwargs": {"column": "$numeric", "min_value": 0, "mostly": 0.5}},
    {"type": "expect_column_mean_to_be_between", "kwargs": {"column": "income", "min_value": 1, "max_value": 2}},
    {"type": "expect_column_to_exist", "kwargs": {"column": "gone"}},
    {
        "type": "expect_column_values_to_not_be_null",
        "kwargs": {"column": "income"},
        "where": [{"column": "age", "op": ">=", "value": 40}],
    },
]


def needs_spark():
    """Skip a test where Spark cannot run."""
    pytest.importorskip("pyspark", reason="pyspark is not installed")
    if shutil.which("java") is None:
        pytest.skip("Java is not installed, which Spark needs")


def pack(task="binary-classification"):
    return Pack(
        name="p",
        version="1",
        description="d",
        task=task,
        data_quality={"expectations": [{**e, "why": "a test"} for e in EXPECTATIONS]},
        representativeness={"populations": [{"column": "sex", "source": "s", "shares": {"F": 0.5, "M": 0.5}}]},
        performance={"slices": ["purpose"]},
        fairness={"control": ["purpose"]},
    )


def table(rows=2500, seed=0, task="binary-classification"):
    rng = np.random.default_rng(seed)
    sex = rng.choice(["F", "M"], rows)
    income = np.exp(rng.normal(7.5, 0.5, rows)) * np.where(sex == "M", 1.3, 1.0) + seed * 300
    frame = pd.DataFrame(
        {
            "age": rng.integers(18, 80, rows),
            "income": np.where(rng.random(rows) < 0.05, np.nan, income.round(2)),
            "purpose": np.where(rng.random(rows) < 0.04, None, rng.choice(["car", "home", "study"], rows)),
            "children": rng.integers(0, 4, rows),
            "member": rng.random(rows) < 0.3,
            "consent": pd.array(np.resize([True, None, False, True, False], rows), dtype="boolean"),
            "ratio": np.where(rng.random(rows) < 0.02, np.inf, rng.normal(size=rows).round(3)),
            "opened": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 500, rows), unit="D"),
            "code": [f"code {i}" for i in rng.integers(0, 10**9, rows)],
            "sex": sex,
        }
    )
    score = 1 / (1 + np.exp(-(income / 1000 - 2)))
    if task == "regression":
        return frame.assign(y=income, said=income + rng.normal(0, 300, rows))
    if task == "multiclass-classification":
        said = rng.choice(["a", "b", "c"], rows)
        return frame.assign(y=np.where(rng.random(rows) < 0.6, said, "b"), said=said)
    return frame.assign(
        y=np.where(score + rng.normal(0, 0.2, rows) > 0.5, "yes", "no"),
        said=np.where(score > 0.5, "yes", "no"),
        score=score.round(6),
    )


def dataset(source, role="test", task="binary-classification", **more):
    two = task == "binary-classification"
    described = Data(target="y", favourable="yes" if two else None, sensitive=("sex", "age"), **more)
    return dataset_from(source, role, described, task, Columns("said", "score" if two else None))


def claims(test, train, task="binary-classification", checks=CHECKS):
    """Return check -> result and claims; numbers as floats."""
    found = {}
    for name in checks:
        outcome = run_check(name, test, pack(task), train)
        rows = [
            {
                **claim.model_dump(mode="json", exclude={"value", "interval"}),
                "value": None if claim.value is None else float(claim.value),
                "ends": [float(claim.interval.low), float(claim.interval.high)] if claim.interval else None,
            }
            for claim in outcome.claims
        ]
        found[name] = {"result": outcome.result, "reason": outcome.reason, "claims": rows}
        if name == "drift_baseline":
            found[name]["counts"] = json.loads(outcome.reports["drift_baseline.json"])
    return found


if __name__ == "__main__":  # a Spark Connect session cannot share a process with a classic one
    from pyspark.sql import SparkSession

    test, train, out, *checks = sys.argv[1:]
    spark = SparkSession.builder.remote("local[2]").config("spark.sql.shuffle.partitions", "2").getOrCreate()
    frames = [spark.read.parquet(test), spark.read.parquet(train)]
    assert ".connect." in type(frames[0]).__module__
    found = claims(dataset(frames[0]), dataset(frames[1], "train"), checks=checks)
    Path(out).write_text(json.dumps(found))
    spark.stop()


class Alone:
    """A model that Spark's workers cannot load: they have no copy of this module."""

    def predict(self, features):
        return np.where(features["age"] > 40, "yes", "no")


def rules(known, error):
    """Return a model that raises, and quotes the cell, for a purpose that it does not know; it is pickled by value."""

    class Rules:
        def predict(self, features):
            unknown = set(features["purpose"]) - known
            if unknown:
                raise error(f"unknown purpose {min(unknown)}")
            return np.where(features["age"] > 40, "yes", "no")

    return Rules()

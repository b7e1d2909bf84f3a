"""A generated credit table with a known bias, and an outcome turned into the record that it becomes."""

import os
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from aims_mlflow.checks.tables.predictions import Predictions
from aims_mlflow.checks.tables.task import PredictionTask
from aims_mlflow.checks.tables.validation import make_dataset
from aims_mlflow.records.evidence import Evidence
from aims_mlflow.records.pack import Pack
from support.engine_tables import needs_spark


def credit_table(rows, seed=0):
    """Women have lower incomes here, so a model that learns from income selects them less often."""
    rng = np.random.default_rng(seed)
    sex = rng.choice(["Female", "Male"], rows)
    income = np.exp(rng.normal(7.5, 0.5, rows)) * np.where(sex == "Male", 1.3, 1.0)
    months = rng.choice([12, 24, 36, 48, 60], rows)
    risk = 3.2 - income / 1000 + months / 40 + rng.normal(0, 0.7, rows)
    return pd.DataFrame(
        {
            "age": rng.integers(18, 80, rows),
            "income": np.round(income, 2),
            "amount": np.round(np.exp(rng.normal(8, 0.6, rows)), 2),
            "months": months,
            "purpose": rng.choice(["car", "home", "study", "other"], rows, p=[0.4, 0.3, 0.2, 0.1]),
            "sex": sex,
            "race": rng.choice(["A", "B", "C"], rows, p=[0.6, 0.3, 0.1]),
            "repaid": np.where(risk < 2.6, "yes", "no"),
        }
    )


@pytest.fixture
def table():
    return credit_table


@pytest.fixture(scope="session")
def spark():
    """A classic Spark session; Connect cannot share a process with it."""
    needs_spark()
    from pyspark.sql import SparkSession

    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)  # its workers import what this process can
    settings = {"spark.ui.enabled": "false", "spark.sql.shuffle.partitions": "2", "spark.log.level": "ERROR"}
    session = SparkSession.builder.master("local[2]").config(map=settings).getOrCreate()
    yield session
    session.stop()


@pytest.fixture
def empty_pack():
    return Pack(name="p", version="1", description="no limits")


@pytest.fixture
def scored():
    """A test table with predictions by income alone, and scores."""

    def make(rows=2000, seed=1, **more):
        frame = credit_table(rows, seed)
        data = make_dataset(
            "test", frame, PredictionTask(target="repaid", favourable="yes"), sensitive=["sex", "race"], **more
        )
        score = 1 / (1 + np.exp(-(frame["income"].to_numpy() / 1000 - 2)))
        return replace(data, predictions=Predictions(np.where(score > 0.5, "yes", "no"), score))

    return make


@pytest.fixture
def record():
    """Put an outcome into an evidence record: the record model refuses floats and malformed claims."""

    def make(outcome):
        return Evidence(
            id="01900000-0000-7000-8000-000000000000",
            kind=outcome.kind,
            result=outcome.result,
            reason=outcome.reason,
            controls=outcome.controls,
            actor="test",
            key_id="0" * 64,
            time="2026-01-01T00:00:00Z",
            claims=tuple(c.model_dump() for c in outcome.claims),
            tools=outcome.tools,
            details=outcome.recorded_details().plain(),
        )

    return make


@pytest.fixture
def value_of():
    """Find the one claim of a metric and slice."""

    def find(claims, metric, **at):
        found = [c for c in claims if c.metric == metric and c.slice == at]
        assert len(found) == 1, (metric, at, found)
        return found[0]

    return find

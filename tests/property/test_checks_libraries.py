"""Great Expectations, Fairlearn and Evidently, called as their own pages show, say what the checks say: to 1e-9."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from aims_mlflow.checks.drift import drift
from aims_mlflow.checks.fairness import fairness
from aims_mlflow.checks.metrics import BETWEEN_GROUPS, GROUP_RATES
from aims_mlflow.checks.quality import data_quality
from aims_mlflow.checks.statistics.homogeneity import p_value_text
from aims_mlflow.checks.tables.predictions import Predictions
from aims_mlflow.checks.tables.task import PredictionTask
from aims_mlflow.checks.tables.validation import make_dataset
from aims_mlflow.records.expectation import DataQuality, Expectation
from aims_mlflow.records.pack import Drift, Fairness, Pack

NEAR = 1e-9


def asked_of(frame):
    """(type, kwargs) for every column: gaps, levels, ranges, means; some hold and some do not."""
    asked = [("expect_table_row_count_to_be_between", {"min_value": 10})]
    for name in frame.columns:
        asked.append(("expect_column_values_to_not_be_null", {"column": name, "mostly": 0.99}))
        asked.append(("expect_column_unique_value_count_to_be_between", {"column": name, "max_value": 8}))
        known = frame[name].dropna()
        if pd.api.types.is_numeric_dtype(known):
            middle = float(known.median())
            asked.append(("expect_column_values_to_be_between", {"column": name, "min_value": middle, "mostly": 0.6}))
            asked.append(("expect_column_mean_to_be_between", {"column": name, "max_value": middle}))
            asked.append(("expect_column_stdev_to_be_between", {"column": name, "min_value": 0.5}))
        else:
            frequent = known.value_counts().index[:2].tolist()
            asked.append(("expect_column_values_to_be_in_set", {"column": name, "value_set": frequent, "mostly": 0.5}))
    return asked


def as_great_expectations_says(frame, asked):
    """Return (success, share of checked cells or observed number) of each."""
    import great_expectations as gx
    from great_expectations.expectations.registry import get_expectation_impl

    context = gx.get_context(mode="ephemeral")
    asset = context.data_sources.add_pandas("p").add_dataframe_asset("t")
    batch = asset.add_batch_definition_whole_dataframe("b").get_batch({"dataframe": frame.copy()})
    built = [get_expectation_impl(kind)(**kwargs) for kind, kwargs in asked]
    answers = batch.validate(gx.ExpectationSuite(name="s", expectations=built)).results
    by_what = {(a.expectation_config.type, a.expectation_config.kwargs.get("column")): a for a in answers}
    found = []
    for kind, kwargs in asked:
        said = by_what[kind, kwargs.get("column")]
        result = said.result
        if "unexpected_count" in result:
            percent = result["unexpected_percent"]
            found.append((said.success, None if percent is None else 1 - percent / 100))
        else:
            found.append((said.success, float(result["observed_value"])))
    return found


def quality_agrees(data, frame):
    asked = asked_of(frame)
    wanted = tuple(Expectation(type=kind, kwargs=kwargs, why="for the test") for kind, kwargs in asked)
    pack = Pack(name="p", version="1", description="d", data_quality=DataQuality(expectations=wanted))
    ours = [c for c in data_quality.run(data, pack).claims if c.metric != "duplicate_rows"]
    theirs = as_great_expectations_says(frame, asked)
    assert len(ours) == len(theirs)
    for (kind, kwargs), mine, (success, value) in zip(asked, ours, theirs, strict=True):
        if mine.n == 0:  # a column without a value: there nothing is said here, and a success there
            continue
        assert mine.passed is success, (kind, kwargs)
        assert float(mine.value) == pytest.approx(value, rel=NEAR, abs=NEAR), (kind, kwargs)


def fairness_agrees(data, positive):
    """Every rate of every group, and every comparison, wherever a rate is defined for all groups."""
    from fairlearn import metrics

    said = fairness.run(
        data, Pack(name="p", version="1", description="d", fairness=Fairness(pool_under=1, bootstrap=0))
    )
    actual = (data.frame[data.task.target].astype(str) == positive).to_numpy().astype(int)
    predicted = (pd.Series(data.predicted).astype(str) == positive).to_numpy().astype(int)
    compared = 0
    for column in data.sensitive_names:
        groups = data.sensitive[column].astype(str).to_numpy()
        claims = {(c.metric, c.slice[column]): c for c in said.claims if set(c.slice) == {column}}
        functions = {name: getattr(metrics, name) for name in GROUP_RATES}
        theirs = metrics.MetricFrame(metrics=functions, y_true=actual, y_pred=predicted, sensitive_features=groups)
        for group, row in theirs.by_group.iterrows():
            for metric, value in row.items():
                if claims[metric, group].value is not None:
                    assert float(claims[metric, group].value) == pytest.approx(value, abs=NEAR), (metric, group)
                    compared += 1
        for metric in BETWEEN_GROUPS:
            mine, value = claims[metric, "*"], getattr(metrics, metric)(actual, predicted, sensitive_features=groups)
            if mine.value is not None and (mine.note is None or "defined" not in mine.note):
                assert float(mine.value) == pytest.approx(value, abs=NEAR), metric
                compared += 1
    assert compared


def drift_agrees(train, test):
    """Distances are Evidently's by default, p-values where the pack names a test of its: two-sample tests are our own."""
    drift_agrees_by(train, test, Drift(), ["drift"])
    named = {"numeric": "ks", "categorical": "jensenshannon"}
    drift_agrees_by(train, test, Drift(method="evidently", **named), ["drift", "drift_p_value"], **named)


def drift_agrees_by(train, test, wanted, metrics, numeric=None, categorical=None):
    from evidently import DataDefinition, Report
    from evidently import Dataset as Table
    from evidently.metrics import ValueDrift

    said = drift.run(test, Pack(name="p", version="1", description="d", drift=wanted), train)
    methods = said.recorded_details().plain()["methods"]
    kinds = {
        name: kind for name, kind in said.recorded_details().plain()["columns"].items() if name in test.frame
    }  # labels have no column
    columns = {kind: [name for name in kinds if kinds[name] == kind] for kind in ("numeric", "categorical")}
    shape = DataDefinition(numerical_columns=columns["numeric"], categorical_columns=columns["categorical"])
    current, reference = (Table.from_pandas(t.frame[list(kinds)], data_definition=shape) for t in (test, train))
    by = {"numeric": numeric, "categorical": categorical}
    asked = [ValueDrift(column=name, method=by[kind]) for name, kind in kinds.items()]
    snapshot = Report(asked, include_tests=False).run(current, reference).dict()
    theirs = {m["config"]["column"]: m for m in snapshot["metrics"]}
    ours = {c.slice["column"]: c for c in said.claims if c.slice and c.slice["column"] in kinds and c.value is not None}
    for name, mine in ours.items():
        if mine.metric not in metrics:
            continue
        value = float(theirs[name]["value"])
        if (
            mine.metric == "drift_p_value"
        ):  # the claim's value is corrected for all tests, its note has the column's own
            assert f"{p_value_text(value)} by itself" in mine.note, name
            assert float(mine.value) >= value - NEAR, name
        else:
            assert float(mine.value) == pytest.approx(value, abs=NEAR), name
        if by[kinds[name]] is None:  # a method that is asked for by name is called by it
            assert methods[name] == theirs[name]["config"]["method"]


def agree(frame, target, favourable, sensitive, seed=0):
    """Split, predict by a rule that is right for three rows in four, and ask everyone."""
    rng = np.random.default_rng(seed)
    chosen = rng.random(len(frame)) < 0.6
    parts = [frame[chosen].reset_index(drop=True), frame[~chosen].reset_index(drop=True)]
    train, test = (
        make_dataset(role, part, PredictionTask(target=target, favourable=favourable), sensitive=sensitive)
        for role, part in zip(("train", "test"), parts, strict=True)
    )
    truth = parts[1][target].to_numpy()
    said = np.where(rng.random(len(truth)) < 0.75, truth, rng.permutation(truth))
    quality_agrees(test, parts[1])
    fairness_agrees(replace(test, predictions=Predictions(said)), favourable)
    drift_agrees(train, test)


@pytest.mark.full
def test_the_three_libraries_agree_on_adult(real_data):
    frame = pd.read_csv(real_data / "adult.csv", na_values="?")
    agree(frame, "income-per-year", ">50K", ["sex", "race"])


@pytest.mark.full
def test_the_three_libraries_agree_on_german_credit(real_data):
    frame = pd.read_csv(real_data / "german_credit.csv")
    agree(frame, "credit", "1", ["personal_status", "foreign_worker"])


@st.composite
def tables(draw):
    """Random tables: sizes on both sides of where Evidently changes its method, gaps, levels and shapes at random."""
    rows, seed = draw(st.integers(150, 400) | st.integers(2000, 2600)), draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    gaps, levels = draw(st.floats(0, 0.4)), draw(st.integers(2, 9))
    real = rng.normal(draw(st.floats(-50, 50)), draw(st.floats(0.01, 100)), rows)
    return pd.DataFrame(
        {
            "real": np.where(rng.random(rows) < gaps, np.nan, real),
            "skewed": np.exp(rng.normal(0, draw(st.floats(0.1, 2)), rows)),
            "whole": rng.integers(-5, draw(st.integers(2, 400)), rows),
            "word": np.where(rng.random(rows) < gaps, None, rng.choice([f"w{i}" for i in range(levels)], rows)),
            "flag": rng.random(rows) < draw(st.floats(0.05, 0.95)),
            "group": rng.choice([f"g{i}" for i in range(draw(st.integers(2, 5)))], rows),
            "y": np.where(rng.random(rows) < draw(st.floats(0.1, 0.9)), "yes", "no"),
        }
    )


@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))
@given(tables())
def test_the_three_libraries_agree_on_random_tables(frame):
    assume(frame["y"].nunique() == 2)
    agree(frame, "y", "yes", ["group"])

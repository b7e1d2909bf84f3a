"""The checks on public data that nobody here made: the bias of a plain model must be found, by group."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from fairlearn import metrics
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from aims_mlflow.checks.packs import load_pack
from aims_mlflow.checks.profiling.infer import infer_expectations
from aims_mlflow.checks.profiling.profile import profile
from aims_mlflow.checks.quality.leakage import overlap
from aims_mlflow.checks.runner import run_check
from aims_mlflow.checks.tables.predictions import Predictions
from aims_mlflow.checks.tables.task import PredictionTask
from aims_mlflow.checks.tables.validation import make_dataset


def judged(frame, target, favourable, sensitive):
    """Split, fit a plain model and return train and test with its predictions."""
    test_rows = np.random.default_rng(0).random(len(frame)) < 0.3
    train, test = frame[~test_rows], frame[test_rows]
    features = frame.drop(columns=target)
    words = features.select_dtypes(exclude="number").columns
    columns = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), words), (StandardScaler(), features.columns.difference(words))
    )
    model = make_pipeline(columns, LogisticRegression(max_iter=1000)).fit(train[features.columns], train[target])
    asked = {"task": PredictionTask(target=target, favourable=favourable), "sensitive": sensitive}
    held_out = replace(
        make_dataset("test", test, **asked),
        predictions=Predictions(
            model.predict(test[features.columns]),
            model.predict_proba(test[features.columns])[:, list(model.classes_.astype(str)).index(favourable)],
        ),
    )
    return make_dataset("train", train, **asked), held_out


@pytest.fixture
def adult(real_data):
    return pd.read_csv(real_data / "adult.csv", na_values="?")


@pytest.fixture
def german(real_data):
    return pd.read_csv(real_data / "german_credit.csv")


def test_adult_fails_for_women_with_fairlearns_numbers(adult, value_of):
    train, test = judged(adult, "income-per-year", ">50K", ["sex", "race"])
    pack = load_pack("tabular-classification")
    outcome = run_check("fairness", test, pack)
    women = value_of(outcome.claims, "selection_rate_ratio", sex="Female")
    assert outcome.result == "failed"
    assert 0.25 < float(women.value) < 0.37
    assert women.passed is False
    assert outcome.reason.startswith("selection-rate ratio for sex=Female is 0.")
    theirs = metrics.demographic_parity_ratio(
        test.frame["income-per-year"] == ">50K", test.predicted == ">50K", sensitive_features=test.sensitive["sex"]
    )
    assert float(value_of(outcome.claims, "demographic_parity_ratio", sex="*").value) == theirs == float(women.value)
    for name in ("data_quality", "performance", "drift", "drift_baseline"):
        assert run_check(name, test, pack, train).result == "passed"


def test_adult_repeats_a_few_rows_and_no_column_is_set_aside(adult):
    found, beyond = overlap(adult[:20_000], adult[20_000:])
    assert 0 < float(found.value) < 0.01
    assert (found.passed, beyond.value) == (True, "0")
    assert {p.kind for p in profile(adult, "income-per-year")} == {"target", "numeric", "categorical"}
    assert len(infer_expectations(adult, "income-per-year", ["sex", "race"])) > 20


def test_german_credit_is_judged_though_its_groups_are_small(german, value_of):
    train, test = judged(german, "credit", "1", ["personal_status", "age"])
    pack = load_pack("tabular-classification")
    assert run_check("performance", test, pack).result == "passed"
    assert run_check("data_quality", test, pack).result == "passed"
    outcome = run_check("fairness", test, pack)
    assert outcome.result in ("failed", "warned", "not_evaluated")
    ratios = [c for c in outcome.claims if c.metric == "selection_rate_ratio" and c.limit]
    small = [c for c in ratios if c.n < 30]
    assert small
    assert all(c.passed is None and c.note.startswith(f"too few rows: {c.n} rows") for c in small)
    strict = pack.model_copy(update={"fairness": load_pack("hiring").fairness})
    unsure = [c for c in run_check("fairness", test, strict).claims if c.limit and c.passed is None and c.n >= 30]
    assert unsure
    for found in unsure:
        assert found.note.startswith("not enough data: the interval holds the limit")
        assert float(found.interval.low) < float(found.limit) <= float(found.interval.high)
    shown = {c.slice["age"] for c in outcome.claims if set(c.slice) == {"age"}}
    assert {"under 30", "30 to under 40"} <= shown
    assert all(c.n >= 20 for c in outcome.claims if c.metric == "selection_rate_ratio")
    drift = run_check("drift", test, pack, train)
    assert {c.metric for c in drift.claims} == {"drift_p_value", "drifted_share"}

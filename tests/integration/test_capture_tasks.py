"""Trainings that predict numbers or several labels leave the same evidence as those that choose between two."""

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

import aims_mlflow as aims
from support import captured_runs, trainings

pytestmark = pytest.mark.usefixtures("tracking")


def config(target, pack, **data):
    found = trainings.config()
    found["data"] = {"target": target, "sensitive": ["sex"], **data}
    return {**found, "pack": pack}


def table(rows=800):
    frame = trainings.table(rows)
    noise = np.random.default_rng(0).normal(0, 3, rows)
    frame["limit"] = frame["income"] * 2 - frame["debt"] + noise
    frame["tier"] = np.array(["low", "mid", "top"])[np.digitize(frame["limit"], frame["limit"].quantile([0.4, 0.8]))]
    return frame.drop(columns="granted")


def test_numbers(tracking):
    frame = table().drop(columns="tier")

    @aims.trains("loans", config=config("limit", "tabular-regression", threshold=60))
    def train(train, test):
        return HistGradientBoostingRegressor(max_iter=60).fit(train[captured_runs.FEATURES], train["limit"])

    train(frame[:500], frame[500:])
    found = {c.metric for c in captured_runs.one("performance").evidence.claims}
    assert {"mean_absolute_error", "r2", "worst_slice_absolute_error"} <= found
    fair = captured_runs.one("fairness").evidence
    assert {"mean_error", "mean_absolute_error_ratio", "selection_rate_ratio"} <= {c.metric for c in fair.claims}
    assert (fair.details["task"], fair.details["threshold"]) == ("regression", "60")
    card = next(iter(tracking.glob("mlruns/**/aims/model_card.md")), None) or next(tracking.rglob("model_card.md"))
    text = card.read_text()
    assert "pipeline_tag: tabular-regression" in text
    assert "mean absolute error ratio" in text


def test_several_labels(tracking):
    frame = table().drop(columns="limit")

    @aims.trains("loans", config=config("tier", "tabular-multiclass", favourable="top"))
    def train(train, test):
        return HistGradientBoostingClassifier(max_iter=60).fit(train[captured_runs.FEATURES], train["tier"])

    train(frame[:500], frame[500:])
    body = captured_runs.one("performance").evidence
    assert {"macro_f1", "log_loss", "roc_auc", "worst_slice_accuracy"} <= {c.metric for c in body.claims}
    assert {"label": "mid"} in [c.slice for c in body.claims]
    fair = {c.metric for c in captured_runs.one("fairness").evidence.claims}
    assert {"accuracy_ratio", "label_share_difference", "selection_rate_ratio"} <= fair


def test_out_of_fold_numbers_describe_the_procedure():
    frame = table().drop(columns="tier")
    with aims.training("loans", config=config("limit", "tabular-regression")) as t:
        t.data(train=frame)
        model = HistGradientBoostingRegressor(max_iter=20).fit(frame[captured_runs.FEATURES], frame["limit"])
        t.cross_validated(model.predict(frame[captured_runs.FEATURES]))
        t.model(model)
    roles = {c.role for r in captured_runs.records() if r.evidence.kind == "performance" for c in r.evidence.claims}
    assert "cross-validation" in roles

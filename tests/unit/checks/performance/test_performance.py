from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics

from aims_mlflow.checks.metrics import PERFORMANCE_OF
from aims_mlflow.checks.performance import performance
from aims_mlflow.checks.performance.number_errors import error_claims
from aims_mlflow.checks.statistics import scores as scores_
from aims_mlflow.checks.tables.predictions import EvaluatedModel, Incumbent, Predictions
from aims_mlflow.checks.tables.task import PredictionTask
from aims_mlflow.checks.tables.validation import make_dataset
from aims_mlflow.errors import DataError
from aims_mlflow.records.pack import Limit, Pack, Performance


def pack(*limits):
    return Pack(name="p", version="1", description="d", performance=Performance(limits=limits))


def limit(metric, comparator, bound, **more):
    return Limit(metric=metric, comparator=comparator, limit=bound, why="for the test", **more)


def test_every_number_is_scikit_learns(scored, value_of):
    data = scored(3000)
    claims = performance.run(data, pack()).claims
    actual, predicted = (np.asarray(v) == "yes" for v in (data.frame["repaid"], data.predicted))
    expected = {
        "accuracy": metrics.accuracy_score(actual, predicted),
        "balanced_accuracy": metrics.balanced_accuracy_score(actual, predicted),
        "precision": metrics.precision_score(actual, predicted),
        "recall": metrics.recall_score(actual, predicted),
        "f1": metrics.f1_score(actual, predicted),
        "roc_auc": metrics.roc_auc_score(actual, data.scores),
        "log_loss": metrics.log_loss(actual, data.scores),
        "brier_score": metrics.brier_score_loss(actual, data.scores),
        "majority_class_accuracy": max(actual.mean(), 1 - actual.mean()),
    }
    for metric, value in expected.items():
        assert float(value_of(claims, metric).value) == pytest.approx(value, abs=1e-12), metric
    for group in ("Female", "Male"):
        rows = (data.sensitive["sex"] == group).to_numpy()
        for metric, function in (("accuracy", "accuracy_score"), ("recall", "recall_score"), ("f1", "f1_score")):
            theirs = getattr(metrics, function)(actual[rows], predicted[rows])
            assert float(value_of(claims, metric, sex=group).value) == pytest.approx(theirs, abs=1e-12)


def test_ranks_share_ties_as_scikit_learn_does():
    rng = np.random.default_rng(0)
    actual = rng.random(500) < 0.3
    scores = np.round(rng.random(500) * 0.5 + actual * 0.2, 1)
    assert scores_.roc_auc(scores_.score_table(actual, scores))[0] == pytest.approx(
        metrics.roc_auc_score(actual, scores), abs=1e-12
    )
    assert scores_.roc_auc(scores_.score_table(actual, -scores))[0] == pytest.approx(
        metrics.roc_auc_score(actual, -scores), abs=1e-12
    )


def test_delongs_interval_is_as_wide_as_the_row_bootstraps():
    rng = np.random.default_rng(0)
    actual = rng.random(400) < 0.4
    scores = rng.normal(size=400) + actual
    half = scores_.roc_auc(scores_.score_table(actual, scores))[1]
    rows = rng.integers(0, 400, (1000, 400))
    spread = np.std([scores_.roc_auc(scores_.score_table(actual[r], scores[r]))[0] for r in rows])
    assert half == pytest.approx(1.96 * spread, rel=0.1)


def test_groups_and_declared_slices_have_their_own_ranking_and_calibration(scored, value_of):
    data = scored(3000)
    settings = Performance(slices=("purpose",))
    claims = performance.run(data, pack().model_copy(update={"performance": settings})).claims
    actual = (data.frame["repaid"] == "yes").to_numpy()
    for column, source in (("sex", data.sensitive), ("purpose", data.frame)):
        for name in source[column].unique():
            rows = (source[column] == name).to_numpy()
            truth, scores = actual[rows], data.scores[rows]
            expected = {
                "accuracy": metrics.accuracy_score(truth, (data.predicted == "yes")[rows]),
                "roc_auc": metrics.roc_auc_score(truth, scores),
                "average_precision": metrics.average_precision_score(truth, scores),
                "brier_score": metrics.brier_score_loss(truth, scores),
                "log_loss": metrics.log_loss(truth, scores),
                "calibration_in_the_large": scores.mean() - truth.mean(),
            }
            for metric, theirs in expected.items():
                found = value_of(claims, metric, **{column: name})
                assert float(found.value) == pytest.approx(theirs, abs=1e-9), (metric, name)
                assert float(found.interval.low) <= float(found.value) <= float(found.interval.high)
                assert found.n == rows.sum()
            assert value_of(claims, "expected_calibration_error", **{column: name}).interval


def test_a_group_with_one_label_has_no_ranking_and_says_so(scored, value_of):
    data = scored(2000)
    frame = data.frame.assign(repaid=np.where(data.frame["sex"] == "Male", "yes", data.frame["repaid"]))
    claims = performance.run(replace(data, frame=frame), pack()).claims
    found = value_of(claims, "roc_auc", sex="Male")
    assert (found.value, found.note) == (None, scores_.ONE_LABEL)


def test_the_interval_over_guessing_is_the_row_bootstraps(scored, value_of):
    data = scored(600)
    claims = performance.run(data, pack()).claims
    right = (data.frame["repaid"] == data.predicted).to_numpy()
    actual = (data.frame["repaid"] == "yes").to_numpy()
    drawn = np.random.default_rng(0).integers(0, 600, (4000, 600))
    share = actual[drawn].mean(axis=1)
    frequent = np.maximum(share, 1 - share)
    for metric, values in (
        ("majority_class_accuracy", frequent),
        ("accuracy_over_majority", right[drawn].mean(axis=1) - frequent),
    ):
        found = value_of(claims, metric).interval
        assert [float(found.low), float(found.high)] == pytest.approx(np.percentile(values, [2.5, 97.5]), abs=0.008)


def test_scores_that_are_no_probabilities_have_no_log_loss(scored, value_of):
    data = scored()
    claims = performance.run(
        replace(data, predictions=replace(data.predictions, scores=data.scores * 8 - 4)), pack()
    ).claims
    assert value_of(claims, "roc_auc").value is not None
    assert not {"log_loss", "brier_score"} & {c.metric for c in claims}


def test_a_limit_on_scores_that_the_model_does_not_give_is_not_evaluated(scored, value_of):
    outcome = performance.run(
        replace(scored(), predictions=replace(scored().predictions, scores=None)), pack(limit("roc_auc", ">=", "0.7"))
    )
    assert outcome.result == "not_evaluated"
    assert value_of(outcome.claims, "roc_auc").passed is None


def test_limits_hold_overall_or_for_groups(scored, value_of):
    overall = performance.run(scored(), pack(limit("accuracy", ">=", "0.5", slice={}))).claims
    assert [c.slice for c in overall if c.limit] == [{}]
    everywhere = performance.run(scored(), pack(limit("accuracy", ">=", "0.5"))).claims
    assert len([c for c in everywhere if c.limit]) == 1 + 2 + 3
    strict = performance.run(scored(), pack(limit("accuracy", ">=", "0.999", slice={})))
    assert strict.result == "failed"
    assert strict.reason.startswith("accuracy is ")


def test_undefined_is_said(scored, value_of):
    data = scored()
    never = replace(data, predictions=Predictions(np.full(len(data.frame), "no")))
    precision = value_of(performance.run(never, pack()).claims, "precision")
    assert (precision.value, precision.interval) == (None, None)
    assert precision.note == "undefined: no row was predicted favourable"


def test_accuracy_is_set_beside_always_guessing_the_frequent_label(scored, value_of):
    data = scored()
    frequent = data.frame["repaid"].mode()[0]
    claims = performance.run(replace(data, predictions=Predictions(np.full(len(data.frame), frequent))), pack()).claims
    assert value_of(claims, "accuracy_over_majority").value == "0"
    assert value_of(claims, "accuracy").value == value_of(claims, "majority_class_accuracy").value


@pytest.mark.parametrize("scores", [[0.5], [np.nan] * 2000, [["a"]] * 2000, np.zeros((2000, 2))])
def test_scores_that_do_not_fit_are_refused(scored, scores):
    with pytest.raises(DataError, match="not one finite number for each"):
        performance.run(
            replace(scored(2000), predictions=replace(scored(2000).predictions, scores=np.asarray(scores))), pack()
        )


def test_one_column_of_scores_will_do(scored):
    data = scored()
    narrow = performance.run(replace(data, predictions=replace(data.predictions, scores=data.scores[:, None])), pack())
    assert narrow.claims == performance.run(data, pack()).claims


def test_the_outcome_is_a_valid_record(scored, record):
    data = scored()
    outcome = performance.run(
        replace(data, model=EvaluatedModel(incumbent=Incumbent("models:/loans@champion", data.predicted[::-1]))), pack()
    )
    record(outcome)
    assert {c.metric for c in outcome.claims} == set(PERFORMANCE_OF["binary-classification"])
    assert all(c.interval for c in outcome.claims)
    assert set(outcome.reports) == {"performance.html"}


def test_a_model_is_held_against_the_one_in_production_row_by_row(scored, empty_pack, value_of):
    """The interval is of what changed: two good models that agree on most rows differ by little, and surely."""
    data = scored(2000)
    right = data.frame["repaid"].to_numpy()
    rng = np.random.default_rng(0)
    theirs = np.where(rng.random(2000) < 0.05, np.where(data.predicted == "yes", "no", "yes"), data.predicted)
    outcome = performance.run(
        replace(data, model=EvaluatedModel(incumbent=Incumbent("models:/loans@champion", theirs))), empty_pack
    )
    found = value_of(outcome.claims, "accuracy_over_production")
    gain = (data.predicted == right).astype(float) - (theirs == right)
    assert float(found.value) == pytest.approx(gain.mean())
    half = 1.96 * gain.std() / np.sqrt(len(gain))
    assert float(found.interval.high) - float(found.value) == pytest.approx(half, rel=1e-3)
    assert found.note == "accuracy minus that of models:/loans@champion, row by row"
    assert not [c for c in performance.run(data, empty_pack).claims if c.metric == "accuracy_over_production"]


def test_a_rival_that_could_not_be_asked_is_said_and_never_passes(scored, value_of):
    data = replace(
        scored(), model=EvaluatedModel(incumbent=Incumbent("models:/loans@champion", None, "it cannot be loaded here"))
    )
    for limits, result in (((), "passed"), ((limit("accuracy_over_production", ">=", "0"),), "not_evaluated")):
        outcome = performance.run(data, pack(*limits))
        found = value_of(outcome.claims, "accuracy_over_production")
        assert (outcome.result, found.value, found.passed) == (result, None, None)
        assert found.note == "not compared with models:/loans@champion: it cannot be loaded here"


def test_a_rival_whose_predictions_do_not_fit_takes_nothing_from_the_model(scored, value_of):
    data = scored()
    odd = np.where(np.arange(len(data.predicted)) < 3, None, data.predicted.astype(object))
    outcome = performance.run(
        replace(data, model=EvaluatedModel(incumbent=Incumbent("models:/loans@champion", odd))), pack()
    )
    assert outcome.result == "passed"
    assert value_of(outcome.claims, "accuracy").value is not None
    note = value_of(outcome.claims, "accuracy_over_production").note
    assert note == "not compared with models:/loans@champion: 3 of 2,000 rows have no prediction"


def test_predicted_numbers_are_held_against_production_too(empty_pack, value_of):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"x": rng.normal(size=400)}).assign(y=lambda f: 3 * f["x"])
    data = make_dataset("test", frame, PredictionTask(target="y", kind="regression"))
    better, worse = (frame["y"].to_numpy() + error for error in (0.5, -2.0))
    pack = empty_pack.model_copy(update={"task": "regression"})
    found = value_of(
        performance.run(
            replace(
                data,
                predictions=Predictions(better),
                model=EvaluatedModel(incumbent=Incumbent("models:/loans@champion", worse)),
            ),
            pack,
        ).claims,
        "absolute_error_under_production",
    )
    assert float(found.value) == pytest.approx(1.5)


@pytest.mark.parametrize("unit", [1e-200, 1e-9, 1e70])
def test_r2_has_no_unit(unit, value_of):
    rng = np.random.default_rng(3)
    actual = rng.normal(5, 2, 400)
    predicted = actual + rng.normal(0, 1, 400)
    r2, usual = (value_of(error_claims(actual * u, predicted * u, None, "test"), "r2") for u in (unit, 1.0))
    assert float(r2.value) == pytest.approx(metrics.r2_score(actual, predicted), rel=1e-9)
    assert [float(r2.interval.low), float(r2.interval.high)] == pytest.approx(
        [float(usual.interval.low), float(usual.interval.high)], rel=1e-9
    )


def test_r2_of_one_number_is_undefined(value_of):
    r2 = value_of(error_claims(np.full(7, 0.1), np.full(7, 0.3), None, "test"), "r2")
    assert (r2.value, r2.note) == (None, "undefined: all rows have the same number")

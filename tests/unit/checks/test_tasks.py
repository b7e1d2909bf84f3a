"""Several labels and numbers: every figure is scikit-learn's or Fairlearn's, and verdicts say what they rest on."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from fairlearn import metrics as fair
from sklearn import metrics

from aims_mlflow.checks.fairness import fairness
from aims_mlflow.checks.performance import performance
from aims_mlflow.checks.tables.predictions import Predictions
from aims_mlflow.checks.tables.task import PredictionTask
from aims_mlflow.checks.tables.validation import make_dataset, validate_pair
from aims_mlflow.errors import DataError
from aims_mlflow.records.evidence import result_of
from aims_mlflow.records.pack import Fairness, Limit, Pack, Performance
from aims_mlflow.records.wording import describe

SEVERAL, NUMBER = "multiclass-classification", "regression"


def pack(task, **sections):
    return Pack(name="p", version="1", description="d", task=task, **sections)


def limit(metric, comparator=">=", bound="0.8", **more):
    return Limit(metric=metric, comparator=comparator, limit=bound, why="for the test", **more)


def sized(rows=1500, seed=0):
    """Three labels, of which a model that knows x gets most right, group b less often."""
    rng = np.random.default_rng(seed)
    group, site = rng.choice(["a", "b"], rows, p=[0.7, 0.3]), rng.choice(["n", "s", "w"], rows)
    x = rng.normal(size=rows)
    label = np.array(["low", "mid", "top"])[np.digitize(x, [-0.5, 0.8])]
    seen = x + rng.normal(size=rows) * np.where(group == "a", 0.2, 0.6)
    raw = np.exp(-np.abs(seen[:, None] - np.array([-1.0, 0.1, 1.5])))
    scores = raw / raw.sum(axis=1, keepdims=True)
    frame = pd.DataFrame({"x": x, "group": group, "site": site, "y": label})
    data = make_dataset("test", frame, PredictionTask(target="y", kind=SEVERAL), sensitive=["group"])
    names = ("low", "mid", "top")
    return replace(data, predictions=Predictions(np.array(names)[scores.argmax(axis=1)], scores, names))


def priced(rows=1500, seed=0, threshold=None):
    rng = np.random.default_rng(seed)
    group, site = rng.choice(["a", "b"], rows, p=[0.7, 0.3]), rng.choice(["n", "s"], rows)
    actual = rng.gamma(2.0, 50.0, rows)
    predicted = actual + rng.normal(0, np.where(group == "a", 5, 15)) - np.where(group == "a", 0, 8)
    frame = pd.DataFrame({"group": group, "site": site, "y": actual})
    data = make_dataset(
        "test", frame, PredictionTask(target="y", kind=NUMBER, threshold=threshold), sensitive=["group"]
    )
    return replace(data, predictions=Predictions(predicted))


def test_several_labels_are_measured_as_scikit_learn_does(value_of, record):
    data = sized()
    outcome = performance.run(data, pack(SEVERAL))
    y, p, s = data.frame["y"], data.predicted, data.scores
    expected = {
        "accuracy": metrics.accuracy_score(y, p),
        "balanced_accuracy": metrics.balanced_accuracy_score(y, p),
        "macro_precision": metrics.precision_score(y, p, average="macro"),
        "macro_recall": metrics.recall_score(y, p, average="macro"),
        "macro_f1": metrics.f1_score(y, p, average="macro"),
        "matthews_correlation": metrics.matthews_corrcoef(y, p),
        "majority_class_accuracy": y.value_counts().max() / len(y),
        "roc_auc": metrics.roc_auc_score(y, s, multi_class="ovr"),
        "log_loss": metrics.log_loss(y, s),
        "brier_score": ((s - pd.get_dummies(y).to_numpy(float)) ** 2).sum(axis=1).mean(),
    }
    for metric, value in expected.items():
        found = value_of(outcome.claims, metric)
        assert float(found.value) == pytest.approx(value, abs=1e-12), metric
        assert float(found.interval.low) <= float(found.value) <= float(found.interval.high), metric
    for i, label in enumerate(data.predictions.score_labels):
        scored = (metrics.precision_score, metrics.recall_score, metrics.f1_score)
        for metric, function in zip(("precision", "recall", "f1"), scored, strict=True):
            theirs = function(y, p, average=None)[i]
            assert float(value_of(outcome.claims, metric, label=label).value) == pytest.approx(theirs, abs=1e-12)
    mask = (data.frame["group"] == "b").to_numpy()
    theirs = metrics.roc_auc_score(y[mask], s[mask], multi_class="ovr")
    assert float(value_of(outcome.claims, "roc_auc", group="b").value) == pytest.approx(theirs, abs=1e-12)
    theirs = metrics.log_loss(y[mask], s[mask])
    assert float(value_of(outcome.claims, "log_loss", group="b").value) == pytest.approx(theirs, abs=1e-12)
    assert all(c.interval for c in outcome.claims)
    theirs = metrics.f1_score(y[mask], p[mask], average="macro")
    assert float(value_of(outcome.claims, "macro_f1", group="b").value) == pytest.approx(theirs, abs=1e-12)
    record(outcome)


def test_several_labels_by_group_are_fairlearns(value_of, record):
    data = sized()
    outcome = fairness.run(replace(data, task=replace(data.task, favourable="top")), pack(SEVERAL))
    y, p, group = data.frame["y"], data.predicted, data.frame["group"]
    frame = fair.MetricFrame(metrics=metrics.accuracy_score, y_true=y, y_pred=p, sensitive_features=group)
    for name, value in frame.by_group.items():
        assert float(value_of(outcome.claims, "accuracy", group=name).value) == pytest.approx(value, abs=1e-12)
    assert float(value_of(outcome.claims, "accuracy_difference", group="*").value) == pytest.approx(frame.difference())
    assert float(value_of(outcome.claims, "accuracy_ratio", group="*").value) == pytest.approx(frame.ratio())
    widest = max(
        fair.demographic_parity_difference(y == label, p == label, sensitive_features=group)
        for label in data.predictions.score_labels
    )
    share = value_of(outcome.claims, "label_share_difference", group="*")
    assert float(share.value) == pytest.approx(widest, abs=1e-12)
    assert float(share.interval.low) <= float(share.value) <= float(share.interval.high)
    chosen = fair.demographic_parity_ratio(y == "top", p == "top", sensitive_features=group)
    assert float(value_of(outcome.claims, "demographic_parity_ratio", group="*").value) == pytest.approx(chosen)
    without = fairness.run(data, pack(SEVERAL))
    assert "selection_rate" not in {c.metric for c in without.claims}
    record(outcome)


@pytest.mark.full
def test_the_interval_of_a_labels_f1_is_the_row_bootstraps(value_of):
    data = sized()
    y, p = data.frame["y"].to_numpy(), data.predicted
    drawn = np.random.default_rng(0).integers(0, len(y), (400, len(y)))
    claims = performance.run(data, pack(SEVERAL)).claims
    rows = np.flatnonzero(data.frame["group"] == "b")
    for metric, at, take, average in (
        ("f1", {"label": data.predictions.score_labels[0]}, drawn, None),
        ("macro_f1", {"group": "b"}, rows[drawn[:, : len(rows)] % len(rows)], "macro"),
    ):
        values = [np.ravel(metrics.f1_score(y[r], p[r], average=average))[0] for r in take]
        low, high = np.percentile(values, [2.5, 97.5])
        found = value_of(claims, metric, **at).interval
        assert float(found.high) - float(found.low) == pytest.approx(high - low, rel=0.25)


def test_numbers_are_measured_as_scikit_learn_does(value_of, record):
    data = priced()
    outcome = performance.run(data, pack(NUMBER))
    y, p = data.frame["y"], data.predicted
    guess = np.full(len(y), y.median())
    expected = {
        "mean_absolute_error": metrics.mean_absolute_error(y, p),
        "root_mean_squared_error": metrics.root_mean_squared_error(y, p),
        "median_absolute_error": metrics.median_absolute_error(y, p),
        "mean_error": (p - y).mean(),
        "r2": metrics.r2_score(y, p),
        "median_guess_absolute_error": metrics.mean_absolute_error(y, guess),
        "absolute_error_under_median_guess": metrics.mean_absolute_error(y, guess) - metrics.mean_absolute_error(y, p),
    }
    for metric, value in expected.items():
        assert float(value_of(outcome.claims, metric).value) == pytest.approx(value, abs=1e-9), metric
    b = (data.frame["group"] == "b").to_numpy()
    found = value_of(outcome.claims, "root_mean_squared_error", group="b")
    assert float(found.value) == pytest.approx(metrics.root_mean_squared_error(y[b], p[b]), abs=1e-9)
    record(outcome)


def test_r2s_interval_is_as_wide_as_the_row_bootstraps(value_of):
    data = priced(600)
    found = value_of(performance.run(data, pack(NUMBER)).claims, "r2")
    y, p = data.frame["y"].to_numpy(), data.predicted
    rows = np.random.default_rng(1).integers(0, len(y), (1500, len(y)))
    spread = np.std([metrics.r2_score(y[r], p[r]) for r in rows])
    half = (float(found.interval.high) - float(found.interval.low)) / 2
    assert half == pytest.approx(1.96 * spread, rel=0.12)


def test_numbers_by_group_are_fairlearns_and_a_threshold_adds_selection(value_of, record):
    data = priced(threshold="120")
    outcome = fairness.run(data, pack(NUMBER))
    y, p, group = data.frame["y"], data.predicted, data.frame["group"]
    frame = fair.MetricFrame(
        metrics={"mae": metrics.mean_absolute_error, "mean": fair.mean_prediction},
        y_true=y,
        y_pred=p,
        sensitive_features=group,
    )
    between = {
        "mean_absolute_error_difference": frame.difference()["mae"],
        "mean_absolute_error_ratio": frame.ratio()["mae"],
        "mean_prediction_difference": frame.difference()["mean"],
        "demographic_parity_ratio": fair.demographic_parity_ratio(y >= 120, p >= 120, sensitive_features=group),
    }
    for metric, value in between.items():
        found = value_of(outcome.claims, metric, group="*")
        assert float(found.value) == pytest.approx(value, abs=1e-9), metric
        assert float(found.interval.low) <= float(found.value) <= float(found.interval.high)
    assert float(value_of(outcome.claims, "mean_error", group="b").value) == pytest.approx((p - y)[group == "b"].mean())
    assert b"at 120 or above" in outcome.reports["fairness.svg"]
    record(outcome)
    assert "selection_rate" not in {c.metric for c in fairness.run(priced(), pack(NUMBER)).claims}


def test_the_interval_of_a_mean_difference_is_the_row_bootstraps(value_of):
    data = priced(800)
    found = value_of(fairness.run(data, pack(NUMBER)).claims, "mean_absolute_error_difference", group="*")
    error, b = np.abs(data.predicted - data.frame["y"].to_numpy()), (data.frame["group"] == "b").to_numpy()
    rng = np.random.default_rng(3)
    drawn = [error[r][b[r]].mean() - error[r][~b[r]].mean() for r in rng.integers(0, len(b), (1500, len(b)))]
    low, high = np.percentile(drawn, [2.5, 97.5])
    assert float(found.interval.low) == pytest.approx(low, abs=0.25 * (high - low))
    assert float(found.interval.high) == pytest.approx(high, abs=0.25 * (high - low))


def test_a_score_with_a_threshold_decides_who_is_selected(scored, value_of):
    data = scored(1500)
    lower = replace(data, task=replace(data.task, threshold="0.3"))
    chosen = data.scores >= 0.3
    theirs = fair.demographic_parity_ratio(
        data.frame["repaid"] == "yes", chosen, sensitive_features=data.sensitive["sex"]
    )
    fitting = pack("binary-classification")
    found = value_of(fairness.run(lower, fitting).claims, "demographic_parity_ratio", sex="*")
    assert float(found.value) == pytest.approx(theirs)
    accuracy = ((data.frame["repaid"] == "yes").to_numpy() == chosen).mean()
    assert float(value_of(performance.run(lower, fitting).claims, "accuracy").value) == pytest.approx(accuracy)
    with pytest.raises(DataError, match="a threshold is set, and there are no scores"):
        fairness.run(replace(lower, predictions=replace(lower.predictions, scores=None)), fitting)


def test_ranking_and_calibration_are_scikit_learns(scored, value_of):
    data = scored(2000)
    claims = performance.run(data, pack("binary-classification")).claims
    y, s = (data.frame["repaid"] == "yes").to_numpy(), data.scores
    precise = value_of(claims, "average_precision")
    assert float(precise.value) == pytest.approx(metrics.average_precision_score(y, s), abs=1e-12)
    assert float(precise.interval.low) < float(precise.value) < float(precise.interval.high)
    best = np.argsort(-s, kind="stable")[: len(s) // 10]
    assert float(value_of(claims, "top_decile_lift").value) == pytest.approx(y[best].mean() / y.mean(), abs=1e-9)
    assert float(value_of(claims, "calibration_in_the_large").value) == pytest.approx(s.mean() - y.mean())
    bins = np.minimum((s * 15).astype(int), 14)
    gaps = [abs(s[bins == b].sum() - y[bins == b].sum()) for b in range(15)]
    assert float(value_of(claims, "expected_calibration_error").value) == pytest.approx(sum(gaps) / len(s))


@pytest.mark.full
def test_average_precisions_interval_is_as_wide_as_the_row_bootstraps(value_of, scored):
    data = scored(500)
    found = value_of(performance.run(data, pack("binary-classification")).claims, "average_precision")
    y, s, rng = (data.frame["repaid"] == "yes").to_numpy(), data.scores, np.random.default_rng(0)
    rows = rng.integers(0, len(y), (600, len(y)))
    low, high = np.percentile([metrics.average_precision_score(y[r], s[r]) for r in rows], [2.5, 97.5])
    assert float(found.interval.high) - float(found.interval.low) == pytest.approx(high - low, rel=0.2)


def test_the_worst_slice_is_found_among_pairs_and_its_interval_is_widened(value_of):
    data = sized(3000)
    wrong = ((data.frame["group"] == "b") & (data.frame["site"] == "w")).to_numpy()
    predictions = Predictions(np.where(wrong, "none of them", data.frame["y"]))
    wanted = pack(SEVERAL, performance=Performance(slices=("site",), limits=(limit("worst_slice_accuracy"),)))
    found = value_of(performance.run(replace(data, predictions=predictions), wanted).claims, "worst_slice_accuracy")
    assert found.note == "worst of 11 slices: group=b, site=w; pairs of groups under 50 rows are not looked at"
    assert describe(found).endswith(found.note)
    assert (found.value, found.n, found.passed) == ("0", int(wrong.sum()), False)
    assert found.interval.method == "exact (Clopper-Pearson), Bonferroni over 11 slices"
    few = pack(SEVERAL, performance=Performance(worst_slice_rows=5000, pool_under=5000))
    lacking = value_of(performance.run(data, few).claims, "worst_slice_accuracy").note
    assert lacking == "not evaluated: no slice of group has enough rows"
    unknown = pack(SEVERAL, performance=Performance(slices=("sight",)))
    with pytest.raises(DataError, match=r"no column 'sight', did you mean 'site'\? Next: correct performance\.slices"):
        performance.run(data, unknown)


def test_no_group_that_is_shown_is_worse_than_the_worst_slice(value_of):
    """A group of 25 rows, too few for a pair, and small ones that are pooled."""
    rng = np.random.default_rng(0)
    sizes = {"a": 400, "b": 200, "c": 25, "d": 12, "e": 11}
    frame = pd.DataFrame({"group": np.repeat(list(sizes), list(sizes.values())), "site": rng.choice(["u", "v"], 648)})
    frame["y"] = rng.choice(["yes", "no"], 648)
    wrong = frame["group"].isin(["c", "d"]) & (np.arange(648) % 5 != 0)
    said = np.where(wrong, np.where(frame["y"] == "yes", "no", "yes"), frame["y"])
    data = make_dataset("test", frame, PredictionTask(target="y", favourable="yes"), sensitive=["group"])
    wanted = pack("binary-classification", performance=Performance(slices=("site",)))
    claims = performance.run(replace(data, predictions=Predictions(said)), wanted).claims
    worst = value_of(claims, "worst_slice_accuracy")
    shown = [float(c.value) for c in claims if c.metric == "accuracy" and c.slice]
    assert len(shown) == 6
    assert float(worst.value) == min(shown)
    assert "group=c" in worst.note


def test_the_worst_slice_of_numbers_has_the_largest_error(value_of):
    wanted = pack(NUMBER, performance=Performance(slices=("site",)))
    found = value_of(performance.run(priced(), wanted).claims, "worst_slice_absolute_error")
    assert "group=b" in found.note


def test_control_levels_are_looked_at_one_by_one(scored, value_of):
    data = scored(3000)
    crossed = limit("selection_rate_ratio", slice={"purpose": "*", "sex": "*"})
    wanted = pack("binary-classification", fairness=Fairness(control=("purpose",), limits=(crossed,), bootstrap=50))
    claims = fairness.run(data, wanted).claims
    inside = (data.frame["purpose"] == "car").to_numpy()
    y, p, group = (
        v[inside] for v in ((data.frame["repaid"] == "yes"), (data.predicted == "yes"), data.sensitive["sex"])
    )
    theirs = fair.demographic_parity_difference(y, p, sensitive_features=group)
    found = value_of(claims, "demographic_parity_difference", purpose="car", sex="*")
    assert float(found.value) == pytest.approx(theirs, abs=1e-12)
    held = [c for c in claims if c.limit is not None]
    assert len({c.slice["purpose"] for c in held}) == 4
    assert all(c.reference["purpose"] == c.slice["purpose"] for c in held)  # people of one purpose are compared


def test_a_verdict_by_interval_says_passed_failed_or_not_enough_data(scored):
    data, metric = scored(3000), "demographic_parity_difference"
    value = next(c for c in fairness.run(data, pack("binary-classification")).claims if c.metric == metric)
    low, high = value.interval.low, value.interval.high
    for bound, passed in ((str(float(high) + 0.01), True), (str(float(low) - 0.01), False), (value.value, None)):
        asked = limit(metric, "<=", bound, slice={"sex": "*"}, verdict="interval")
        outcome = fairness.run(data, pack("binary-classification", fairness=Fairness(limits=(asked,))))
        (held,) = [c for c in outcome.claims if c.limit is not None]
        assert held.passed is passed
        if passed is None:
            assert held.note.startswith("not enough data: the interval holds the limit")
            assert result_of([held]) == outcome.result == "not_evaluated"
            assert "not enough data" in outcome.reason


def test_below_the_least_n_nothing_is_decided(scored):
    """The rows of a rate are those that it is about: of a group of 300, the half with the favourable label."""
    asked = limit("true_positive_rate_difference", "<=", "0.9")
    data = scored(1500)
    claims = fairness.run(data, pack("binary-classification", fairness=Fairness(limits=(asked,), min_n=150))).claims
    held = {c.slice["race"]: c for c in claims if c.limit and "race" in c.slice}
    sizes = data.sensitive["race"][data.frame["repaid"] == "yes"].value_counts()
    assert {race: c.passed for race, c in held.items()} == {race: True if sizes[race] >= 150 else None for race in held}
    small = next(c for race, c in held.items() if sizes[race] < 150)
    assert small.note.startswith(f"not enough data: n={small.n}, and 150 are asked for")


@pytest.mark.parametrize(
    ("task", "column", "expected"),
    [
        (NUMBER, ["a", "b"] * 5, "holds no numbers, and the pack's task is regression"),
        (NUMBER, [np.nan] * 10, "has no value in any of its 10 rows"),
        (SEVERAL, ["1", " 1", "1.0"], "the same label in 'y' ('1', ' 1', '1.0' are one label"),
        (SEVERAL, [str(i) for i in range(300)], "more labels than the 200 expected"),
        ("binary-classification", list("abcab") * 2, "`task: multiclass-classification`"),
    ],
)
def test_a_target_that_does_not_fit_the_task_is_refused(task, column, expected):
    with pytest.raises(DataError) as caught:
        make_dataset(
            "train",
            pd.DataFrame({"x": range(len(column)), "y": column}),
            PredictionTask(target="y", favourable="a" if task[0] == "b" else None, kind=task),
        )
    assert expected in str(caught.value)


def test_numbers_that_are_missing_are_refused_and_a_rare_label_may_be_missing_from_test_data():
    data = priced(50)
    with pytest.raises(DataError, match="1 of 50 rows have no finite predicted number"):
        performance.run(replace(data, predictions=Predictions(np.r_[np.nan, data.predicted[1:]])), pack(NUMBER))
    with pytest.raises(DataError, match="a predicted number is not a number"):
        performance.run(replace(data, predictions=Predictions(np.array(["x"] * 50))), pack(NUMBER))
    both = sized(300)
    some = both.frame["y"] != "top"
    rare = make_dataset(
        "test", both.frame[some].reset_index(drop=True), PredictionTask(target="y", favourable="top", kind=SEVERAL)
    )
    validate_pair(replace(both, role="train"), rare)
    found = performance.run(replace(rare, predictions=Predictions(both.predicted[some])), pack(SEVERAL))
    assert found.result == "passed"


def test_the_error_ratio_blames_the_group_with_the_larger_error(value_of):
    """The group `b` is predicted much better than the reference `a`: the reference is what falls below the limit."""
    rng = np.random.default_rng(5)
    group = np.where(np.arange(1200) < 700, "a", "b")
    y = rng.normal(100, 20, 1200)
    p = y + rng.normal(0, np.where(group == "a", 10, 4))
    task = PredictionTask(target="y", kind=NUMBER)
    data = make_dataset("test", pd.DataFrame({"y": y, "group": group}), task, sensitive=["group"])
    data = replace(data, predictions=Predictions(p))
    asked = pack(NUMBER, fairness=Fairness(limits=(limit("mean_absolute_error_ratio"),)))
    claims = fairness.run(data, asked).claims
    a, b = (np.abs(p - y)[group == name].mean() for name in "ab")
    judged = {c.slice["group"]: c for c in claims if c.metric == "reference_to_own_error_ratio"}
    assert float(judged["b"].value) == pytest.approx(a / b)
    assert float(judged["a"].value) == pytest.approx(b / a)
    assert (judged["a"].passed, judged["b"].passed) == (False, True)
    assert "whose error is most clearly smaller" in judged["a"].note
    assert value_of(claims, "mean_absolute_error_ratio", group="*").passed is None


def test_each_group_is_compared_with_guessing_its_own_median_or_frequent_label(value_of):
    data = priced()
    claims = performance.run(data, pack(NUMBER)).claims
    y, p, b = data.frame["y"].to_numpy(), data.predicted, (data.frame["group"] == "b").to_numpy()
    guess, error = (np.abs(y[b] - other).mean() for other in (np.median(y[b]), p[b]))
    assert float(value_of(claims, "median_guess_absolute_error", group="b").value) == pytest.approx(guess)
    assert float(value_of(claims, "absolute_error_under_median_guess", group="b").value) == pytest.approx(guess - error)
    several = sized()
    claims = performance.run(several, pack(SEVERAL)).claims
    own = several.frame.loc[several.frame["group"] == "b", "y"]
    right = (several.predicted == several.frame["y"])[several.frame["group"] == "b"].mean()
    share = own.value_counts(normalize=True).max()
    assert float(value_of(claims, "majority_class_accuracy", group="b").value) == pytest.approx(share)
    assert float(value_of(claims, "accuracy_over_majority", group="b").value) == pytest.approx(right - share)

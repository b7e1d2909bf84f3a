from dataclasses import replace
from typing import get_args

import numpy as np
import pandas as pd
import pytest

from aims_mlflow.checks.drift import drift
from aims_mlflow.checks.statistics import distances
from aims_mlflow.checks.statistics.distances import Numbers
from aims_mlflow.checks.tables.predictions import Predictions
from aims_mlflow.checks.tables.task import PredictionTask
from aims_mlflow.checks.tables.validation import make_dataset
from aims_mlflow.errors import DataError
from aims_mlflow.records.pack import CategoricalMethod, Drift, NumericMethod, Pack
from aims_mlflow.records.wording import describe
from support.long_runs import full_but

RISE = "missing_rate_rise"


def number_drift(train, test, **settings):
    return distances.number_drift(Numbers(train), Numbers(test), **settings)


def pack(**settings):
    return Pack(name="p", version="1", description="d", drift=Drift(**settings))


def mixed(rows, shift, seed):
    """Every kind of column that Evidently's choice of a method tells apart."""
    rng = np.random.default_rng(seed)
    real = rng.normal(shift, 1, rows)
    return pd.DataFrame(
        {
            "normal": real,
            "skewed": np.exp(rng.normal(0, 2, rows)),
            "with_missing": np.where(rng.random(rows) < 0.3, np.nan, real),
            "with_infinite": np.where(rng.random(rows) < 0.1, np.inf, real),
            "integers": rng.integers(0, 50 + int(20 * shift), rows),
            "few_integers": rng.integers(0, 6, rows),
            "four_floats": rng.choice([0.0, 1.0, 2.5, 9.0], rows),
            "five_floats": rng.choice([0.0, 1.0, 2.5, 9.0, 11.0], rows),
            "two_floats": rng.choice([0.0, 1.0], rows, p=[0.5 + shift / 5, 0.5 - shift / 5]),
            "one_float": 7.0,
            "text": rng.choice(["a", "b", "c", None], rows, p=[0.4, 0.3, 0.2, 0.1]),
            "two_texts": rng.choice(["u", "v"], rows),
            "flag": rng.random(rows) < 0.5 + shift / 10,
            "category": pd.Categorical(rng.choice(["x", "y", "z"], rows), categories=["x", "y", "z", "never"]),
            "new_level": rng.choice(["old", "older", "new"] if shift else ["old", "older", "oldest"], rows),
            "constant": "k",
            "y": rng.integers(0, 2, rows),
        }
    )


def pair(train_rows, test_rows, shift=0.3):
    return (
        make_dataset("train", mixed(train_rows, 0, 1), PredictionTask(target="y")),
        make_dataset("test", mixed(test_rows, shift, 2), PredictionTask(target="y")),
    )


@pytest.mark.parametrize(
    "rows", full_but([(1000, 700), (1001, 700)], [(300, 200), (1000, 700), (1001, 700), (6000, 3000)])
)
def test_scores_are_evidentlys_but_for_the_tests_that_do_not_keep_their_level(rows):
    train, test = pair(*rows)
    ours = drift.run(test, pack(), train)
    theirs = drift.run(test, pack(method="evidently"), train)
    rises = [c.slice["column"] for c in ours.claims if c.metric == RISE]
    assert rises == ["with_missing", "with_infinite", "text"]
    assert len(ours.claims) == 18 + len(rises)
    for mine, other in zip(ours.claims, theirs.claims, strict=True):
        name = mine.slice.get("column")
        assert (mine.metric, mine.slice, mine.limit) == (other.metric, other.slice, other.limit)
        assert mine.passed == other.passed, name
        if mine.metric == "drift":
            assert (
                ours.recorded_details().plain()["methods"][name] == theirs.recorded_details().plain()["methods"][name]
            )
            assert float(mine.value) == pytest.approx(float(other.value), abs=1e-12, rel=1e-9), name
    if rows[0] <= 1000:
        continuous = [
            name for name, method in theirs.recorded_details().plain()["methods"].items() if method.startswith("K-S")
        ]
        assert {"normal", "skewed"} <= set(continuous)
        assert "chi-square p_value" not in theirs.recorded_details().plain()["methods"].values()


def by_itself(found):
    """The p-value of one column before it is corrected for the number of columns."""
    return found.note.split(" by itself")[0].rsplit(": ", 1)[1]


def test_small_tables_are_tested_as_scipy_tests_two_samples():
    from scipy.stats import chi2_contingency, ks_2samp

    train, test = pair(800, 500)
    found = {c.slice.get("column"): c for c in drift.run(test, pack(), train).claims if c.metric != RISE}
    for name in ("normal", "skewed"):
        expected = ks_2samp(train.frame[name], test.frame[name]).pvalue
        assert float(by_itself(found[name])) == pytest.approx(expected, rel=0.06)
        assert found[name].comparator == ">"  # Evidently: K-S drifts at the limit itself
    for name in ("text", "category", "few_integers"):
        counts = pd.concat([d.frame[name].value_counts() for d in (train, test)], axis=1).fillna(0).to_numpy()
        expected = chi2_contingency(counts[counts.sum(axis=1) > 0]).pvalue
        assert float(by_itself(found[name])) == pytest.approx(expected, rel=0.06)
        assert found[name].comparator == ">="


def test_an_impossible_p_value_is_told_as_a_bound():
    frame = pd.DataFrame({"x": np.r_[np.zeros(900), np.ones(900)], "y": np.resize([0, 1], 1800)})
    train, test = (
        make_dataset(r, f.reset_index(drop=True), PredictionTask(target="y"))
        for r, f in (("train", frame[:900]), ("test", frame[900:]))
    )
    found = drift.run(test, pack(), train).claims[0]
    assert float(found.value) == 1e-15
    assert "is under 1e-15 (n=900), limit >= 0.05" in describe(found)
    assert "under 1e-15 by itself" in found.note


def test_a_large_distance_that_chance_makes_is_no_drift():
    """Two halves of one table of 1,100 categories lie far apart by any distance; they are the same population."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"x": rng.choice([f"c{i}" for i in range(300)], 2400), "y": rng.integers(0, 2, 2400)})
    train, test = (
        make_dataset(r, f.reset_index(drop=True), PredictionTask(target="y"))
        for r, f in (("train", frame[:1200]), ("test", frame[1200:]))
    )
    found = drift.run(test, pack(), train).claims[0]
    assert float(found.value) > 0.2
    assert found.passed is None
    assert "not enough data: chance alone makes such a distance" in found.note


@pytest.mark.parametrize("kind", full_but(["numeric"], ["numeric", "categorical"]))
def test_a_pack_takes_any_of_evidentlys_methods_by_name(kind):
    """A test gives a small p-value where columns drift, a distance a large one: each is held to its own limit."""
    from evidently.legacy.calculations import stattests

    known = {t.name for t in vars(stattests).values() if isinstance(t, stattests.StatTest)}
    names = get_args(NumericMethod if kind == "numeric" else CategoricalMethod)
    assert set(names) <= known
    rng = np.random.default_rng(0)

    def made(role, shift):
        value = (
            rng.normal(shift, 1, 400)
            if kind == "numeric"
            else rng.choice(["a", "b", "c"], 400, p=[0.6 - shift, 0.2 + shift, 0.2])
        )
        return make_dataset(role, pd.DataFrame({"x": value, "y": np.resize([0, 1], 400)}), PredictionTask(target="y"))

    train, moved = made("train", 0), made("test", 0.5)
    for name in names:
        settings = pack(**{"method": "evidently", kind: name})
        same, other = (drift.run(data, settings, train).claims[0] for data in (replace(train, role="test"), moved))
        assert (same.passed, other.passed) == (True, False), name
        assert (same.metric == "drift_p_value") == ("p_value" in same.note), name
        assert float(other.value) < float(same.value) if same.metric == "drift_p_value" else float(same.value) < 0.01
    found = drift.run(moved, pack(method="evidently", **{kind: "psi"}), train).claims[0]
    assert found.note.startswith("psi; two-sample test, corrected for 2 tests: p-value ")


def test_a_method_by_name_is_refused_where_evidently_does_not_run():
    with pytest.raises(ValueError, match="set method: evidently"):
        Drift(numeric="psi")


def test_large_tables_use_distances_and_small_ones_tests():
    for rows, metric in ((1001, "drift"), (1000, "drift_p_value")):
        train, test = pair(rows, 500)
        train, test = (
            make_dataset(d.role, d.frame[["normal", "flag", "y"]], PredictionTask(target="y")) for d in (train, test)
        )
        assert [c.metric for c in drift.run(test, pack(), train).claims] == [metric, metric, metric, "drifted_share"]


def test_the_histogram_stays_within_its_bound():
    rng = np.random.default_rng(0)
    for make in (
        lambda n: rng.normal(0.2, 1, n),
        lambda n: rng.exponential(1.1, n),
        lambda n: rng.integers(0, 90, n) * 1.0,
    ):
        train, test = make(5000), make(3000) * 1.05
        exact = number_drift(train, test, method="exact").value
        value, error = distances.histogram_wasserstein(Numbers(train), Numbers(test))
        assert abs(value - exact) <= error
        assert error < 0.02


def test_a_histogram_never_decides_a_close_call():
    rng = np.random.default_rng(0)
    train = rng.normal(size=5000)
    exact = number_drift(train, train[:4000] + 0.1, method="exact")
    near = number_drift(train, train[:4000] + 0.1, method="histogram", threshold=exact.value + 1e-6)
    assert near == exact
    far = number_drift(train, train[:4000] + 1.0, method="histogram")
    assert far.method == "Wasserstein distance (normed), 2048-bin histogram"


def test_a_column_with_extreme_values_is_measured_exactly():
    """Equal bins from -1 to a million would put nearly all values into the first bin."""
    rng = np.random.default_rng(0)
    train, test = rng.normal(size=5000), rng.normal(0.5, 1, 5000)
    train[0] = 1e6
    score = number_drift(train, test, method="histogram")
    assert score == number_drift(train, test, method="exact")


def test_auto_takes_the_histogram_above_its_size(monkeypatch):
    train, test = (np.random.default_rng(i).normal(size=4000) for i in (0, 1))
    assert number_drift(train, test).method == "Wasserstein distance (normed)"
    monkeypatch.setattr(distances, "EXACT_ROWS", 5000)
    assert number_drift(train, test).method.endswith("2048-bin histogram")


def test_texts_identifiers_and_dates_are_left_out_with_the_reason():
    rng = np.random.default_rng(0)

    def table(rows):
        return pd.DataFrame(
            {
                "id": np.arange(rows),
                "key": [f"K{i}" for i in range(rows)],
                "when": pd.date_range("2020-01-01", periods=rows),
                "day": [f"2020-01-{1 + i % 28:02}" for i in range(rows)],
                "zip": rng.permutation([f"z{i % 1200}" for i in range(rows)]),
                "empty": [None] * (rows - 1) + [1.0],
                "used": rng.normal(size=rows),
                "named": rng.normal(size=rows),
                "y": rng.integers(0, 2, rows),
            }
        )

    train = make_dataset("train", table(3000), PredictionTask(target="y"), identifiers=["named"])
    outcome = drift.run(
        make_dataset("test", table(3000).drop(columns="empty"), PredictionTask(target="y")), pack(), train
    )
    assert list(outcome.recorded_details().plain()["methods"]) == ["used", "(target)"]
    reasons = outcome.recorded_details().plain()["left_out"]
    assert set(reasons) == {"id", "key", "when", "day", "zip", "empty", "named"}
    assert "identifier" in reasons["id"]
    assert "date" in reasons["when"]
    assert "date" in reasons["day"]
    assert "too many categories to compare: 1,200" in reasons["zip"]
    assert reasons["empty"] == "not in test data"
    assert "named as an identifier" in reasons["named"]
    assert b"key is left out" in outcome.reports["drift.html"]


def test_a_column_without_values_is_not_evaluated():
    train, test = pair(1200, 600)
    hollow = make_dataset("test", test.frame.assign(normal=np.nan, text=None, skewed="a"), PredictionTask(target="y"))
    outcome = drift.run(hollow, pack(severity="failing", threshold="10", p_value="0"), train)
    found = {c.slice.get("column"): c for c in outcome.claims if c.metric != RISE}
    for name, why in (("normal", "no value"), ("text", "no value"), ("skewed", "numbers in training data")):
        assert (found[name].value, found[name].passed, found[name].limit) == (None, None, "10")
        assert why in found[name].note
    assert outcome.result == "not_evaluated"


def test_drift_is_a_warning_by_default_and_its_share_has_a_limit(value_of):
    train, test = pair(1500, 800, shift=2)
    outcome = drift.run(test, pack(drifted_share="0.2"), train)
    assert outcome.result == "warned"
    share = value_of(outcome.claims, "drifted_share")
    drifted = [c for c in outcome.claims[:-1] if c.passed is False]
    assert float(share.value) == len(drifted) / 16
    assert (share.n, share.passed) == (16, False)
    assert {"normal", "new_level"} <= {c.slice["column"] for c in drifted}
    assert drift.run(test, pack(severity="failing"), train).result == "failed"


@pytest.mark.parametrize("rows", [900, 3000])
def test_labels_and_predictions_that_drift_do_not_pass(rows, value_of):
    place = np.linspace(0, 1, rows)

    def made(role, share, say):
        data = make_dataset(
            role, pd.DataFrame({"x": place, "y": place < share}), PredictionTask(target="y", favourable="True")
        )
        return data if say is None else replace(data, predictions=Predictions(place < say))

    metric = "drift" if rows > 1000 else "drift_p_value"
    outcome = drift.run(made("test", 0.05, None), pack(severity="failing"), made("train", 0.5, 0.5))
    assert outcome.result == "failed"
    found = value_of(outcome.claims, metric, column="(target)")
    assert found.passed is False
    assert "label drift" in found.note
    assert not [c for c in outcome.claims if c.slice.get("column") == "(prediction)"]  # train has some, test none
    share = value_of(outcome.claims, "drifted_share")
    assert (share.value, share.n) == ("0", 1)
    both = drift.run(made("test", 0.5, 0.05), pack(), made("train", 0.5, 0.5))
    assert value_of(both.claims, metric, column="(target)").passed
    assert value_of(both.claims, metric, column="(prediction)").passed is False
    same = drift.run(made("test", 0.5, 0.5), pack(), made("train", 0.5, 0.5))
    assert same.result == "passed", same.reason


def test_one_label_written_in_two_ways_is_no_drift(value_of):
    labels = np.resize([0, 1, 1], 3000)
    x = np.random.default_rng(0).normal(size=3000)
    train = make_dataset("train", pd.DataFrame({"x": x, "y": labels}), PredictionTask(target="y", favourable="1"))
    test = make_dataset(
        "test", pd.DataFrame({"x": x, "y": labels.astype(bool)}), PredictionTask(target="y", favourable="1")
    )
    assert value_of(drift.run(test, pack(), train).claims, "drift", column="(target)").value == "0"


def test_numbers_that_are_predicted_drift_as_numbers(value_of):
    rng = np.random.default_rng(0)

    def made(role, mean):
        frame = pd.DataFrame({"x": rng.normal(size=3000), "y": rng.normal(mean, 1, 3000)})
        return replace(
            make_dataset(role, frame, PredictionTask(target="y", kind="regression")),
            predictions=Predictions(frame["y"].to_numpy() / 2),
        )

    outcome = drift.run(made("test", 1.0), pack(), made("train", 0.0))
    for name in ("(target)", "(prediction)"):
        found = value_of(outcome.claims, "drift", column=name)
        assert float(found.value) == pytest.approx(1, abs=0.1)
        assert "Wasserstein" in found.note


@pytest.mark.full
def test_many_tests_of_one_population_break_no_limit_by_chance():
    """Forty columns tested at 5%: two are below it in every table, and none of them is drift."""
    below, breaches = 0, 0
    for seed in range(10):
        rng = np.random.default_rng(seed)
        made = lambda rows, rng=rng: pd.DataFrame(rng.normal(size=(rows, 40))).assign(y=rng.integers(0, 2, rows))  # noqa: E731
        train = make_dataset("train", made(800), PredictionTask(target="y"))
        outcome = drift.run(
            make_dataset("test", made(300), PredictionTask(target="y")), pack(severity="failing"), train
        )
        columns = [c for c in outcome.claims if c.metric == "drift_p_value"]
        below += sum(float(by_itself(c)) < 0.05 for c in columns)
        breaches += outcome.result == "failed"
        assert "41 comparisons are made" in outcome.recorded_details().plain()["noise"]
        assert "flagged in at most 5% of the cases" in outcome.recorded_details().plain()["noise"]
        assert b"Holm" in outcome.reports["drift.html"]
    assert below > 10
    assert breaches <= 1


def test_a_table_is_like_itself():
    train, _ = pair(2000, 10)
    same = make_dataset("test", train.frame, PredictionTask(target="y"))
    assert {float(c.value) for c in drift.run(same, pack(), train).claims} == {0.0}


def test_nothing_to_compare_is_an_error():
    frame = pd.DataFrame({"key": [f"K{i}" for i in range(50)], "y": [0, 1] * 25})
    data = make_dataset("test", frame, PredictionTask(target="y"))
    with pytest.raises(DataError, match="no column can be compared"):
        drift.run(data, pack(), data)
    with pytest.raises(DataError, match="no training data"):
        drift.run(data, pack())


def test_the_outcome_is_a_valid_record(record):
    train, test = pair(1500, 800)
    outcome = drift.run(test, pack(), train)
    record(outcome)
    assert outcome.controls == ("A.6.2.4", "A.7.2")
    assert set(outcome.reports) == {"drift.svg", "drift.html"}
    assert all(c.note for c in outcome.claims)


@pytest.mark.parametrize(("n", "m"), [(1, 1), (1, 7), (500, 500), (500, 333), (64, 1000)])
def test_the_exact_distance_is_scipys(n, m):
    from scipy.stats import wasserstein_distance

    rng = np.random.default_rng(n + m)
    for one, other in (
        (rng.normal(size=n), rng.normal(0.3, 2, m)),
        (rng.integers(0, 5, n) * 1.0, rng.integers(0, 5, m) * 1.0),
    ):
        found = distances.wasserstein(Numbers(one), Numbers(other))
        assert found == pytest.approx(wasserstein_distance(one, other), rel=1e-12, abs=1e-15)

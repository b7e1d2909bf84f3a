"""Drift in operation from a baseline alone: breaches are found, chance is not one, and what could not be compared is said."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aims_mlflow.checks.drift import baseline, monitoring
from aims_mlflow.checks.tables.predictions import Predictions
from aims_mlflow.checks.tables.task import PredictionTask
from aims_mlflow.checks.tables.validation import make_dataset
from aims_mlflow.records.pack import Monitor, Pack
from support.long_runs import full_but

PACK = Pack(name="p", version="1", description="d")


def kept(frame, target="repaid", favourable="yes", said=None):
    data = make_dataset("train", frame, PredictionTask(target=target, favourable=favourable))
    reference = None if said is None else replace(data, predictions=Predictions(np.asarray(said)))
    return json.loads(baseline.run(data, PACK, reference).reports["drift_baseline.json"])


def compared(frame, known, said=None, **limits):
    data = make_dataset("operation", frame)
    data = data if said is None else replace(data, predictions=Predictions(np.asarray(said)))
    return monitoring.compare(data, known, Monitor(**limits))


def test_the_same_population_is_no_breach_and_a_shift_is_named(table, record):
    known = kept(table(4000))
    same = compared(table(1500, 7), known)
    record(same)
    assert same.result == "passed", same.reason
    moved = table(1500, 7)
    moved["income"] *= 1.5
    moved["purpose"] = np.where(moved["purpose"] == "car", "boat", moved["purpose"])
    outcome = compared(moved, known)
    assert outcome.result == "failed"
    assert outcome.recorded_details().plain()["columns_in_breach"] == ["purpose", "income"]
    assert {c.metric for c in outcome.claims if c.passed is False} == {"drift", "unseen_share_rise"}
    assert b"Holm" in outcome.reports["monitor.html"]


def test_predictions_and_labels_are_compared_too(table, value_of):
    frame = table(3000)
    known = kept(frame, said=frame["repaid"])
    now = table(1000, 3)
    outcome = compared(now.assign(repaid="no"), known, said=["no"] * 990 + ["yes"] * 10)
    for name, word in (("(prediction)", "prediction drift"), ("(target)", "label drift")):
        found = value_of(outcome.claims, "drift", column=name)
        assert found.passed is False
        assert word in found.note
    without = compared(now.drop(columns="repaid"), known)  # labels come late, predictions do not
    assert without.result == "not_evaluated"
    assert "(prediction) could not be evaluated (not evaluated: the baseline has predictions" in without.reason
    assert not [c for c in without.claims if c.slice.get("column") == "(target)"]
    assert compared(now.drop(columns="repaid"), kept(frame)).result == "passed"


def test_many_columns_and_few_rows_make_no_breach_by_chance():
    """Forty columns and 60 rows: distances over 0.1 are then the rule, and none of them is drift."""
    breaches, large = 0, 0
    for seed in range(10):
        rng = np.random.default_rng(seed)
        names = [f"c{i}" for i in range(40)]
        train = pd.DataFrame(rng.normal(size=(2000, 40)), columns=names).assign(y=rng.integers(0, 2, 2000))
        outcome = compared(pd.DataFrame(rng.normal(size=(60, 40)), columns=names), kept(train, "y", "1"))
        distances = [c for c in outcome.claims if c.metric == "drift"]
        large += sum(float(c.value) >= 0.1 for c in distances)
        breaches += outcome.result == "failed"
        assert outcome.result != "passed"
        assert any("not enough data" in (c.note or "") for c in distances)
    assert large > 100
    assert breaches <= 1


def test_what_cannot_be_compared_is_no_pass(table):
    known = kept(table(1000))
    outcome = compared(table(500, 2).drop(columns="income").assign(amount="much"), known)
    assert outcome.result == "not_evaluated"
    assert "income could not be evaluated (not evaluated: the column is not in these data)" in outcome.reason
    assert "numbers in training data, but not here" in outcome.reason
    gone = compared(table(500, 2).assign(income=np.nan), known)
    assert gone.result == "not_evaluated"


def test_missing_cells_that_rise_are_a_breach(table, value_of):
    now = table(800, 2)
    now.loc[:300, "income"] = np.nan
    outcome = compared(now, kept(table(2000)))
    found = value_of(outcome.claims, "missing_rate_rise", column="income")
    assert found.passed is False
    assert float(found.value) == pytest.approx(301 / 800)


@pytest.mark.parametrize("metric", full_but(["missing_rate_rise"], ["missing_rate_rise", "unseen_share_rise"]))
def test_rises_of_the_same_population_are_no_breach_by_chance(metric):
    """In 60 rows a share rises by over its limit in some of 40 columns in nearly every run."""
    breaches, large, open_ = 0, 0, 0
    for seed in range(10):
        rng = np.random.default_rng(seed)

        def drawn(rows, rng=rng):
            if metric == "missing_rate_rise":
                return np.where(rng.random((rows, 40)) < 0.25, np.nan, rng.normal(size=(rows, 40)))
            shares = [0.48, 0.44, *[0.08 / 400] * 400]
            return rng.choice([f"c{i}" for i in range(402)], (rows, 40), p=shares)

        names = [f"c{i}" for i in range(40)]
        train = pd.DataFrame(drawn(3000), columns=names).assign(y=rng.integers(0, 2, 3000))
        outcome = compared(pd.DataFrame(drawn(60), columns=names), kept(train, "y", "1"))
        mine = [c for c in outcome.claims if c.metric == metric]
        limit = 0.1 if metric == "missing_rate_rise" else 0.05
        large += sum(float(c.value) > limit for c in mine)
        open_ += sum(c.passed is None and "not enough data" in c.note for c in mine)
        breaches += outcome.result == "failed"
    assert large > 10
    assert open_ >= large - 1
    assert breaches <= 1


def test_the_p_value_of_a_rise_is_fishers_and_few_are_taken_for_most(value_of):
    from scipy.stats import fisher_exact

    rise = monitoring.Rise(30, 1000, 20, 100)
    table = [[20, 80], [30, 970]]
    assert rise.p_value == pytest.approx(fisher_exact(table, alternative="greater").pvalue, rel=1e-9)
    assert rise.value == pytest.approx(0.17)
    hidden = monitoring.Rise(None, 1000, 20, 100, hidden=20)
    assert hidden.value == pytest.approx(0.2 - 19 / 1000), "so many the baseline may not have told"
    assert monitoring.Rise(None, 1000, 1, 100, hidden=20).value == 0
    assert hidden.p_value == monitoring.Rise(19, 1000, 20, 100).p_value


def test_infinite_numbers_are_missing_in_the_baseline_and_now(value_of):
    rng = np.random.default_rng(0)
    train = pd.DataFrame({"x": rng.normal(size=3000), "z": rng.normal(size=3000), "y": rng.integers(0, 2, 3000)})
    now = pd.DataFrame({"x": rng.normal(size=1000), "z": rng.normal(size=1000)})
    now.loc[:499, "x"] = np.inf
    outcome = compared(now, kept(train, "y", "1"))
    assert outcome.result == "failed"
    assert float(value_of(outcome.claims, "missing_rate_rise", column="x").value) == 0.5
    train.loc[:1499, "x"] = -np.inf
    known = kept(train, "y", "1")
    assert known["columns"]["x"]["missing"] == 1500
    assert compared(now, known).result == "passed"


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.text(min_size=1, max_size=3), st.floats(0, 1), min_size=1, max_size=12))
def test_holm_corrects_upwards_and_keeps_the_order(values):
    found = monitoring.holm(values)
    order = sorted(values, key=lambda n: values[n])
    assert all(values[n] <= found[n] <= 1 for n in values)
    assert [found[n] for n in order] == sorted(found.values())
    assert found[order[0]] == min(values[order[0]] * len(values), 1)


def mostly_zero(rows, seed, scale=1.0):
    rng = np.random.default_rng(seed)
    gain = np.where(rng.random(rows) < 0.92, 0, rng.integers(1000, 15000, rows)) * scale
    return pd.DataFrame({"gain": gain, "x": rng.normal(size=rows), "y": rng.integers(0, 2, rows)})


def test_a_shift_of_a_mostly_constant_column_is_a_breach(value_of):
    known = kept(mostly_zero(4000, 0), "y", "1")
    assert compared(mostly_zero(1500, 1), known).result == "passed"
    moved = mostly_zero(1500, 1)
    moved["gain"] += 50_000
    outcome = compared(moved, known)
    assert outcome.recorded_details().plain()["columns_in_breach"] == ["gain"]
    zeros_gone = value_of(outcome.claims, "drift", column="gain")
    assert float(zeros_gone.value) > 0.6


def test_numbers_too_few_to_tell_in_training_are_no_breach_later():
    """Of 990 zeros and 10 others the baseline tells 1,000 zeros; the same population must not be in breach."""
    breaches = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        rare = lambda rows, rng=rng: pd.DataFrame(  # noqa: E731
            {"gain": np.where(rng.random(rows) < 0.985, 0.0, rng.integers(1, 99, rows)), "y": rng.integers(0, 2, rows)}
        )
        known = kept(rare(1000), "y", "1")
        assert known["columns"]["gain"]["counts"] == [0] or sum(known["columns"]["gain"]["counts"]) >= 20
        breaches += compared(rare(400), known, threshold="0.01").result == "failed"
    assert breaches <= 2


def test_a_monitor_says_which_columns_it_cannot_see(table):
    frame = table(1000).assign(note=[f"text {i}" for i in range(1000)])
    outcome = compared(frame.assign(new=1.0), kept(frame))
    assert set(outcome.recorded_details().plain()["left_out"]) == {"note", "new"}
    assert "1,000 different values" in outcome.recorded_details().plain()["left_out"]["note"]
    assert b"note is not watched: " in outcome.reports["monitor.html"]
    assert b"new is not watched: not in the baseline" in outcome.reports["monitor.html"]


@pytest.mark.parametrize("now", [bool, int, float, str, "boolean"])
def test_truth_values_are_the_same_however_they_are_written_in_operation(now):
    def member(rows, seed):
        return np.random.default_rng(seed).random(rows) < 0.3

    known = kept(pd.DataFrame({"member": member(2000, 0), "repaid": ["yes", "no"] * 1000}))
    assert known["columns"]["member"]["kind"] == "categorical"
    outcome = compared(pd.DataFrame({"member": pd.Series(member(1000, 1)).astype(now)}), known)
    claims = {c.metric: c for c in outcome.claims if c.slice.get("column") == "member"}
    assert claims["drift"].passed
    assert "unseen_share_rise" not in claims


def few_of_each(rows, seed, rare=1.0):
    """A small table whose categories, numbers and gaps have rows under the pooled size."""
    rng = np.random.default_rng(seed)
    held = rng.choice(["A121", "A122", "A123", "A124"], rows, p=[0.3, 0.25, 0.37, 0.08])
    guarantee = np.where(rng.random(rows) < 0.07 * rare, "A103", "A101")
    since = rng.choice([1.0, 2.0, 3.0, 4.0], rows, p=[0.07, 0.3, 0.17, 0.46])
    gain = np.where(rng.random(rows) < 0.94, 0.0, rng.integers(1, 99, rows))
    amount = np.where(rng.random(rows) < 0.09, np.nan, rng.normal(size=rows))
    columns = {"property": held, "guarantee": guarantee, "since": since, "gain": gain, "amount": amount}
    return pd.DataFrame(columns).assign(y=rng.integers(0, 2, rows))


@pytest.mark.parametrize("times", [1, 10, 60])
@pytest.mark.parametrize("seed", range(4))
def test_the_training_table_itself_is_no_drift_whatever_its_size(times, seed):
    frame = few_of_each(168, seed)
    outcome = compared(pd.concat([frame] * times), kept(frame, "y", "1"))
    assert outcome.result == "passed", outcome.reason
    assert all(float(c.value) < 0.02 for c in outcome.claims if c.metric == "drift"), outcome.claims


@pytest.mark.parametrize(("trained", "now", "passes", "finds"), [(168, 5000, 17, 18), (2000, 1000, 19, 20)])
def test_hidden_rows_cost_no_false_alarm_and_a_shift_is_still_found(trained, now, passes, finds):
    """Of 20 tables of the training's own distribution at most one is in breach; of 20 with a shift nearly all are.

    In 60 each of 168 training and 5,000 new rows 57 passed, 1 failed and 58 shifts were found; with 300 new rows 42, 3
    and 34; of 2,000 training rows all passed and all were found.
    """
    known = [kept(few_of_each(trained, seed), "y", "1") for seed in range(20)]
    same = [compared(few_of_each(now, 1000 + i), each).result for i, each in enumerate(known)]
    assert same.count("failed") <= 1
    assert same.count("passed") >= passes
    moved = [compared(few_of_each(now, 3000 + i, rare=3.0), each) for i, each in enumerate(known)]
    found = [m for m in moved if "guarantee" in m.recorded_details().plain()["columns_in_breach"]]
    assert len(found) >= finds


def test_a_baseline_too_small_to_decide_is_named_as_the_cause():
    outcomes = [compared(few_of_each(5000, 50 + i), kept(few_of_each(100, i), "y", "1")) for i in range(6)]
    open_ = [c.note for o in outcomes for c in o.claims if c.passed is None and c.limit is not None]
    assert open_
    assert all("the baseline is of 100 rows, and more new rows decide no more" in note for note in open_), open_
    few_now = compared(few_of_each(30, 2), kept(few_of_each(2000, 1), "y", "1"))
    assert "more new rows decide no more" not in str(few_now.claims)

"""Drift of missing cells: a rise beyond its limit and beyond chance, by Fisher's exact test."""

import numpy as np
import pandas as pd
import pytest

from aims_mlflow.checks.drift import drift
from aims_mlflow.checks.tables.task import PredictionTask
from aims_mlflow.checks.tables.validation import make_dataset
from aims_mlflow.records.pack import Drift, Pack
from aims_mlflow.records.wording import share_text

RISE = "missing_rate_rise"


def pack(**settings):
    return Pack(name="p", version="1", description="d", drift=Drift(**settings))


def with_gaps(rows, share, seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=rows)
    text = rng.choice(["a", "b"], rows).astype(object)
    gone = int(rows * share)
    x[rng.permutation(rows)[:gone]], text[rng.permutation(rows)[:gone]] = np.nan, None
    return pd.DataFrame({"x": x, "text": text, "y": rng.integers(0, 2, rows)})


@pytest.mark.parametrize(
    ("rows", "share", "passed"),
    [(500, 0.35, False), (500, 0.07, True), (4, 0.25, None)],
    ids=["rise", "small", "few rows"],
)
def test_a_rise_of_missing_cells_beyond_its_limit_and_chance_is_drift(rows, share, passed):
    train = make_dataset("train", with_gaps(3000, 0.05, 0), PredictionTask(target="y"))
    test = make_dataset("test", with_gaps(rows, share, 1), PredictionTask(target="y"))
    rises = [c for c in drift.run(test, pack(severity="failing"), train).claims if c.metric == RISE]
    assert [(c.slice["column"], c.limit, c.passed) for c in rises] == [("x", "0.1", passed), ("text", "0.1", passed)]
    for c in rises:
        gone = (test.frame[c.slice["column"]].isna().mean(), train.frame[c.slice["column"]].isna().mean())
        assert float(c.value) == pytest.approx(gone[0] - gone[1])
        assert (
            f"{share_text(gone[0])} are missing, {share_text(gone[1])} in training data; two-sample test (Fisher"
            in c.note
        )
        assert ("not enough data" in c.note) == (passed is None)


def test_an_infinite_number_is_missing_and_a_column_that_is_all_gone_is_named():
    train = make_dataset("train", with_gaps(2000, 0.0, 0), PredictionTask(target="y"))
    frame = with_gaps(400, 0.0, 1).assign(x=np.inf, text=None)
    claims = drift.run(make_dataset("test", frame, PredictionTask(target="y")), pack(), train).claims
    assert {c.slice["column"]: (c.value, c.passed) for c in claims if c.metric == RISE} == {
        "x": ("1", False),
        "text": ("1", False),
    }


def test_missing_cells_of_one_population_are_flagged_in_at_most_a_twentieth_of_tables():
    flagged = 0
    for seed in range(200):
        whole = with_gaps(400, 0.2, seed)
        one, other = (
            make_dataset(role, half.reset_index(drop=True), PredictionTask(target="y"))
            for role, half in (("train", whole[:200]), ("test", whole[200:]))
        )
        claims = drift.run(other, pack(missing="0"), one).claims
        flagged += any(c.passed is False for c in claims if c.metric == RISE)
    assert flagged / 200 <= 0.05

"""How well one column tells the target: scikit-learn's area for numbers, honest halves for categories, counts as rows."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from aims_mlflow.checks.statistics.single_column import target_rows, told_by

BINARY, SEVERAL, NUMBER = "binary-classification", "multiclass-classification", "regression"


def told(column, target, task=BINARY, weights=None):
    return told_by(pd.Series(column), target_rows(pd.Series(target), task, weights))


def test_numbers_get_scikit_learns_area_in_either_direction():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 1000)
    x = y + rng.normal(size=1000)
    expected = roc_auc_score(y, x)
    for column in (x, -x, [str(v) for v in x]):
        found = told(column, y)
        assert found.value == pytest.approx(expected)
        assert found.ends[0] < found.value < found.ends[1]
        assert (found.how, found.n) == ("by its order", 1000)


def test_many_rare_categories_do_not_know_themselves():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 1000)
    assert told([f"n{i}" for i in range(1000)], y).value < 0.6
    assert told(rng.choice([f"n{i}" for i in range(300)], 1000), y).value < 0.6
    assert told(rng.normal(size=1000), y).value < 0.6


YES = np.arange(600) % 3 == 0
RNG = np.random.default_rng(1)


@pytest.mark.parametrize(
    "column",
    [
        np.where(YES, "paid", "late"),
        np.where(YES, RNG.normal(size=600), np.nan),
        np.where(YES, None, "2024-05-01"),
        pd.Timestamp("2024-01-01") + pd.to_timedelta(np.where(YES, 100, 0) + RNG.integers(0, 50, 600), "D"),
        np.where(YES, RNG.normal(0, 0.1, 600), RNG.choice([-5, 5], 600)),
        pd.Series([[1] if yes else None for yes in YES]),
        pd.Series(YES, dtype="boolean"),
        np.where(YES, -999.0, RNG.integers(1, 90, 600)),
    ],
    ids=["texts", "missing", "empty dates", "times", "the middle", "lists", "booleans", "a code"],
)
def test_every_kind_of_column_that_is_the_label_is_seen(column):
    assert told(column, YES).value > 0.97


def test_of_several_labels_the_one_that_is_told_best_counts():
    rng = np.random.default_rng(0)
    y = rng.choice(["a", "b", "c", "rare"], 2000, p=[0.4, 0.3, 0.295, 0.005])
    found = told(np.where(y == "b", 1, 0), y, SEVERAL)
    assert (found.value, found.label) == (1, "b")
    assert told(np.where(y == "rare", 1, 0), y, SEVERAL).value < 0.6  # ten rows


def test_numbers_that_are_told_are_compared_by_their_ranks():
    rng = np.random.default_rng(0)
    price = np.exp(rng.normal(8, 1, 2000))
    assert told(np.log(price), price, NUMBER).value == pytest.approx(1)
    assert told(-price, price, NUMBER).value == pytest.approx(1)
    assert told(np.abs(rng.normal(size=2000)), price, NUMBER).value < 0.02
    in_bands = pd.cut(pd.Series(price), [0, 1000, 3000, 8000, np.inf], labels=["a", "b", "c", "d"]).astype(str)
    found = told(in_bands, price, NUMBER)
    assert 0.8 < found.value < 0.95
    assert found.ends[0] < found.value < found.ends[1]


@pytest.mark.parametrize("task", [BINARY, NUMBER])
def test_a_count_table_tells_what_its_rows_tell(task):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"x": rng.integers(0, 9, 20_000), "y": rng.integers(0, 2, 20_000)})
    frame["y"] = np.where(rng.random(20_000) < 0.3, frame["x"] > 4, frame["y"]).astype(int)
    counts = frame.groupby(["x", "y"]).size().reset_index(name="rows")
    ours = told(counts["x"], counts["y"], task, counts["rows"].to_numpy())
    rows = told(frame["x"], frame["y"], task)
    assert ours.value == pytest.approx(rows.value, rel=1e-9)
    assert ours.n == rows.n


def test_too_few_rows_tell_nothing():
    assert target_rows(pd.Series(["a"] * 100 + ["b"] * 19), BINARY) is None
    assert target_rows(pd.Series(["a"] * 100), BINARY) is None
    assert target_rows(pd.Series([1.0, 2.0] * 10), NUMBER) is None
    assert target_rows(pd.Series([3.0] * 100), NUMBER) is None

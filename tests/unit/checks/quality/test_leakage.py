import numpy as np
import pandas as pd
import pytest

from aims_mlflow.checks.quality.leakage import overlap
from aims_mlflow.checks.tables.row_hashes import duplicate_share, shared_rows
from aims_mlflow.records.pack import Leakage


def frame(first, count, **columns):
    values = range(first, first + count)
    return pd.DataFrame({"x": values, "name": [f"n{i}" for i in values], "y": [i % 2 for i in values], **columns})


def test_the_share_of_test_rows_that_training_has_seen():
    found = overlap(frame(0, 100), frame(90, 40))[0]
    assert (found.metric, found.value, found.n, found.role) == ("train_test_overlap", "0.25", 40, "test")
    assert (found.comparator, found.limit, found.severity, found.passed) == ("<=", "0.01", "warning", False)
    assert found.note == "10 rows, compared in 3 columns"


def coarse(rows, seed):
    """A census of few categories: most rows have an equal one by chance."""
    draw = np.random.default_rng(seed)
    return pd.DataFrame({name: draw.choice(4, rows, p=[0.5, 0.3, 0.15, 0.05]) for name in "abcdef"})


@pytest.mark.parametrize("part", [0.05, 0.3, 0.6])
def test_an_honest_split_of_a_coarse_table_is_held_out(part):
    for seed in range(150):
        table = coarse(900, seed)
        test = table.sample(frac=part, random_state=seed)
        plain, beyond = overlap(table.drop(test.index), test)
        assert float(plain.value) > 0.3
        assert (beyond.metric, beyond.passed) == ("share_of_test_rows_trained_on", True), beyond.note


@pytest.mark.parametrize("made", [lambda seed: coarse(900, seed), lambda seed: frame(seed, 900)])
def test_test_rows_that_were_trained_on_are_not_held_out(made):
    table = made(1)
    _, beyond = overlap(table, table.sample(frac=0.4, random_state=1))
    assert (beyond.value, beyond.passed, beyond.severity, beyond.limit) == ("1", False, "failing", "0.05")
    _, few = overlap(frame(0, 900), frame(891, 300))
    assert (few.value, few.passed) == ("0.03", True)
    _, some = overlap(frame(0, 900), frame(870, 300))
    assert (some.value, some.passed) == ("0.1", False)
    assert some.note.startswith(
        "of the training rows 0% have an equal one there, which chance would give test rows too"
    )


def test_none_and_all():
    assert overlap(frame(0, 50), frame(50, 50))[0].value == "0"
    assert overlap(frame(0, 50), frame(0, 50).sample(frac=1, random_state=0))[0].value == "1"


def test_a_row_counts_only_when_features_and_target_are_equal():
    other_label = frame(0, 10).assign(y=lambda f: 1 - f["y"])
    assert overlap(frame(0, 10), other_label)[0].value == "0"


@pytest.mark.parametrize(
    "change",
    [
        {"x": "float64"},
        {"x": "Int64"},
        {"name": "category"},
        {"name": "object"},
        {"y": "bool"},
        {"x": "int8", "name": "category", "y": "float32"},
    ],
)
def test_the_same_values_in_other_types_are_the_same_rows(change):
    assert overlap(frame(0, 20), frame(10, 20).astype(change))[0].value == "0.5"
    assert overlap(frame(0, 20).astype(change), frame(10, 20))[0].value == "0.5"


def test_missing_cells_are_equal():
    one = frame(0, 10, z=[None, 1.0] * 5)
    assert overlap(one, one.copy())[0].value == "1"


def test_the_order_of_columns_does_not_matter_and_lone_columns_are_left_out():
    other = frame(0, 10)[["y", "name", "x"]].assign(extra=1)
    assert overlap(frame(0, 10), other)[0].value == "1"


def test_the_packs_limit_is_taken():
    settings = Leakage(overlap="0.3", severity="failing")
    (found,) = overlap(frame(0, 100), frame(90, 40), settings, role="validation")
    assert (found.limit, found.severity, found.passed, found.role) == ("0.3", "failing", True, "validation")


def test_what_cannot_be_compared_is_not_evaluated():
    lists = pd.DataFrame({"x": [[1], [2]]})
    for one, other in ((lists, lists), (frame(0, 5), pd.DataFrame({"q": [1]}))):
        (found,) = overlap(one, other)
        assert (found.value, found.passed, found.limit) == (None, None, "0.01")
        assert found.note.startswith("not evaluated")


def test_repeated_rows():
    assert duplicate_share(pd.concat([frame(0, 8), frame(0, 2)])) == 0.2
    assert duplicate_share(pd.DataFrame({"x": [[1], [2]]})) is None


def test_shared_rows_mark_the_rows():
    assert shared_rows(frame(8, 4), frame(0, 10), ["x", "y"]).tolist() == [True, True, False, False]


def test_categories_are_compared_by_their_texts():
    one = pd.DataFrame({"x": pd.Categorical(["b", "a", None, "c"], categories=["c", "b", "a"])})
    other = pd.DataFrame({"x": pd.Categorical(["a", "b", None])})
    assert shared_rows(one, other, ["x"]).tolist() == [True, True, True, False]
    assert shared_rows(one, other.astype(object), ["x"]).tolist()[:2] == [True, True]
    numbers = pd.DataFrame({"x": pd.Categorical([1, 2])})
    assert shared_rows(numbers, pd.DataFrame({"x": pd.Categorical(["2", "3"])}), ["x"]).tolist() == [False, True]
    twice = pd.DataFrame({"x": pd.Categorical([1, "1"])})  # two levels of one text
    assert shared_rows(twice, pd.DataFrame({"x": pd.Categorical(["1"])}), ["x"]).tolist() == [True, True]

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aims_mlflow.checks.drift import baseline
from aims_mlflow.checks.statistics.distances import Numbers
from aims_mlflow.checks.tables.predictions import Predictions
from aims_mlflow.checks.tables.task import PredictionTask
from aims_mlflow.checks.tables.validation import make_dataset
from aims_mlflow.errors import DataError
from aims_mlflow.records.result_words import result_word


def cells_of(column):
    """The counts of every cell, but that of other numbers beside point masses, which may be empty."""
    counts = column["counts"]
    counts = list(counts.values()) if isinstance(counts, dict) else counts
    return [*column.get("masses", {}).values(), *(counts if counts != [0] or "masses" not in column else [])]


def read(outcome):
    return json.loads(outcome.reports["drift_baseline.json"])


def test_each_column_is_counted_in_bins_and_categories(table, empty_pack, record):
    frame = table(1000)
    outcome = baseline.run(make_dataset("train", frame, PredictionTask(target="repaid", favourable="yes")), empty_pack)
    record(outcome)
    found = read(outcome)["columns"]
    assert set(found) == {*frame.columns, "(target)"} - {"repaid"}
    assert found["(target)"]["counts"] == frame["repaid"].value_counts().to_dict()
    assert found["purpose"]["counts"] == frame["purpose"].value_counts().to_dict()
    edges = [float(edge) for edge in found["income"]["edges"]]
    assert 5 <= len(edges) <= 9
    counted = np.histogram(frame["income"], [-np.inf, *edges, np.inf])[0]
    assert found["income"]["counts"] == counted.tolist()
    assert (outcome.kind, outcome.result, outcome.controls) == ("drift-baseline", "passed", ("A.6.2.6",))
    assert result_word(outcome.kind, outcome.result, len(outcome.claims)) == "recorded", "nothing is held to a limit"
    assert len(outcome.recorded_details().plain()["columns"]) == 8
    assert "shared out over the column's counts in proportion" in read(outcome)["how_told"]
    assert read(outcome)["how_told"].endswith(f"too few are under {empty_pack.fairness.pool_under}")


def test_no_extreme_no_rare_value_and_no_small_count_is_told(empty_pack):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "salary": np.r_[rng.normal(50_000, 9_000, 499).round(2), [9_876_543.21]],
            "job": ["clerk"] * 470 + ["mayor"] * 3 + ["baker"] * 27,
            "rare_missing": np.where(np.arange(500) < 3, np.nan, rng.normal(size=500)),
            "y": [0, 1] * 250,
        }
    )
    outcome = baseline.run(make_dataset("train", frame, PredictionTask(target="y")), empty_pack)
    text = outcome.reports["drift_baseline.json"].decode()
    for secret in ("9876543", "mayor", str(frame["salary"].min())):
        assert secret not in text
    found = read(outcome)["columns"]
    assert found["job"]["counts"] == {"baker": 27, "clerk": 473}  # the mayors are counted, and not told
    assert found["rare_missing"]["missing"] == "fewer than 20"
    for column in found.values():
        assert min(cells_of(column)) >= 20


COLUMNS = st.one_of(
    st.lists(st.sampled_from(["a", "b", "c", "d", None]), min_size=1, max_size=150),
    st.lists(st.sampled_from([0.5, 1.5, 2.5, 7.0, float("nan"), float("inf")]), min_size=1, max_size=150),
)


@settings(max_examples=300, deadline=None)
@given(COLUMNS, st.integers(2, 30))
def test_no_subtraction_tells_a_cell_under_the_pooled_size(values, pool_under):
    kind = "categorical" if isinstance(values[0], str | None) else "numeric"
    column = pd.Series(values, dtype=object if kind == "categorical" else float)
    described, _ = baseline.describe(column, kind, pool_under)
    assert baseline.describe(column, kind, pool_under, np.ones(len(values), int))[0] == described
    if described is None:
        return
    counts = cells_of(described)
    told = described["missing"] if isinstance(described["missing"], int) else 0
    assert sum(counts) + told == len(values)
    assert min(counts) >= pool_under
    assert told == 0 or told >= pool_under


@given(st.integers(1, 19), st.integers(1, 19))
def test_tables_with_few_and_other_few_missing_or_rare_give_one_baseline(few, other):
    def told(n, hidden):
        return baseline.describe(pd.Series(["a"] * (300 - n) + [hidden] * n, dtype=object), "categorical", 20)

    for hidden in ("rare", None):
        assert told(few, hidden) == told(other, hidden)


@given(st.lists(st.integers(1, 500), min_size=1, max_size=12), st.integers(0, 60))
def test_rows_are_shared_out_in_proportion(counts, more):
    total = sum(counts) + more
    found = baseline.spread_over(counts, total)
    assert sum(found) == total
    assert all(abs(new - old * total / sum(counts)) < 1 for new, old in zip(found, counts, strict=True))


def test_columns_that_look_personal_are_left_out_even_with_many_rows_each(empty_pack):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "contact": rng.choice([f"anna{i}@bank.example" for i in range(9)], 900),
            "zip_code": rng.choice(["10115", "20095"], 900),
            "x": rng.normal(size=900),
            "y": rng.integers(0, 2, 900),
        }
    )
    outcome = baseline.run(make_dataset("train", frame, PredictionTask(target="y")), empty_pack)
    assert b"anna" not in outcome.reports["drift_baseline.json"]
    assert set(read(outcome)["columns"]) == {"x", "(target)"}
    assert read(outcome)["left_out"] == {
        "contact": "personal data: its values look like e-mail addresses",
        "zip_code": "personal data: its name says so",
    }


def test_edges_are_rounded_to_the_spread():
    values = np.random.default_rng(0).normal(123456.789, 1000, 5000)
    edges = baseline.quantile_edges(Numbers(values), 20)
    assert len(edges) == 9
    assert (edges % 10 == 0).all()


@pytest.mark.parametrize("rows", [1, 20, 39, 40, 60, 1000])
def test_bins_hold_the_least_count_whatever_the_size(rows):
    values = np.random.default_rng(rows).normal(size=rows)
    edges = baseline.quantile_edges(Numbers(values), 20)
    if len(edges):
        assert np.histogram(values, [-np.inf, *edges, np.inf])[0].min() >= 20
    assert bool(len(edges)) == (rows >= 40)


def test_a_point_mass_is_told_by_itself_and_the_other_numbers_are_binned():
    rng = np.random.default_rng(0)
    gains = np.where(rng.random(4000) < 0.92, 0, rng.integers(1000, 15000, 4000)) * 1.0
    described, _ = baseline.describe(pd.Series(gains), "numeric", 20)
    assert described["masses"] == {"0": int((gains == 0).sum())}
    assert len(described["counts"]) == len(described["edges"]) + 1 == 10
    assert sum(described["counts"]) == (gains != 0).sum()
    constant, _ = baseline.describe(pd.Series(np.full(100, 3.0)), "numeric", 20)
    assert (constant["masses"], constant["counts"], constant["edges"]) == ({"3": 100}, [0], [])
    spike, _ = baseline.describe(pd.Series(np.r_[np.zeros(990), np.arange(1.0, 11.0)]), "numeric", 20)
    assert (spike["masses"], spike["counts"]) == ({"0": 1000}, [0])  # ten people are too few to tell


def test_a_column_is_left_out_with_the_true_reason():
    few = baseline.describe(pd.Series(np.arange(30.0)), "numeric", 20)
    assert few == (None, "too few rows for two bins of 20: 30")
    apart = baseline.describe(pd.Series(np.arange(30.0)), "numeric", 20, masses=False)
    assert apart == few


def test_identifiers_are_left_out_and_predictions_are_kept(empty_pack, table):
    frame = table(200).assign(id=range(200), key=[f"k{i}" for i in range(200)])
    data = make_dataset("test", frame, PredictionTask(target="repaid", favourable="yes"), identifiers=["id"])
    data = replace(data, predictions=Predictions(np.array(["yes"] * 120 + ["no"] * 80)))
    found = read(baseline.run(data, empty_pack))
    assert found["columns"]["(prediction)"]["counts"] == {"yes": 120, "no": 80}
    assert set(found["left_out"]) == {"id", "key"}


def test_nothing_to_describe_is_an_error(empty_pack):
    frame = pd.DataFrame({"x": [1.5, 2.5, 3.5, 4.5], "y": [0, 1, 0, 1]})
    with pytest.raises(DataError, match="without telling single values"):
        baseline.run(make_dataset("train", frame, PredictionTask(target="y")), empty_pack)

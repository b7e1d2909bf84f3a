import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from aims_mlflow.checks.packs import load_pack
from aims_mlflow.checks.runner import run_check
from aims_mlflow.checks.statistics import count_tables


def test_contingency_counts_each_cell_and_leaves_negative_codes_out():
    actual = np.array([0, 0, 1, 1, 1, 0], bool)
    predicted = np.array([0, 1, 0, 1, 1, 1], bool)
    codes = np.array([0, 0, 0, 1, 1, -1])
    assert count_tables.contingency(actual, predicted, codes, 2).tolist() == [[[1, 1], [1, 0]], [[0, 0], [0, 2]]]


def test_a_rate_without_a_denominator_is_undefined():
    found = count_tables.rates(np.array([[5, 5], [0, 0]]))
    assert np.isnan(found["true_positive_rate"])
    assert np.isnan(found["balanced_accuracy"])
    assert found["false_positive_rate"] == 0.5
    assert found["accuracy"] == 0.5


def test_spread_leaves_undefined_groups_out():
    difference, ratio = count_tables.spread(np.array([0.2, np.nan, 0.8]))
    assert difference == pytest.approx(0.6)
    assert ratio == pytest.approx(0.25)
    assert np.isnan(count_tables.spread(np.array([0.2, np.nan]))).all()
    difference, ratio = count_tables.spread(np.array([0.0, 0.0]))
    assert difference == 0
    assert np.isnan(ratio)


@pytest.mark.parametrize(("k", "n"), [(0, 10), (10, 10), (3, 10), (812, 3229), (1, 1)])
def test_wilson_is_scipys(k, n):
    low, high = count_tables.wilson(np.array(k), np.array(n))
    theirs = stats.binomtest(k, n).proportion_ci(method="wilson")
    assert low == pytest.approx(theirs.low, abs=1e-12)
    assert high == pytest.approx(theirs.high, abs=1e-12)


def test_wilson_of_nothing_is_undefined():
    assert np.isnan(count_tables.wilson(np.array([0]), np.array([0]))).all()


def test_resampling_counts_is_resampling_rows():
    """The multinomial draw has the distribution of drawing rows with replacement and counting them."""
    rng = np.random.default_rng(0)
    n, groups = 400, 2
    actual, predicted, codes = rng.random(n) < 0.4, rng.random(n) < 0.5, rng.integers(0, groups, n)
    counts = count_tables.contingency(actual, predicted, codes, groups)
    by_counts = count_tables.between_groups(count_tables.resample(counts, 4000, 1))["demographic_parity_ratio"]
    by_rows = []
    for _ in range(4000):
        rows = rng.integers(0, n, n)
        again = count_tables.contingency(actual[rows], predicted[rows], codes[rows], groups)
        by_rows.append(count_tables.between_groups(again)["demographic_parity_ratio"])
    assert stats.ks_2samp(by_counts, by_rows).pvalue > 0.01
    assert np.allclose(count_tables.percentiles(by_counts), np.percentile(by_rows, [2.5, 97.5]), atol=0.02)


def test_resampling_is_reproducible_and_keeps_the_total():
    counts = np.array([[[5, 1], [2, 9]], [[3, 3], [3, 3]]])
    drawn = count_tables.resample(counts, 50, 7)
    assert (drawn.sum(axis=(1, 2, 3)) == counts.sum()).all()
    assert (drawn == count_tables.resample(counts, 50, 7)).all()


def test_a_very_large_table_gets_fewer_replicates():
    assert len(count_tables.resample(np.ones((100_000, 2, 2), int), 1000, 0)) == count_tables.MAX_DRAWN // 400_000


def test_percentiles_need_half_of_the_replicates():
    values = np.array([[1.0, np.nan], [2.0, np.nan], [3.0, 1.0]])
    low, high = count_tables.percentiles(values)
    assert low[0] == pytest.approx(1.05)
    assert np.isnan(low[1])
    assert np.isnan(high[1])


def test_histogram_has_open_ends():
    assert count_tables.histogram(np.array([-9.0, 1.0, 1.5, 2.0, 99.0]), np.array([1.0, 2.0])).tolist() == [1, 2, 2]


@given(
    st.lists(st.floats(-5, 5) | st.integers(-3, 3).map(float), max_size=60),
    st.sets(st.integers(-9, 9).map(lambda n: n / 3), max_size=30),
)
def test_bins_are_those_of_a_search(values, edges):
    at, ascending = np.array(values, dtype=float), np.array(sorted(edges), dtype=float)
    assert count_tables.bins_of(at, ascending).tolist() == np.searchsorted(ascending, at, side="right").tolist()


def test_a_record_says_how_many_replicates_ran(monkeypatch, scored):
    monkeypatch.setattr(count_tables, "MAX_DRAWN", 800)
    data = scored(1500)
    said = {
        name: run_check(name, data, load_pack("tabular-classification")).recorded_details().plain()["bootstrap"]
        for name in ("fairness", "representativeness", "performance")
    }
    assert said["fairness"]["replicates"] == 800 // (6 * 4)  # sex and race crossed
    assert all(0 < found["replicates"] < found["replicates_asked"] == 1000 for found in said.values())
    monkeypatch.undo()
    assert (
        "replicates_asked"
        not in run_check("fairness", data, load_pack("credit")).recorded_details().plain()["bootstrap"]
    )


def test_a_correlation_of_perfect_predictions_is_one_and_no_more():
    tables = np.array([[[a, 0], [0, b]] for a in range(1, 60) for b in range(1, 60)])
    assert set(count_tables.rates(tables)["matthews_correlation"]) == {1.0}
    assert set(count_tables.rates(tables[..., ::-1])["matthews_correlation"]) == {-1.0}

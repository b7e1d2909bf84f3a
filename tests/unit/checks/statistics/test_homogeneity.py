"""Two-sample tests: exact where scipy is exact, and two samples of one population are flagged as often as the level says."""

import numpy as np
import pytest
from scipy.stats import chi2_contingency, fisher_exact, ks_2samp

from aims_mlflow.checks.statistics.homogeneity import categories_p_value, numbers_p_value, p_value_text
from support.long_runs import full_but


def counted(one, other):
    levels, codes = np.unique(np.r_[one, other], return_inverse=True)
    return tuple(np.bincount(part, minlength=len(levels)) for part in (codes[: len(one)], codes[len(one) :]))


@pytest.mark.parametrize(("n", "m"), [(1, 1), (3, 8), (40, 31), (400, 500)])
def test_numbers_without_ties_get_scipys_exact_p_value(n, m):
    rng = np.random.default_rng(n)
    for shift in (0, 0.3, 3):
        one, other = rng.normal(size=n), rng.normal(shift, 1, m)
        expected = ks_2samp(one, other, method="exact").pvalue
        assert numbers_p_value(*counted(one, other)) == pytest.approx(expected, rel=1e-6, abs=1e-300)


def test_ties_get_the_p_value_of_permutations():
    rng = np.random.default_rng(0)
    one, other = rng.integers(0, 6, 60), rng.integers(0, 7, 50)
    both = np.r_[one, other]

    def apart(values):
        a, b = counted(values[:60], values[60:])
        return np.abs(np.cumsum(a) * 50 - np.cumsum(b) * 60).max()

    far = apart(both)
    drawn = np.mean([apart(rng.permutation(both)) >= far for _ in range(4000)])
    found = numbers_p_value(*counted(one, other))
    assert found == pytest.approx(drawn, abs=0.03)
    assert found < ks_2samp(one, other).pvalue  # scipy takes ties for none, and so loses power


def test_large_tables_take_the_limit_distribution():
    rng = np.random.default_rng(0)
    one, other = rng.normal(size=4000), rng.normal(0.03, 1, 3000)
    expected = ks_2samp(one, other, method="asymp").pvalue
    assert numbers_p_value(*counted(one, other)) == pytest.approx(expected, rel=1e-6)


def test_categories_are_scipys_contingency_test_without_yates():
    counts = np.array([[30, 40, 50], [45, 38, 60]])
    assert categories_p_value(*counts) == pytest.approx(chi2_contingency(counts).pvalue)
    two = np.array([[30, 40], [45, 38]])
    assert categories_p_value(*two) == pytest.approx(chi2_contingency(two, correction=False).pvalue)
    assert categories_p_value(np.array([30]), np.array([40])) == 1
    assert categories_p_value(np.array([0, 0]), np.array([4, 5])) == 1


def test_rare_categories_are_counted_as_one():
    one, other = np.array([200, 150, 1, 0, 3, 2]), np.array([180, 170, 0, 4, 1, 3])
    together = np.array([[200, 150, 6], [180, 170, 8]])
    assert categories_p_value(one, other) == pytest.approx(chi2_contingency(together).pvalue)


def test_tables_too_small_for_chi_square_are_permuted():
    counts = np.array([[8, 1], [2, 7]])
    assert categories_p_value(*counts) == pytest.approx(fisher_exact(counts).pvalue, abs=0.01)
    assert categories_p_value(*counts) == categories_p_value(*counts)
    assert categories_p_value(np.full(30, 1), np.full(30, 1)) == 1


SHARES = {"two": [0.9, 0.1], "some": [0.5, 0.3, 0.1, 0.06, 0.04], "rare": [0.6, *[0.4 / 40] * 40]}
NUMBERS = {
    "continuous": lambda rng, rows: rng.normal(size=rows),
    "tied": lambda rng, rows: rng.integers(0, 12, rows),
    "mostly zero": lambda rng, rows: np.where(rng.random(rows) < 0.9, 0, rng.integers(1, 60, rows)),
}


@pytest.mark.parametrize("name", SHARES)
@pytest.mark.parametrize(("n", "m"), [(600, 600), (900, 300), (60, 50)])
def test_categories_of_one_population_are_flagged_at_the_level(name, n, m):
    rng = np.random.default_rng(1)
    flagged = np.mean(
        [
            categories_p_value(rng.multinomial(n, SHARES[name]), rng.multinomial(m, SHARES[name])) < 0.05
            for _ in range(1000)
        ]
    )
    assert 0.025 <= flagged <= 0.07


@pytest.mark.parametrize("name", full_but(["tied"], NUMBERS))
def test_numbers_of_one_population_are_flagged_at_the_level(name):
    rng, draw = np.random.default_rng(2), NUMBERS[name]
    flagged = np.mean([numbers_p_value(*counted(draw(rng, 250), draw(rng, 250))) < 0.05 for _ in range(600)])
    assert 0.025 <= flagged <= 0.07


def test_a_shift_is_found():
    rng = np.random.default_rng(3)
    zeros = NUMBERS["mostly zero"]
    found = [numbers_p_value(*counted(zeros(rng, 500), zeros(rng, 500) * (rng.random(500) < 0.4))) for _ in range(50)]
    assert np.mean(np.array(found) < 0.05) > 0.8


def test_no_p_value_reads_as_zero():
    assert p_value_text(0.0) == "under 1e-15"
    assert p_value_text(0.0312) == "0.0312"

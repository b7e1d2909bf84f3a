"""Score intervals: the restricted estimate is the most likely one, and the intervals cover what they say."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from aims_mlflow.checks.statistics import score_intervals
from aims_mlflow.checks.statistics.count_tables import exact_interval
from aims_mlflow.checks.statistics.score_intervals import difference_interval, ratio_interval, simultaneous_z

RACE = tuple(int(9769 * share) for share in (0.8543, 0.0959, 0.0319, 0.0096, 0.0083))
LAYOUTS = {
    "equal": ((500, 500), (0.4, 0.4)),
    "at the limit": ((500, 500), (0.4, 0.32)),
    "as adult's race": (RACE, (0.24,) * 5),
    "small": ((100, 30, 30), (0.4, 0.4, 0.4)),
}


def likelihood(hits, n, share):
    share = np.clip(share, 1e-300, 1 - 1e-16)
    return hits * np.log(share) + (n - hits) * np.log1p(-share)


def test_the_score_of_a_difference_is_that_of_the_most_likely_shares():
    generator = np.random.default_rng(0)
    for _ in range(50):
        n, base_n = generator.integers(3, 300, 2)
        hits, base_hits = generator.integers(1, n), generator.integers(1, base_n)
        difference = generator.uniform(-0.6, 0.6)

        def unlikely(share, h=hits, m=n, b=base_hits, k=base_n, d=difference):
            return -likelihood(h, m, share + d) - likelihood(b, k, share)

        bounds = (max(0, -difference) + 1e-9, min(1, 1 - difference) - 1e-9)
        share = minimize_scalar(unlikely, bounds=bounds, method="bounded", options={"xatol": 1e-12}).x
        other = share + difference
        variance = (other * (1 - other) / n + share * (1 - share) / base_n) * (n + base_n) / (n + base_n - 1)
        expected = (hits / n - base_hits / base_n - difference) / np.sqrt(variance)
        found = score_intervals._difference_score(*map(np.float64, (hits, n, base_hits, base_n, difference)))
        assert found == pytest.approx(expected, rel=1e-4)


def test_a_published_example():
    """Koopman's ratio and Newcombe's table of differences (Statistics in Medicine 17 (1998), 873-890): 56/70, 48/80."""
    z = simultaneous_z(1)
    low, high = difference_interval(np.array(56.0), np.array(70.0), np.array(48.0), np.array(80.0), 1.959964)
    assert (float(low), float(high)) == pytest.approx((0.0528, 0.3382), abs=2e-4)
    assert z == pytest.approx(2.2414, abs=1e-4)


@pytest.mark.parametrize("name", LAYOUTS)
def test_the_intervals_of_a_column_cover_together(name):
    sizes, shares = LAYOUTS[name]
    n, truth = np.array(sizes, float), np.array(shares)
    hits = np.random.default_rng(1).binomial(sizes, shares, size=(1500, len(sizes))).astype(float)
    z, pairs = simultaneous_z(len(sizes) - 1), (hits[:, 1:], n[1:], hits[:, :1], n[0])
    for (low, high), true in (
        (ratio_interval(*pairs, z), truth[1:] / truth[0]),
        (difference_interval(*pairs, z), truth[1:] - truth[0]),
    ):
        assert ((low <= true) & (true <= high)).all(axis=1).mean() >= 0.955
    low, high = exact_interval(hits, n)
    assert ((low <= truth) & (truth <= high)).mean(axis=0).min() >= 0.94


def test_without_a_hit_in_the_reference_group_the_ratio_has_no_upper_end():
    low, high = ratio_interval(np.array([5.0, 0.0]), np.array([20.0, 20.0]), np.array(0.0), np.array(100.0), 2.0)
    assert 0 < low[0] < np.inf
    assert high[0] == np.inf
    assert np.isnan(low[1])
    assert np.isnan(high[1])

"""The interval of the calibration error holds its own estimate, and the true error in at least 94% of tables."""

import numpy as np
import pytest

from aims_mlflow.checks.statistics.calibration import BINS, calibration_error, error_interval
from aims_mlflow.checks.statistics.scores import score_table


def probabilities(rng, rows, slope):
    return 1 / (1 + np.exp(-slope * rng.normal(size=rows)))


LAYOUTS = {
    "well calibrated": (lambda rng, rows: probabilities(rng, rows, 1), lambda score: score),
    "rare outcome": (lambda rng, rows: rng.beta(1, 20, rows), lambda score: score),
    "too sure": (lambda rng, rows: probabilities(rng, rows, 2), lambda score: 0.5 + (score - 0.5) * 0.7),
    "too high": (lambda rng, rows: probabilities(rng, rows, 1), lambda score: np.clip(score - 0.05, 0, 1)),
    "wrong in one half": (lambda rng, rows: probabilities(rng, rows, 1), lambda s: np.where(s > 0.6, s - 0.1, s)),
}


def in_bins(scores, outcomes):
    bins = np.minimum((scores * BINS).astype(int), BINS - 1)
    rows, sums, good = (np.bincount(bins, weights=w, minlength=BINS) for w in (None, scores, outcomes))
    return rows[rows > 0], sums[rows > 0], good[rows > 0]


@pytest.mark.parametrize("rows", [150, 2000])
@pytest.mark.parametrize("name", LAYOUTS)
def test_the_interval_covers_the_true_error(name, rows):
    draw, truth = LAYOUTS[name]
    rng = np.random.default_rng(0)
    many = draw(rng, 200_000)
    true, _, _ = error_interval(*in_bins(many, truth(many)))
    covered = 0
    for _ in range(300):
        scores = draw(rng, rows)
        value, low, high = error_interval(*in_bins(scores, rng.random(rows) < truth(scores)))
        assert low <= value <= high
        covered += low <= true <= high
    assert covered / 300 >= 0.94


def test_the_claim_of_a_well_calibrated_model_holds_its_own_value_and_zero():
    for seed in range(20):
        rng = np.random.default_rng(seed)
        scores = probabilities(rng, 5000, 1)
        found = calibration_error(score_table(rng.random(5000) < scores, scores), "test")
        assert float(found.interval.low) <= float(found.value) <= float(found.interval.high)
    assert float(found.interval.low) == 0

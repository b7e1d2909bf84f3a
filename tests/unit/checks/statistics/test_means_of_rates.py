"""Intervals of balanced accuracy and F1: what they cover where a label is rare, and what they still decide."""

import numpy as np
import pytest

from aims_mlflow.checks.claims import hold
from aims_mlflow.checks.packs import load_pack
from aims_mlflow.checks.performance.performance import counted_claims
from aims_mlflow.checks.performance.several_labels import label_performance
from aims_mlflow.checks.statistics.means_of_rates import f1_interval, mean_interval

RUNS = 400
# Rows, share of the rare label, and the true recalls of the rare and the common label.
RARE = [(12, 0.1, 0.7, 0.85), (30, 0.05, 0.6, 0.9), (300, 0.01, 0.4, 0.95), (3600, 0.0015, 0.4, 0.99)]


def drawn(rows, share, found, refused):
    """Return tables of counts of which each label has a row."""
    generator = np.random.default_rng(42001)
    cells = [(1 - share) * refused, (1 - share) * (1 - refused), share * (1 - found), share * found]
    tables = generator.multinomial(rows, cells, size=RUNS).reshape(RUNS, 2, 2)
    return tables[(tables.sum(axis=2) > 0).all(axis=1)]


def failed(tables):
    settings = load_pack("tabular-classification").performance
    limits = [limit for limit in settings.limits if limit.metric == "balanced_accuracy"]
    verdicts = [hold(counted_claims(t, ("balanced_accuracy",), {}, "test"), limits)[0].passed for t in tables]
    return float(np.mean([verdict is False for verdict in verdicts]))


@pytest.mark.parametrize(("rows", "share", "found", "refused"), RARE)
def test_a_good_model_does_not_fail_by_chance_where_a_label_is_rare(rows, share, found, refused):
    tables = drawn(rows, share, found, refused)
    assert failed(tables) <= 0.025
    low, high = mean_interval(tables.diagonal(axis1=1, axis2=2), tables.sum(axis=2))
    truth = (found + refused) / 2
    assert np.mean((low <= truth) & (truth <= high)) >= 0.95


@pytest.mark.parametrize(("rows", "share"), [(200, 0.5), (2000, 0.05)])
def test_a_model_that_guesses_worse_than_a_coin_fails_where_rows_suffice(rows, share):
    assert failed(drawn(rows, share, 0.3, 0.5)) >= 0.95


def test_a_model_at_the_limit_fails_in_few_samples():
    assert failed(drawn(500, 0.3, 0.4, 0.7)) <= 0.025 + 0.02  # of 400 simulated tables


def test_one_rare_row_that_is_missed_leaves_the_mean_of_several_labels_open():
    counts = np.array([[40, 5, 0], [4, 50, 0], [0, 1, 0]])
    claims = {c.metric: c for c in label_performance(counts, ("a", "b", "c"), "test") if not c.slice}
    found = claims["balanced_accuracy"]
    assert float(found.value) == pytest.approx((40 / 45 + 50 / 54) / 3)
    assert float(found.interval.high) > 0.9
    assert claims["macro_recall"].interval == found.interval


def test_the_interval_of_f1_covers_and_has_a_width_without_hits():
    low, high = f1_interval(np.array(0), np.array(3))
    assert float(low) == 0
    assert float(high) > 0.8
    generator = np.random.default_rng(42001)
    tables = generator.multinomial(60, [0.85, 0.03, 0.04, 0.08], size=2000)
    tp, wrong = tables[:, 3], tables[:, 1] + tables[:, 2]
    low, high = f1_interval(tp, wrong)
    truth = 2 * 0.08 / (2 * 0.08 + 0.07)
    covered = ((low <= truth) & (truth <= high))[tp + wrong > 0]
    assert covered.mean() >= 0.95

"""Whatever the table, the fast routes give the libraries' numbers, and small groups stay hidden."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from fairlearn import metrics
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from scipy.stats import wasserstein_distance
from sklearn.metrics import roc_auc_score

from aims_mlflow.checks.drift import baseline
from aims_mlflow.checks.fairness import fairness
from aims_mlflow.checks.fairness.comparisons import comparison
from aims_mlflow.checks.fairness.selection import selection_claims
from aims_mlflow.checks.metrics import BETWEEN_GROUPS
from aims_mlflow.checks.statistics import count_tables, distances
from aims_mlflow.checks.statistics import scores as scores_
from aims_mlflow.checks.statistics.groups import Groups, group_rows, pooled_name
from aims_mlflow.checks.statistics.labels import distinct_labels, is_label, label_key, labels_of, same_label
from aims_mlflow.checks.statistics.score_intervals import difference_interval, ratio_interval
from aims_mlflow.checks.tables.predictions import Predictions
from aims_mlflow.checks.tables.task import PredictionTask
from aims_mlflow.checks.tables.validation import make_dataset
from aims_mlflow.records.base import decimal_text
from aims_mlflow.records.limit import holds
from aims_mlflow.records.pack import Fairness, Pack

few = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)
counts = st.lists(st.lists(st.integers(0, 12), min_size=4, max_size=4), min_size=2, max_size=6)
numbers = st.floats(-1e6, 1e6, allow_nan=False)


def rows_of(table):
    group, actual, predicted = (np.repeat(part, table.ravel()) for part in (i.ravel() for i in np.indices(table.shape)))
    return group, actual, predicted


@few
@given(counts)
def test_fairness_is_fairlearns_wherever_rates_are_defined(cells):
    table = np.array(cells).reshape(-1, 2, 2)
    assume((table.sum(axis=2) > 0).all())  # every group has both outcomes: elsewhere Fairlearn says 0
    group, actual, predicted = rows_of(table)
    found = count_tables.between_groups(table)
    for metric in BETWEEN_GROUPS:
        theirs = getattr(metrics, metric)(actual, predicted, sensitive_features=group)
        if not np.isnan(found[metric]) and not np.isnan(theirs):
            assert found[metric] == pytest.approx(theirs, abs=1e-12)
        elif np.isnan(found[metric]):
            assert np.isnan(theirs)
    fairness.confirm_by_fairlearn(table)


@few
@given(counts, st.integers(1, 30))
def test_no_claim_is_about_fewer_rows_than_the_pack_allows(cells, pool_under):
    table = np.array(cells).reshape(-1, 2, 2)
    group, actual, predicted = rows_of(table)
    assume(len(group) and 0 < actual.sum() < len(actual))
    frame = pd.DataFrame({"g": [f"g{i}" for i in group], "y": actual})
    data = replace(
        make_dataset("test", frame, PredictionTask(target="y"), sensitive=["g"]), predictions=Predictions(predicted)
    )
    pack = Pack(name="p", version="1", description="d", fairness=Fairness(pool_under=pool_under, bootstrap=20))
    sizes, claims = frame["g"].value_counts(), fairness.run(data, pack).claims
    assert claims
    for found in claims:
        name = found.slice["g"]
        if found.metric == "selection_rate_ratio" and found.value is not None:
            assert found.n >= pool_under
        if name not in ("*", pooled_name(pool_under)) and (found.value, found.n) != (None, None):
            assert sizes[name] >= min(pool_under, 20)


@few
@given(st.lists(st.sampled_from(["a", "b", "c", None, "d"]), min_size=1, max_size=120), st.integers(1, 40))
def test_every_row_is_in_one_group_or_left_out(values, pool_under):
    found = group_rows(pd.DataFrame({"g": pd.Series(values, dtype=object)}), ("g",), pool_under)
    sizes = np.bincount(found.codes[found.codes >= 0], minlength=len(found.names))
    assert (sizes >= pool_under).all()
    assert sizes.sum() + found.left_out == len(values)
    assert found.left_out < pool_under


@few
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 8)), min_size=2, max_size=80))
def test_roc_auc_is_scikit_learns(rows):
    actual, scores = np.array([a for a, _ in rows]), np.array([s for _, s in rows]) / 8
    assume(0 < actual.sum() < len(actual))
    area, half = scores_.roc_auc(scores_.score_table(actual, scores))
    assert area == pytest.approx(roc_auc_score(actual, scores), abs=1e-12)
    assert half >= 0


@few
@given(st.lists(numbers, min_size=8, max_size=60), st.lists(numbers, min_size=8, max_size=60))
def test_a_histogram_is_within_its_bound_of_the_exact_distance(one, two):
    train, test = np.array(one), np.array(two)
    assume(max(train.max(), test.max()) - min(train.min(), test.min()) > 1e-3)
    value, error = distances.histogram_wasserstein(distances.Numbers(train), distances.Numbers(test))
    exact = wasserstein_distance(train, test) / max(train.std(), 0.001)
    assert abs(value - exact) <= error * (1 + 1e-9)


@few
@given(st.lists(st.one_of(numbers, st.integers(-5, 5).map(float)), min_size=1, max_size=300), st.integers(1, 30))
def test_baseline_bins_are_never_small(values, pool_under):
    values = np.array(values)
    edges = baseline.quantile_edges(distances.Numbers(values), pool_under)
    assume(len(edges))
    assert count_tables.histogram(values, edges).min() >= pool_under
    assert (np.diff(edges) > 0).all()


@few
@given(st.integers(0, 500), st.integers(1, 500))
def test_a_wilson_interval_holds_the_share_and_stays_in_bounds(part, rest):
    low, high = count_tables.wilson(np.array(part), np.array(part + rest))
    assert 0 <= low <= part / (part + rest) <= high <= 1


@few
@given(st.lists(st.tuples(st.integers(0, 200), st.integers(0, 200)), min_size=2, max_size=6), st.floats(1.6, 4))
def test_an_interval_holds_its_own_estimate(rows, z):
    """`claim` would move an end to the estimate; here the methods themselves must not need that."""
    hits, missed = np.array(rows, float).T
    n = hits + missed
    values = count_tables.divide(hits, n)
    for (low, high), value in (
        (count_tables.exact_interval(hits, n, z), values),
        (ratio_interval(hits, n, hits[0], n[0], z), count_tables.divide(values, values[0])),
        (difference_interval(hits, n, hits[0], n[0], z), values - values[0]),
    ):
        known = ~np.isnan(value)
        assert ((low <= value + 1e-9) & (value <= high + 1e-9))[known].all()


@few
@given(counts, st.integers(0, 30))
def test_a_claims_interval_holds_its_value_whatever_the_method(cells, bootstrap):
    table = np.array(cells).reshape(-1, 2, 2)
    assume((table.sum(axis=(1, 2)) > 0).all())  # a group has rows
    names = tuple((f"g{i}",) for i in range(len(table)))
    groups = Groups(("g",), names, np.empty(0, dtype=int), 0, 0, {})
    compared = comparison(groups, table.sum(axis=(1, 2)), Fairness(pool_under=1), "test")
    every = selection_claims(table, compared, bootstrap)
    known = [c for c in every if c.value is not None and c.interval is not None]
    assert known, "each group has rows, and so a share of its own"
    for found in known:
        assert float(found.interval.low) <= float(found.value) <= float(found.interval.high)


@given(st.integers(-(10**15), 10**15))
def test_a_whole_number_is_one_label_however_it_is_written(number):
    assert same_label(number, float(number))
    assert same_label(str(number), number)
    assert same_label(f"{number}.0", np.int64(number))
    assert not same_label(number, number + 1)
    assert label_key(label_key(number)) == label_key(number)


@given(st.floats(-1e9, 1e9), st.floats(-1e9, 1e9))
def test_decimal_comparison_is_float_comparison(value, limit):
    texts = decimal_text(value), decimal_text(limit)
    assert holds(texts[0], ">=", texts[1]) == (value >= limit)
    assert holds(texts[0], "<", texts[1]) == (value < limit)


texts = st.lists(st.sampled_from(["yes", "no", "maybe", "1", "1.0", "nan", ""]), min_size=1, max_size=40)


@few
@given(texts, st.integers(0, 12))
def test_numpys_texts_are_the_labels_that_pythons_texts_are(values, late):
    values = values * 30 + [f"late {i}" for i in range(late)]  # a look at the first rows does not show them
    mine, theirs = (labels_of(np.array(values, dtype=kind)) for kind in ("U", object))
    assert [mine.levels[code] for code in mine.codes] == [theirs.levels[code] for code in theirs.codes] == values
    assert distinct_labels(mine) == distinct_labels(theirs)
    assert (is_label(mine, "yes") == [same_label(v, "yes") for v in values]).all()


@few
@given(st.lists(st.tuples(st.integers(-1, 3), st.integers(-1, 4), st.integers(1, 5)), max_size=60))
def test_crossed_counts_rows_with_both_codes(rows):
    codes, own, weights = np.array(rows, dtype=np.int64).reshape(-1, 3).T
    found = count_tables.crossed(codes, 4, own, 5, weights)
    wanted = np.zeros((4, 5), dtype=int)
    for group, level, weight in rows:
        if group >= 0 and level >= 0:
            wanted[group, level] += weight
    assert (found == wanted).all()

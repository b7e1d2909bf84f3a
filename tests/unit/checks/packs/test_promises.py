"""What the reasons of shipped packs say in numbers is computed again, and what they promise a fair model is simulated."""

import re

import numpy as np
import pytest

from aims_mlflow.checks.claims import held_by, hold, is_description
from aims_mlflow.checks.fairness.comparisons import comparison
from aims_mlflow.checks.fairness.selection import selection_claims
from aims_mlflow.checks.packs import load_pack, shipped_packs
from aims_mlflow.checks.statistics.count_tables import exact_interval
from aims_mlflow.checks.statistics.groups import Groups
from support.long_runs import full_but

STRICT = ("credit", "health", "hiring")
RUNS = 400


def widest(rows):
    """Return the width of the widest exact 95% interval of a rate of so many rows, in points."""
    low, high = exact_interval(np.arange(rows + 1), np.full(rows + 1, rows))
    return round(100 * float((high - low).max()), 1)


@pytest.mark.parametrize("name", shipped_packs())
def test_the_width_beside_the_way_to_the_limit_is_compared_rightly(name):
    why = load_pack(name).fairness.min_n_why
    for times, points, rate in re.findall(
        r"over (\d) times the (\d+) points between a rate of (\d+)% and four fifths", why
    ):
        assert float(points) == float(rate) / 5
        assert widest(load_pack(name).fairness.min_n) > int(times) * float(points)


def test_shares_that_reasons_name_are_right():
    ends = {
        x.comparator: float(x.limit) for x in load_pack("credit").representativeness.limits if "over_pop" in x.metric
    }
    assert ends["<="] == pytest.approx(1 / ends[">="])
    whys = {name: [e.why for e in load_pack(name).data_quality.expectations] for name in STRICT}
    (credit,) = [w for w in whys["credit"] if "one loan in five" in w]
    assert "500 leave under 100" in credit
    (hiring,) = [w for w in whys["hiring"] if "one applicant in ten" in w]
    assert "300 leave under 30" in hiring
    auc = next(x for x in load_pack("credit").performance.limits if x.metric == "roc_auc")
    assert f"a Gini of {2 * float(auc.limit) - 1:.2f}" in auc.why


def passes(name, metric, sizes, cells):
    """Return how often a fair model with these shares of [actual, predicted] passes the pack's limit on a metric."""
    settings, generator = load_pack(name).fairness, np.random.default_rng(7)
    limits = held_by([x for x in settings.limits if x.metric == metric])
    groups = Groups(("g",), (("a",), ("b",)), np.empty(0, dtype=int), 0, 0, {})
    passed = 0
    for _ in range(RUNS):
        counts = np.stack([generator.multinomial(n, np.ravel(cells)).reshape(2, 2) for n in sizes])
        claims = selection_claims(counts, comparison(groups, counts.sum(axis=(1, 2)), settings, "test"), 0)
        held = hold([c for c in claims if not is_description(c)], limits, min_n=settings.min_n)
        passed += all(c.passed is True for c in held if c.limit is not None)
    return passed / RUNS


def promised(name, metric, pattern):
    why = next(x.why for x in load_pack(name).fairness.limits if x.metric == metric)
    assert "in nine of ten tests" in why
    return int(re.search(pattern, why)[1].replace(",", ""))


@pytest.mark.parametrize("name", full_but(["hiring"], STRICT))
def test_a_fair_model_passes_the_ratio_as_often_as_the_reason_says(name):
    rows = promised(
        name, "selection_rate_ratio", r"about ([\d,]+) held-out rows of the smaller of two groups on, where a fifth is"
    )
    cells = [[0.7, 0.1], [0.1, 0.1]]
    assert passes(name, "selection_rate_ratio", (2 * rows, rows), cells) > 0.9
    assert passes(name, "selection_rate_ratio", (rows, rows // 2), cells) < 0.9


@pytest.mark.full
@pytest.mark.parametrize("name", STRICT)
def test_a_fair_model_passes_equalized_odds_as_often_as_the_reason_says(name):
    rows = promised(
        name, "equalized_odds_difference", r"about ([\d,]+) held-out rows of the smaller of two groups with the"
    )
    cells = [[0.5 * 0.92, 0.5 * 0.08], [0.5 * 0.35, 0.5 * 0.65]]
    assert passes(name, "equalized_odds_difference", (4 * rows, 2 * rows), cells) > 0.88
    assert passes(name, "equalized_odds_difference", (2 * rows, rows), cells) < 0.9


def test_a_model_that_finds_enough_passes_healths_recall_as_often_as_the_reason_says():
    limit = next(x for x in load_pack("health").performance.limits if x.metric == "recall")
    finds, rows = re.search(
        r"finds (\d+)% shows it in nine of ten tests from about (\d+) held-out rows", limit.why
    ).groups()
    hits = np.random.default_rng(7).binomial(int(rows), int(finds) / 100, 4000)
    low, _ = exact_interval(hits, np.full(4000, int(rows)))
    assert (low >= float(limit.limit)).mean() > 0.9

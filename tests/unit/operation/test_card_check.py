"""A figure of a card beside the same figure of another sample."""

import numpy as np
import pytest

from aims_mlflow.operation.card_check import _may_be_chance
from aims_mlflow.records.evidence import Claim, Interval

FIGURES, TABLES = 20, 400


def claims(shares, rows):
    """Shares with their Wilson intervals of 95%."""
    z = 1.959964
    centre = (shares + z * z / (2 * rows)) / (1 + z * z / rows)
    half = z / (1 + z * z / rows) * np.sqrt(shares * (1 - shares) / rows + z * z / (4 * rows**2))
    return [
        Claim(
            metric="accuracy",
            value=f"{share:.12f}",
            interval=Interval(low=f"{c - h:.12f}", high=f"{c + h:.12f}", method="wilson"),
            n=rows,
        )
        for share, c, h in zip(shares, centre, half, strict=True)
    ]


@pytest.mark.parametrize(("before", "now"), [(500, 500), (2000, 200), (200, 2000)])
def test_an_unchanged_model_is_called_changed_in_about_a_twentieth_of_tables(before, now):
    """By the card's interval alone, one of twenty figures was outside in nearly every table."""
    draw = np.random.default_rng(3)
    true = np.linspace(0.15, 0.9, FIGURES)
    wrong = 0
    for _ in range(TABLES):
        cards, news = (claims(draw.binomial(n, true) / n, n) for n in (before, now))
        wrong += not all(_may_be_chance(a, b, FIGURES) for a, b in zip(cards, news, strict=True))
    assert wrong / TABLES < 0.08


def test_a_model_that_is_worse_by_a_tenth_is_found():
    draw = np.random.default_rng(4)
    found = 0
    for _ in range(100):
        (card,), (new,) = (claims(draw.binomial(1000, np.array([p])) / 1000, 1000) for p in (0.85, 0.75))
        found += not _may_be_chance(card, new, FIGURES)
    assert found > 95

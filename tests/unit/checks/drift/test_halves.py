"""Two random halves of one table are flagged as often as the level says: by column, and over all columns of a table."""

import runpy
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

HALVES = runpy.run_path(str(Path(__file__).parents[4] / "benchmarks" / "halves.py"))["halves_flagged"]


def people(rows):
    """Columns as real tables have them: zeros, heaped and related numbers, rare categories, gaps."""
    rng = np.random.default_rng(0)
    years = rng.integers(5, 18, rows)
    return pd.DataFrame(
        {
            "hours": np.where(rng.random(rows) < 0.43, 0, rng.integers(1, 3000, rows)),
            "years": years,
            "wage": np.where(rng.random(rows) < 0.4, np.nan, np.exp(rng.normal(0.1 * years, 0.6)).round(2)),
            "income": np.exp(rng.normal(2.5 + 0.05 * years, 0.6)).round(1),
            "age": rng.integers(30, 61, rows),
            "children": rng.poisson(0.3, rows),
            "city": rng.choice(["yes", "no"], rows, p=[0.64, 0.36]),
            "job": rng.choice([f"job {i}" for i in range(30)], rows, p=rng.dirichlet(np.ones(30))),
            "works": np.where(rng.random(rows) < 0.57, "yes", "no"),
        }
    )


@pytest.mark.full
def test_halves_of_a_small_table_are_flagged_at_the_level():
    found = HALVES(people(750), "works", 120)
    assert 0.03 <= found.columns <= 0.07
    assert found.tables <= 0.08  # 5% in expectation; of 120 tables more than nine would be too many


def test_halves_of_a_large_table_are_not_flagged():
    assert HALVES(people(2400), "works", 20).tables <= 0.05

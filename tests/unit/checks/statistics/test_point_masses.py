"""Numbers that many rows share are found, whatever the table's size, and every number gets one cell."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aims_mlflow.checks.statistics.point_masses import cells_of, others, point_masses, tenths


@pytest.mark.parametrize("rows", [50, 999, 30_000])
def test_a_tenth_of_the_rows_makes_a_point_mass(rows):
    rng = np.random.default_rng(0)
    values = rng.normal(size=rows)
    assert len(point_masses(values)) == 0
    values[: rows // 5], values[rows // 5 : rows // 3] = 7.0, -1.0
    rng.shuffle(values)
    assert point_masses(values).tolist() == [-1.0, 7.0]
    assert point_masses(values, least=rows).tolist() == []
    values[:] = 3.0
    assert point_masses(values).tolist() == [3.0]
    assert len(point_masses(values[:0])) == 0


def test_counts_give_what_rows_give():
    rng = np.random.default_rng(0)
    rows = np.where(rng.random(5000) < 0.3, 0, rng.integers(1, 400, 5000)).astype(float)
    values, counts = np.unique(rows, return_counts=True)
    assert point_masses(rows).tolist() == point_masses(values, counts).tolist() == [0.0]
    assert tenths(rows, np.zeros(1)).tolist() == tenths(values, np.zeros(1), counts).tolist()


@given(st.lists(st.integers(-3, 9).map(float), min_size=1, max_size=200))
def test_every_number_is_in_one_cell_and_a_point_mass_is_alone(numbers):
    values = np.array(numbers)
    masses = point_masses(values)
    edges = tenths(values, masses)
    cells = cells_of(values, masses, edges)
    assert cells.min() >= 0
    assert cells.max() < len(masses) + len(edges) + 1
    for i, mass in enumerate(masses):
        assert (values[cells == i] == mass).all()
    rest, _ = others(values, masses)
    assert len(rest) == (cells >= len(masses)).sum()

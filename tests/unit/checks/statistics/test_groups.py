import numpy as np
import pandas as pd
import pytest

from aims_mlflow.checks.statistics.groups import MISSING, group_rows, pooled_name


def groups_of(*columns, pool_under=20):
    frame = pd.DataFrame({f"c{i}": column for i, column in enumerate(columns)})
    return group_rows(frame, tuple(frame.columns), pool_under)


def sizes(groups):
    return {names: int((groups.codes == i).sum()) for i, names in enumerate(groups.names)}


def test_groups_are_sorted_and_missing_values_are_a_group():
    found = groups_of(["b"] * 30 + ["a"] * 40 + [None] * 25)
    assert sizes(found) == {("a",): 40, ("b",): 30, (MISSING,): 25}


@pytest.mark.parametrize("text", [MISSING, pooled_name(20), "(others)", "*"])
def test_a_text_that_claims_use_for_other_rows_is_told_apart(text):
    found = groups_of([text] * 30 + [f'"{text}"'] * 40 + [None] * 25 + ["x"] * 15 + ["y"] * 15)
    assert sizes(found) == {(f'"{text}"',): 30, (f'""{text}""',): 40, (MISSING,): 25, (pooled_name(20),): 30}


def test_numbers_that_are_codes_are_sorted_as_numbers():
    assert groups_of([10.0] * 20 + [9.0] * 20 + [np.nan] * 20).names == (("9",), ("10",), (MISSING,))


def test_small_groups_share_one_cell():
    found = groups_of(["big"] * 50 + ["small"] * 12 + ["tiny"] * 9)
    assert sizes(found) == {("big",): 50, (pooled_name(20),): 21}
    assert (found.pooled, found.left_out) == (2, 0)


def test_small_groups_that_stay_small_together_are_left_out():
    found = groups_of(["big"] * 50 + ["small"] * 12 + ["tiny"] * 7)
    assert sizes(found) == {("big",): 50}
    assert (found.pooled, found.left_out) == (2, 19)
    assert (found.codes == -1).sum() == 19


def test_a_group_of_exactly_the_least_size_stands_alone():
    assert len(groups_of(["a"] * 20 + ["b"] * 20).names) == 2


def test_crossed_groups_are_pooled_by_their_own_size():
    found = groups_of(["a", "b"] * 50, ["x"] * 80 + ["y"] * 20)
    assert sizes(found) == {("a", "x"): 40, ("b", "x"): 40, (pooled_name(20),) * 2: 20}
    assert found.slice(0) == {"c0": "a", "c1": "x"}
    assert found.all == {"c0": "*", "c1": "*"}


def test_ages_are_cut_at_round_numbers_that_tell_no_extreme():
    ages = np.r_[np.arange(18, 66).repeat(5), [97]]
    found = groups_of(ages)
    names = [name for (name,) in found.names]
    assert names[0] == "under 30"
    assert "30 to under 40" in names
    assert not any("97" in name or "18" in name for name in names)
    assert found.bands == {"c0": "10"}
    for i, (name,) in enumerate(found.names):
        if name == "30 to under 40":
            assert set(ages[found.codes == i]) == set(range(30, 40))


def test_every_row_is_in_the_group_of_its_value():
    rng = np.random.default_rng(0)
    values = rng.choice(["a", "b", "c"], 500)
    found = groups_of(values)
    for i, (name,) in enumerate(found.names):
        assert set(values[found.codes == i]) == {name}


@pytest.mark.parametrize("dtype", ["category", "str", "object"])
def test_text_of_any_type_gives_the_same_groups(dtype):
    column = pd.Series(["a"] * 30 + ["b"] * 30).astype(dtype)
    assert groups_of(column).names == (("a",), ("b",))


def test_booleans_are_named_as_people_write_them():
    assert groups_of([True] * 30 + [False] * 30).names == (("False",), ("True",))


def test_many_zeros_are_a_group_and_the_other_numbers_are_banded():
    rng = np.random.default_rng(0)
    degree = np.where(rng.random(5000) < 0.97, 0, rng.integers(1, 60, 5000))
    found = groups_of(degree)
    names = [name for (name,) in found.names]
    assert names[0] == "0"
    assert sizes(found)[("0",)] == (degree == 0).sum()
    assert len(names) > 2
    assert names[1].endswith("without 0")
    assert sum(sizes(found).values()) + found.left_out == 5000


@pytest.mark.parametrize(("share", "code"), [(0.08, -999), (0.02, -1), (0.03, 9999), (0.15, 999)])
def test_a_code_for_missing_is_a_group_of_its_own_and_does_not_stretch_the_bands(share, code):
    rng = np.random.default_rng(0)
    age = np.where(rng.random(3000) < share, code, rng.integers(18, 80, 3000))
    found = groups_of(age)
    assert sizes(found)[(str(code),)] == (age == code).sum()
    assert found.bands == {"c0": "10"}
    known = [name for (name,) in found.names if name != str(code)]
    assert len(known) == 6
    assert sum(f"without {code}" in name for name in known) == 1


def test_several_codes_are_told_apart_and_one_outlier_is_none():
    rng = np.random.default_rng(0)
    age = rng.integers(18, 80, 3000)
    age[:90] = np.resize([-999, -998, -997], 90)
    assert {name for (name,) in groups_of(age).names} >= {"-999", "-998", "-997"}
    income = np.r_[rng.normal(3000, 500, 500), [1e9]]
    assert not any("1000000000" in name for (name,) in groups_of(income).names)


def test_bands_of_counts_are_those_of_rows():
    from aims_mlflow.checks.statistics.bands import cut_into_bands

    rng = np.random.default_rng(0)
    rows = np.where(rng.random(4000) < 0.6, 0, rng.integers(1, 90, 4000)).astype(float)
    values, counts = np.unique(rows, return_counts=True)
    codes, names, width = cut_into_bands(rows)
    few_codes, few_names, few_width = cut_into_bands(values, counts)
    assert (names, width) == (few_names, few_width)
    assert np.bincount(codes).tolist() == np.bincount(few_codes, weights=counts).tolist()


@pytest.mark.parametrize("ages", [[20, 30, 40], list(range(18, 80))], ids=["few numbers", "bands"])
def test_infinite_numbers_are_groups_of_their_own_and_not_missing(ages):
    age = np.resize(np.array(ages, float), 3000)
    age[:300], age[300:700], age[700:800] = np.inf, -np.inf, np.nan
    found = sizes(groups_of(age))
    assert (found[("inf",)], found[("-inf",)], found[("(missing)",)]) == (300, 400, 100)
    assert sum(found.values()) == 3000


@pytest.mark.parametrize("width", [0.1, 0.2, 0.5, 0.02])
def test_a_number_on_an_edge_is_in_the_band_that_begins_with_it(width):
    """0.3 / 0.1 is less than 3 in binary numbers: each number is in the band whose name has it."""
    from aims_mlflow.checks.statistics.bands import cut_into_bands

    values = np.round(np.repeat(np.arange(1, 41), 40) * width / 4, 4)
    codes, names, _ = cut_into_bands(values)
    bands = {(v, *names[c].partition(" to under ")[::2]) for v, c in zip(values, codes, strict=True)}
    closed = [(value, low, high) for value, low, high in bands if high]
    assert closed
    for value, low, high in closed:
        assert float(low) <= value < float(high)

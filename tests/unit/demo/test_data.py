"""The demo's reading of a person's own table: whatever its columns are called and hold."""

import numpy as np
import pandas as pd
import pytest

from aims_mlflow.demo.data import from_csv
from aims_mlflow.records.system import ReadingOptions


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "income": rng.normal(3, 1, 400).round(3),
            "age": rng.integers(18, 80, 400),
            "sex": rng.choice(["F", "M"], 400),
            "paid": rng.choice(["yes", "no"], 400),
        }
    )


def read(table, path, sensitive=("sex",), **reading):
    table.to_parquet(path) if path.suffix == ".parquet" else table.to_csv(path, index=False)
    return from_csv(path, "paid", "yes", sensitive, ReadingOptions(**reading))


@pytest.mark.parametrize("name", ["self", "index", "values", "count", "(rows)", "__name"])
def test_a_column_may_have_any_name(tmp_path, table, name):
    data = read(table.assign(x=table["age"] % 3).rename(columns={"x": name}), tmp_path / "t.csv")
    assert name in data.frame
    assert data.frame[name].notna().all()


def test_names_are_stripped_only_where_they_stay_apart(tmp_path, table):
    assert "age" in read(table.rename(columns={"age": " age "}), tmp_path / "a.csv").frame
    both = read(table.rename(columns={"income": " age"}), tmp_path / "b.csv").frame
    assert {"age", " age"} <= set(both)


def test_infinite_numbers_are_in_the_outer_bands_and_not_missing(tmp_path, table):
    table["years"] = np.where(np.arange(400) % 2 == 0, np.inf, table["age"].astype(float))
    groups = read(table, tmp_path / "t.parquet", ("years",)).frame["years"]
    assert groups.notna().all()
    assert groups[::2].nunique() == 1
    assert groups.iloc[0].endswith("and over")


def test_how_a_table_was_read_is_a_note(tmp_path, table):
    data = read(table.replace({"sex": {"F": "NA"}}), tmp_path / "t.csv")
    assert any("NA is read as a value of 'sex'" in note for note in data.notes)
    table.loc[0, "sex"] = "?"
    assert any("1 cells with ? or a blank" in note for note in read(table, tmp_path / "t.csv").notes)

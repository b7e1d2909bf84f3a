"""The demo's reading of a person's own table: whatever its columns are called and hold."""

import numpy as np
import pandas as pd
import pytest

from aims_mlflow.demo.data import acquired, from_csv, generated
from aims_mlflow.demo.model import ROUNDS, SEED, reweighed
from aims_mlflow.errors import DataError
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


def test_the_preparation_starts_from_the_file_as_it_is(tmp_path, table):
    path = tmp_path / "t.csv"
    data = read(table.assign(customer=[f"C{i:05d}" for i in range(400)], town="?"), path)
    raw, _ = acquired(path, data.reading)
    assert list(raw.columns) == ["income", "age", "sex", "paid", "customer", "town"]
    assert (raw["town"] == "?").all(), "what the file holds is what was acquired"
    assert "customer" not in data.prepared(raw)
    assert data.prepared(raw).equals(data.frame[data.columns])
    with pytest.raises(DataError, match="the file was changed while the demo ran"):
        data.prepared(raw.assign(age=1))


def test_a_mitigation_tells_how_many_models_it_tried_and_how_one_was_chosen():
    data = generated()
    found = reweighed(data, data.frame[:2000], data.frame[2000:3000])
    settings = found.settings()
    assert 1 <= settings["model_taken"] <= settings["models_tried"] <= ROUNDS
    assert settings["seed"] == SEED
    assert 0 < settings["validation_ratio"] <= 1
    assert len(found.weights) == 2000

"""`aims check` on strangers' tables: aims.yaml holds beside options, and what was done to read a table is told once."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from aims_mlflow.cli.main import main
from aims_mlflow.cli.options import reading_of
from aims_mlflow.errors import ConfigError
from aims_mlflow.records.system import ReadingOptions


@pytest.fixture
def table(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    race = rng.choice(["NA", "White"], 300)
    paid = rng.choice(["yes", "no"], 300)
    return pd.DataFrame({"income": rng.normal(3, 1, 300).round(2), "race": race, "paid": paid, "said": paid})


def checked(capsys, *args):
    with pytest.raises(SystemExit):
        main(["check", "run", *args, "--json"])
    out = capsys.readouterr()
    return json.loads(out.out or "{}"), out.err


def fairness(found):
    return next(c for c in found["checks"] if c["check"] == "fairness")


def test_aims_yaml_holds_beside_a_target_that_is_named(table, capsys):
    Path("aims.yaml").write_text(
        "system: {id: loans, owner: a@example.org}\n"
        "data: {target: paid, favourable: 'yes', sensitive: [race], reading: {separator: ';', decimal: ','}}\n"
    )
    table.to_csv("t.csv", index=False, sep=";", decimal=",")
    found, err = checked(capsys, "t.csv", "--target", "paid", "--prediction", "said")
    groups = {c["slice"]["race"] for c in fairness(found)["claims"] if c["metric"] == "selection_rate"}
    assert groups == {"NA", "White"}
    assert err.count("NA is read as a value of 'race'") == 1
    _, err = checked(capsys, "t.csv", "--target", "said", "--sensitive", "race")
    assert "aims.yaml is about 'paid': its favourable label and threshold are not used" in err
    assert "set data.favourable" in err


def test_a_scored_reference_is_compared_with_a_scored_table(table, capsys):
    table.to_csv("a.csv", index=False)
    table.to_csv("b.csv", index=False)
    options = ["--target", "paid", "--favourable", "yes", "--prediction", "said"]
    found, _ = checked(capsys, "b.csv", "--train", "a.csv", *options)
    drift = next(c for c in found["checks"] if c["check"] == "drift")
    assert {c["slice"].get("column") for c in drift["claims"]} >= {"income", "race"}
    table.drop(columns="said").to_csv("a.csv", index=False)
    assert checked(capsys, "b.csv", "--train", "a.csv", *options)[0]["checks"]


def test_read_takes_the_place_of_what_aims_yaml_says():
    stated = ReadingOptions(separator=";", missing=("-9",))
    assert reading_of(("separator=tab", "missing=NA", "missing=?"), stated) == ReadingOptions(
        separator="\t", missing=("NA", "?")
    )
    assert reading_of(("missing=",), stated).missing == ()
    assert reading_of(("skip=3",), stated) == ReadingOptions(separator=";", missing=("-9",), skip=3)


@pytest.mark.parametrize("text", ["missing", "separater=;", "separator=;;", "skip=-1", "decimal=x"])
def test_a_value_of_read_that_does_not_fit_is_named(text):
    with pytest.raises(ConfigError, match="--read") as caught:
        reading_of((text,), ReadingOptions())
    assert "\n" not in caught.value.sentence()

import unicodedata

import numpy as np
import pandas as pd
import pytest
import yaml

from aims_mlflow.checks.column_names import suggest_sensitive
from aims_mlflow.checks.packs import pack_digest
from aims_mlflow.checks.profiling.infer import infer_expectations, rounded_range
from aims_mlflow.checks.profiling.profile import profile
from aims_mlflow.checks.runner import run_check
from aims_mlflow.checks.tables.task import PredictionTask
from aims_mlflow.checks.tables.validation import make_dataset
from aims_mlflow.errors import DataError
from aims_mlflow.records.expectation import DataQuality, Expectation
from aims_mlflow.records.pack import Pack

WORDS = ["the", "quick", "brown", "fox", "jumps", "over", "a", "lazy", "dog", "and", "runs", "home", "again"]


def awkward(rows=600, seed=0):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, rows)
    return pd.DataFrame(
        {
            "customer_id": rng.permutation(rows) + 10_000,
            "row": np.arange(rows),
            "uuid": [f"{rng.integers(1 << 60):x}" for _ in range(rows)],
            "email": [f"user{i}@example.org" for i in range(rows)],
            "joined": pd.date_range("2020-01-01", periods=rows),
            "born": [f"{1950 + i % 50}-0{1 + i % 9}-1{i % 10}" for i in range(rows)],
            "comment": [" ".join(rng.choice(WORDS, 9)) for _ in range(rows)],
            "city": [f"city {i}" for i in rng.integers(0, 200, rows)],
            "mostly_empty": np.where(rng.random(rows) < 0.95, np.nan, 1.0),
            "constant": "x",
            "decided_amount": np.where(y == 1, rng.normal(100, 5, rows), 0.0),
            "rest_to_pay": np.where(y == 1, 0.0, rng.normal(100, 5, rows)),
            "decision_code": np.where(y == 1, "granted", rng.choice(["refused", "withdrawn"], rows)),
            "income": rng.normal(3000, 500, rows) + 300 * y,
            "children": rng.integers(0, 5, rows),
            "owner": rng.random(rows) < 0.5,
            "amount_text": [f"{v:.2f}" for v in rng.normal(500, 90, rows)],
            "purpose": rng.choice(["car", "home", "study"], rows),
            "target": np.where(y == 1, "good", "bad"),
        }
    )


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        ("customer_id", "identifier"),
        ("row", "identifier"),
        ("uuid", "identifier"),
        ("email", "identifier"),
        ("joined", "date"),
        ("born", "date"),
        ("comment", "text"),
        ("city", "text"),
        ("mostly_empty", "empty"),
        ("constant", "constant"),
        ("decided_amount", "leaking"),
        ("rest_to_pay", "leaking"),
        ("decision_code", "leaking"),
        ("income", "numeric"),
        ("children", "numeric"),
        ("owner", "categorical"),
        ("amount_text", "numeric"),
        ("purpose", "categorical"),
        ("target", "target"),
    ],
)
def test_columns_are_told_apart(column, kind):
    found = {p.name: p for p in profile(awkward(), "target")}
    assert found[column].kind == kind, found[column].reason
    assert found[column].use == (kind in ("numeric", "categorical"))
    assert found[column].reason


def test_reasons_quote_no_value():
    text = " ".join(p.reason for p in profile(awkward(), "target"))
    for value in ("user1", "fox", "granted", "city 1", "2020"):
        assert value not in text


def test_a_misspelt_target_is_named():
    with pytest.raises(DataError, match="no target column 'targett', did you mean 'target'"):
        profile(awkward(), "targett")


def test_a_column_whose_gaps_tell_the_outcome_leaks():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 500)
    frame = pd.DataFrame({"paid_on": np.where(y == 1, rng.normal(size=500), np.nan), "y": y})
    assert profile(frame, "y")[0].kind == "leaking"


@pytest.mark.parametrize("share", [0.03, 0.06, 0.15])
def test_a_column_that_is_nearly_the_label_is_named(share):
    """AUC 0.985 to 0.925: above what any column of an open table reaches that is known beforehand."""
    rng = np.random.default_rng(0)
    y = rng.choice(["yes", "no"], 3000)
    frame = pd.DataFrame({"arrested": np.where((y == "yes") | (rng.random(3000) < share), 1, 0), "y": y})
    found = profile(frame, "y")[0]
    assert found.kind == "leaking"
    assert "tells 'y' by itself (AUC 0.9" in found.reason


def test_several_labels_and_numbers_leak_too():
    rng = np.random.default_rng(0)
    grade = rng.choice(["a", "b", "c"], 900)
    price = np.exp(rng.normal(8, 1, 900))
    frame = pd.DataFrame(
        {
            "stage": np.where(grade == "c", 7, rng.integers(0, 6, 900)),
            "with_tax": price * 1.2 + rng.normal(0, 100, 900),
            "size": price * np.exp(rng.normal(0, 1, 900)),
            "grade": grade,
            "price": price,
        }
    )
    kinds = {p.name: p.kind for p in profile(frame.drop(columns="price"), "grade")}
    assert kinds == {"stage": "leaking", "with_tax": "numeric", "size": "numeric", "grade": "target"}
    kinds = {p.name: p.kind for p in profile(frame.drop(columns="grade"), "price")}
    assert kinds == {"stage": "numeric", "with_tax": "leaking", "size": "numeric", "price": "target"}


def test_a_mostly_empty_column_that_is_filled_for_one_label_leaks():
    rng = np.random.default_rng(0)
    y = np.where(rng.random(2000) < 0.06, "late", "paid")
    frame = pd.DataFrame({"collected": np.where(y == "late", rng.normal(size=2000), np.nan), "y": y})
    assert profile(frame, "y")[0].kind == "leaking"


def test_sensitive_sounding_names_are_suggested():
    columns = [
        "sex",
        "Age",
        "race",
        "personal_status",
        "marital-status",
        "wage",
        "essex",
        "income",
        "country_nationality",
    ]
    assert suggest_sensitive(columns) == [
        "sex",
        "Age",
        "race",
        "personal_status",
        "marital-status",
        "country_nationality",
    ]


@pytest.mark.parametrize(
    "name",
    [
        "Geschlecht",
        "Alter",
        "Altersgruppe",
        "Staatsangehörigkeit",
        "sexe",
        "género",
        "Edad",
        "Estado civil",
        "età",
        "geslacht",
    ],
)
def test_names_of_other_languages_are_suggested(name):
    decomposed = unicodedata.normalize("NFD", name)
    assert suggest_sensitive(["Betrag", name, "genre", "alternative"]) == [name]
    assert suggest_sensitive([decomposed]) == [decomposed]


def test_cells_that_hold_lists_do_no_harm():
    frame = pd.DataFrame({"tags": [[1], [2]] * 30, "y": [0, 1] * 30})
    assert profile(frame, "y")[0].kind == "text"


def as_pack(expectations):
    return Pack(
        name="p",
        version="1",
        description="inferred",
        data_quality=DataQuality(expectations=tuple(Expectation(**e) for e in expectations)),
    )


@pytest.mark.full
def test_inferred_expectations_hold_for_the_table_and_for_more_of_the_same(table):
    pack = as_pack(infer_expectations(table(2000, seed=0), "repaid", ["sex", "race"]))
    for seed, rows in ((0, 2000), (5, 500), (6, 5000)):
        data = make_dataset(
            "test", table(rows, seed=seed), PredictionTask(target="repaid", favourable="yes"), sensitive=["sex", "race"]
        )
        outcome = run_check("data_quality", data, pack)
        assert outcome.result == "passed", outcome.reason


def test_inferred_expectations_notice_another_table(table):
    pack = as_pack(infer_expectations(table(2000), "repaid", ["sex"]))
    changed = table(1000, seed=3)
    changed["age"] = changed["age"] * 365
    changed["purpose"] = "yacht"
    changed["repaid"] = changed["repaid"].replace("no", "nope")
    outcome = run_check(
        "data_quality", make_dataset("test", changed, PredictionTask(target="repaid", favourable="yes")), pack
    )
    failed = {(c.metric, c.slice["column"]) for c in outcome.claims if c.passed is False}
    assert failed == {
        ("expect_column_values_to_be_between", "age"),
        ("expect_column_values_to_be_in_set", "purpose"),
        ("expect_column_distinct_values_to_be_in_set", "repaid"),
    }
    assert outcome.result == "failed"


def test_inferred_bounds_and_values_give_nobody_away():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "income": np.r_[rng.normal(3000, 300, 998), [987_654.0, 7.0]],
            "job": ["clerk"] * 990 + ["mayor"] * 10,
            "y": [0, 1] * 500,
        }
    )
    text = str(infer_expectations(frame, "y"))
    assert "987" not in text
    assert "mayor" not in text
    assert "clerk" in text


def test_the_rounded_range_holds_nearly_all_values():
    values = pd.Series(np.random.default_rng(0).normal(1234, 56, 5000))
    low, high = rounded_range(values)
    assert values.between(low, high).mean() >= 0.98
    assert (low % 10, high % 10) == (0, 0)
    assert rounded_range(pd.Series([0.0, 1.0, 2.0] * 20))[0] == 0
    assert rounded_range(pd.Series([5.0] * 20))[0] <= 5 <= rounded_range(pd.Series([5.0] * 20))[1]


@pytest.mark.parametrize("codes", [(np.finfo(float).max, -np.finfo(float).max), (np.inf, -np.inf)])
def test_the_largest_doubles_as_codes_do_no_harm(codes):
    height = np.where(np.arange(800) % 5 == 0, codes[0], np.where(np.arange(800) % 7 == 0, codes[1], 1.7))
    frame = pd.DataFrame({"height": height, "y": np.arange(800) % 2})
    assert [e for e in infer_expectations(frame, "y") if e["kwargs"].get("column") == "height"]


def test_bounds_of_large_whole_numbers_have_a_digest_and_come_back_from_yaml():
    when = 1_704_067_200_000_000_000 + np.arange(800) // 2 * 3_600_000_000_000
    found = infer_expectations(pd.DataFrame({"when": when, "y": np.arange(800) % 2}), "y")
    assert yaml.safe_load(yaml.safe_dump(found)) == found
    assert len(pack_digest(as_pack(found))) == 64

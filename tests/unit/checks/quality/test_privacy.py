"""Personal data among the columns: identifiers and characteristics of people, declared or not; no value is ever told."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aims_mlflow.checks.column_names import special_category
from aims_mlflow.checks.quality import privacy
from aims_mlflow.checks.runner import run_check
from aims_mlflow.checks.tables.task import PredictionTask
from aims_mlflow.checks.tables.validation import make_dataset
from aims_mlflow.operation.checking import dataset_from
from aims_mlflow.records.pack import Pack, Privacy
from aims_mlflow.records.system import Data
from aims_mlflow.records.wording import describe

PACK = Pack(name="p", version="1", description="d")


def people(rows=40):
    cards = ["4111 1111 1111 1111", "5500005555555559"]
    return pd.DataFrame(
        {
            "contact": [f"p{i}@example.org" for i in range(rows)],
            "account": ["DE89370400440532013000"] * rows,
            "paid_with": [cards[i % 2] for i in range(rows)],
            "host": [f"192.0.2.{i}" for i in range(rows)],
            "called": [f"+49 30 1234{i:04}" for i in range(rows)],
            "lastName": ["x"] * rows,
            "income": np.arange(rows) * 100.5,
            "months": np.arange(rows),
            "note": ["likes e@mail jokes"] * rows,
            "y": [0, 1] * (rows // 2),
        }
    )


def test_undeclared_personal_columns_are_found_and_no_value_is_told(record):
    data = make_dataset("train", people(), PredictionTask(target="y"))
    outcome = run_check("privacy", data, PACK)
    record(outcome)
    assert outcome.result == "warned"
    found = outcome.recorded_details().plain()["columns"]
    assert set(found) == {"contact", "account", "paid_with", "host", "called", "lastName"}
    assert found["contact"] == "its values look like e-mail addresses"
    assert found["lastName"] == "its name says so"
    shown = repr(outcome)
    assert "example.org" not in shown
    assert "DE8937" not in shown
    declared = Pack(name="p", version="1", description="d", privacy=Privacy(declared=("account", "paid_with", "host")))
    known = make_dataset(
        "train", people(), PredictionTask(target="y"), identifiers=["contact", "called"], sensitive=["lastName"]
    )
    assert run_check("privacy", known, declared).result == "passed"


@pytest.mark.parametrize(
    ("stated", "result", "value", "said"),
    [
        (None, "warned", "6", "contact: its values look like e-mail addresses"),
        ([False], "warned", "6", "the source is said to hold no personal data"),
        (
            [True, False],
            "passed",
            "0",
            "the source is said to hold personal data (personal_data in aims.yaml or @aims.acquires); con",
        ),
        ([["contact", "account"], ["lastName"], False], "warned", "3", "paid_with: its values look like payment cards"),
        (
            [["contact", "account", "lastName", "paid_with", "host", "called"]],
            "passed",
            "0",
            "declared personal: contact, account, lastName, paid_with, host, called",
        ),
    ],
)
def test_the_data_sheet_is_what_columns_are_held_against(stated, result, value, said):
    sources = {f"s{i}": {"personal_data": answer} for i, answer in enumerate(stated or [])}
    described = Data.model_validate({"target": "y", "sources": sources})
    outcome = run_check("privacy", dataset_from(people(), "train", described, "binary-classification"), PACK)
    (found,) = outcome.claims
    assert (outcome.result, found.value) == (result, value)
    assert said in found.note
    assert ("no personal data" in (outcome.reason or "")) == (stated == [False])


def table_about_people(**columns):
    return pd.DataFrame({"income": [1.0, 2.0] * 20, **{c: v * 20 for c, v in columns.items()}, "y": [0, 1] * 20})


def test_declared_columns_and_special_categories_are_named_and_never_denied():
    frame = table_about_people(sex=["f", "m"], race=["A", "B"], age=[30, 40])
    data = make_dataset("train", frame, PredictionTask(target="y"), sensitive=["sex", "race", "age"])
    outcome = run_check("privacy", data, PACK)
    (found,) = outcome.claims
    assert outcome.result == "passed"
    assert found.note.startswith(
        "sensitive columns: sex, race (racial or ethnic origin: a special category), age; looked"
    )
    assert outcome.recorded_details().plain()["special_categories"] == {"race": "racial or ethnic origin"}
    assert b"looks personal" not in outcome.reports["privacy.html"]


def test_characteristics_of_people_that_nobody_declared_are_personal_data():
    frame = table_about_people(age=[30, 40], priorConvictions=["no", "yes"], mileage=[1, 2])
    outcome = run_check("privacy", make_dataset("train", frame, PredictionTask(target="y")), PACK)
    assert outcome.result == "warned"
    assert outcome.recorded_details().plain()["columns"] == {
        "age": "its name says a characteristic of people",
        "priorConvictions": "its name says criminal convictions and offences, a special category (GDPR art. 9 and 10)",
    }


def test_a_predicted_special_category_is_named():
    frame = table_about_people().rename(columns={"y": "diagnosis"})
    outcome = run_check("privacy", make_dataset("train", frame, PredictionTask(target="diagnosis")), PACK)
    assert outcome.claims[0].note.startswith("predicted: diagnosis (health: a special category); looked for:")


@pytest.mark.parametrize(
    ("name", "category"),
    [
        ("creatinine", "health"), ("re_admitted", "health"), ("Length of stay", "health"), ("Blutdruck", "health"),
        ("smoker", "health"), ("enfermedad", "health"), ("Konfession", "religious or philosophical beliefs"),
        ("Vorstrafen", "criminal convictions and offences"), ("Gewerkschaft", "trade union membership"),
        ("trade_unions", "trade union membership"), ("union_members", "trade union membership"), ("raça", "racial or ethnic origin"), ("orientation", None), ("wards", None), ("syndicated_loan", None),
        ("blue", None), ("policy", None), ("embrace", None),
    ],
)  # fmt: skip
def test_a_special_category_is_known_by_its_names(name, category):
    assert special_category(name) == category


def test_a_table_about_things_has_nothing_personal():
    outcome = run_check("privacy", make_dataset("train", table_about_people(), PredictionTask(target="y")), PACK)
    assert outcome.claims[0].note.startswith("no column is declared personal; looked for: names of columns")
    assert "IBAN" in outcome.claims[0].note
    assert "can hold personal data all the same" in outcome.reports["privacy.html"].decode()
    assert describe(outcome.claims[0]).startswith("undeclared columns that look personal by name or values is 0")


@given(st.integers(10**11, 10**15))
def test_exactly_one_last_digit_makes_a_card(number):
    assert sum(privacy._card(f"4{number}{digit}") for digit in range(10)) == 1


@given(st.text(max_size=30))
def test_no_text_breaks_the_looks(text):
    for looks in privacy.LOOKS.values():
        assert looks(text) in (True, False)

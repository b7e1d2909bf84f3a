"""Columns that are the target in other words, or are known only after it, are named with the reason."""

import numpy as np
import pandas as pd
import pytest

from aims_mlflow.checks.packs import load_pack
from aims_mlflow.checks.quality.leaking_columns import suspicious_name
from aims_mlflow.checks.runner import run_check
from aims_mlflow.checks.suite import planned
from aims_mlflow.checks.tables.task import PredictionTask
from aims_mlflow.checks.tables.validation import make_dataset
from aims_mlflow.records.pack import Leakage, Pack


def people(rows=2000, seed=0):
    rng = np.random.default_rng(seed)
    income = rng.normal(3000, 800, rows)
    return pd.DataFrame(
        {
            "income": income,
            "age": rng.integers(18, 80, rows),
            "repaid": np.where(income + rng.normal(0, 800, rows) > 3000, "yes", "no"),
        }
    )


def look(frame, task="binary-classification", target="repaid", **settings):
    good = "yes" if task == "binary-classification" else None
    data = make_dataset("train", frame, PredictionTask(task, target, good))
    pack = Pack(name="p", version="1", description="d", task=task, leakage=Leakage(**settings))
    return run_check("leakage", data, pack)


def test_a_table_without_such_a_column_passes_and_tells_the_highest(record):
    outcome = look(people())
    record(outcome)
    assert (outcome.kind, outcome.result, outcome.reason, outcome.controls) == (
        "data-quality",
        "passed",
        None,
        ("A.7.4",),
    )
    (found,) = outcome.claims
    assert (found.metric, found.slice, found.limit) == ("column_auc", {"column": "income"}, "0.9")
    assert 0.7 < float(found.value) < 0.9


def test_a_column_in_other_words_is_named_with_the_way_on(record):
    frame = people()
    rng = np.random.default_rng(1)
    frame["rearrested"] = np.where(frame["repaid"] == "yes", 1, rng.random(len(frame)) < 0.06).astype(int)
    outcome = look(frame)
    record(outcome)
    assert outcome.result == "warned"
    assert "column auc for column=rearrested is 0.97" in outcome.reason
    assert "Leave out what is known only after 'repaid', or declare it under leakage.known_before" in outcome.reason
    assert set(outcome.recorded_details().plain()["columns"]) == {"rearrested"}
    assert b"rearrested" in outcome.reports["leakage.html"]
    assert look(frame, column_severity="failing").result == "failed"


def test_a_declared_column_is_measured_and_not_judged():
    frame = people().assign(band=lambda f: np.where(f["repaid"] == "yes", "A", "B"))
    outcome = look(frame, known_before={"band": "the bureau's score band at application"})
    assert outcome.result == "passed"
    (found,) = [c for c in outcome.claims if c.slice["column"] == "band"]
    assert (found.value, found.limit) == ("1", None)
    assert "; declared as known before the outcome: the bureau's score band at application; no range" in found.note


@pytest.mark.parametrize(
    ("name", "target", "why"),
    [
        ("is_recid", "two_year_recid", "repeats the target's (recid)"),
        ("repaymentDate", "repaid", "repeats the target's (repayment)"),
        ("repaid_on", "repaid", "repeats the target's (repaid)"),
        ("defaulted", "default", "repeats the target's (defaulted)"),
        ("final_balance", "repaid", "after the outcome (final)"),
        ("dischargeDate", "readmitted", "after the outcome (discharge)"),
        ("previous_outcome", "repaid", None),
        ("income", "repaid", None),
        ("status", "loan_status", None),
    ],
)
def test_names_that_speak_of_the_outcome(name, target, why):
    found = suspicious_name(name, target)
    assert (found is None) == (why is None)
    assert why is None or why in found


def test_a_suspicious_name_lowers_the_limit_and_is_given_as_the_reason():
    frame = people()
    rng = np.random.default_rng(2)
    frame["settled"] = np.where(rng.random(len(frame)) < 0.6, frame["repaid"] == "yes", rng.random(len(frame)) < 0.5)
    outcome = look(frame)
    found = next(c for c in outcome.claims if c.slice["column"] == "settled")
    assert (found.limit, found.passed) == ("0.7", False)
    assert "its name speaks of what comes after the outcome (settled)" in found.note
    harmless = look(frame.rename(columns={"settled": "owner"}))
    assert harmless.result == "passed"


def test_dates_after_the_date_of_the_outcome_are_named():
    frame = people()
    rng = np.random.default_rng(3)
    applied = pd.Timestamp("2023-01-01") + pd.to_timedelta(rng.integers(0, 300, len(frame)), "D")
    frame["applied"] = applied
    frame["outcome_date"] = (applied + pd.to_timedelta(100, "D")).strftime("%Y-%m-%d")
    frame["last_letter"] = applied + pd.to_timedelta(rng.integers(0, 200, len(frame)), "D")
    outcome = look(frame)
    late = {c.slice["column"]: c for c in outcome.claims if c.metric == "later_than_outcome"}
    assert set(late) == {"last_letter"}
    assert float(late["last_letter"].value) == pytest.approx(0.5, abs=0.05)
    assert "after 'outcome_date'" in late["last_letter"].note
    assert outcome.result == "warned"


def test_numbers_and_several_labels_are_looked_at_too():
    frame = people()
    grade = np.where(frame["income"] > 3500, "a", np.where(frame["income"] > 2500, "b", "c"))
    several = look(frame.assign(grade=grade).drop(columns="repaid"), "multiclass-classification", "grade")
    assert [c.slice["column"] for c in several.claims if c.passed is False] == ["income"]
    number = look(
        frame.assign(paid=frame["income"] * 12 + np.arange(len(frame)) % 7, y=1).drop(columns=["repaid", "y"]),
        "regression",
        "paid",
    )
    assert [(c.metric, c.slice["column"]) for c in number.claims if c.passed is False] == [("column_r2", "income")]


def test_a_misspelt_declaration_is_named():
    left_out = look(people(), known_before={"incom": "from the form"}).details.left_out
    assert left_out == {"incom": "named in leakage.known_before, and there is no such column"}


def test_a_table_too_small_to_look_at_is_not_passed():
    outcome = look(people(25))
    assert outcome.result == "warned"
    assert "not evaluated: no feature, or under 20 rows of each label" in outcome.reason


def test_identifiers_are_named_as_not_looked_at():
    frame = people().assign(key=range(2000))
    data = make_dataset("train", frame, PredictionTask(target="repaid", favourable="yes"), identifiers=["key"])
    outcome = run_check("leakage", data, load_pack("tabular-classification"))
    assert outcome.recorded_details().plain()["left_out"] == {"key": "named as an identifier"}
    assert "leakage" in planned(data, load_pack("tabular-classification"))
    assert "leakage" not in planned(make_dataset("operation", frame), load_pack("tabular-classification"))


@pytest.mark.parametrize("name", ["credit", "hiring"])
def test_packs_about_credit_and_hiring_refuse_such_columns(name):
    frame = people().assign(collected=lambda f: (f["repaid"] == "no") * 1)
    data = make_dataset("train", frame, PredictionTask(target="repaid", favourable="yes"))
    assert run_check("leakage", data, load_pack(name)).result == "failed"

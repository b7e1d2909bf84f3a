"""Models that are steady and models that are not; files that run code when they are loaded, found without loading them."""

import pickle
from dataclasses import replace

import joblib
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from aims_mlflow.capture.check_data import dataset_from
from aims_mlflow.checks import model_files, privacy, robustness
from aims_mlflow.checks.inputs import make_dataset
from aims_mlflow.checks.runner import run_check
from aims_mlflow.records.pack import Pack, Privacy
from aims_mlflow.records.system import Data

PACK = Pack(name="p", version="1", description="d")


def asked(model, seed=0, folder=None, rows=600):
    rng = np.random.default_rng(seed)
    X = pd.DataFrame({"a": rng.normal(size=rows), "b": rng.normal(size=rows), "whole": rng.integers(0, 40, rows)})
    y = (X["a"] + 0.3 * X["b"] > 0).astype(int)
    model.fit(X, y)
    data = make_dataset("test", X.assign(y=y), target="y")
    predict = lambda frame: model.predict(frame[list(X.columns)])  # noqa: E731
    return replace(data, predictions=predict(X), predict=predict, model_folder=folder)


def by_metric(outcome):
    return {c.metric: c for c in outcome.claims}


def test_a_steady_model_passes_and_one_that_follows_noise_is_warned_of(record):
    """Answers that hang on a coin in the decimals turn with any noise; the line through the cloud hardly moves."""

    class Jumpy(LogisticRegression):
        def predict(self, X):
            return (np.floor(X["a"].to_numpy() * 1000) % 2).astype(int)

    class Imputing(LogisticRegression):
        def predict(self, X):
            return super().predict(X.fillna(X.mean()))

    steady = run_check("robustness", asked(Imputing()), PACK)
    record(steady)
    assert (steady.kind, steady.controls) == ("robustness", ("A.6.2.4",))
    assert float(by_metric(steady)["agreement_under_noise"].value) > 0.95
    assert by_metric(steady)["agreement_under_shift"].note == "lowest of 3 columns: a"
    jumpy = run_check("robustness", asked(Jumpy()), PACK)
    assert jumpy.result == "warned"
    assert float(by_metric(jumpy)["agreement_under_noise"].value) == pytest.approx(0.5, abs=0.1)


def test_a_model_that_does_not_answer_with_gaps_is_told():
    found = by_metric(run_check("robustness", asked(LogisticRegression()), PACK))["agreement_with_missing"]
    assert (found.value, found.passed, found.note) == ("0", False, "the model does not answer: ValueError")
    tree = by_metric(run_check("robustness", asked(DecisionTreeClassifier()), PACK))["agreement_with_missing"]
    assert 0 < float(tree.value) < 1


def test_numbers_may_move_by_a_tenth_of_their_deviation():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"a": rng.normal(size=500)})
    data = make_dataset("test", X.assign(y=X["a"]), target="y", task="regression")
    for slope, agrees in ((0.05, True), (1.0, False)):
        predict = lambda frame, slope=slope: slope * frame["a"].to_numpy() + rng.normal(size=0).sum()  # noqa: E731
        found = robustness._judge(data, predict(X) + np.linspace(0, 10, 500))
        assert found(predict(X) + np.linspace(0, 10, 500)).all()
        shifted = found(predict(X + 2) + np.linspace(0, 10, 500))
        assert shifted.all() == agrees


def test_without_a_model_to_ask_nothing_is_claimed():
    data = replace(asked(LogisticRegression()), predict=None)
    outcome = run_check("robustness", data, PACK)
    assert outcome.result == "not_evaluated"
    assert "cannot be asked again" in outcome.reason


class Harm:
    def __reduce__(self):
        import os

        return os.system, ("touch /tmp/harm-was-done",)


def test_pickles_are_found_whatever_they_are_called_and_never_loaded(tmp_path):
    (tmp_path / "MLmodel").write_text("flavors: {}")
    (tmp_path / "weights.safetensors").write_bytes(b"\x08\x00\x00\x00\x00\x00\x00\x00{}      ")
    assert not any(f.unsafe for f in model_files.scan(tmp_path))
    (tmp_path / "model.txt").write_bytes(pickle.dumps(Harm()))  # a pickle under another name
    joblib.dump(LogisticRegression(), tmp_path / "model.joblib", compress=3)
    (tmp_path / "broken.pkl").write_bytes(b"\x80\x05not a pickle")
    found = {f.path: f for f in model_files.scan(tmp_path)}
    assert {p for p, f in found.items() if f.unsafe} == {"model.txt", "model.joblib", "broken.pkl"}
    assert any("system" in name for name in found["model.txt"].dangerous)
    (claim,) = model_files.storage_claims(tmp_path, "test")
    assert (claim.value, claim.n) == ("3", 5)
    assert "names that can do harm: posix.system" in claim.note
    from pathlib import Path

    assert not Path("/tmp/harm-was-done").exists()


def test_a_pickled_model_is_warned_of(tmp_path):
    joblib.dump(1, tmp_path / "model.pkl")
    outcome = run_check("robustness", asked(LogisticRegression(), folder=tmp_path), PACK)
    assert by_metric(outcome)["unsafe_model_files"].passed is False
    assert outcome.result == "warned"


def test_a_model_that_cannot_be_asked_has_its_files_looked_at(tmp_path):
    joblib.dump(1, tmp_path / "model.pkl")
    data = replace(asked(LogisticRegression(), folder=tmp_path), predict=None)
    outcome = run_check("robustness", data, PACK)
    assert by_metric(outcome)["unsafe_model_files"].passed is False
    for name in robustness.AGREEMENTS:
        found = by_metric(outcome)[name]
        assert (found.value, found.passed, found.note) == (None, None, robustness.NOT_ASKED)
    strict = PACK.robustness.model_copy(
        update={"limits": tuple(x.model_copy(update={"severity": "failing"}) for x in PACK.robustness.limits[:1])}
    )
    (tmp_path / "model.pkl").unlink()
    assert run_check("robustness", data, PACK.model_copy(update={"robustness": strict})).result == "not_evaluated"


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
    data = make_dataset("train", people(), target="y")
    outcome = run_check("privacy", data, PACK)
    record(outcome)
    assert outcome.result == "warned"
    found = outcome.details["columns"]
    assert set(found) == {"contact", "account", "paid_with", "host", "called", "lastName"}
    assert found["contact"] == "its values look like e-mail addresses"
    assert found["lastName"] == "its name says so"
    shown = repr(outcome)
    assert "example.org" not in shown
    assert "DE8937" not in shown
    declared = Pack(name="p", version="1", description="d", privacy=Privacy(declared=("account", "paid_with", "host")))
    known = make_dataset("train", people(), target="y", identifiers=["contact", "called"], sensitive=["lastName"])
    assert run_check("privacy", known, declared).result == "passed"


@pytest.mark.parametrize(
    ("stated", "result", "value", "said"),
    [
        (None, "warned", "6", "contact: its values look like e-mail addresses"),
        ([False], "warned", "6", "aims.yaml says that there are no personal data"),
        (
            [True, False],
            "passed",
            "0",
            "aims.yaml says that there are personal data (data.sources: personal_data); con",
        ),
        ([["contact", "account"], ["lastName"], False], "warned", "3", "paid_with: its values look like payment cards"),
        (
            [["contact", "account", "lastName", "paid_with", "host", "called"]],
            "passed",
            "0",
            "no column looks personal",
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


@given(st.integers(10**11, 10**15))
def test_exactly_one_last_digit_makes_a_card(number):
    assert sum(privacy._card(f"4{number}{digit}") for digit in range(10)) == 1


@given(st.text(max_size=30))
def test_no_text_breaks_the_looks(text):
    for looks in privacy.LOOKS.values():
        assert looks(text) in (True, False)

"""Models that are steady and models that are not; files that run code when they are loaded, found without loading them."""

import gzip
import io
import os
import pickle
import tempfile
import zipfile
from dataclasses import replace
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from aims_mlflow.checks.model import robustness, storage
from aims_mlflow.checks.runner import run_check
from aims_mlflow.checks.tables.predictions import EvaluatedModel, Predictions
from aims_mlflow.checks.tables.task import PredictionTask
from aims_mlflow.checks.tables.validation import make_dataset
from aims_mlflow.evidence.digests import LOAD_MARK
from aims_mlflow.records.pack import Pack

PACK = Pack(name="p", version="1", description="d")


def asked(model, seed=0, folder=None, rows=600):
    rng = np.random.default_rng(seed)
    X = pd.DataFrame({"a": rng.normal(size=rows), "b": rng.normal(size=rows), "whole": rng.integers(0, 40, rows)})
    y = (X["a"] + 0.3 * X["b"] > 0).astype(int)
    model.fit(X, y)
    data = make_dataset("test", X.assign(y=y), PredictionTask(target="y"))
    predict = lambda frame: model.predict(frame[list(X.columns)])  # noqa: E731
    return replace(data, predictions=Predictions(predict(X)), model=EvaluatedModel(predict=predict, folder=folder))


def by_metric(outcome):
    return {c.metric: c for c in outcome.claims}


def test_only_columns_that_the_model_takes_are_disturbed():
    data = asked(LogisticRegression())
    wide = replace(data, frame=data.frame.assign(month=range(len(data.frame)), year=2024.0))
    known = replace(wide, model=replace(wide.model, inputs=("a", "b", "whole")))
    outcome = run_check("robustness", known, PACK)
    assert outcome.recorded_details().plain()["numbers"] == ["a", "b", "whole"]
    assert by_metric(outcome)["agreement_under_shift"].note.startswith("lowest of 3 columns")
    assert "month" in run_check("robustness", wide, PACK).recorded_details().plain()["numbers"]


def test_shifts_asked_together_are_answered_as_one_by_one(monkeypatch):
    class Counting(LogisticRegression):
        calls = 0

        def predict(self, X):
            type(self).calls += 1
            return super().predict(X.fillna(0))

    def found():
        Counting.calls = 0
        return run_check("robustness", asked(Counting()), PACK).claims, Counting.calls

    together, few = found()
    monkeypatch.setattr(robustness, "AT_ONCE", 1)
    assert found() == (together, few + 2)  # of the three columns


def test_the_shift_that_a_model_cannot_take_is_found_among_all(monkeypatch):
    class Narrow(LogisticRegression):
        def predict(self, X):
            if X["whole"].max() > 39:
                raise ValueError("outside of what was learned")
            return super().predict(X.fillna(0))

    found = by_metric(run_check("robustness", asked(Narrow()), PACK))["agreement_under_shift"]
    assert (found.value, found.note) == ("0", "lowest of 3 columns: whole")


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
    data = make_dataset("test", X.assign(y=X["a"]), PredictionTask(target="y", kind="regression"))
    for slope, agrees in ((0.05, True), (1.0, False)):
        predict = lambda frame, slope=slope: slope * frame["a"].to_numpy() + rng.normal(size=0).sum()  # noqa: E731
        found = robustness._judge(data.task.kind, predict(X) + np.linspace(0, 10, 500))
        assert found(predict(X) + np.linspace(0, 10, 500)).all()
        shifted = found(predict(X + 2) + np.linspace(0, 10, 500))
        assert shifted.all() == agrees


def test_without_a_model_to_ask_nothing_is_claimed():
    data = replace(asked(LogisticRegression()), model=EvaluatedModel())
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
    assert not any(f.unsafe for f in storage.scan(tmp_path))
    (tmp_path / "model.txt").write_bytes(pickle.dumps(Harm()))  # a pickle under another name
    joblib.dump(LogisticRegression(), tmp_path / "model.joblib", compress=3)
    (tmp_path / "broken.pkl").write_bytes(b"\x80\x05not a pickle")
    found = {f.path: f for f in storage.scan(tmp_path)}
    assert {p for p, f in found.items() if f.unsafe} == {"model.txt", "model.joblib", "broken.pkl"}
    assert any("system" in name for name in found["model.txt"].dangerous)
    (claim,) = storage.storage_claims(tmp_path, "test")
    assert (claim.value, claim.n) == ("3", 5)
    assert "names that can do harm: posix.system" in claim.note
    assert "could not be read through: broken.pkl" in claim.note
    assert not Path("/tmp/harm-was-done").exists()


def zipped(**members):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def array(values, save=np.save):
    out = io.BytesIO()
    save(out, values)
    return out.getvalue()


def by_joblib(compress):
    out = io.BytesIO()
    joblib.dump([Harm(), np.zeros(3)], out, compress=compress)
    return out.getvalue()


OBJECTS = np.array([Harm()], dtype=object)
LAMBDA = b'{"config": {"layers": [{"class_name": "\\u004cambda"}]}}'
HARMFUL = {
    "pytorch_model.bin": zipped(**{"archive/data.pkl": pickle.dumps(Harm(), 2), "archive/data/0": b"\0\1"}),
    "zero.bin": pickle.dumps(Harm(), 0),
    "one.dat": pickle.dumps(Harm(), 1),
    "cut.json": pickle.dumps(Harm(), 0)[:-1]
    + b"\xff",  # the end is never reached, and what is before it has run by then
    "z.model": by_joblib(("zlib", 3)),
    "gz": by_joblib(("gzip", 3)),
    "bz.model": by_joblib(("bz2", 3)),
    "xz.model": by_joblib(("xz", 3)),
    "z.joblib": by_joblib(3),
    "gone.gz": gzip.compress(pickle.dumps([Harm(), os.urandom(99)]))[:-20],  # cut off
    "objects.npy": array(OBJECTS),
    "objects.npz": array(OBJECTS, np.savez_compressed),
    "in.zip": zipped(**{"deep.gz": gzip.compress(zipped(a=pickle.dumps(Harm())))}),
}
CODE = {
    "lambda.keras": zipped(**{"config.json": LAMBDA, "model.weights.h5": b"\x89HDF\r\n\x1a\n"}),
    "whole.h5": b'\x89HDF\r\n\x1a\n..."class_name": "Lambda"...',
    "wrapper.py": b"import os",
    "config.json": b'{"architectures": ["X"], "auto_map": {"AutoModel": "someone/repository--code.X"}}',
    "escaped.json": b'{"\\u0061uto_map": {}}',
    "keras_module.txt": b"evil",
    "run": b"#!/bin/sh",
    "plain.model": pickle.dumps({"a": 1}, 1),
}
UNKNOWN = {
    "saved_model.pb": b"\x08\x01\x12",
    "weights.bin": b"\x01\x02\x03",
    "whole.h5": b"\x89HDF\r\n\x1a\n",
    "archive.tar": b"a/b" + bytes(600),
    "cut.zip": zipped(a=b"x" * 99)[:50],
    "zipped.zip": zipped(a=b"x"),
    "prefixed.json": b"{}" + zipped(**{"a.json": b"{}"}),
    "no_number.npz": zipped(**{"a.npy": b"not an array"}),
    "lying.parquet": b"not one",
}
SAFE = {
    "MLmodel": b"flavors: {}",
    "conda.yaml": b"channels:\n- conda-forge\ndependencies:\n- python=3.11\n",
    "requirements.txt": b"catboost==1.2\nnumpy==2.4\nboto3==1\nopenai==1\n",
    "model.txt": b"tree\nversion=v4\n",
    "input_example.json": b'{"columns": ["Lambda", "class_name"]}',
    "weights.safetensors": b"\x08\x00\x00\x00\x00\x00\x00\x00{}      ",
    "model.keras": zipped(**{"config.json": b'{"class_name": "Dense"}', "model.weights.h5": b"\x89HDF\r\n\x1a\n"}),
    "model.skops": zipped(**{"schema.json": b"{}", "1.npy": array(np.arange(3))}),
    "numbers.npz": array(np.arange(3), np.savez),
    "table.csv.gz": gzip.compress(b"id,x\n1,2\n"),
    "empty": b"",
}


@pytest.mark.parametrize(
    ("files", "state"),
    [(HARMFUL, "code"), (CODE, "code"), (UNKNOWN, "unknown"), (SAFE, "safe")],
    ids=lambda x: str(x)[:7],
)
def test_what_is_not_known_to_hold_data_alone_is_never_safe(files, state, tmp_path):
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    found = {f.path: f for f in storage.scan(tmp_path)}
    assert {name: f.state for name, f in found.items()} == dict.fromkeys(files, state)
    if files is HARMFUL:
        assert {name for name, f in found.items() if not any("system" in harm for harm in f.dangerous)} == set()
    (claim,) = storage.storage_claims(tmp_path, "test")
    assert claim.value == ("0" if state == "safe" else str(len(files)))
    assert ("of an unknown format" in claim.note) == (state == "unknown")


def test_the_mark_that_mlflow_leaves_on_loading_is_no_file_of_the_model_unless_it_runs_code(tmp_path):
    (tmp_path / "MLmodel").write_text("flavors: {}\n")
    mark = tmp_path / LOAD_MARK
    mark.write_text("registered_model_name: loans\n")
    assert [f.path for f in storage.scan(tmp_path)] == ["MLmodel"]
    mark.write_bytes(pickle.dumps(print))
    assert [f.path for f in storage.scan(tmp_path) if f.unsafe] == [LOAD_MARK]


def test_a_bomb_is_not_unpacked_to_its_end(tmp_path, monkeypatch):
    monkeypatch.setattr(storage, "MAX_BYTES", 100_000)
    (tmp_path / "bomb.json.gz").write_bytes(gzip.compress(b" " * 10_000_000))
    (tmp_path / "bomb.zip").write_bytes(zipped(**{f"{i}.json": b" " * 30_000 for i in range(5)}))
    many = zipped(**{"a.json": b"{}"})
    for _ in range(9):
        many = zipped(**{"a.zip": many})
    (tmp_path / "many.zip").write_bytes(many)
    assert {(f.state, f.unread) for f in storage.scan(tmp_path)} == {("unknown", True)}


def test_a_model_that_mlflow_stores_without_a_pickle_is_safe(tmp_path):
    import mlflow

    fitted = LogisticRegression().fit([[0.0], [1.0]], [0, 1])
    mlflow.sklearn.save_model(fitted, str(tmp_path / "skops"), serialization_format="skops")
    mlflow.sklearn.save_model(fitted, str(tmp_path / "pickle"), serialization_format="cloudpickle")
    assert not [f for f in storage.scan(tmp_path / "skops") if f.unsafe]
    assert [f.path for f in storage.scan(tmp_path / "pickle") if f.unsafe] == ["model.pkl"]


@given(st.binary(max_size=300))
def test_any_bytes_are_told_and_none_of_them_loaded(content):
    with tempfile.TemporaryDirectory() as folder:
        for name in ("a", "a.json", "a.pkl", "a.npz"):
            (Path(folder) / name).write_bytes(content)
        found = {f.path: f.state for f in storage.scan(Path(folder))}
    assert found["a"] == "safe" if not content else found["a"] != "safe" or formats_alone(content)
    assert not content or found["a.pkl"] == "code"


def formats_alone(content):
    """Whether bytes tell by themselves that they are data: numpy arrays, and packed ones."""
    return content.startswith((b"\x93NUMPY", b"PK", b"\x1f\x8b", b"BZh", b"x"))


def test_a_pickled_model_is_warned_of(tmp_path):
    joblib.dump(1, tmp_path / "model.pkl")
    outcome = run_check("robustness", asked(LogisticRegression(), folder=tmp_path), PACK)
    assert by_metric(outcome)["unsafe_model_files"].passed is False
    assert outcome.result == "warned"


def test_a_model_that_cannot_be_asked_has_its_files_looked_at(tmp_path):
    joblib.dump(1, tmp_path / "model.pkl")
    data = replace(asked(LogisticRegression(), folder=tmp_path), model=EvaluatedModel(folder=tmp_path))
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

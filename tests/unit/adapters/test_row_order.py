"""The order of a model's answers: by their own index where it has the rows' labels, else by position."""

import json
import pickle

import mlflow.pyfunc
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, roc_auc_score

from aims_mlflow.adapters import fresh_process
from aims_mlflow.adapters.outputs import read_raw
from aims_mlflow.adapters.predict import Question, known_labels, read_answers
from aims_mlflow.adapters.tables import make_table
from aims_mlflow.checks.tables.task import PredictionTask
from aims_mlflow.errors import CheckError, DataError

FEATURES = ["income", "debt"]
TASK = PredictionTask("binary-classification", "repaid", "yes")


def table(role, rows, seed, index=None):
    draw = np.random.default_rng(seed)
    data = pd.DataFrame({"income": draw.normal(30, 5, rows), "debt": draw.random(rows)}, index=index)
    data["repaid"] = np.where(data["income"] + 3 * draw.normal(size=rows) > 30, "yes", "no")
    return make_table(role, target="repaid", sensitive=(), frame=data)


class Ranking:
    """Answers with the likeliest rows first, as a list of people to call has them."""

    def __init__(self, train, change):
        self.inner, self.change = LogisticRegression().fit(train.frame[FEATURES], train.frame["repaid"]), change

    def predict(self, x):
        likely = self.inner.predict_proba(x[FEATURES])[:, 1]
        frame = pd.DataFrame({"prediction": self.inner.predict(x[FEATURES]), "probability": likely}, index=x.index)
        return self.change(frame.sort_values("probability", ascending=False))


@pytest.mark.parametrize("index", [None, range(299, -1, -1), [f"id{i}" for i in range(300)]], ids=str)
@pytest.mark.parametrize("change", [lambda f: f, lambda f: f["prediction"], lambda f: f["probability"]])
def test_answers_in_another_order_belong_to_the_rows_of_their_index(index, change):
    train, test = table("train", 600, 1), table("test", 300, 2, index)
    model = Ranking(train, change)
    known = known_labels(TASK, (train, test), model)
    got = Question(model=model, task=TASK, known=known, proof=train).answer(test).predictions
    actual = test.frame["repaid"]
    assert accuracy_score(actual, got.labels) == accuracy_score(actual, model.inner.predict(test.frame[FEATURES]))
    if got.scores is not None:
        likely = model.inner.predict_proba(test.frame[FEATURES])[:, 1]
        assert roc_auc_score(actual == "yes", got.scores) == roc_auc_score(actual == "yes", likely)


def test_out_of_fold_answers_that_are_put_together_by_fold_belong_to_their_rows():
    train = table("train", 600, 1)
    folds = [train.frame["repaid"].iloc[i::3] for i in range(3)]
    got = read_answers(pd.concat(folds), train, TASK, known_labels(TASK, (train,)))
    assert (got.labels == train.frame["repaid"]).all()


def test_sensitive_columns_belong_to_the_rows_of_their_index():
    x, groups = (
        pd.DataFrame({"age": [1, 2, 3]}, index=[7, 5, 6]),
        pd.Series(["b", "c", "a"], index=[5, 6, 7], name="sex"),
    )
    y, names = pd.Series(["yes", "no", "no"]), ("sex",)
    assert make_table("test", target="paid", sensitive=names, X=x, y=y, beside=groups).frame["sex"].tolist() == [*"abc"]
    anew = x.reset_index(drop=True)  # as a scaler makes it: its rows have other labels
    shuffled = groups.set_axis([2, 0, 1])
    same = make_table("test", target="paid", sensitive=names, X=anew, y=y, beside=shuffled).frame["sex"].tolist()
    assert same == [*"bca"]
    twice = x.set_axis([7, 5, 5])
    with pytest.raises(DataError, match="labels of its index occur several times"):
        make_table("test", target="paid", sensitive=names, X=twice, y=y, beside=groups.set_axis([5, 5, 7]))


ROWS = pd.Index([2, 0, 1])


@pytest.mark.parametrize(
    ("answer", "read"),
    [
        (pd.Series(["a", "b", "c"]), ["a", "b", "c"]),  # counted anew: by position
        (pd.Series(["a", "b", "c"], index=[0, 1, 2]).sort_index(ascending=False), ["c", "a", "b"]),
        (pd.Series(["a", "b", "c"], index=[7, 8, 9]), ["a", "b", "c"]),  # labels of something else
        (pd.Series(["a", "b", "c"], index=[2, 1, 1]), ["a", "b", "c"]),
        (["a", "b", "c"], ["a", "b", "c"]),
    ],
)
def test_an_index_of_other_labels_says_nothing(answer, read):
    assert read_raw(answer, 3, index=ROWS).columns[0].tolist() == read


def test_labels_that_occur_twice_do_not_tell_the_order():
    answer = pd.Series(["a", "b", "c"], index=[1, 0, 0])
    with pytest.raises(CheckError, match="labels of its index occur several times"):
        read_raw(answer, 3, index=pd.Index([0, 1, 0]))
    assert read_raw(answer, 3, index=pd.Index([1, 0, 0])).columns[0].tolist() == ["a", "b", "c"]


@pytest.mark.parametrize(
    "answer",
    [pd.Series([1.5, 2.5, 3.5], index=[0, 1, 2])[::-1], np.array([3.5, 1.5, 2.5], dtype=object)],
    ids=["order", "objects"],
)
def test_a_fresh_process_answers_in_the_same_order(tmp_path, monkeypatch, answer):
    class Loaded:
        def predict(self, rows):
            return answer

    monkeypatch.setattr(mlflow.pyfunc, "load_model", lambda *args, **options: Loaded())
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model.txt").write_text("m")
    (tmp_path / "rows.pickle").write_bytes(pickle.dumps(pd.DataFrame({"x": [1, 2, 3]}, index=ROWS)))
    fresh_process.answer(tmp_path, {})
    assert json.loads((tmp_path / "answer.json").read_text())["columns"] == [[3.5, 1.5, 2.5]]


def test_an_answer_that_is_no_text_is_told_as_an_error(tmp_path, monkeypatch):
    class Loaded:
        def predict(self, rows):
            return pd.DataFrame({"label": [b"\xff"] * len(rows)}, dtype=object)

    monkeypatch.setattr(mlflow.pyfunc, "load_model", lambda *args, **options: Loaded())
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model.txt").write_text("m")
    (tmp_path / "rows.pickle").write_bytes(pickle.dumps(pd.DataFrame({"x": [1, 2]})))
    fresh_process.answer(tmp_path, {})
    assert json.loads((tmp_path / "answer.json").read_text())["error"] == "UnicodeDecodeError"
    with pytest.raises(CheckError, match="no UTF-8"):
        read_raw(np.array([b"\xff", b"no"]), 2)


@pytest.mark.parametrize("kind", [np.int64, np.bool_, bytes], ids=lambda k: k.__name__)
def test_objects_of_a_fresh_process_become_plain_values(kind):
    value = b"1" if kind is bytes else kind(1)
    assert json.loads(json.dumps({"columns": [[value]]}, default=fresh_process.plain))["columns"] in ([[1]], [["1"]])


def test_numbers_as_objects_and_labels_as_bytes_are_plain_columns():
    from decimal import Decimal

    assert read_raw([Decimal("1.5"), Decimal(2)], 2).columns[0].tolist() == [1.5, 2.0]
    assert read_raw(np.array([1.5, 2], dtype=object), 2).columns[0].dtype == float
    assert read_raw(np.array([b"yes", b"no"]), 2).columns[0].tolist() == ["yes", "no"]

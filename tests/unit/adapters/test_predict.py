"""A model is asked once where its scores tell its answers, and its own answer stands wherever they do not."""

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from aims_mlflow.adapters.predict import Question, known_labels
from aims_mlflow.adapters.tables import first_rows, make_table
from aims_mlflow.checks.tables.task import PredictionTask

TASK = PredictionTask("binary-classification", "label", "yes")
FOUND = (
    ExtraTreesClassifier(n_estimators=10, random_state=0),
    GradientBoostingClassifier(n_estimators=10, random_state=0),
    HistGradientBoostingClassifier(max_iter=10, random_state=0),
    RandomForestClassifier(n_estimators=9, random_state=0),
)


class Strict(HistGradientBoostingClassifier):
    """Says yes only when it is nearly sure."""

    def predict(self, X):
        return np.where(self.predict_proba(X)[:, 1] > 0.9, self.classes_[1], self.classes_[0])


def table(labels=("no", "yes"), rows=400):
    draw = np.random.default_rng(1)
    frame = pd.DataFrame(draw.normal(size=(rows, 3)).round(1), columns=list("abc"))
    place = (frame["a"] + draw.normal(size=rows)).rank(pct=True) * len(labels) - 1e-9
    frame["label"] = np.array(labels, dtype=object)[place.astype(int)]
    return make_table("test", target="label", sensitive=(), frame=frame)


def predict(model, data, task, *, scored=True):
    known = known_labels(task, (data,), model)
    return Question(model=model, task=task, known=known, proof=data, scored=scored).answer(data).predictions


def asked(monkeypatch, kind):
    """Return a list that a class's calls of predict and predict_proba are put into."""
    calls = []
    for name in ("predict", "predict_proba"):
        own = getattr(kind, name)

        def counted(self, X, own=own, name=name):
            calls.append(name)
            return own(self, X)

        monkeypatch.setattr(kind, name, counted)
    return calls


@pytest.mark.parametrize("labels", [("no", "yes"), ("a", "b", "c")])
@pytest.mark.parametrize("model", FOUND, ids=lambda m: type(m).__name__)
def test_the_labels_are_the_models_own(model, labels):
    data = table(labels)
    task = "binary-classification" if len(labels) == 2 else "multiclass-classification"
    for fitted in (model, make_pipeline(StandardScaler(), model)):
        fitted.fit(data.features, data.frame["label"])
        found = predict(fitted, data, PredictionTask(task, "label", labels[-1]))
        assert found.labels.tolist() == fitted.predict(data.features).tolist()
        last = found.scores if found.scores.ndim == 1 else found.scores[:, -1]
        assert last.tolist() == fitted.predict_proba(data.features)[:, -1].tolist()


def test_a_model_of_scikit_learn_is_asked_once(monkeypatch):
    data = table()
    model = HistGradientBoostingClassifier(max_iter=10).fit(data.features, data.frame["label"])
    calls = asked(monkeypatch, HistGradientBoostingClassifier)
    predict(model, data, TASK)
    assert calls == ["predict_proba"]


def test_a_tie_is_put_to_the_model(monkeypatch):
    data = table()
    model = RandomForestClassifier(n_estimators=2, random_state=0, max_depth=1, bootstrap=False)
    model.fit(data.features, data.frame["label"])
    monkeypatch.setattr(
        RandomForestClassifier,
        "predict_proba",
        lambda self, X: np.full((len(X), 2), 0.5),
    )
    monkeypatch.setattr(RandomForestClassifier, "predict", lambda self, X: np.full(len(X), "yes"))
    assert set(predict(model, data, TASK).labels) == {"yes"}


def test_a_class_made_of_one_answers_for_itself():
    data = table()
    model = Strict(max_iter=10).fit(data.features, data.frame["label"])
    found = predict(model, data, TASK)
    assert found.labels.tolist() == model.predict(data.features).tolist()
    assert found.labels.tolist() != np.where(found.scores > 0.5, "yes", "no").tolist()


def test_an_instance_with_an_answer_of_its_own_is_asked():
    data = table()
    model = HistGradientBoostingClassifier(max_iter=10).fit(data.features, data.frame["label"])
    model.predict = lambda X: np.full(len(X), "no")
    assert set(predict(model, data, TASK).labels) == {"no"}


def test_without_scores_only_the_labels_are_asked_for(monkeypatch):
    data = table()
    model = HistGradientBoostingClassifier(max_iter=10).fit(data.features, data.frame["label"])
    calls = asked(monkeypatch, HistGradientBoostingClassifier)
    found = predict(model, data, TASK, scored=False)
    assert (calls, found.scores) == (["predict"], None)


@pytest.mark.parametrize("form", [lambda x: x, lambda x: x.to_numpy()], ids=["frame", "array"])
def test_first_rows_keep_the_form_of_the_features(form):
    data = table()
    whole = make_table("test", target="label", sensitive=(), X=form(data.features), y=data.frame["label"])
    few = first_rows(whole, 7)
    assert len(few.frame) == len(few.features) == 7
    assert type(few.features) is type(whole.features)

"""Probabilities count for the labels that the model predicts, and answers are labels of the target."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import IsolationForest, RandomForestClassifier
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import LabelEncoder

from aims_mlflow.adapters.predict import Question, known_labels
from aims_mlflow.adapters.tables import make_table
from aims_mlflow.checks.tables.task import PredictionTask
from aims_mlflow.errors import CheckError

SEVERAL = PredictionTask("multiclass-classification", "label", None)
FEATURES = ["a", "b", "c"]


class Encoding(ClassifierMixin, BaseEstimator):
    """A classifier of codes 0, 1, ... inside, as XGBoost needs them; `classes_` are the codes."""

    own_classes = False

    def fit(self, features, labels):
        self.encoder_ = LabelEncoder().fit(labels)
        codes = self.encoder_.transform(labels)
        self.inner_ = RandomForestClassifier(30, random_state=0, min_samples_leaf=10).fit(features, codes)
        self.feature_names_in_ = np.array(list(features.columns), dtype=object)
        return self

    @property
    def classes_(self):
        return self.encoder_.classes_ if self.own_classes else self.inner_.classes_

    def predict(self, features):
        return self.encoder_.inverse_transform(self.inner_.predict(features))

    def predict_proba(self, features):
        return self.inner_.predict_proba(features)


class Decoding(Encoding):
    own_classes = True


def table(labels, role="test", rows=600, seed=1):
    draw = np.random.default_rng(seed)
    frame = pd.DataFrame(draw.normal(size=(rows, 3)), columns=FEATURES)
    place = (frame["a"] + 0.7 * draw.normal(size=rows)).rank(pct=True) * len(labels) - 1e-9
    frame["label"] = np.array(labels, dtype=object)[place.astype(int)]
    return make_table(role, target="label", sensitive=(), frame=frame)


def answer(kind, labels, task=SEVERAL):
    train, test = table(labels, "train", seed=2), table(labels)
    model = kind().fit(train.frame[FEATURES], train.frame["label"].to_numpy(dtype=type(labels[0])))
    known = known_labels(task, (train, test), model)
    return model, test, Question(model=model, task=task, known=known, proof=train).answer(test)


@pytest.mark.parametrize("labels", [("high", "low", "middle"), (1, 2, 3, 4, 5)])
def test_scores_of_inner_codes_are_no_scores_of_the_labels(labels):
    model, test, found = answer(Encoding, labels)
    assert found.predictions.scores is None
    assert "classes_" in found.scores_left_out
    assert (found.predictions.labels == model.predict(test.frame[FEATURES])).all()


@pytest.mark.parametrize("labels", [("high", "low", "middle"), (1, 2, 3, 4, 5)])
def test_scores_of_the_labels_are_kept(labels):
    model, test, found = answer(Decoding, labels)
    scores = model.predict_proba(test.frame[FEATURES])
    assert np.allclose(found.predictions.scores, scores)
    assert found.scores_left_out is None
    truth = test.frame["label"].to_numpy(dtype=type(labels[0]))
    assert roc_auc_score(truth, found.predictions.scores, multi_class="ovr") > 0.7


def test_scores_of_two_inner_codes_are_left_out_too():
    task = PredictionTask("binary-classification", "label", "yes")
    assert answer(Encoding, ("no", "yes"), task)[2].predictions.scores is None
    assert "predicts" in answer(Encoding, ("no", "yes"), task)[2].scores_left_out
    assert answer(Decoding, ("no", "yes"), task)[2].predictions.scores is not None


def test_a_detector_of_outliers_answers_with_labels_of_its_own():
    """All held-out rows are inliers (1), which is a label of the target too; among the training rows some are -1."""
    task = PredictionTask("binary-classification", "label", "1")
    train, test = table((0, 1), "train"), table((0, 1), rows=100)
    near = test.frame.assign(**dict.fromkeys(FEATURES, 0.0))
    test = make_table("test", target="label", sensitive=(), frame=near)
    model = IsolationForest(n_estimators=20, random_state=0, contamination=0.05).fit(train.frame[FEATURES])
    known = known_labels(task, (train, test), model)
    with pytest.raises(CheckError, match="to some train rows the model answers -1, which is no label of 'label'"):
        Question(model=model, task=task, known=known, proof=train).answer(test)


def test_rows_without_a_probability_have_no_prediction():
    class Gaps:
        def predict(self, features):
            return np.where(features["a"] > 2, np.nan, 1 / (1 + np.exp(-features["a"])))

    data = table(("0", "1"))
    gone = int((data.frame["a"] > 2).sum())
    task = PredictionTask("binary-classification", "label", "1")
    with pytest.raises(CheckError, match=f"^{gone} of 600 rows have no prediction"):
        Question(model=Gaps(), task=task, known={"0": "0", "1": "1"}, proof=data).answer(data)

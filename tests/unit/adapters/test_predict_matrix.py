"""Kinds of models x kinds of labels x {fitted well, labels exchanged, scores alone}: scikit-learn's accuracy, or a reason.

Every model below is one logistic regression (for four labels: one with four classes) behind another kind of output, so
that the right accuracy is known. "Not evaluated" is right wherever the output does not tell what it means; a wrong
number never is.
"""

import functools

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from aims_mlflow.adapters.meaning import NOT_CLEAR
from aims_mlflow.checks.statistics.labels import label_key
from aims_mlflow.errors import CheckError
from support.label_matrix import LABELS, accuracy, asked, tables


class Wrapped:
    """A fitted classifier behind an answer of another form."""

    def __init__(self, model, answer):
        self.model, self.answer = model, answer

    def predict(self, features):
        return self.answer(self.model, features)


class OwnClassifier(ClassifierMixin, BaseEstimator):
    """A class of somebody's own: it has classes_, and says that it has no probabilities."""

    def fit(self, features, labels):
        self.model_ = LogisticRegression(max_iter=2000).fit(features, labels)
        self.classes_ = self.model_.classes_
        return self

    def predict(self, features):
        return self.model_.predict(features)

    def predict_proba(self, features):
        raise NotImplementedError


class Columns(OwnClassifier):
    """A class whose predict gives the probabilities, in the order of its classes_."""

    def predict(self, features):
        return self.model_.predict_proba(features)


def named(names):
    return lambda m, x: pd.DataFrame(m.predict_proba(x), columns=names(m))


def labels_and(name, other):
    return lambda m, x: pd.DataFrame({name: m.predict(x), "probability": other(m.predict_proba(x))})


@functools.cache
def plain_model(labels):
    """The logistic regression for labels of a kind."""
    train, _ = tables(labels)
    return LogisticRegression(max_iter=2000).fit(train.features, train.frame["label"])


def fitted(kind, of_labels):
    """Return a model of a kind, and the logistic regression inside it."""
    data, plain = tables(of_labels)[0], plain_model(of_labels)
    features, labels = data.features, data.frame["label"]
    if kind == "scikit-learn":
        return plain, plain
    if kind == "pipeline":
        steps = make_pipeline(FunctionTransformer(lambda x: x * 2), StandardScaler(), LogisticRegression(max_iter=2000))
        steps.fit(features, labels)
        return steps, steps
    if kind in ("class without probabilities", "class that predicts columns"):
        own = (OwnClassifier if kind == "class without probabilities" else Columns)().fit(features, labels)
        return own, own.model_
    return Wrapped(plain, ANSWERS[kind]), plain


ANSWERS = {
    "labels": lambda m, x: m.predict(x),
    "list of labels": lambda m, x: m.predict(x).tolist(),
    "column of labels": lambda m, x: m.predict(x).reshape(-1, 1),
    "series": lambda m, x: pd.Series(m.predict(x), name="anything"),
    "categories": lambda m, x: pd.Series(m.predict(x)).astype("category"),
    "prediction and probability": labels_and("prediction", lambda p: p[:, -1]),
    "label and confidence": labels_and("label", lambda p: p.max(axis=1)),
    "dictionary": lambda m, x: {"probability": m.predict_proba(x)[:, 0], "prediction": m.predict(x)},
    "dictionaries": lambda m, x: [{"label": v, "score": 0.9} for v in m.predict(x)],
    "softmax": lambda m, x: m.predict_proba(x),
    "logits": lambda m, x: np.log(m.predict_proba(x) + 1e-12),
    "columns named by labels": named(lambda m: m.classes_),
    "columns named by prefixes": named(lambda m: [f"probability_{c}" for c in m.classes_]),
}
KINDS = ["scikit-learn", "pipeline", "class without probabilities", "class that predicts columns", *ANSWERS]


@pytest.mark.parametrize("labels", LABELS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_model_that_is_fitted_well_has_scikit_learns_accuracy(kind, labels):
    favourable = LABELS[labels][1]
    train, test = tables(labels)
    model, plain = fitted(kind, labels)
    found = asked(model, train, test, favourable)
    assert accuracy(found.labels, test) == pytest.approx(plain.score(test.features, test.frame["label"]), abs=1e-9)
    if found.scores is not None and found.scores.ndim == 1 and kind != "dictionaries":
        good = [label_key(c) for c in plain.classes_].index(label_key(favourable))
        np.testing.assert_allclose(found.scores, plain.predict_proba(test.features)[:, good], atol=1e-9)


EXCHANGED = {
    "labels": lambda m, x: np.roll(m.classes_, 1)[m.predict_proba(x).argmax(axis=1)],
    "prediction and probability": lambda m, x: pd.DataFrame(
        {
            "prediction": np.roll(m.classes_, 1)[m.predict_proba(x).argmax(axis=1)],
            "probability": m.predict_proba(x)[:, 0],
        }
    ),
    "softmax": lambda m, x: np.roll(m.predict_proba(x), 1, axis=1),
    "logits": lambda m, x: np.log(np.roll(m.predict_proba(x), 1, axis=1) + 1e-12),
    "two alone": lambda m, x: m.predict_proba(x)[:, [1, 0, *range(2, len(m.classes_))]],
    "columns named by labels": lambda m, x: pd.DataFrame(m.predict_proba(x), columns=np.roll(m.classes_, 1)),
    "text order": lambda m, x: m.predict_proba(x)[:, sorted(range(len(m.classes_)), key=lambda i: str(9 - i))],
}


@pytest.mark.parametrize("labels", LABELS)
@pytest.mark.parametrize("kind", EXCHANGED)
def test_a_model_whose_labels_are_exchanged_is_not_evaluated(kind, labels):
    favourable = LABELS[labels][1]
    train, test = tables(labels)
    plain = plain_model(labels)
    with pytest.raises(CheckError, match=NOT_CLEAR) as refused:
        asked(Wrapped(plain, EXCHANGED[kind]), train, test, favourable)
    assert "predict=" in str(refused.value.next)


def test_probabilities_that_contradict_the_labels_are_not_evaluated():
    class Contradicting(LogisticRegression):
        def predict_proba(self, X):
            return super().predict_proba(X)[:, ::-1]

        def predict(self, X):
            return self.classes_[(self.decision_function(X) > 0).astype(int)]

    train, test = tables("texts")
    model = Contradicting().fit(train.features, train.frame["label"])
    with pytest.raises(CheckError, match="scores agree with the labels of 1,000 train rows worse than chance"):
        asked(model, train, test, "yes")


SCORES = {
    "of the second label": lambda m, x: m.predict_proba(x)[:, 1],
    "of the first label": lambda m, x: m.predict_proba(x)[:, 0],
    "named by its label": lambda m, x: pd.DataFrame({f"p({m.classes_[0]})": m.predict_proba(x)[:, 0]}),
    "margin": lambda m, x: m.decision_function(x) if m.decision_function(x).ndim == 1 else m.decision_function(x)[:, 0],
    "frame of one": lambda m, x: pd.DataFrame({"score": m.predict_proba(x)[:, 1]}),
    "a random number": lambda m, x: np.random.default_rng(0).random(len(x)),
}


@pytest.mark.parametrize("labels", LABELS)
@pytest.mark.parametrize("kind", SCORES)
def test_a_score_alone_gives_scikit_learns_accuracy_or_a_reason(kind, labels):
    favourable = LABELS[labels][1]
    train, test = tables(labels)
    plain = plain_model(labels)
    right = favourable is not None and kind in ("of the second label", "frame of one", "named by its label")
    if not right:
        with pytest.raises(CheckError, match=NOT_CLEAR) as refused:
            asked(Wrapped(plain, SCORES[kind]), train, test, favourable)
        assert "predict=" in str(refused.value.next)
        return
    found = asked(Wrapped(plain, SCORES[kind]), train, test, favourable)
    assert accuracy(found.labels, test) == pytest.approx(plain.score(test.features, test.frame["label"]), abs=1e-9)
    np.testing.assert_allclose(found.scores, plain.predict_proba(test.features)[:, 1], atol=1e-9)

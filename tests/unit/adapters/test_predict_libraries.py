"""Classifiers of LightGBM, XGBoost, CatBoost and statsmodels x kinds of labels: the library's own accuracy, or a reason.

A library that takes codes alone is given them by a person, in sorted order as scikit-learn's LabelEncoder does, or in
another one. What the answer stands for is then seen by its numbers alone.
"""

import warnings
from collections.abc import Callable

import numpy as np
import pytest

from aims_mlflow.adapters.meaning import NOT_CLEAR
from aims_mlflow.errors import CheckError
from support.label_matrix import LABELS, accuracy, asked, tables

catboost = pytest.importorskip("catboost")
lightgbm = pytest.importorskip("lightgbm")
xgboost = pytest.importorskip("xgboost")
statsmodels = pytest.importorskip("statsmodels.api")


def lgbm_classifier(features, labels):
    return lightgbm.LGBMClassifier(n_estimators=10, verbose=-1).fit(features, labels)


def catboost_classifier(features, labels):
    model = catboost.CatBoostClassifier(iterations=20, verbose=False, allow_writing_files=False)
    return model.fit(features, labels)


# The answers to some features, as labels: the library says itself what it predicts.
OF_LABELS = {
    "LGBMClassifier": (lgbm_classifier, lambda m, x: m.predict(x)),
    "CatBoostClassifier": (catboost_classifier, lambda m, x: m.predict(x).ravel()),
}


@pytest.mark.parametrize("labels", LABELS)
@pytest.mark.parametrize("kind", OF_LABELS)
def test_a_classifier_that_takes_the_labels_themselves_is_evaluated(kind, labels):
    names, favourable = LABELS[labels]
    train, test = tables(labels)
    fit, answers = OF_LABELS[kind]
    model = fit(train.features, train.frame["label"])
    found = asked(model, train, test, favourable)
    assert accuracy(found.labels, test) == pytest.approx(accuracy(answers(model, test.features), test), abs=1e-9)
    assert accuracy(found.labels, test) > 1.5 / len(names)
    if favourable is not None:
        place = [str(c) for c in model.classes_].index(favourable)
        np.testing.assert_allclose(found.scores, model.predict_proba(test.features)[:, place], atol=1e-9)


def lgbm_booster(features, codes, classes):
    task = {"objective": "binary"} if classes == 2 else {"objective": "multiclass", "num_class": classes}
    return lightgbm.train({**task, "verbose": -1}, lightgbm.Dataset(features, codes), 10)


def xgb_booster(objective):
    def fit(features, codes, classes):
        task = {"objective": "binary:logistic"} if classes == 2 else {"objective": objective, "num_class": classes}
        return xgboost.train(task, xgboost.DMatrix(features, codes), 10)

    return fit


def xgb_classifier(features, codes, classes):
    return xgboost.XGBClassifier(n_estimators=10).fit(features, codes)


def logit(features, codes, classes):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        kind = statsmodels.Logit if classes == 2 else statsmodels.MNLogit
        return kind(codes, features).fit(disp=0, maxiter=50)


def codes_of(answer):
    """The codes that an answer of a library stands for: codes themselves, scores of code 1, or of each code."""
    answer = np.asarray(answer)
    if answer.ndim == 2:
        return answer.argmax(axis=1)
    return answer.astype(int) if (answer == np.rint(answer)).all() else (answer >= 0.5).astype(int)


OF_CODES = {
    "LightGBM's Booster": (lgbm_booster, lambda m, x: m.predict(x)),
    "XGBoost's Booster, scores": (xgb_booster("multi:softprob"), lambda m, x: m.predict(xgboost.DMatrix(x))),
    "XGBoost's Booster, codes": (xgb_booster("multi:softmax"), lambda m, x: m.predict(xgboost.DMatrix(x))),
    "XGBClassifier": (xgb_classifier, lambda m, x: m.predict(x)),
    "statsmodels": (logit, lambda m, x: m.predict(x)),
}
ORDERS: dict[str, Callable] = {"sorted": sorted, "another": lambda names: [*sorted(names)[1:], min(names)]}


@pytest.mark.parametrize("labels", LABELS)
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("kind", OF_CODES)
def test_a_model_of_codes_has_the_librarys_accuracy_or_a_reason(kind, order, labels):
    names, favourable = LABELS[labels]
    train, test = tables(labels)
    fit, answer = OF_CODES[kind]
    code_of = {name: code for code, name in enumerate(ORDERS[order](names))}
    model = fit(train.features, train.frame["label"].map(code_of).astype(int), len(names))
    answered = answer(model, test.features)
    said = [ORDERS[order](names)[code] for code in codes_of(answered)]
    scores = np.asarray(answered).ndim == 2 or codes_of(answered).tolist() != np.asarray(answered).tolist()
    if order != "sorted" or (isinstance(names[0], str) and not scores):
        with pytest.raises(CheckError, match=NOT_CLEAR) as refused:
            asked(model, train, test, favourable)
        assert "predict=" in str(refused.value.next)
        return
    found = asked(model, train, test, favourable)
    assert accuracy(found.labels, test) == pytest.approx(accuracy(said, test), abs=1e-9)
    assert accuracy(found.labels, test) > 1.5 / len(names)

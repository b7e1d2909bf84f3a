"""Features of one dimension, such as the texts that a vectorizer takes: as a Series, an array or a list."""

import numpy as np
import pandas as pd
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score
from sklearn.pipeline import make_pipeline

import aims_mlflow as aims
from support.captured_runs import config, one

pytestmark = pytest.mark.usefixtures("tracking")


def reviews(rows, seed):
    rng = np.random.default_rng(seed)
    good = rng.random(rows) < 0.5
    hint = [rng.choice(["great", "fine"] if kind else ["awful", "broken"]) for kind in good]
    texts = [f"the item {word if rng.random() < 0.7 else 'arrived'} {rng.choice(['today', 'box'])}" for word in hint]
    return pd.DataFrame(
        {"text": texts, "sex": rng.choice(["f", "m"], rows), "granted": np.where(good, "yes", "no")},
    )


@pytest.mark.parametrize("form", [lambda s: s, lambda s: s.to_numpy(), list], ids=["series", "array", "list"])
def test_texts_of_one_dimension_are_logged_and_measured(form):
    train, test = reviews(400, 1), reviews(300, 2)

    @aims.trains("loans", config=config())
    def fit(X_train, y_train, X_test, y_test, sensitive_train, sensitive_test):
        return make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(X_train, y_train)

    model = fit(
        form(train.text), train.granted, form(test.text), test.granted, train[["sex"]], test[["sex"]],
    )  # fmt: skip
    body = one("performance").evidence
    assert body.result == "passed", body.reason
    measured = {claim.metric: claim.value for claim in body.claims if not claim.slice}
    assert float(measured["accuracy"]) == pytest.approx(accuracy_score(test.granted, model.predict(test.text)))
    assert one("training-provenance").evidence.details["models"][0]["flavor"] == "sklearn"

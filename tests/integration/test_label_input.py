"""A model with the label among its inputs is not evaluated: its answers are no predictions."""

import pytest
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder
from sklearn.tree import DecisionTreeClassifier

import aims_mlflow as aims
from support import trainings
from support.captured_runs import FEATURES, config, one

pytestmark = pytest.mark.usefixtures("tracking")
FRAME = trainings.table(600)
COLUMNS = [*FEATURES, "granted"]


def trained(*steps):
    @aims.trains("loans", config=config())
    def train(train, test):
        return make_pipeline(*steps).fit(train[COLUMNS], train["granted"])

    train(FRAME[:360].copy(), FRAME[360:].copy())
    return one("performance").evidence


def test_a_model_that_takes_the_label_is_not_evaluated():
    encoder = make_column_transformer((OrdinalEncoder(), ["granted"]), remainder="passthrough")
    record = trained(encoder, DecisionTreeClassifier())
    assert record.result == "not_evaluated"
    assert "the model takes the label 'granted' as an input: " in record.reason
    assert "leave 'granted' out of the features" in record.reason
    assert not record.claims


def test_a_model_that_is_given_the_label_and_drops_it_is_evaluated():
    record = trained(make_column_transformer(("passthrough", FEATURES)), LogisticRegression())
    (accuracy,) = (c for c in record.claims if c.metric == "accuracy" and not c.slice)
    assert float(accuracy.value) > 0.7

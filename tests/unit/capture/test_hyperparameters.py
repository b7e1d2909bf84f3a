"""Hyper-parameters are those of the fitted model, nested parts too, and hold no data."""

import numpy as np
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder, StandardScaler

from aims_mlflow.capture.hyperparameters import hyperparameters


def test_an_estimator_tells_its_settings_as_text():
    told = hyperparameters(LogisticRegression(C=0.2, max_iter=500))
    assert (told["C"], told["max_iter"]) == ("0.2", "500")


def test_the_parts_of_a_pipeline_tell_theirs_with_their_names_and_no_part_stands_twice():
    encoder = make_column_transformer((OrdinalEncoder(), ["housing"]), remainder="passthrough")
    told = hyperparameters(make_pipeline(encoder, StandardScaler(), HistGradientBoostingClassifier(max_iter=61)))
    assert told["histgradientboostingclassifier__max_iter"] == "61"
    assert told["columntransformer__ordinalencoder__dtype"] == "numpy.float64"
    assert "steps" not in told
    assert not [name for name in told if name.startswith("steps.")]


def test_what_may_be_data_or_a_secret_has_the_reason_in_its_place():
    class Model:
        def get_params(self):
            return {"weights": np.zeros(4), "api_key": "s3cret", "depth": 3}

    told = hyperparameters(Model())
    assert told["depth"] == "3"
    assert told["weights"].startswith("(not recorded: a table or an array")
    assert "s3cret" not in str(told)


def test_a_booster_has_params_and_other_models_tell_nothing():
    class Booster:
        def __init__(self):
            self.params = {"num_leaves": 31}

    class Broken:
        def get_params(self):
            raise RuntimeError

    assert hyperparameters(Booster()) == {"num_leaves": "31"}
    assert hyperparameters(object()) == {}
    assert hyperparameters(Broken()) == {}

"""Classes of LightGBM that skops does not take are logged as pickles; a failed attempt of ours is no other model."""

import numpy as np
import pytest

import aims_mlflow as aims
from support.captured_runs import FEATURES, config, one
from support.framework_trainings import halves_of_numbers

lightgbm = pytest.importorskip("lightgbm")
pytestmark = pytest.mark.usefixtures("tracking")


def test_a_ranker_is_logged(capfd):
    train, test = halves_of_numbers()

    @aims.trains("loans", config=config(favourable=1))
    def fit(train, test):
        ranker = lightgbm.LGBMRanker(n_estimators=10, verbose=-1, n_jobs=1)
        return ranker.fit(train[FEATURES], train["granted"], group=[len(train)])

    fit(train, test)
    (model,) = one("training-provenance").evidence.details["models"]
    assert model["flavor"] == "lightgbm"
    assert "beside the model" not in capfd.readouterr().err


def own_objective(labels, raw):
    chance = 1 / (1 + np.exp(-raw))
    return chance - labels, chance * (1 - chance)


@pytest.mark.parametrize("objective", [None, own_objective], ids=["skops", "pickle"])
def test_the_flavour_is_told_what_the_classifier_goes_as(objective):
    from aims_mlflow.adapters.log_model import _lightgbm_format

    train, _ = halves_of_numbers()
    made = lightgbm.LGBMClassifier(n_estimators=10, verbose=-1, n_jobs=1, objective=objective)
    assert _lightgbm_format(made.fit(train[FEATURES], train["granted"])) == (
        "skops" if objective is None else "cloudpickle"
    )

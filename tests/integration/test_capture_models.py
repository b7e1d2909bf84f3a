"""Models of several libraries in one training, and a model beside the one in production."""

import pytest

import aims_mlflow as aims
from support.captured_runs import FEATURES, config, fit, one

pytestmark = pytest.mark.usefixtures("tracking")


def as_numbers(frame):
    return frame.assign(granted=(frame["granted"] == "yes").astype(int))


def booster(train):
    import lightgbm

    return lightgbm.train(
        {"objective": "binary", "verbose": -1}, lightgbm.Dataset(train[FEATURES], train["granted"]), 20
    )


def xgb_booster(train):
    import xgboost

    return xgboost.train({"objective": "binary:logistic"}, xgboost.DMatrix(train[FEATURES], train["granted"]), 20)


def lgbm(train):
    import lightgbm

    return lightgbm.LGBMClassifier(n_estimators=20, verbose=-1).fit(train[FEATURES], train["granted"])


def xgb(train):
    import xgboost

    return xgboost.XGBClassifier(n_estimators=20).fit(train[FEATURES], train["granted"])


def python_model(train):
    import mlflow

    class Threshold(mlflow.pyfunc.PythonModel):
        def predict(self, context, model_input, params=None):
            return (model_input["income"] > 3000).astype(int)

    return Threshold()


class OnlyPredict:
    """No library's model: an object with predict."""

    def predict(self, features):
        return (features["income"] > 3000).astype(int)


@pytest.mark.parametrize("make", [lgbm, booster, xgb, xgb_booster, lambda _: OnlyPredict()])
def test_any_model_with_predict(halves, make):
    @aims.trains("loans", config=config(favourable=1))
    def train(train, test):
        return make(train)

    train(*map(as_numbers, halves))
    accuracy = next(c for c in one("performance").evidence.claims if c.metric == "accuracy" and not c.slice)
    assert float(accuracy.value) > 0.7
    assert one("training-provenance").evidence.details["models"]


def test_a_pyfunc_model_logged_by_the_function_is_evaluated_from_its_bytes(halves):
    import mlflow

    @aims.trains("loans", config=config(favourable=1))
    def train(train, test):
        mlflow.pyfunc.log_model(name="threshold", python_model=python_model(train))

    train(*map(as_numbers, halves))
    assert one("training-provenance").evidence.details["models"][0]["name"] == "threshold"
    assert float(next(c for c in one("performance").evidence.claims if c.metric == "accuracy").value) > 0.7


def test_boosted_trees_are_not_written_twice(halves, monkeypatch):
    """skops refuses them, and says so after all trees are written."""
    import mlflow
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.pipeline import make_pipeline

    formats, log_model = [], mlflow.sklearn.log_model

    def logging(*args, **options):
        formats.append(options.get("serialization_format"))
        return log_model(*args, **options)

    @aims.trains("loans", config=config())
    def train(train, test, piped):
        trees = HistGradientBoostingClassifier(max_iter=2)
        return (make_pipeline(trees) if piped else trees).fit(train[FEATURES], train["granted"])

    monkeypatch.setattr(mlflow.sklearn, "log_model", logging)
    for piped in (False, True):
        train(halves[0], halves[1], piped)
    assert formats == ["cloudpickle", "cloudpickle"]


def test_a_training_is_compared_with_the_model_in_production(halves):
    """The first model has no rival, and says so; the next one names the version that it was compared with."""
    import mlflow

    settings = config()
    settings["system"]["production_alias"] = "champion"

    @aims.trains("loans", config=settings, register=True)
    def train(train, test):
        return fit(train)

    def gain():
        (found,) = [c for c in one("performance").evidence.claims if c.metric == "accuracy_over_production"]
        return found

    train(*halves)
    assert gain().value is None
    assert gain().note.startswith("not compared with models:/loans@champion: ")
    mlflow.MlflowClient().set_registered_model_alias("loans", "champion", "1")
    train(*halves)
    assert gain().value == "0"  # the same model again
    assert gain().note == (
        "accuracy minus that of models:/loans@champion (version 1), row by row; "
        "no range: these rows give none a width, which does not make the value sure"
    )

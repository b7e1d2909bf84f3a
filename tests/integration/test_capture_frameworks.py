"""Each library in its own flavour: evaluated as the library predicts, logged, loaded back and asked again.

PyTorch, Keras and transformers are in tests/frameworks.
"""

import pytest
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import aims_mlflow as aims
from support.captured_runs import FEATURES, config
from support.framework_trainings import check, halves_of_numbers, shown_accuracy

pytestmark = pytest.mark.usefixtures("tracking")


@pytest.fixture
def numbers():
    return halves_of_numbers()


def test_scikit_learn(numbers):
    check(
        numbers,
        lambda t: LogisticRegression().fit(t[FEATURES], t["granted"]),
        lambda m, t: m.predict(t[FEATURES]),
        "sklearn",
    )


class Ratio(TransformerMixin, BaseEstimator):
    """A step of the team's own."""

    def fit(self, features, labels=None):
        return self

    def transform(self, features):
        return features[FEATURES].assign(ratio=features["income"] * features["debt"])


def test_a_pipeline_with_a_step_of_ones_own(numbers):
    check(
        numbers,
        lambda t: make_pipeline(Ratio(), StandardScaler(), LogisticRegression()).fit(t[FEATURES], t["granted"]),
        lambda m, t: m.predict(t[FEATURES]),
        "sklearn",
        process="fresh",
    )


def test_lightgbm(numbers):
    lightgbm = pytest.importorskip("lightgbm")
    options = {"objective": "binary", "verbose": -1}
    output, model = check(
        numbers,
        lambda t: lightgbm.train(options, lightgbm.Dataset(t[FEATURES], t["granted"]), 10),
        lambda m, t: m.predict(t[FEATURES]) >= 0.5,
        "lightgbm",
    )
    assert (output["form"], output["proved"], model["inputs"]) == ("score", True, FEATURES)


def test_xgboost_with_categories(numbers):
    xgboost = pytest.importorskip("xgboost")
    halves = [h.assign(sex=h["sex"].astype("category")) for h in numbers]
    columns = [*FEATURES, "sex"]

    def matrix(t):
        return xgboost.DMatrix(t[columns], t["granted"], enable_categorical=True)

    check(
        halves,
        lambda t: xgboost.train({"objective": "binary:logistic"}, matrix(t), 10),
        lambda m, t: m.predict(matrix(t)) >= 0.5,
        "xgboost",
    )


def test_statsmodels(numbers):
    api = pytest.importorskip("statsmodels.formula.api")
    check(
        numbers,
        lambda t: api.logit("granted ~ income + debt", t).fit(disp=0),
        lambda m, t: m.predict(t) >= 0.5,
        "statsmodels",
    )


def test_catboost(numbers):
    catboost = pytest.importorskip("catboost")
    model = catboost.CatBoostClassifier(iterations=20, verbose=False, allow_writing_files=False)
    check(
        numbers,
        lambda t: model.fit(t[FEATURES], t["granted"]),
        lambda m, t: m.predict(t[FEATURES]),
        "catboost",
    )


def test_pyfunc_from_a_class(numbers):
    import mlflow

    class Threshold(mlflow.pyfunc.PythonModel):
        def predict(self, context, model_input, params=None):
            return (model_input["income"] > self.least).astype(int)

    def made(train):
        model = Threshold()
        model.least = float(train["income"].median())
        return model

    check(numbers, made, lambda m, t: (t["income"] > m.least).astype(int), "python_function", process="fresh")


def test_a_function(numbers):
    def made(train):
        least = float(train["income"].median())

        def answer(rows):
            return (rows["income"] > least).astype(int)

        return answer

    check(numbers, made, lambda m, t: m(t), "python_function", process="fresh")


def test_pyfunc_from_code(numbers, tmp_path):
    """Models from code: MLflow keeps the script and runs it when the model is loaded."""
    import mlflow

    script = tmp_path / "threshold_model.py"
    script.write_text(
        "import mlflow\nimport pandas as pd\n\n\n"
        "class Threshold(mlflow.pyfunc.PythonModel):\n"
        "    def predict(self, context, model_input, params=None):\n"
        "        good = (model_input['income'] > 0).astype(int)\n"
        "        return pd.DataFrame({'prediction': good, 'probability': 0.1 + 0.8 * good})\n\n\n"
        "mlflow.models.set_model(Threshold())\n"
    )

    @aims.trains("loans", config=config(favourable=1))
    def train(train, test):
        mlflow.pyfunc.log_model(name="threshold", python_model=str(script), pip_requirements=[])

    train(*numbers)
    body, measured = shown_accuracy()
    right = (numbers[1]["income"] > 0).astype(int) == numbers[1]["granted"]
    assert measured == pytest.approx(float(right.mean()), abs=1e-9)
    assert body.details["output"]["understood_from"] == "the names of the columns"
    assert body.details["output"]["loaded_back"] == {"process": "fresh", "rows": len(numbers[1])}

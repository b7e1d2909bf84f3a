"""What is logged predicts what the evidence says: `predict=` is stored, and the model is loaded back before it passes."""

import types

import mlflow
import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

import aims_mlflow as aims
from support.captured_runs import FEATURES, config, last_run, one

pytestmark = pytest.mark.usefixtures("tracking")


class Network:
    """Called, as a torch.nn.Module is; it has no predict."""

    def __init__(self, model):
        self.model = model

    def __call__(self, features):
        return self.model.predict_proba(features)[:, 1]


def labels(network, features):
    return np.where(network(features[FEATURES]) > 0.5, "yes", "no")


def trained(model, halves, **options):
    with aims.training("loans", config=config(), **options) as session:
        session.data(train=halves[0], test=halves[1])
        session.model(model(halves[0]) if callable(model) and not isinstance(model, Network) else model)
    return one("performance").evidence


def logged():
    outputs = mlflow.get_run(last_run()).outputs.model_outputs
    assert len(outputs) == 1, "no failed model stays in the run"
    return outputs[0].model_id


def accuracy(body):
    return float(next(c.value for c in body.claims if c.metric == "accuracy" and not c.slice))


def logistic(train):
    return LogisticRegression(max_iter=2000).fit(train[FEATURES], train["granted"])


def test_predict_is_stored_with_the_model_in_a_form_that_later_releases_of_mlflow_take(halves, recwarn):
    body = trained(Network(logistic(halves[0])), halves, predict=labels)
    assert not [w for w in recwarn if "invalid parameters" in str(w.message)]
    output = body.details["output"]
    assert output["function"]["stored"] == "with the model"
    assert output["loaded_back"] == {"process": "fresh", "rows": len(halves[1])}
    served = mlflow.pyfunc.load_model(f"models:/{logged()}")
    assert served.metadata.get_input_schema().input_names() == FEATURES
    again = served.predict(halves[1].drop(columns="granted"))
    assert accuracy(body) == pytest.approx(float(np.mean(again == halves[1]["granted"])), abs=1e-9)
    assert one("training-provenance").evidence.details["models"][0]["inputs"] == FEATURES


def test_a_model_of_installed_libraries_is_loaded_back_in_this_process(halves):
    body = trained(logistic, halves)
    assert body.details["output"]["loaded_back"] == {"process": "this", "rows": len(halves[1])}
    assert body.details["output"]["proved_on"] == "train"


def test_a_forest_leaves_one_model_in_the_run(halves):
    trained(lambda t: RandomForestClassifier(n_estimators=5).fit(t[FEATURES], t["granted"]), halves)
    assert mlflow.get_logged_model(logged()).status == "READY"


def test_a_module_of_the_teams_own_goes_with_the_model(halves, tmp_path, monkeypatch):
    """A server has no copy of the folder that the training's own modules are in."""
    (tmp_path / "lenders_own.py").write_text("def doubled(features):\n    return features * 2\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    import lenders_own

    def model(train):
        steps = make_pipeline(FunctionTransformer(lenders_own.doubled), LogisticRegression(max_iter=2000))
        return steps.fit(train[FEATURES], train["granted"])

    body = trained(model, halves)
    assert body.details["output"]["loaded_back"]["process"] == "fresh"


def test_a_logged_model_that_answers_otherwise_is_not_evaluated(halves):
    """Its answers hang on something that is not saved with it."""

    class Counting:
        asked = 0

        def __init__(self, model):
            self.model = model

        def predict(self, features):
            right = self.model.predict(features[FEATURES])
            return right if "here" in self.__dict__ else np.where(right == "yes", "no", "yes")

        def __getstate__(self):
            return {"model": self.model}

    def model(train):
        made = Counting(logistic(train))
        made.__dict__["here"] = True
        return made

    body = trained(model, halves)
    assert body.result == "not_evaluated"
    assert "the logged model answers otherwise than the fitted one: 240 of 240 rows differ" in body.reason
    assert one("fairness").evidence.result == "not_evaluated"


def test_a_logged_model_that_cannot_predict_is_not_evaluated(halves):
    """A module that is in memory alone is not there in another process."""
    module = types.ModuleType("only_in_memory")
    module.__dict__["cut"] = 3000

    class Own:
        def predict(self, features):
            import sys

            return np.where(features["income"] > sys.modules["only_in_memory"].cut, "yes", "no")

    import sys

    sys.modules["only_in_memory"] = module
    try:
        body = trained(Own(), halves)
    finally:
        del sys.modules["only_in_memory"]
    assert body.result == "not_evaluated"
    assert "the logged model cannot predict once it is loaded again (KeyError: 'only_in_memory')" in body.reason


def test_a_predict_that_cannot_be_stored_is_said(halves, tmp_path):
    with (tmp_path / "open.txt").open("w") as file:
        body = trained(Network(logistic(halves[0])), halves, predict=lambda n, x: (file.name, labels(n, x))[1])
    assert body.result == "not_evaluated"
    assert "predict= cannot be stored with the model" in body.reason
    assert logged(), "the model is logged all the same"


def test_predict_for_a_model_that_the_function_logged_is_kept_beside_it(halves):
    @aims.trains(
        "loans", config=config(), predict=lambda model, x: np.where(model.predict(x[FEATURES]) > 0.5, "yes", "no")
    )
    def train(train, test):
        numbers = LogisticRegression(max_iter=2000).fit(train[FEATURES], (train["granted"] == "yes").astype(int))
        mlflow.sklearn.log_model(numbers, name="numbers", serialization_format="skops")

    train(*halves)
    body = one("performance").evidence
    assert body.details["output"]["function"]["stored"] == "beside the model"
    assert [a.path for a in body.artifacts if a.path.endswith("predict.py")]
    assert accuracy(body) > 0.7


def test_a_classic_python_model_is_asked_through_mlflow(halves):
    class Classic(mlflow.pyfunc.PythonModel):
        def __init__(self, model):
            self.model = model

        def predict(self, context, model_input, params=None):
            return self.model.predict(model_input[FEATURES])

    body = trained(lambda t: Classic(logistic(t)), halves)
    expected = np.mean(logistic(halves[0]).predict(halves[1][FEATURES]) == halves[1]["granted"])
    assert accuracy(body) == pytest.approx(float(expected), abs=1e-9)
    assert body.details["output"]["loaded_back"]["process"] == "fresh"


def test_a_function_is_a_model(halves):
    fitted = logistic(halves[0])

    @aims.trains("loans", config=config())
    def train(train, test):
        return lambda features: fitted.predict(features[FEATURES])

    train(*halves)
    assert accuracy(one("performance").evidence) > 0.7


def test_the_reason_of_a_refused_signature_is_shown(halves):
    from mlflow.models import infer_signature

    whole = [part.assign(income=part["income"].round().astype(int)) for part in halves]
    model = logistic(whole[0])
    signature = infer_signature(whole[0][FEATURES], model.predict(whole[0][FEATURES]))

    class Given(mlflow.pyfunc.PythonModel):
        def predict(self, context, model_input, params=None):
            return model.predict(model_input)

    @aims.trains("loans", config=config())
    def train(train, test):
        mlflow.pyfunc.log_model(name="m", python_model=Given(), signature=signature, pip_requirements=[])

    train(whole[0], whole[1].assign(income=whole[1]["income"].where(whole[1].index != whole[1].index[0])))
    body = one("performance").evidence
    assert body.result == "not_evaluated"
    assert "Incompatible input types for column income" in body.reason


def test_a_model_that_asks_for_the_groups_is_stored_with_them(halves):
    from fairlearn.postprocessing import ThresholdOptimizer

    numbers = [part.assign(granted=(part["granted"] == "yes").astype(int)) for part in halves]

    @aims.trains("loans", config=config(favourable="1"))
    def train(X_train, y_train, X_test, y_test, sensitive_train, sensitive_test):
        model = ThresholdOptimizer(estimator=LogisticRegression(max_iter=2000), predict_method="predict_proba")
        return model.fit(X_train, y_train, sensitive_features=sensitive_train["sex"])

    parts = [(p[FEATURES], p["granted"]) for p in numbers]
    train(*parts[0], *parts[1], numbers[0][["sex"]], numbers[1][["sex"]])
    body = one("performance").evidence
    assert body.result != "not_evaluated", body.reason
    assert one("training-provenance").evidence.details["models"][0]["inputs"] == [*FEATURES, "sex"]


def test_the_card_lists_what_the_model_takes(halves):
    from aims_mlflow.evidence import tracking

    trained(logistic, halves)
    card = tracking.read_file(last_run(), "aims/model_card.md").decode()
    section = card.partition("## Input specification")[2].partition("\n## ")[0]
    assert "| income |" in section
    assert "sex" not in section

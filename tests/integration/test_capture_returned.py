"""What a function returns is its result; what it logged beside that is none, unless it is proved to be the same."""

import copy

import mlflow
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import aims_mlflow as aims
from aims_mlflow.evidence import tracking
from support.captured_runs import FEATURES, config, fit, last_run, one

pytestmark = pytest.mark.usefixtures("tracking")
REQUIREMENTS = ["scikit-learn"]


def log(model, name):
    return mlflow.sklearn.log_model(model, name=name, pip_requirements=REQUIREMENTS)


def a_weak_model(train):
    return LogisticRegression(C=1e-9).fit(train[["debt"]], train["granted"])


def logs_a_baseline(train):
    log(a_weak_model(train), "baseline")
    return fit(train)


def logs_its_scaler(train):
    log(StandardScaler().fit(train[FEATURES]), "baseline")
    return fit(train)


def logs_both(train):
    log(model := fit(train), "chosen")
    log(a_weak_model(train), "baseline")
    return model


def logs_a_copy(train):
    log(copy.deepcopy(model := fit(train)), "chosen")
    log(a_weak_model(train), "baseline")
    return model


def logs_a_pipeline_around_it(train):
    model = LogisticRegression()
    log(make_pipeline(StandardScaler(), model).fit(train[FEATURES], train["granted"]), "chosen")
    return model


def logs_functions_around_it(train):
    class Wrapper(mlflow.pyfunc.PythonModel):
        def __init__(self, model):
            self.model = model

        def predict(self, context, model_input, params=None):
            return self.model.predict(model_input[FEATURES])

    mlflow.pyfunc.log_model(name="chosen", python_model=Wrapper(model := fit(train)), pip_requirements=REQUIREMENTS)
    return model


def logs_by_autolog(train):
    mlflow.sklearn.autolog(silent=True)
    try:
        return fit(train)
    finally:
        mlflow.sklearn.autolog(disable=True)


def returns_what_mlflow_says_of_it(train):
    log(a_weak_model(train), "baseline")
    return log(fit(train), "chosen")


@pytest.mark.parametrize(
    ("script", "result", "others"),
    [
        (logs_a_baseline, "loans", ["baseline"]),
        (logs_its_scaler, "loans", ["baseline"]),
        (logs_both, "chosen", ["baseline"]),
        (logs_a_copy, "chosen", ["baseline"]),
        (logs_a_pipeline_around_it, "chosen", []),
        (logs_functions_around_it, "chosen", []),
        (logs_by_autolog, "model", []),
        (returns_what_mlflow_says_of_it, "chosen", ["baseline"]),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_the_returned_model_is_evaluated_and_registered_and_logged_once(halves, capsys, script, result, others):
    @aims.trains("loans", config=config(), register=True)
    def train(train, test):
        return script(train)

    train(*halves)
    logged = {model.name: model.model_id for model in mlflow.search_logged_models(output_format="list")}
    assert sorted(logged) == sorted([result, *others])
    trained = one("training-provenance").evidence.details
    assert [m["name"] for m in trained["models"]] == [result]
    assert trained.get("other_models", {}) == {logged[name]: name for name in others}
    performance = one("performance").evidence
    accuracy = next(c for c in performance.claims if c.metric == "accuracy" and not c.slice)
    assert float(accuracy.value) > 0.7
    (version,) = mlflow.MlflowClient().search_model_versions("name = 'loans'")
    assert version.source == f"models:/{logged[result]}"
    said = capsys.readouterr().err
    card = tracking.read_file(last_run(), "aims/model_card.md").decode()
    assert ("neither evaluated nor registered" in card) == bool(others)
    for name in others:
        assert f"{name} (`{logged[name]}`)" in card
        assert f"the function logged {name} (models:/{logged[name]}) beside the model that it returned" in said
    assert ("beside the model" in said) == bool(others)


def test_a_logged_scaler_is_no_model(halves, capsys):
    @aims.trains("loans", config=config())
    def train(train, test):
        log(StandardScaler().fit(train[FEATURES]), "scaler")

    train(*halves)
    training = one("training-provenance").evidence
    assert training.result == "not_evaluated"
    assert training.reason.startswith("no model was logged or returned")
    assert "could not be logged or read back" not in capsys.readouterr().err


def test_a_returned_model_that_cannot_be_logged_is_not_replaced_by_another(halves, tracking, capsys):
    class Locked:
        def predict(self, features):
            return features["income"] > 3000

        def __reduce__(self):
            raise TypeError

    @aims.trains("loans", config=config(), register=True)
    def train(train, test):
        log(a_weak_model(train), "baseline")
        return Locked()

    train(*halves)
    training = one("training-provenance").evidence
    assert (training.result, training.reason) == ("not_evaluated", "no model could be logged")
    assert not mlflow.MlflowClient().search_model_versions("name = 'loans'")
    assert "no model could be kept" in capsys.readouterr().err


def left(train, test):
    for strength in (1e-9, 1.0, 100.0):
        yield LogisticRegression(C=strength, max_iter=500).fit(train[FEATURES], train["granted"])


def breaks_off(models):
    for number, _ in enumerate(models):
        if number:
            break


def closes(models):
    next(models), next(models)
    models.close()


@pytest.mark.parametrize("leaves", [breaks_off, closes])
def test_a_generator_that_its_caller_leaves_has_its_last_model_as_result(halves, leaves):
    leaves(aims.trains("loans", config=config())(left)(*halves))
    run = mlflow.get_run(last_run())
    assert run.info.status == "FINISHED"
    (output,) = run.outputs.model_outputs
    assert mlflow.sklearn.load_model(f"models:/{output.model_id}").C == 1.0
    assert one("training-provenance").evidence.result == "passed"

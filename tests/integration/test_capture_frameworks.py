"""Each framework in its own flavour: evaluated as its library predicts, logged, loaded back and asked again.

`tox -e frameworks` installs those that are large; elsewhere a test whose framework is not installed is skipped.
"""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import aims_mlflow as aims
from support.captured_runs import FEATURES, config, one

pytestmark = pytest.mark.usefixtures("tracking")


@pytest.fixture
def numbers(halves):
    """Give the halves with the labels 0 and 1, and small numbers, which networks learn from."""
    scaled = [h.assign(income=(h["income"] - 3000) / 500).reset_index(drop=True) for h in halves]
    return [h.assign(granted=(h["granted"] == "yes").astype(int)) for h in scaled]


def check(halves, make, expected, flavour, *, process="this", predict=None, favourable=1):
    """Train under capture; `expected(model, test)` are the labels that the library itself gives."""
    made = []

    @aims.trains("loans", config=config(favourable=favourable), predict=predict)
    def train(train, test):
        made.append(make(train))
        return made[0]

    train(*halves)
    body = one("performance").evidence
    assert body.result != "not_evaluated", body.reason
    measured = float(next(c.value for c in body.claims if c.metric == "accuracy" and not c.slice))
    right = np.mean(np.asarray(expected(made[0], halves[1])) == halves[1]["granted"].to_numpy())
    assert measured == pytest.approx(float(right), abs=1e-9)
    assert measured > 0.7
    model = one("training-provenance").evidence.details["models"][0]
    assert model["flavor"] == flavour
    assert body.details["output"]["loaded_back"] == {"process": process, "rows": len(halves[1])}
    return body.details["output"], model


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


def sigmoid_network(torch, train, steps=200):
    network = torch.nn.Sequential(torch.nn.Linear(2, 1), torch.nn.Sigmoid())
    features = torch.tensor(train[FEATURES].to_numpy(), dtype=torch.float32)
    labels = torch.tensor(train[["granted"]].to_numpy(), dtype=torch.float32)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.1)
    for _ in range(steps):
        optimizer.zero_grad()
        torch.nn.functional.binary_cross_entropy(network(features), labels).backward()
        optimizer.step()
    return network.eval()


def asked(torch, network, table):
    with torch.no_grad():
        return network(torch.tensor(table[FEATURES].to_numpy(), dtype=torch.float32)).numpy()[:, 0]


def test_pytorch(numbers):
    torch = pytest.importorskip("torch")

    @aims.trains("loans", config=config(favourable=1))
    def train(X_train, y_train, X_test, y_test, sensitive_train, sensitive_test):
        return sigmoid_network(torch, X_train.assign(granted=y_train))

    halves = numbers
    parts = [(h[FEATURES], h["granted"]) for h in halves]
    network = train(*parts[0], *parts[1], halves[0][["sex"]], halves[1][["sex"]])
    body = one("performance").evidence
    assert body.result != "not_evaluated", body.reason
    measured = float(next(c.value for c in body.claims if c.metric == "accuracy" and not c.slice))
    right = (asked(torch, network, halves[1]) >= 0.5) == halves[1]["granted"].to_numpy()
    assert measured == pytest.approx(float(right.mean()), abs=1e-9)
    assert one("training-provenance").evidence.details["models"][0]["flavor"] == "pytorch"
    assert body.details["output"]["loaded_back"]["rows"] == len(halves[1])


def test_pytorch_with_a_predict_function(numbers):
    torch = pytest.importorskip("torch")

    def labels(network, features):
        import torch

        with torch.no_grad():
            scores = network(torch.tensor(features[FEATURES].to_numpy(), dtype=torch.float32))
        return (scores.numpy()[:, 0] >= 0.5).astype(int)

    output, model = check(
        numbers,
        lambda t: sigmoid_network(torch, t),
        lambda m, t: asked(torch, m, t) >= 0.5,
        "python_function",
        process="fresh",
        predict=labels,
    )
    assert output["function"]["stored"] == "with the model"
    assert model["inputs"] == FEATURES


def test_keras(numbers, monkeypatch):
    pytest.importorskip("torch")
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    keras = pytest.importorskip("keras")
    model = keras.Sequential([keras.layers.Input((2,)), keras.layers.Dense(1, activation="sigmoid")])
    model.compile(keras.optimizers.Adam(0.1), "binary_crossentropy")

    @aims.trains("loans", config=config(favourable=1))
    def train(X_train, y_train, X_test, y_test, sensitive_train, sensitive_test):
        model.fit(X_train, y_train, epochs=10, verbose=0)
        return model

    arrays = [(h[FEATURES].to_numpy(), h["granted"]) for h in numbers]
    train(*arrays[0], *arrays[1], numbers[0][["sex"]], numbers[1][["sex"]])
    body = one("performance").evidence
    assert body.result != "not_evaluated", body.reason
    measured = float(next(c.value for c in body.claims if c.metric == "accuracy" and not c.slice))
    right = (model.predict(arrays[1][0], verbose=0)[:, 0] >= 0.5) == numbers[1]["granted"].to_numpy()
    assert measured == pytest.approx(float(right.mean()), abs=1e-9)
    assert one("training-provenance").evidence.details["models"][0]["flavor"] == "keras"


def test_transformers(tmp_path):
    """A tiny network with random weights, whose last layer is set so that one word decides; nothing is downloaded."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "good", "bad", *(f"w{i}" for i in range(20))]
    (tmp_path / "vocab.txt").write_text("\n".join(words))
    tokenizer = transformers.BertTokenizerFast(vocab_file=str(tmp_path / "vocab.txt"))
    torch.manual_seed(0)
    small = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    settings = transformers.BertConfig(
        vocab_size=len(words), **small, num_labels=2, id2label={0: "no", 1: "yes"}, label2id={"no": 0, "yes": 1}
    )
    network = transformers.BertForSequenceClassification(settings)
    draw = np.random.default_rng(0)
    good = draw.random(300) < 0.5
    texts = [f"w{draw.integers(20)} {'good' if g else 'bad'} w{draw.integers(20)}" for g in good]
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
    batch = tokenizer(texts, return_tensors="pt", padding=True)
    for _ in range(30):
        optimizer.zero_grad()
        network(**batch, labels=torch.tensor(good.astype(int))).loss.backward()
        optimizer.step()
    frame = pd.DataFrame({"text": texts, "granted": np.where(good, "yes", "no")})
    halves = [frame[:200], frame[200:].reset_index(drop=True)]
    groups = [pd.DataFrame({"sex": draw.choice(["f", "m"], len(h))}) for h in halves]
    pipe = transformers.pipeline("text-classification", model=network.eval(), tokenizer=tokenizer)

    @aims.trains("loans", config=config())
    def train(X_train, y_train, X_test, y_test, sensitive_train, sensitive_test):
        return pipe

    train(halves[0][["text"]], halves[0]["granted"], halves[1][["text"]], halves[1]["granted"], groups[0], groups[1])
    body = one("performance").evidence
    assert body.result != "not_evaluated", body.reason
    measured = float(next(c.value for c in body.claims if c.metric == "accuracy" and not c.slice))
    right = [a["label"] == b for a, b in zip(pipe(halves[1]["text"].tolist()), halves[1]["granted"], strict=True)]
    assert measured == pytest.approx(float(np.mean(right)), abs=1e-9)
    assert one("training-provenance").evidence.details["models"][0]["flavor"] == "transformers"


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
    body = one("performance").evidence
    measured = float(next(c.value for c in body.claims if c.metric == "accuracy" and not c.slice))
    right = (numbers[1]["income"] > 0).astype(int) == numbers[1]["granted"]
    assert measured == pytest.approx(float(right.mean()), abs=1e-9)
    assert body.details["output"]["understood_from"] == "the names of the columns"
    assert body.details["output"]["loaded_back"] == {"process": "fresh", "rows": len(numbers[1])}

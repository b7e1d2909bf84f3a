"""PyTorch, Keras and transformers, each in its own flavour: evaluated as it predicts, logged, loaded back, asked again."""

import keras
import numpy as np
import pandas as pd
import pytest
import torch
import transformers

import aims_mlflow as aims
from support.captured_runs import FEATURES, config, one
from support.framework_trainings import check, halves_of_numbers, shown_accuracy

pytestmark = pytest.mark.usefixtures("tracking")


@pytest.fixture
def numbers():
    return halves_of_numbers()


def sigmoid_network(train, steps=200):
    network = torch.nn.Sequential(torch.nn.Linear(2, 1), torch.nn.Sigmoid())
    features = torch.tensor(train[FEATURES].to_numpy(), dtype=torch.float32)
    labels = torch.tensor(train[["granted"]].to_numpy(), dtype=torch.float32)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.1)
    for _ in range(steps):
        optimizer.zero_grad()
        torch.nn.functional.binary_cross_entropy(network(features), labels).backward()
        optimizer.step()
    return network.eval()


def asked(network, table):
    with torch.no_grad():
        return network(torch.tensor(table[FEATURES].to_numpy(), dtype=torch.float32)).numpy()[:, 0]


def test_pytorch(numbers):
    @aims.trains("loans", config=config(favourable=1))
    def train(X_train, y_train, X_test, y_test, sensitive_train, sensitive_test):
        return sigmoid_network(X_train.assign(granted=y_train))

    halves = numbers
    parts = [(h[FEATURES], h["granted"]) for h in halves]
    network = train(*parts[0], *parts[1], halves[0][["sex"]], halves[1][["sex"]])
    body, measured = shown_accuracy()
    right = (asked(network, halves[1]) >= 0.5) == halves[1]["granted"].to_numpy()
    assert measured == pytest.approx(float(right.mean()), abs=1e-9)
    assert one("training-provenance").evidence.details["models"][0]["flavor"] == "pytorch"
    assert body.details["output"]["loaded_back"]["rows"] == len(halves[1])


def test_pytorch_with_a_predict_function(numbers):
    def labels(network, features):
        import torch

        with torch.no_grad():
            scores = network(torch.tensor(features[FEATURES].to_numpy(), dtype=torch.float32))
        return (scores.numpy()[:, 0] >= 0.5).astype(int)

    output, model = check(
        numbers,
        sigmoid_network,
        lambda m, t: asked(m, t) >= 0.5,
        "python_function",
        process="fresh",
        predict=labels,
    )
    assert output["function"]["stored"] == "with the model"
    assert model["inputs"] == FEATURES


def test_keras(numbers):
    model = keras.Sequential([keras.layers.Input((2,)), keras.layers.Dense(1, activation="sigmoid")])
    model.compile(keras.optimizers.Adam(0.1), "binary_crossentropy")

    @aims.trains("loans", config=config(favourable=1))
    def train(X_train, y_train, X_test, y_test, sensitive_train, sensitive_test):
        model.fit(X_train, y_train, epochs=10, verbose=0)
        return model

    arrays = [(h[FEATURES].to_numpy(), h["granted"]) for h in numbers]
    train(*arrays[0], *arrays[1], numbers[0][["sex"]], numbers[1][["sex"]])
    _, measured = shown_accuracy()
    right = (model.predict(arrays[1][0], verbose=0)[:, 0] >= 0.5) == numbers[1]["granted"].to_numpy()
    assert measured == pytest.approx(float(right.mean()), abs=1e-9)
    assert one("training-provenance").evidence.details["models"][0]["flavor"] == "keras"


def test_transformers(tmp_path):
    """A tiny network with random weights, whose last layer is set so that one word decides; nothing is downloaded."""
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
    _, measured = shown_accuracy()
    right = [a["label"] == b for a, b in zip(pipe(halves[1]["text"].tolist()), halves[1]["granted"], strict=True)]
    assert measured == pytest.approx(float(np.mean(right)), abs=1e-9)
    assert one("training-provenance").evidence.details["models"][0]["flavor"] == "transformers"

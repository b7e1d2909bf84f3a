"""Networks of PyTorch and Keras x their last layer x kinds of labels: the network's own accuracy, or a reason.

Each network is a logistic regression, written as one linear layer, saved in its flavour and asked through MLflow as a
server asks it. A network knows no labels: what its columns stand for is seen by their order and proved by its numbers.
"""

import keras
import mlflow
import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from aims_mlflow.adapters.meaning import NOT_CLEAR
from aims_mlflow.errors import CheckError
from support.label_matrix import LABELS, accuracy, asked, tables


class Float32(torch.nn.Module):
    """MLflow hands a table of doubles to a network of PyTorch."""

    def __init__(self, layers):
        super().__init__()
        self.layers = layers

    def forward(self, rows):
        return self.layers(rows.float())


def in_pytorch(weights, bias, last):
    linear = torch.nn.Linear(*weights.shape)
    with torch.no_grad():
        linear.weight.copy_(torch.tensor(weights.T))
        linear.bias.copy_(torch.tensor(bias))
    layers = {"sigmoid": torch.nn.Sigmoid(), "softmax": torch.nn.Softmax(dim=1), "logits": torch.nn.Identity()}
    return Float32(torch.nn.Sequential(linear, layers[last])).eval()


def in_keras(weights, bias, last):
    activation = {"logits": "linear"}.get(last, last)
    network = keras.Sequential([keras.layers.Input((2,)), keras.layers.Dense(weights.shape[1], activation=activation)])
    network.layers[0].set_weights([weights, bias])
    return network


FRAMEWORKS = {
    "pytorch": (
        in_pytorch,
        lambda m, p: mlflow.pytorch.save_model(m, p, serialization_format="pickle", pip_requirements=[]),
    ),
    "keras": (in_keras, lambda m, p: mlflow.keras.save_model(m, p, pip_requirements=[])),
}


def saved(framework, labels, last, folder, exchanged=0):
    """Save a network whose columns are in the order of the labels, or turned by some places; return it as served."""
    train, _ = tables(labels)
    plain = LogisticRegression(max_iter=2000).fit(train.features, train.frame["label"])
    weights, bias = plain.coef_.T, plain.intercept_
    if last != "sigmoid":
        if weights.shape[1] == 1:
            weights, bias = np.hstack([0 * weights, weights]), np.array([0, bias[0]])
        weights, bias = np.roll(weights, exchanged, axis=1), np.roll(bias, exchanged)
    elif exchanged:
        weights, bias = -weights, -bias
    make, save = FRAMEWORKS[framework]
    save(make(weights.astype("float32"), bias.astype("float32"), last), str(folder))
    return mlflow.pyfunc.load_model(str(folder)), plain


CASES = [
    (label, last)
    for label in LABELS
    for last in ("sigmoid", "softmax", "logits")
    if last != "sigmoid" or LABELS[label][1]
]


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize(("labels", "last"), CASES)
def test_a_network_has_the_accuracy_of_the_regression_that_it_is(framework, labels, last, tmp_path):
    train, test = tables(labels)
    served, plain = saved(framework, labels, last, tmp_path / "model")
    found = asked(served, train, test, LABELS[labels][1])
    assert accuracy(found.labels, test) == pytest.approx(plain.score(test.features, test.frame["label"]), abs=0.002)
    if last != "logits" and LABELS[labels][1] is not None:
        np.testing.assert_allclose(found.scores, plain.predict_proba(test.features)[:, 1], atol=1e-5)


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize(("labels", "last"), CASES)
def test_a_network_whose_labels_are_exchanged_is_not_evaluated(framework, labels, last, tmp_path):
    train, test = tables(labels)
    served, _ = saved(framework, labels, last, tmp_path / "model", exchanged=1)
    with pytest.raises(CheckError, match=NOT_CLEAR) as refused:
        asked(served, train, test, LABELS[labels][1])
    assert "predict=" in str(refused.value.next)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_one_number_without_a_last_layer_is_no_probability(framework, tmp_path):
    train, test = tables("0 and 1")
    make, save = FRAMEWORKS[framework]
    save(
        make(np.array([[3.0], [0.0]], dtype="float32"), np.zeros(1, dtype="float32"), "logits"), str(tmp_path / "model")
    )
    with pytest.raises(CheckError, match="neither labels nor probabilities") as refused:
        asked(mlflow.pyfunc.load_model(str(tmp_path / "model")), train, test, "1")
    assert "predict=" in str(refused.value.next)

"""Tables with labels of five kinds, which models of every kind are asked about."""

import functools

import numpy as np
import pandas as pd

from aims_mlflow.adapters.predict import Question, known_labels
from aims_mlflow.adapters.tables import make_table
from aims_mlflow.checks.statistics.labels import label_key
from aims_mlflow.checks.tables.task import PredictionTask

LABELS = {
    "0 and 1": ((0, 1), "1"),
    "texts": (("no", "yes"), "yes"),
    "booleans": ((False, True), "True"),
    "twelve numbers": (tuple(range(12)), None),
    "four texts": (("c", "a", "d", "b"), None),
}
FEATURES = ["a", "b"]


@functools.cache
def tables(kind):
    """Return train and test rows with labels of a kind; the kind is the key, since (0, 1) equals (False, True)."""
    labels = LABELS[kind][0]
    draw = np.random.default_rng(5)
    frame = pd.DataFrame(draw.normal(size=(1600, 2)), columns=FEATURES)
    place = ((frame["a"] + 0.2 * draw.normal(size=1600)).rank(pct=True) * len(labels) - 1e-9).astype(int)
    frame["label"] = pd.Series([labels[i] for i in place])
    halves = frame[:1000].reset_index(drop=True), frame[1000:].reset_index(drop=True)
    return [
        make_table(r, target="label", sensitive=(), frame=f) for r, f in zip(("train", "test"), halves, strict=True)
    ]


def asked(model, train, test, favourable):
    several = train.frame["label"].nunique() > 2
    task = PredictionTask("multiclass-classification" if several else "binary-classification", "label", favourable)
    question = Question(model=model, task=task, known=known_labels(task, (train, test), model), proof=train)
    return question.answer(test).predictions


def accuracy(labels, table):
    return np.mean([label_key(a) == label_key(b) for a, b in zip(labels, table.frame["label"], strict=True)])

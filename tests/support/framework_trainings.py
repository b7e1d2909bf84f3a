"""A training with a model of any framework under capture: its evidence must say what the framework itself gives."""

import numpy as np
import pytest

import aims_mlflow as aims
from support import trainings
from support.captured_runs import config, one


def halves_of_numbers():
    """Return train and test rows with the labels 0 and 1, and small numbers, which networks learn from."""
    frame = trainings.table(600)
    frame = frame.assign(income=(frame["income"] - 3000) / 500, granted=(frame["granted"] == "yes").astype(int))
    return [frame[:360].reset_index(drop=True), frame[360:].reset_index(drop=True)]


def shown_accuracy():
    """Return the evidence of performance in the last run, and the accuracy that it shows."""
    body = one("performance").evidence
    assert body.result != "not_evaluated", body.reason
    return body, float(next(c.value for c in body.claims if c.metric == "accuracy" and not c.slice))


def check(halves, make, expected, flavour, *, process="this", predict=None, favourable=1):
    """Train under capture; `expected(model, test)` are the labels that the library itself gives."""
    made = []

    @aims.trains("loans", config=config(favourable=favourable), predict=predict)
    def train(train, test):
        made.append(make(train))
        return made[0]

    train(*halves)
    body, measured = shown_accuracy()
    right = np.mean(np.asarray(expected(made[0], halves[1])) == halves[1]["granted"].to_numpy())
    assert measured == pytest.approx(float(right), abs=1e-9)
    assert measured > 0.7
    model = one("training-provenance").evidence.details["models"][0]
    assert model["flavor"] == flavour
    assert body.details["output"]["loaded_back"] == {"process": process, "rows": len(halves[1])}
    return body.details["output"], model

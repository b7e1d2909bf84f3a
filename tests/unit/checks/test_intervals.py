"""Every interval that a check of data or performance prints contains its own estimate, and none has a width of 0 at 0."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from aims_mlflow.checks.packs import load_pack
from aims_mlflow.checks.runner import run_check
from aims_mlflow.checks.tables.predictions import Predictions
from aims_mlflow.checks.tables.task import PredictionTask
from aims_mlflow.checks.tables.validation import make_dataset
from aims_mlflow.records.pack import Population

SHOWN = ("exact (Clopper-Pearson", "score, Bonferroni", "normal, chance in each bin")  # ADR 12
SEEDS = range(6)
TASKS = {"tabular-classification": 2, "tabular-multiclass": 3, "tabular-regression": 0}


def made(pack, rows, seed):
    """A table with zeros, gaps and a nearly constant column, and a model that is good in even seeds, a guess in odd."""
    rng = np.random.default_rng(seed)
    labels = TASKS[pack.name]
    x = rng.normal(size=rows)
    frame = pd.DataFrame(
        {
            "x": np.where(rng.random(rows) < 0.1, np.nan, x),
            "gain": np.where(rng.random(rows) < 0.95, 0, rng.integers(1, 99, rows)),
            "same": np.where(np.arange(rows) == 0, 1.0, 0.0),
            "sex": rng.choice(["F", "M"], rows, p=[0.3, 0.7]),
        }
    )
    if not labels:
        frame["y"] = x + rng.normal(size=rows)
        predictions = Predictions(x if seed % 2 == 0 else rng.normal(size=rows))
    else:
        chance = 1 / (1 + np.exp(-x)) if seed % 2 == 0 else np.full(rows, 0.5) + rng.uniform(-0.2, 0.2, rows)
        frame["y"] = np.where(rng.random(rows) < 1 / (1 + np.exp(-x)), "b", "a")
        if labels == 3:
            frame.loc[rng.random(rows) < 0.2, "y"] = "c"
        predictions = Predictions(np.where(chance > 0.5, "b", "a"), chance if labels == 2 else None)
    favourable = "b" if labels == 2 else None
    data = make_dataset("test", frame, PredictionTask(pack.task, "y", favourable), sensitive=["sex"])
    return replace(data, predictions=predictions)


@pytest.mark.parametrize("name", TASKS)
@pytest.mark.parametrize("check", ["performance", "representativeness", "leakage"])
def test_every_interval_contains_its_own_estimate(name, check):
    seen = 0
    for found in measured(name, check):
        if found.interval is None or found.value is None:
            continue
        low, value, high = (float(number) for number in (found.interval.low, found.value, found.interval.high))
        assert low <= value <= high, found
        assert found.metric != "proxy_information" or high > low, found
        seen += 1
    assert seen >= len(SEEDS)


@pytest.mark.parametrize("name", TASKS)
@pytest.mark.parametrize("check", ["performance", "representativeness", "leakage", "fairness"])
def test_an_interval_is_called_95_percent_only_where_it_was_shown_to_cover(name, check):
    for found in measured(name, check):
        if found.interval is not None and not found.interval.is_range:
            assert found.interval.method.startswith(SHOWN), found


def measured(name, check):
    """Every claim of a check about tables of two sizes."""
    shipped = load_pack(name)
    people = Population(column="sex", shares={"F": "0.3", "M": "0.7"}, source="census")
    settings = shipped.representativeness.model_copy(update={"populations": (people,)})
    pack = shipped.model_copy(update={"representativeness": settings})
    for seed in SEEDS:
        outcome = run_check(check, made(pack, [90, 900][seed % 2], seed), pack)
        assert outcome.claims, outcome.reason
        yield from outcome.claims

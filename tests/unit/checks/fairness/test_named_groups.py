"""A group that is too small, or set aside, is named for those comparisons that were measured of the others."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from aims_mlflow.checks.fairness import fairness
from aims_mlflow.checks.tables.predictions import Predictions
from aims_mlflow.checks.tables.task import PredictionTask
from aims_mlflow.checks.tables.validation import make_dataset
from aims_mlflow.records.pack import Fairness, Pack


@pytest.mark.parametrize("entries", [[], [{"column": "group", "group": "c", "reason": "an old form"}]])
def test_a_group_that_is_only_named_is_so_for_what_was_measured_of_the_others(entries):
    rng = np.random.default_rng(0)
    price = rng.gamma(2.0, 50.0, 1500)
    group = np.concatenate([["c"] * 5, rng.choice(["a", "b"], 1495, p=[0.7, 0.3])])
    frame = pd.DataFrame({"group": group, "price": price})
    made = make_dataset("test", frame, PredictionTask(target="price", kind="regression"), sensitive=["group"])
    data = replace(made, predictions=Predictions(price + rng.normal(0, 10, 1500), None, None))
    pack = Pack(name="p", version="1", description="d", task="regression", fairness=Fairness(set_aside=entries))
    claims = fairness.run(data, pack).claims
    told = {c.metric for c in claims if c.slice == {"group": "c"}}
    assert told
    assert told <= {c.metric for c in claims if c.value is not None}

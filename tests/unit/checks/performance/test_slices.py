"""The worst slice names who is not among the slices."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from aims_mlflow.checks.performance import performance
from aims_mlflow.checks.tables.predictions import Predictions
from aims_mlflow.checks.tables.task import PredictionTask
from aims_mlflow.checks.tables.validation import make_dataset


@pytest.mark.parametrize(
    ("small", "told"),
    [
        ({"d": 9, "e": 3}, "; not among them, with too few rows to show: group=d, group=e"),
        ({"d": 12, "e": 11}, ""),  # pooled: among the slices, as one group
        ({f"s{i}": 2 for i in range(9)}, "group=s0, group=s1, group=s2, group=s3, group=s4, group=s5 and 3 more"),
    ],
)
def test_who_is_not_among_the_slices_is_named_beside_the_worst(small, told, value_of, empty_pack):
    sizes = {"a": 400, "b": 200, **small}
    frame = pd.DataFrame({"group": np.repeat(list(sizes), list(sizes.values()))})
    frame["y"] = np.where(np.arange(len(frame)) % 2, "yes", "no")
    data = make_dataset("test", frame, PredictionTask(target="y", favourable="yes"), sensitive=["group"])
    claims = performance.run(replace(data, predictions=Predictions(frame["y"])), empty_pack).claims
    note = value_of(claims, "worst_slice_accuracy").note
    assert note.endswith(told)
    assert told or "not among them" not in note

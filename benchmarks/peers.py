"""What two peers take for the same tables, in an interpreter of their own: they ask for other releases than we do.

python3 -m venv peers && peers/bin/pip install venturalitica nannyml statsmodels
python benchmarks/checks.py --rows 100000 --peers peers/bin/python

nannyml measures univariate drift. venturalitica measures completeness, class imbalance, accuracy, precision, recall and
four differences between the groups of `sex`, each with 1,000 resamples of the rows, as its README shows `enforce`.
"""

import contextlib
import io
import json
import os
import sys
import time
from pathlib import Path

os.environ.update(DO_NOT_TRACK="1", NML_DISABLE_USAGE_LOGGING="1")  # nobody hears of a benchmark
MEASURES = (
    "data_completeness", "class_imbalance", "accuracy_score", "precision_score", "recall_score",
    "demographic_parity_diff", "equal_opportunity_diff", "equalized_odds_ratio", "predictive_parity",
)  # fmt: skip


def policy():
    """Return an OSCAL component definition, which is the form that its loader reads today."""
    wanted = [
        {
            "control-id": metric,
            "description": "a benchmark",
            "props": [
                {"name": "metric_key", "value": metric},
                {"name": "threshold", "value": "0.5"},
                {"name": "operator", "value": "<"},
                {"name": "input:dimension", "value": "sex"},
            ],
        }
        for metric in MEASURES
    ]
    component = {"control-implementations": [{"implemented-requirements": wanted}]}
    return {"component-definition": {"metadata": {"title": "a benchmark"}, "components": [component]}}


def nannyml_drift(train, test):
    """Measure the drift of every column, with the two methods that its page recommends; returns how many."""
    import nannyml

    columns = list(train.columns)
    nannyml.UnivariateDriftCalculator(
        column_names=columns, continuous_methods=["wasserstein"], categorical_methods=["jensen_shannon"]
    ).fit(train).calculate(test)
    return len(columns)


def venturalitica_enforce(test, predictions):
    """Measure what its policy names; returns how many measures came out."""
    import venturalitica

    Path("policy.yaml").write_text(json.dumps(policy()))
    frame = test.assign(label=(test["label"] == "yes").astype(int), prediction=(predictions == "yes").astype(int))
    return len(
        venturalitica.enforce(
            data=frame, target="label", prediction="prediction", dimension="sex", policy="policy.yaml"
        )
    )


def main(name, folder):
    """Print one object: the peer's seconds, and how many results it gave."""
    import numpy as np
    import pandas as pd

    os.chdir(folder)  # venturalitica leaves a folder of its results behind
    train, test = (pd.read_parquet(f"{seed}.parquet") for seed in (0, 1))
    predictions = np.where(np.load("1.npy") > 0.5, "yes", "no")
    function, arguments = {
        "nannyml": (nannyml_drift, (train, test)),
        "venturalitica": (venturalitica_enforce, (test, predictions)),
    }[name]
    with contextlib.redirect_stdout(io.StringIO()):
        function(*[each[:200] for each in arguments])  # pays for the imports
        started = time.perf_counter()
        results = function(*arguments)
    print(json.dumps({"s": time.perf_counter() - started, "results": results}))


if __name__ == "__main__":
    main(*sys.argv[1:])

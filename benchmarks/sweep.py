"""What 200 trials of a sweep cost with @aims.trains, against the same sweep without, in one run.

    python benchmarks/sweep.py [--trials 200] [--rows 20000] [--json]

Both sweeps run interleaved, trial by trial, in child runs of one MLflow on SQLite; each trial logs one metric.
"""

import argparse
import contextlib
import io
import json
import logging
import os
import statistics
import tempfile
import time
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="aims-benchmark-"))
    os.environ.update(AIMS_HOME=str(folder / "home"), MLFLOW_DISABLE_TELEMETRY="true")
    os.chdir(folder)
    heard = io.StringIO()
    with contextlib.redirect_stderr(heard):
        plain, ours, first = sweep(options.trials, options.rows)
    out = {
        "trials": options.trials,
        "rows": options.rows,
        "plain_s": round(sum(plain), 2),
        "aims_s": round(sum(ours), 2),
        "first_trial_s": round(first, 2),
        "plain_trial_ms": round(statistics.median(plain) * 1000, 1),
        "aims_trial_ms": round(statistics.median(ours) * 1000, 1),
        "added_share": round(sum(ours) / sum(plain) - 1, 4),
    }
    if options.json:
        print(json.dumps(out))
    else:
        print(
            f"{out['trials']} trials: {out['plain_s']} s without, {out['aims_s']} s with, {out['added_share']:+.1%} "
            f"(the first trial, with the data's evidence, {out['first_trial_s']} s)"
        )


def sweep(trials: int, rows: int) -> tuple[list[float], list[float], float]:
    import mlflow
    import numpy as np
    import pandas as pd
    from sklearn.ensemble import RandomForestClassifier

    import aims_mlflow as aims

    logging.getLogger("mlflow").setLevel(logging.ERROR)
    mlflow.set_tracking_uri("sqlite:///mlflow.db")
    draw = np.random.default_rng(0)
    table = pd.DataFrame(draw.normal(size=(rows, 10)), columns=[f"x{i}" for i in range(10)])
    table["sex"] = draw.choice(["f", "m"], rows)
    table["label"] = (table["x0"] + draw.normal(size=rows) > 0).astype(int)
    train_set, test_set = table[: rows * 7 // 10], table[rows * 7 // 10 :]
    config = {
        "system": {"id": "bench", "owner": "a@example.org", "intended_use": "benchmark", "affected_groups": ["nobody"]},
        "data": {"target": "label", "favourable": 1, "sensitive": ["sex"]},
    }

    def fit(train, test, seed):
        columns = [f"x{i}" for i in range(10)]
        model = RandomForestClassifier(n_estimators=12, max_depth=8, random_state=seed, n_jobs=1)
        model.fit(train[columns], train["label"])
        mlflow.log_metric("accuracy", model.score(test[columns], test["label"]))
        return model

    decorated = aims.trains("bench", config=config)(fit)

    def trial(parent: str, function, seed: int) -> float:
        started = time.perf_counter()
        with mlflow.start_run(run_id=parent), mlflow.start_run(nested=True):
            function(train_set, test_set, seed)
        return time.perf_counter() - started

    parents = []
    for name in ("plain", "aims"):
        with mlflow.start_run(run_name=name) as run:
            parents.append(run.info.run_id)
    trial(parents[0], fit, 9999)
    first = trial(parents[1], decorated, 9999)
    plain, ours = [], []
    for seed in range(trials):
        plain.append(trial(parents[0], fit, seed))
        ours.append(trial(parents[1], decorated, seed))
    return plain, ours, first


if __name__ == "__main__":
    main()

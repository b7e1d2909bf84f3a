"""What @aims.trains adds to a small training whose model is logged, beside the same script without it, in one run.

    python benchmarks/small.py [--rows 2000] [--calls 4] [--rounds 5] [--json]

The script makes a table, fits a scikit-learn pipeline in a run of its own, and logs parameter, metric and model; it is
the same on both sides but for the decorator. It names the model's requirements: left to itself, MLflow loads the model
in another process to find them, which takes more seconds, on both sides, than the difference that is measured. Each
round runs each side in a fresh process, the two in turn, on its own copy of a ready SQLite store. The first call counts
from the process's first line, imports included; each further call counts alone. The figures are medians over the
rounds; what is added is the difference of the two sides. `cpu` has the same in processor time, which other work on
the machine changes less.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

SIDES = ("plain", "aims")
SCRIPT = """
import time
def now():
    return time.perf_counter(), time.process_time()
started = time.perf_counter(), 0.0
import sys
import mlflow
import numpy as np
import pandas as pd
import sklearn
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

side, rows, calls = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
draw = np.random.default_rng(0)
table = pd.DataFrame(draw.normal(size=(rows, 8)), columns=[f"x{i}" for i in range(8)])
table["sex"] = draw.choice(["f", "m"], rows)
table["label"] = np.where(table["x0"] + draw.normal(size=rows) > 0, "yes", "no")
train_table, test_table = table[: rows * 7 // 10], table[rows * 7 // 10 :]
columns = [f"x{i}" for i in range(8)]

def train(train, test, C):
    with mlflow.start_run():
        mlflow.log_param("C", C)
        model = make_pipeline(StandardScaler(), LogisticRegression(C=C)).fit(train[columns], train["label"])
        mlflow.log_metric("accuracy", model.score(test[columns], test["label"]))
        signature = mlflow.models.infer_signature(test[columns], model.predict(test[columns]))
        named = [f"scikit-learn=={sklearn.__version__}"]
        mlflow.sklearn.log_model(model, name="loans", signature=signature, pip_requirements=named)
    return model

if side == "aims":
    import aims_mlflow as aims
    train = aims.trains("bench", config={
        "system": {"id": "bench", "owner": "a@example.org", "intended_use": "benchmark", "affected_groups": ["nobody"]},
        "data": {"target": "label", "favourable": "yes", "sensitive": ["sex"]},
    })(train)

seconds = []
for call in range(calls):
    train(train_table, test_table, C=1.0 + call)
    ended = now()
    seconds += [end - start for end, start in zip(ended, started)]
    started = ended
print("SECONDS", *seconds)
runs = mlflow.search_runs(output_format="list")
assert len(runs) == calls, f"{len(runs)} runs of {calls} calls"
assert side == "plain" or all(run.data.tags.get("aims.session") for run in runs), "a call left no evidence"
"""
READY = "import mlflow; mlflow.set_experiment(experiment_id='0')"


def in_folder(folder: Path, *arguments: str) -> str:
    """Run Python in a folder of its own; returns what it printed."""
    environment = {
        **os.environ,
        "AIMS_HOME": str(folder / "home"),
        "MLFLOW_TRACKING_URI": f"sqlite:///{folder / 'mlflow.db'}",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    }
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    return done.stdout


def seconds_of(side: str, ready: Path, rows: int, calls: int) -> list[list[float]]:
    """Return the seconds of each call of one side, in a fresh process: by the clock, and of the processor."""
    with tempfile.TemporaryDirectory(prefix="aims-benchmark-") as place:
        folder = Path(place, "store")
        shutil.copytree(ready, folder)
        (folder / "script.py").write_text(SCRIPT)
        printed = in_folder(folder, "script.py", side, str(rows), str(calls))
    line = next(line for line in printed.splitlines() if line.startswith("SECONDS"))
    seconds = [float(word) for word in line.split()[1:]]
    return [seconds[0::2], seconds[1::2]]


def told(found: dict[str, list[list[float]]]) -> dict[str, float]:
    """Return the medians of both sides and what is added; `found` has the seconds of each process's calls by side."""
    out = {}
    for name, part in (("first", slice(0, 1)), ("next", slice(1, None))):
        plain, ours = (statistics.median([s for calls in found[side] for s in calls[part]]) for side in SIDES)
        out |= {f"{name}_plain_s": plain, f"{name}_aims_s": ours, f"{name}_added_s": ours - plain}
    return {name: round(value, 3) for name, value in out.items()}


def measure(rows: int, calls: int, rounds: int) -> dict[str, Any]:
    """Return `told` by the clock, and under `cpu` in processor time."""
    seen: dict[str, list[list[list[float]]]] = {side: [] for side in SIDES}
    with tempfile.TemporaryDirectory(prefix="aims-benchmark-") as place:
        ready = Path(place)
        in_folder(ready, "-c", READY)
        for turn in range(rounds):
            for side in SIDES if turn % 2 == 0 else SIDES[::-1]:
                seen[side].append(seconds_of(side, ready, rows, calls))
    clock, cpu = (told({side: [seconds[i] for seconds in seen[side]] for side in SIDES}) for i in (0, 1))
    return {**clock, "cpu": cpu}


def main() -> None:
    """Measure, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--calls", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    found = measure(asked.rows, asked.calls, asked.rounds)
    if asked.json:
        print(json.dumps({"rows": asked.rows, "calls": asked.calls, "rounds": asked.rounds, **found}))
        return
    for name, what in (("first", "first call, imports included"), ("next", "each further call")):
        plain, ours, added = (found[f"{name}_{part}_s"] for part in ("plain", "aims", "added"))
        print(f"{what:<30} {plain:6.2f} s without, {ours:6.2f} s with, {added:+.2f} s")


if __name__ == "__main__":
    main()

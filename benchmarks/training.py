"""What @aims.trains adds around a scikit-learn fit, in one run: plain MLflow, enforce, observe, and the checks alone.

    python benchmarks/training.py [--rows 1000000] [--held-out ROWS] [--fit-seconds 60] [--rounds 3] [--json]

A training table of 20 columns and a held-out one of a tenth of its rows, with sensitive columns; a pack with 20
expectations and drift from histograms; MLflow on SQLite. A small training pays the imports first, and a short fit
tells how many boosting iterations make one of `--fit-seconds`. Each round trains three times, in another order:
plainly (the run, the fit, log_model), with mode="enforce" and with mode="observe". The fits are the same work and
vary by more than what is added, so what is around each fit is compared, and the fits are told apart. The plain run
evaluates nothing, and names its requirements, as ours finds them without MLflow's loading of the model in another
process; so predicting the held-out table is in what is added (`predict_s`), and not in the checks alone.

One OpenMP thread, unless OMP_NUM_THREADS says otherwise: on a busy machine threads wait for each other, and fits of
the same work differ fivefold. Seconds are those of the clock; `cpu` has the same figures in processor time, which
other work beside it changes less.
"""

import argparse
import contextlib
import io
import json
import logging
import os
import tempfile
import time
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np

from checks import files_of, note, pack, rounded, table

os.environ.setdefault("OMP_NUM_THREADS", "1")
MODES = ("plain", "enforce", "observe")
SENSITIVE = ["sex", "race"]
WARM_UP_ROWS = 2000
TRIED = 20, 120  # iterations of the two fits that tell how long one takes; the first ones take longer
ROOM = 1.02  # a fit shall not end before the time that was asked for


def config_in(folder, method="histogram"):
    """Write the pack into `folder`; returns an aims.yaml's content that names it."""
    chosen, _ = pack(method)
    path = Path(folder, "pack.yaml")
    path.write_text(chosen.model_dump_json(exclude_none=True))
    return {
        "system": {"id": "bench", "owner": "a@example.org", "intended_use": "benchmark", "affected_groups": ["nobody"]},
        "data": {"target": "label", "favourable": "yes", "sensitive": SENSITIVE},
        "pack": str(folder),
    }


def now():
    """Return the clock and the processor time of this process, in seconds, shape (2,)."""
    return np.array([time.perf_counter(), time.process_time()])


def fitted(train, iterations):
    """Return a fitted model and how long the fit took."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    model = HistGradientBoostingClassifier(max_iter=iterations, early_stopping=False, random_state=0)
    started = now()
    model.fit(train.drop(columns="label"), train["label"])
    return model, now() - started


def plainly(train, iterations):
    """Train as one does without us; returns the model and the fit's seconds."""
    import mlflow
    import sklearn

    features = train.drop(columns="label").head(200)
    with mlflow.start_run(run_name="plain"):
        model, seconds = fitted(train, iterations)
        mlflow.sklearn.log_model(
            model,
            name="bench",
            signature=mlflow.models.infer_signature(features, model.predict(features)),
            pip_requirements=[f"scikit-learn=={sklearn.__version__}"],
            serialization_format="cloudpickle",  # skops, the default, does not take this estimator
        )
    return model, seconds


def with_us(mode, train, test, iterations, config):
    """Train under @aims.trains; returns the model and the fit's seconds."""
    import aims_mlflow as aims

    took = []

    @aims.trains("bench", config=config, mode=mode)
    def train_it(train, test, iterations):  # noqa: ARG001  what it is given is what is checked
        model, seconds = fitted(train, iterations)
        took.append(seconds)
        return model

    return train_it(train, test, iterations), took[0]


def one(mode, train, test, iterations, config):
    """Return the model, the seconds of the whole call, and those of the fit inside."""
    started = now()
    with contextlib.redirect_stderr(io.StringIO()):
        if mode == "plain":
            model, fit = plainly(train, iterations)
        else:
            model, fit = with_us(mode, train, test, iterations, config)
    return model, now() - started, fit


def checks_alone(model, train, test, folder):
    """Return the seconds of each check that a session runs; the held-out data is predicted before the clock starts."""
    import joblib

    from aims_mlflow.checks.quality.leakage import overlap
    from aims_mlflow.checks.runner import run_check
    from aims_mlflow.checks.tables.predictions import EvaluatedModel, Predictions
    from aims_mlflow.checks.tables.task import PredictionTask
    from aims_mlflow.checks.tables.validation import make_dataset

    folder_of_model = Path(tempfile.mkdtemp(dir=folder))
    joblib.dump(model, folder_of_model / "model.pkl")
    chosen, _ = pack("histogram")
    names = [c for c in test.columns if c != "label"]
    one, two = (
        make_dataset(role, frame, PredictionTask(target="label", favourable="yes"), sensitive=SENSITIVE)
        for role, frame in (("train", train), ("test", test))
    )
    said = replace(
        two,
        predictions=Predictions(
            model.predict(test[names]), model.predict_proba(test[names])[:, list(model.classes_).index("yes")]
        ),
        model=EvaluatedModel(predict=lambda frame: model.predict(frame[names]), folder=folder_of_model),
    )
    asked = {
        "data_quality_train": lambda: run_check("data_quality", one, chosen),
        "data_quality_test": lambda: run_check("data_quality", two, chosen),
        "overlap": lambda: overlap(one.frame, two.frame, chosen.leakage),
        "representativeness": lambda: run_check("representativeness", one, chosen),
        "performance": lambda: run_check("performance", said, chosen),
        "fairness": lambda: run_check("fairness", said, chosen),
        "robustness": lambda: run_check("robustness", said, chosen),
        "drift": lambda: run_check("drift", two, chosen, one),
        "drift_baseline": lambda: run_check("drift_baseline", one, chosen, said),
    }
    seconds = {}
    for name, check in asked.items():
        started = now()
        outcome = check()
        seconds[name] = now() - started
        if getattr(outcome, "result", "") == "not_evaluated" and not outcome.claims:
            raise SystemExit(f"{name}: {outcome.reason}")
    return seconds


def iterations_of(train, seconds):
    """Return how many iterations make a fit of about so many seconds where nothing else runs."""
    (_, few), (_, more) = (fitted(train, n) for n in TRIED)
    each = max((more - few)[1], 1e-4) / (TRIED[1] - TRIED[0]) / int(os.environ["OMP_NUM_THREADS"])
    return max(1, round(seconds * ROOM / each))


def predicting(model, test):
    """Return the seconds that the model's scores for the held-out table take."""
    started = now()
    model.predict_proba(test.drop(columns="label"))
    return now() - started


def measure(rows, held_out, fit_seconds, rounds, folder):
    """Return the one object that is printed."""
    import pandas as pd

    started = now()
    import mlflow

    logging.getLogger("mlflow").setLevel(logging.ERROR)
    mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
    config = config_in(folder)
    small = table(WARM_UP_ROWS, 0)[0], table(WARM_UP_ROWS, 1)[0]
    for mode in MODES:
        model, *_ = one(mode, *small, 5, config)
    checks_alone(model, *small, folder)
    imports = now() - started
    train, test = (pd.read_parquet(file) for file in files_of(folder, rows))
    test = test.head(held_out).copy()
    iterations = iterations_of(train, fit_seconds)
    whole, fits, checks = {mode: [] for mode in MODES}, {mode: [] for mode in MODES}, []
    predictions = []
    for turn in range(rounds):
        for step in range(len(MODES)):
            mode = MODES[(turn + step) % len(MODES)]
            note(f"round {turn + 1} of {rounds}, {mode}, {iterations} iterations ...")
            model, total, fit = one(mode, train, test, iterations, config)
            whole[mode].append(total)
            fits[mode].append(fit)
        checks.append(checks_alone(model, train, test, folder))
        predictions.append(predicting(model, test))
    evidence_there(config["system"]["id"], 2 * (rounds + 1))
    return {
        "rows": rows,
        "held_out_rows": held_out,
        "iterations": iterations,
        "rounds": rounds,
        "imports_s": imports[0],
        **told(whole, fits, checks, predictions, 0),
        "cpu": told(whole, fits, checks, predictions, 1),
    }


def told(whole, fits, checks, predictions, clock):
    """Return medians over the rounds, by one of the two clocks, and what follows from them."""

    def median(found):
        return float(np.median([seconds[clock] for seconds in found]))

    fit = median([seconds for found in fits.values() for seconds in found])
    around = {m: median([total - inside for total, inside in zip(whole[m], fits[m], strict=True)]) for m in MODES}
    added = {mode: around[mode] - around["plain"] for mode in MODES[1:]}
    alone = {name: median([found[name] for found in checks]) for name in checks[0]}
    return {
        "fit_s": fit,
        **{f"{mode}_s": fit + around[mode] for mode in MODES},
        "added_enforce_s": added["enforce"],
        "added_observe_s": added["observe"],
        "checks_histogram_s": sum(alone.values()),
        "predict_s": median(predictions),
        "over_checks_s": added["enforce"] - sum(alone.values()),
        "share_of_fit": added["enforce"] / (fit + around["plain"]),
        "observe_share_of_fit": added["observe"] / (fit + around["plain"]),
        "fits_s": {mode: median(found) for mode, found in fits.items()},
        "checks": alone,
    }


def evidence_there(system, expected):
    """Stop where a session left no complete evidence: the time of one that failed early says nothing."""
    import mlflow

    found = mlflow.search_runs(search_all_experiments=True, output_format="list")
    sessions = [run for run in found if run.data.tags.get("aims.system") == system]
    if len(sessions) != expected:
        raise SystemExit(f"{len(sessions)} of {expected} sessions left their evidence")


def readable(found):
    rows = f"{found['rows']:,} + {found['held_out_rows']:,}"
    lines = [f"{rows} rows x 20 columns, fit {found['fit_s']:.1f} s, medians of {found['rounds']} rounds"]
    lines.append(f"  plain run and log_model {found['plain_s']:8.2f} s")
    for mode in MODES[1:]:
        added = f"{found[f'added_{mode}_s']:+.2f} s, {found['cpu'][f'added_{mode}_s']:+.2f} s of processor time"
        lines.append(f"  {mode:<23} {found[f'{mode}_s']:8.2f} s, {added}")
    lines.append(f"  the checks alone        {found['checks_histogram_s']:8.2f} s")
    lines += [f"    {name:<21} {seconds:8.2f} s" for name, seconds in found["checks"].items()]
    lines.append(f"  one prediction          {found['predict_s']:8.2f} s")
    lines.append(
        f"  over the checks         {found['over_checks_s']:8.2f} s; {found['share_of_fit']:.1%} of the plain run"
    )
    lines.append(f"  imports and warm-up     {found['imports_s']:8.2f} s, apart")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--held-out", type=int, metavar="ROWS", help="a tenth of the rows, unless said")
    parser.add_argument("--fit-seconds", type=float, default=60, help="how long a fit shall take")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    held_out = min(asked.held_out or asked.rows // 10, asked.rows)
    before = Path.cwd()
    with tempfile.TemporaryDirectory(prefix="aims-benchmark-") as folder:
        os.environ.update(AIMS_HOME=f"{folder}/home", MLFLOW_DISABLE_TELEMETRY="true")
        os.chdir(folder)
        try:
            found = rounded(measure(asked.rows, held_out, asked.fit_seconds, asked.rounds, folder))
        finally:
            os.chdir(before)
    print(json.dumps(found, indent=1) if asked.json else readable(found))


if __name__ == "__main__":
    main()

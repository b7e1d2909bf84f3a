"""What @aims.trains adds around a scikit-learn fit, in one run: a plain MLflow run, enforce, observe, and the checks alone.

    python benchmarks/training.py [--rows 100000] [--iterations 60] [--rounds 3] [--json]

Train and held-out tables of 20 columns, each of so many rows, with sensitive columns; a pack with 20 expectations and
drift from histograms; MLflow on SQLite. A small training pays the imports first. Each round trains three times, in
another order: plainly (the run, the fit, log_model), with mode="enforce" and with mode="observe". The fits are the
same work and vary by more than what is added, so what is around each fit is compared, and the fits are told apart.
The plain run names its requirements, as ours finds them without MLflow's loading of the model in another process.
`--iterations` sets how long a fit takes: about 300 make one of 60 s at a million rows on 2 cores.
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
import warnings
from dataclasses import replace
from pathlib import Path

from checks import files_of, pack, rounded, table

MODES = ("plain", "enforce", "observe")
SENSITIVE = ["sex", "race"]
WARM_UP_ROWS = 2000


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


def fitted(train, iterations):
    """Return a fitted model and how long the fit took."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    model = HistGradientBoostingClassifier(max_iter=iterations, early_stopping=False, random_state=0)
    started = time.perf_counter()
    model.fit(train.drop(columns="label"), train["label"])
    return model, time.perf_counter() - started


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
    def train_it(train, test, iterations):
        model, seconds = fitted(train, iterations)
        took.append(seconds)
        return model

    return train_it(train, test, iterations), took[0]


def one(mode, train, test, iterations, config):
    """Return the model, the seconds of the whole call, and those of the fit inside."""
    started = time.perf_counter()
    if mode == "plain":
        model, fit = plainly(train, iterations)
    else:
        model, fit = with_us(mode, train, test, iterations, config)
    return model, time.perf_counter() - started, fit


def checks_alone(model, train, test, folder):
    """Return the seconds of each check that a session runs; the held-out data is predicted before the clock starts."""
    import joblib

    from aims_mlflow.checks.inputs import make_dataset
    from aims_mlflow.checks.leakage import overlap
    from aims_mlflow.checks.runner import run_check

    held = Path(tempfile.mkdtemp(dir=folder))
    joblib.dump(model, held / "model.pkl")
    chosen, _ = pack("histogram")
    names = [c for c in test.columns if c != "label"]
    one, two = (
        make_dataset(role, frame, target="label", favourable="yes", sensitive=SENSITIVE)
        for role, frame in (("train", train), ("test", test))
    )
    said = replace(
        two,
        predictions=model.predict(test[names]),
        scores=model.predict_proba(test[names])[:, list(model.classes_).index("yes")],
        predict=lambda frame: model.predict(frame[names]),
        model_folder=held,
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
        started = time.perf_counter()
        outcome = check()
        seconds[name] = time.perf_counter() - started
        if getattr(outcome, "result", "") == "not_evaluated":
            raise SystemExit(f"{name}: {outcome.reason}")
    return seconds


def measure(rows, iterations, rounds, folder):
    """Return the one object that is printed."""
    import pandas as pd

    started = time.perf_counter()
    import mlflow

    logging.getLogger("mlflow").setLevel(logging.ERROR)
    mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
    config = config_in(folder)
    small = table(WARM_UP_ROWS, 0)[0], table(WARM_UP_ROWS, 1)[0]
    for mode in MODES:
        model, *_ = one(mode, *small, 5, config)
    checks_alone(model, *small, folder)
    imports = time.perf_counter() - started
    train, test = (pd.read_parquet(file) for file in files_of(folder, rows))
    whole, fits, checks = {mode: [] for mode in MODES}, {mode: [] for mode in MODES}, []
    for turn in range(rounds):
        for step in range(len(MODES)):
            mode = MODES[(turn + step) % len(MODES)]
            model, total, fit = one(mode, train, test, iterations, config)
            whole[mode].append(total)
            fits[mode].append(fit)
        checks.append(checks_alone(model, train, test, folder))
    evidence_there(config["system"]["id"], 2 * (rounds + 1))
    return {"rows": rows, "iterations": iterations, "rounds": rounds, **told(whole, fits, checks), "imports_s": imports}


def told(whole, fits, checks):
    """Return medians over the rounds, and what follows from them."""
    fit = statistics.median(seconds for found in fits.values() for seconds in found)
    around = {
        mode: statistics.median(total - inside for total, inside in zip(whole[mode], fits[mode], strict=True))
        for mode in MODES
    }
    added = {mode: around[mode] - around["plain"] for mode in MODES[1:]}
    alone = {name: statistics.median(found[name] for found in checks) for name in checks[0]}
    return {
        "fit_s": fit,
        **{f"{mode}_s": fit + around[mode] for mode in MODES},
        "fits_s": {mode: statistics.median(found) for mode, found in fits.items()},
        "added_enforce_s": added["enforce"],
        "added_observe_s": added["observe"],
        "checks_histogram_s": sum(alone.values()),
        "over_checks_s": added["enforce"] - sum(alone.values()),
        "share_of_fit": added["enforce"] / (fit + around["plain"]),
        "observe_share_of_fit": added["observe"] / (fit + around["plain"]),
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
    lines = [f"{found['rows']:,} rows x 20 columns, fit {found['fit_s']:.1f} s, medians of {found['rounds']} rounds"]
    lines.append(f"  plain run and log_model {found['plain_s']:8.2f} s")
    for mode in MODES[1:]:
        lines.append(f"  {mode:<23} {found[f'{mode}_s']:8.2f} s, {found[f'added_{mode}_s']:+.2f} s")
    lines.append(f"  the checks alone        {found['checks_histogram_s']:8.2f} s")
    lines += [f"    {name:<21} {seconds:8.2f} s" for name, seconds in found["checks"].items()]
    lines.append(f"  over the checks         {found['over_checks_s']:8.2f} s; {found['share_of_fit']:.1%} of the plain run")
    lines.append(f"  imports and warm-up     {found['imports_s']:8.2f} s, apart")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--iterations", type=int, default=60, help="boosting iterations: how long a fit takes")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    before, heard = os.getcwd(), io.StringIO()
    with tempfile.TemporaryDirectory(prefix="aims-benchmark-") as folder:
        os.environ.update(AIMS_HOME=f"{folder}/home", MLFLOW_DISABLE_TELEMETRY="true")
        os.chdir(folder)
        try:
            with contextlib.redirect_stderr(heard):
                found = rounded(measure(asked.rows, asked.iterations, asked.rounds, folder))
        finally:
            os.chdir(before)
    print(json.dumps(found, indent=1) if asked.json else readable(found))


if __name__ == "__main__":
    main()

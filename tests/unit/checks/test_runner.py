import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from aims_mlflow.checks.performance import performance
from aims_mlflow.checks.runner import CHECKS, run_check
from aims_mlflow.checks.statistics import threads
from aims_mlflow.checks.tables.predictions import EvaluatedModel, Predictions
from aims_mlflow.errors import ConfigError

HEAVY = ("mlflow", "pandas", "numpy", "sklearn", "scipy", "great_expectations", "fairlearn", "evidently", "matplotlib")


def test_a_mistake_in_the_input_is_not_evaluated_with_one_sentence(scored, empty_pack):
    outcome = run_check("fairness", replace(scored(), predictions=Predictions(np.array(["maybe"] * 2000))), empty_pack)
    assert outcome.result == "not_evaluated"
    assert "neither label of 'repaid'" in outcome.reason
    assert (outcome.kind, outcome.controls, outcome.claims) == ("fairness", ("A.6.2.4", "A.5.4"), ())


def test_an_exception_is_not_evaluated_and_its_message_stays_out(scored, empty_pack, monkeypatch):
    def broken(*_):
        raise ValueError("could not convert string to float: 'Erika Mustermann'")

    monkeypatch.setattr(performance, "run", broken)
    outcome = run_check("performance", scored(), empty_pack)
    assert outcome.result == "not_evaluated"
    assert outcome.reason.startswith("the performance check could not run: ValueError at test_runner.py:")
    assert "Erika" not in repr(outcome)


def test_a_library_that_ends_the_process_is_not_evaluated(scored, empty_pack, monkeypatch):
    def ends(*_):
        raise SystemExit(0)

    monkeypatch.setattr(performance, "run", ends)
    assert run_check("performance", scored(), empty_pack).result == "not_evaluated"


def test_a_check_without_its_reference_is_not_evaluated(scored, empty_pack):
    outcome = run_check("drift", scored(), empty_pack)
    assert (outcome.result, outcome.controls) == ("not_evaluated", ("A.6.2.4", "A.7.2"))
    assert "training data" in outcome.reason


def test_an_unknown_check_is_named_with_the_nearest(scored, empty_pack):
    with pytest.raises(ConfigError, match="no check 'fairnes', did you mean 'fairness'"):
        run_check("fairnes", scored(), empty_pack)


def test_every_check_makes_an_evidence_kind_that_the_catalog_knows():
    from aims_mlflow.catalog.loader import require_kind

    for info in CHECKS.values():
        require_kind(info.kind)


@pytest.mark.parametrize("name", list(CHECKS))
def test_every_check_runs(name, scored, table, empty_pack, record):
    from aims_mlflow.checks.packs import load_pack
    from aims_mlflow.checks.tables.task import PredictionTask
    from aims_mlflow.checks.tables.validation import make_dataset

    train = make_dataset(
        "train", table(1200), PredictionTask(target="repaid", favourable="yes"), sensitive=["sex", "race"]
    )
    test = scored(800)
    test = replace(test, model=EvaluatedModel(predict=lambda frame: np.where(frame["income"] > 2000, "yes", "no")))
    outcome = run_check(name, test, load_pack("tabular-classification"), train)
    assert outcome.result != "not_evaluated", outcome.reason
    assert outcome.kind == CHECKS[name].kind
    record(outcome)


def test_nothing_heavy_is_imported_before_a_check_runs():
    script = (
        "import importlib, pkgutil, sys\n"
        "import aims_mlflow.checks as checks\n"
        "for module in pkgutil.walk_packages(checks.__path__, 'aims_mlflow.checks.'):\n"
        "    importlib.import_module(module.name)\n"
        "from aims_mlflow.checks.packs import load_pack, pack_digest\n"
        "pack_digest(load_pack('tabular-classification'))\n"
        f"print([m for m in {HEAVY!r} if m in sys.modules])"
    )
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("check", ["representativeness", "drift"])
def test_columns_looked_at_in_threads_give_the_same_claims(check, scored, empty_pack, monkeypatch):
    data, train = scored(3000), scored(3000, seed=2)
    alone = run_check(check, data, empty_pack, train).claims
    monkeypatch.setattr(threads, "LARGE", 1)
    assert run_check(check, data, empty_pack, train).claims == alone
    with pytest.raises(ZeroDivisionError):
        threads.side_by_side(lambda n: 1 // n, [1, 0], 10)

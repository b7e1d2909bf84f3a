"""However a training ends after its fit, the fitted model is there, the run says so, and the evidence verifies."""

import os
import re
import signal
import time
from pathlib import Path

import mlflow
import pytest

import aims_mlflow as aims
from aims_mlflow.audit.report import Report
from aims_mlflow.audit.run_files import check_evidence
from aims_mlflow.capture import ending, evaluation, kept_models
from aims_mlflow.errors import DataError, Unreachable
from aims_mlflow.evidence import patience as waits
from aims_mlflow.evidence import tracking as evidence_in
from aims_mlflow.evidence.run_source import open_source
from aims_mlflow.evidence.trust import trusted_keys
from support import trainings
from support.captured_runs import FEATURES, config, fit, last_run, one, records

pytestmark = pytest.mark.usefixtures("tracking")
FRAME = trainings.table(300)
HALVES = FRAME[:200], FRAME[200:]


def trained(**more):
    @aims.trains("loans", config=config(), **more)
    def train(train, test, rate=0.1):
        return fit(train)

    return train


def problems(run_id):
    report = Report(run_id)
    check_evidence(report, open_source(f"runs:/{run_id}", trusted_keys()))
    return [problem.sentence() for problem in report.problems]


def verifies(run_id):
    assert problems(run_id) == []


def stopped_by(error, folder):
    """Return a `predict=` that is stopped once: it is stored with the model, which is asked again later."""
    before = folder / "stopped"

    def predict(model, features):
        if before.exists():
            return model.predict(features)
        before.touch()
        if isinstance(error, signal.Signals):
            os.kill(os.getpid(), error)
            time.sleep(5)
        raise error

    return predict


@pytest.mark.parametrize(
    ("error", "raised"),
    [(KeyboardInterrupt(), KeyboardInterrupt), (SystemExit(3), SystemExit), (signal.SIGTERM, SystemExit)],
    ids=["Ctrl-C", "exit", "TERM"],
)
@pytest.mark.usefixtures("plain_signals")
def test_what_ends_the_process_after_the_fit_loses_no_model(error, raised, capsys, tracking):
    with pytest.raises(raised) as caught:
        trained(predict=stopped_by(error, tracking))(*HALVES)
    run = mlflow.get_run(last_run())
    assert run.info.status == "KILLED"
    assert len(run.outputs.model_outputs) == 1
    model = mlflow.pyfunc.load_model(f"models:/{run.outputs.model_outputs[0].model_id}")
    assert len(model.predict(HALVES[1][FEATURES])) == 100
    found = {r.evidence.kind: r.evidence for r in records(run.info.run_id)}
    assert found["performance"].result == "not_evaluated"
    assert f"stopped by {raised.__name__}" in found["performance"].reason
    assert found["training-provenance"].details["models"][0]["model_id"] == run.outputs.model_outputs[0].model_id
    verifies(run.info.run_id)
    assert "press Ctrl-C again to stop at once" in capsys.readouterr().err
    assert not list(tracking.glob("aims-unsent/**/*.pkl")), "what MLflow has is not kept twice"
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    if raised is SystemExit:
        assert caught.value.code in (3, 143)


def test_the_model_is_on_disk_before_anything_else_is_tried(monkeypatch, tracking):
    seen = []

    def first(*_):
        seen.extend(tracking.glob("aims-unsent/*/*.pkl"))
        raise SystemError

    monkeypatch.setattr(waits.Patience, "wait_for", first)
    assert hasattr(trained()(*HALVES), "predict")
    assert len(seen) == 1


def test_an_error_of_our_own_leaves_a_run_that_verifies(monkeypatch):
    def broken(*_):
        raise ZeroDivisionError

    monkeypatch.setattr(evaluation, "check_models", broken)
    assert hasattr(trained()(*HALVES), "predict")
    assert one("performance").evidence.result == "not_evaluated"
    assert "stopped by ZeroDivisionError" in one("performance").evidence.reason
    run = mlflow.get_run(last_run())
    assert run.info.status == "FINISHED"
    assert len(run.outputs.model_outputs) == 1
    verifies(run.info.run_id)


def test_a_training_that_is_killed_leaves_files_that_its_records_name(monkeypatch):
    """Nothing runs after SIGKILL: what was written before the fit has to be whole."""
    monkeypatch.setattr(ending.TrainingEnd, "complete", lambda self: [])
    trained()(*HALVES)
    assert not [text for text in problems(last_run()) if "aims/reports" in text]


def test_a_server_that_is_gone_is_named_and_the_evidence_is_finished_later(monkeypatch, capsys, tracking):
    def gone():
        raise Unreachable("no MLflow server answers", where="http://mlflow.example:5000", next="start it")

    with monkeypatch.context() as patch:
        patch.setattr(waits, "SERVER_SECONDS", 0.0)

        @aims.trains("loans", config=config())
        def train(train, test, rate=0.1):
            patch.setattr(evidence_in, "check_server", gone)
            return fit(train)

        assert hasattr(train(*HALVES), "predict")
    said = capsys.readouterr().err
    assert "http://mlflow.example:5000" in said
    path = re.search(r'aims\.evaluate\("([^"]+)"', said)[1]
    assert Path(path).is_file()
    run_id = last_run()
    assert mlflow.get_run(run_id).info.status == "RUNNING"

    assert aims.evaluate(path, config=config(), train=HALVES[0], test=HALVES[1]) == run_id
    run = mlflow.get_run(run_id)
    assert run.info.status == "FINISHED"
    assert len(run.outputs.model_outputs) == 1
    training = one("training-provenance", run_id).evidence
    assert training.details["parameters"] == {"rate": "0.1"}
    assert training.details["function"].endswith("train")
    assert float(training.details["fit_seconds"]) > 0
    assert one("performance", run_id).evidence.result == "passed"
    verifies(run_id)
    assert not (tracking / "aims-unsent").exists()


def test_a_file_that_no_training_kept_is_refused(tmp_path):
    stray = tmp_path / "model.pkl"
    stray.write_bytes(b"x")
    with pytest.raises(Unreachable, match="cannot be read"):
        kept_models.read_kept(stray)
    (tmp_path / kept_models.ABOUT).write_text("{}")
    with pytest.raises(DataError, match="no model that a training kept"):
        kept_models.read_kept(stray)


def test_a_model_that_cannot_be_pickled_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    fitted = evaluation_fit([("good", trainings.pipeline()), ("bad", (n for n in range(3)))])
    kept = kept_models.keep("session", fitted, {"system": "s", "run_id": "r", "function": "f"})
    assert list(kept.files) == ["good"]
    assert "not kept, since it cannot be pickled: bad" in kept.advice()
    kept.discard()
    assert not (tmp_path / "aims-unsent").exists()


def evaluation_fit(models):
    from aims_mlflow.capture.fit import Fit
    from aims_mlflow.capture.parameters import Settings

    return Fit(models=tuple(models), out_of_fold=None, settings=Settings(), seconds=1.0, error=None, began=True)

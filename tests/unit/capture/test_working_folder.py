"""A training in a working directory that somebody has deleted."""

import re
from pathlib import Path

import cloudpickle
import mlflow

import aims_mlflow as aims
from support import trainings
from support.captured_runs import config, fit, last_run, one
from support.fresh_database import fresh_database


def test_a_working_directory_that_is_gone_stops_no_training(tracking, tmp_path, monkeypatch, capsys):
    frame, gone = trainings.table(300), tmp_path / "gone"
    (tmp_path / "server").mkdir()
    mlflow.set_tracking_uri(fresh_database(tmp_path / "server"))
    place = (tmp_path / "files").as_uri()
    mlflow.set_experiment(experiment_id=mlflow.create_experiment("there", artifact_location=place))
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()

    @aims.trains("loans", config=config())
    def train(train, test):
        return fit(train)

    assert hasattr(train(frame[:200], frame[200:]), "predict")
    said = capsys.readouterr().err
    monkeypatch.chdir(tmp_path)
    assert "the working directory was deleted, and MLflow logs no model then: start from a folder that exists" in said
    path = re.search(r'aims\.evaluate\("([^"]+)"', said)[1]
    assert hasattr(cloudpickle.loads(Path(path).read_bytes()), "predict")
    assert mlflow.get_run(last_run()).info.status == "FINISHED"
    assert one("data-quality").evidence.result != "not_evaluated"
    assert "no model could be logged" in one("training-provenance").evidence.reason

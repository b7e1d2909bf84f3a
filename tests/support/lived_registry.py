"""One registry with a real history, made once; each test gets a copy of its ledger to tamper with."""

import shutil
from types import SimpleNamespace

import pytest

from support import commands, gated_registry, trainings


@pytest.fixture(scope="session")
def lived(tmp_path_factory):
    """Version 1 registered and approved as champion, an unfair model refused, checkpoints in a folder outside."""
    import mlflow

    from aims_mlflow.cli.main import run_command
    from aims_mlflow.demo.people import Office, set_up

    folder = tmp_path_factory.mktemp("lived")
    office = Office(folder / "office")
    set_up(office, run_command)
    env = {
        "MLFLOW_TRACKING_URI": f"sqlite:///{folder}/mlflow.db",
        "MLFLOW_REGISTRY_URI": f"aims+sqlite:///{folder}/mlflow.db",
        "AIMS_SIGNING_KEY": f"file:{office.scientist}",
        "AIMS_HOME": str(office.folder / "platform"),
        "AIMS_POLICY": str(office.policy),
        "AIMS_ANCHORS": f"file://{folder}/outside",
        "AIMS_LEDGER_ORIGIN": "ai.example.org/loans",
    }
    made = SimpleNamespace(folder=folder, office=office, env=env, database=folder / "mlflow.db.aims.db")
    made.say = lambda *args: _as_approver(office, *args)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for name, value in env.items():
            patch.setenv(name, value)
        mlflow.set_tracking_uri(env["MLFLOW_TRACKING_URI"])
        mlflow.set_registry_uri(env["MLFLOW_REGISTRY_URI"])
        mlflow.set_experiment(experiment_id="0")
        made.run, made.model = trainings.train("loans", frame=trainings.table(3000, seed=1))
        mlflow.register_model(made.model, "loans")
        made.say("approve", "models:/loans/1", "--stage", "deployment", "--alias", "champion")
        client = mlflow.MlflowClient()
        client.set_registered_model_alias("loans", "champion", "1")
        made.unfair, uri = trainings.train("loans", frame=trainings.table(3000, seed=2, fair=False))
        gated_registry.refused(mlflow.register_model, uri, "loans")
        gate = client._get_registry_client().store.gate
        gate.ledger.proofs.deliverer.stop()
        gate.ledger.proofs.deliverer.deliver_due()
        mlflow.set_registry_uri(None)
    # Whoever opens the registry later may add leaves: tests look at what was there now.
    made.frozen = tmp_path_factory.mktemp("frozen")
    _copy_database(made.database, made.frozen / "ledger.db")
    shutil.copytree(folder / "outside", made.frozen / "outside")
    return made


def _as_approver(office, *args):
    from aims_mlflow.settings import environment

    with environment({"AIMS_SIGNING_KEY": f"file:{office.approver}"}):
        return commands.aims(*args)


@pytest.fixture
def life(lived, monkeypatch, tmp_path, clean_state):
    """The registry's settings, and a copy of its ledger: `life.copy` is the database, `life.uri` its address."""
    import mlflow

    monkeypatch.chdir(lived.folder)
    for name, value in lived.env.items():
        monkeypatch.setenv(name, value)
    mlflow.set_tracking_uri(lived.env["MLFLOW_TRACKING_URI"])
    mlflow.set_registry_uri(lived.env["MLFLOW_REGISTRY_URI"])
    copy = tmp_path / "ledger.db"
    _copy_database(lived.frozen / "ledger.db", copy)
    outside = tmp_path / "outside"
    shutil.copytree(lived.frozen / "outside", outside)
    monkeypatch.delenv("AIMS_ANCHORS")
    yield SimpleNamespace(**vars(lived), copy=copy, uri=f"sqlite:///{copy}", outside=outside)
    mlflow.set_registry_uri(None)


def _copy_database(source, target):
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(source)) as one, closing(sqlite3.connect(target)) as other:
        one.backup(other)

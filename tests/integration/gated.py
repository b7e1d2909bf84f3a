"""A gated server with two people's keys, and trainings whose evidence is compliant or not."""

import os
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import pandas as pd
import yaml

from aims_mlflow.cli.main import run_command
from aims_mlflow.demo.people import Office, set_up
from aims_mlflow.demo.server import GatedServer
from aims_mlflow.settings import environment


@dataclass
class Gated:
    office: Office
    server: GatedServer

    @property
    def url(self):
        return self.server.url

    @contextmanager
    def as_trainer(self):
        import mlflow

        values = {
            "MLFLOW_TRACKING_URI": self.url,
            "AIMS_SIGNING_KEY": f"file:{self.office.scientist}",
            "AIMS_HOME": str(self.office.folder / "ana"),
            **{k: v for k, v in self.office.environment().items() if k == "AIMS_POLICY"},
        }
        before = mlflow.get_tracking_uri()
        with environment(values):
            mlflow.set_tracking_uri(self.url)
            mlflow.set_registry_uri(None)
            self.enter_experiment()
            try:
                yield self
            finally:
                while mlflow.active_run():
                    mlflow.end_run()
                mlflow.set_tracking_uri(before)

    def enter_experiment(self):
        import mlflow

        mlflow.set_experiment(experiment_id="0")

    def as_approver(self):
        return environment({"AIMS_SIGNING_KEY": f"file:{self.office.approver}"})

    def change_policy(self, change):
        path = self.office.policy / "policy.yaml"
        data = yaml.safe_load(path.read_text())
        change(data)
        part = path.with_suffix(".part")
        part.write_text(yaml.safe_dump(data, sort_keys=False))
        part.replace(path)


@contextmanager
def gated_server(folder):
    from fresh import fresh_database  # trainings in processes of their own find this module alone

    office = Office(folder)
    set_up(office, run_command)
    (folder / "server").mkdir()
    fresh_database(folder / "server")
    gated = Gated(office, GatedServer(folder / "server", office.environment()))
    with gated.server:
        yield gated


def table(rows=800, seed=0, *, fair=True):
    draw = np.random.default_rng(seed)
    sex = draw.choice(["f", "m"], rows)
    income = draw.normal(3000, 500, rows) - (0 if fair else 900) * (sex == "f")
    good = income + draw.normal(0, 150, rows) > 3000
    return pd.DataFrame(
        {"income": income, "debt": draw.random(rows), "sex": sex, "granted": np.where(good, "yes", "no")}
    )


def config(name="loans", sensitive=("sex",)):
    return {
        "system": {
            "id": name,
            "owner": "ana",
            "intended_use": "Order applications.",
            "affected_groups": ["applicants"],
        },
        "data": {"target": "granted", "favourable": "yes", "sensitive": list(sensitive)},
    }


def pipeline():
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), LogisticRegression())


def train(name="loans", *, frame=None, sensitive=("sex",), seed=0):
    """Train under aims; returns (run id, models:/m-... of the logged model)."""
    import mlflow

    import aims_mlflow as aims

    frame = table(seed=seed) if frame is None else frame

    @aims.trains(name, config=config(name, sensitive))
    def fit(train, test):
        return pipeline().fit(train[["income", "debt"]], train["granted"])

    cut = len(frame) * 6 // 10
    with mlflow.start_run() as active:
        fit(frame[:cut], frame[cut:])
    outputs = mlflow.get_run(active.info.run_id).outputs.model_outputs
    return active.info.run_id, f"models:/{outputs[0].model_id}"


def refused(call, *args, **kwargs):
    """The text of the refusal; fails when the change goes through, or fails otherwise than with a 403."""
    import pytest
    from mlflow.exceptions import MlflowException

    with pytest.raises(MlflowException) as caught:
        call(*args, **kwargs)
    assert caught.value.error_code == "PERMISSION_DENIED", caught.value
    assert caught.value.get_http_status_code() == 403
    assert f"{os.sep}artifacts{os.sep}" not in str(caught.value), "a storage path leaked"
    return str(caught.value)


def aims(*args):
    return run_command(*args)


def command(*args):
    """Return (exit status, what an `aims` command printed)."""
    from click.testing import CliRunner

    from aims_mlflow.cli.main import cli

    done = CliRunner().invoke(cli, args, standalone_mode=False)
    if done.exception:
        raise done.exception
    return done.return_value or 0, done.stdout

"""A gated server with two people's keys."""

import os
from contextlib import contextmanager
from dataclasses import dataclass

import yaml

from aims_mlflow.cli.main import run_command
from aims_mlflow.demo.people import Office, set_up
from aims_mlflow.demo.server import GatedServer
from aims_mlflow.settings import environment
from support.fresh_database import fresh_database


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

    def take_any_number_of_changes(self):
        """Let a caller make more changes within an hour than a policy allows by default."""
        self.change_policy(lambda p: p.setdefault("caps", {}).update(max_changes_per_hour=10**6))


@contextmanager
def gated_server(folder):
    office = Office(folder)
    set_up(office, run_command)
    (folder / "server").mkdir()
    fresh_database(folder / "server")
    gated = Gated(office, GatedServer(folder / "server", office.environment()))
    with gated.server:
        yield gated


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

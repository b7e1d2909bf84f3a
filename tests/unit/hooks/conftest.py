"""A gated registry inside the test's own process: MLflow's SQL stores on SQLite, with our plug-in by its scheme."""

from types import SimpleNamespace

import gated
import pytest
from fresh import fresh_database
from gated import Gated


class Embedded(Gated):
    """Like a gated server, without the server: the client talks to the gated store itself."""

    def __init__(self, office, folder):
        super().__init__(office, SimpleNamespace(url=f"sqlite:///{folder}/mlflow.db", folder=folder))
        self.folder = folder

    @property
    def ledger(self):
        from aims_mlflow.evidence.ledger import Ledger

        return Ledger(f"sqlite:///{self.folder}/mlflow.db.aims.db")

    def leaves(self, *types, **where):
        return [leaf.content for leaf in self.ledger.leaves(types=types, **where)]

    def say(self, *args):
        """Run a command as the approver."""
        with self.as_approver():
            return gated.aims(*args)


@pytest.fixture
def registry(tmp_path, monkeypatch, clean_state):
    """Yields an `Embedded`; MLflow, keys and policy of the process are its own until the test ends."""
    import mlflow

    from aims_mlflow.demo.people import Office, set_up

    office = Office(tmp_path / "office")
    set_up(office)
    monkeypatch.chdir(tmp_path)
    for name, value in {
        "MLFLOW_TRACKING_URI": f"sqlite:///{tmp_path}/mlflow.db",
        "MLFLOW_REGISTRY_URI": f"aims+sqlite:///{tmp_path}/mlflow.db",
        "AIMS_SIGNING_KEY": f"file:{office.scientist}",
        "AIMS_HOME": str(tmp_path / "ana"),
        "AIMS_POLICY": str(office.policy),
    }.items():
        monkeypatch.setenv(name, value)
    mlflow.set_tracking_uri(fresh_database(tmp_path))
    mlflow.set_registry_uri(f"aims+sqlite:///{tmp_path}/mlflow.db")
    mlflow.set_experiment(experiment_id="0")
    yield Embedded(office, tmp_path)
    while mlflow.active_run():
        mlflow.end_run()
    mlflow.set_registry_uri(None)


@pytest.fixture
def client(registry):
    import mlflow

    return mlflow.MlflowClient()


@pytest.fixture
def use(registry, client):
    """Train, register and put a version under an alias, with the approval that it needs; returns (version, uri)."""

    def put(name="loans", alias="champion", seed=0):
        import mlflow

        _, uri = gated.train(name, frame=gated.table(3000, seed=seed))
        version = mlflow.register_model(uri, name).version
        registry.say("approve", f"models:/{name}/{version}", "--stage", "deployment", "--alias", alias)
        client.set_registered_model_alias(name, alias, version)
        return str(version), uri

    return put

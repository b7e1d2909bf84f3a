"""A gated registry that ends with the test, and what people do with it."""

import gated
import pytest
from embedded import Embedded
from fresh import fresh_database

from aims_mlflow.settings import environment


@pytest.fixture
def registry(tmp_path, monkeypatch, clean_state):
    """Yields an `Embedded`; MLflow, keys and policy of the process are its own until the test ends."""
    import mlflow

    from aims_mlflow.cli.main import run_command
    from aims_mlflow.demo.people import Office, set_up

    office = Office(tmp_path / "office")
    set_up(office, run_command)
    monkeypatch.chdir(tmp_path)
    for name, value in {
        "MLFLOW_TRACKING_URI": f"sqlite:///{tmp_path}/mlflow.db",
        "MLFLOW_REGISTRY_URI": f"aims+sqlite:///{tmp_path}/mlflow.db",
        "AIMS_SIGNING_KEY": f"file:{office.scientist}",
        "AIMS_HOME": str(tmp_path / "ana"),
        "AIMS_POLICY": str(office.policy),
        "AIMS_LOG_KEY": f"file:{office.folder}/platform/keys/log.pem",
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


@pytest.fixture
def person(registry, tmp_path):
    """Gives a new person with a key in some roles; returns a function that runs a command as them."""

    def make(owner, *roles):
        path = tmp_path / f"{owner}.pem"
        with environment({"AIMS_HOME": str(tmp_path / "office" / "platform")}):
            gated.aims("keys", "new", str(path))
            public = path.with_suffix(".pub.pem")
            public.write_text(gated.aims("keys", "export", "--key", f"file:{path}"))
            options = [word for role in roles for word in ("--role", role)]
            gated.aims("keys", "add", str(public), "--owner", owner, *options)

        def say(*args):
            with environment({"AIMS_SIGNING_KEY": f"file:{path}"}):
                return gated.aims(*args)

        return say

    return make

"""A gated registry inside the test's own process: MLflow's SQL stores on SQLite, with our plug-in by its scheme."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from aims_mlflow.settings import environment
from support import commands, trainings
from support.gated_registry import Gated
from support.kept_training import copy_registry, keeping, variables


class Embedded(Gated):
    """Like a gated server, without the server: the client talks to the gated store itself."""

    def __init__(self, office, folder):
        super().__init__(office, SimpleNamespace(url=f"sqlite:///{folder}/mlflow.db", folder=folder))
        self.folder = folder

    @property
    def ledger(self):
        from aims_mlflow.ledger.ledger import Ledger

        return Ledger(f"sqlite:///{self.folder}/mlflow.db.aims.db")

    def leaves(self, *types, **where):
        return [leaf.content for leaf in self.ledger.leaves(types=types, **where)]

    def say(self, *args):
        """Run a command as the approver."""
        with self.as_approver():
            return commands.aims(*args)


@pytest.fixture
def registry(tmp_path, monkeypatch, clean_state):
    """Yields an `Embedded`; MLflow, keys and policy of the process are its own until the test ends."""
    import mlflow

    from aims_mlflow.demo.people import Office

    copy_registry(tmp_path)
    office = Office(tmp_path / "office")
    monkeypatch.chdir(tmp_path)
    for name, value in variables(office, tmp_path).items():
        monkeypatch.setenv(name, value)
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/mlflow.db")
    mlflow.set_registry_uri(f"aims+sqlite:///{tmp_path}/mlflow.db")
    mlflow.set_experiment(experiment_id="0")
    with keeping(tmp_path):
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

        _, uri = trainings.train(name, frame=trainings.table(3000, seed=seed))
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
            commands.aims("keys", "new", str(path))
            public = path.with_suffix(".pub.pem")
            public.write_text(commands.aims("keys", "export", "--key", f"file:{path}"))
            options = [word for role in roles for word in ("--role", role)]
            commands.aims("keys", "add", str(public), "--owner", owner, *options)

        def say(*args):
            with environment({"AIMS_SIGNING_KEY": f"file:{path}"}):
                return commands.aims(*args)

        return say

    return make


UNKNOWN = "its ledger knows of none"


def restart(folder):
    """Forget the store that the process has, as a server that starts again does; returns a new client."""
    import mlflow
    from mlflow.tracking._model_registry.utils import _get_store_registry

    for cached in vars(type(_get_store_registry())).values():
        getattr(cached, "cache_clear", lambda: None)()
    mlflow.set_registry_uri(f"aims+sqlite:///{folder}/mlflow.db")
    return mlflow.MlflowClient()


def says_lost(client):
    """Tell whether the registry's own status says that its ledger is not the one."""
    return UNKNOWN in client.get_registered_model("aims.status").tags.get("aims.findings", "")


def files_of(uri):
    return next(Path.cwd().glob(f"**/models/{uri.removeprefix('models:/')}/artifacts"))

"""A registry whose gate is made to fail at a step, and what must hold of the refusal."""

import re
from types import SimpleNamespace

import pytest
from mlflow.entities.model_registry import RegisteredModelTag
from mlflow.exceptions import MlflowException

from aims_mlflow.errors import Unreachable
from aims_mlflow.server.gate_log import causes_of_incidents
from support import trainings
from support.embedded_registry import Embedded
from support.fresh_database import fresh_database

SECRET = "/srv/storage/secret"  # no fault's own text may reach a client


INCIDENT = re.compile(r"incident ([0-9a-f]{8}-[0-9a-f-]{27})")


@pytest.fixture(scope="module")
def registry_to_break(tmp_path_factory):
    """A registry with version 1 of `loans`, approved for champion, and a second compliant model to register."""
    import mlflow

    from aims_mlflow.cli.main import run_command
    from aims_mlflow.demo.people import Office, set_up

    folder = tmp_path_factory.mktemp("faults")
    office = Office(folder / "office")
    set_up(office, run_command)
    env = {
        "MLFLOW_TRACKING_URI": f"sqlite:///{folder}/mlflow.db",
        "MLFLOW_REGISTRY_URI": f"aims+sqlite:///{folder}/mlflow.db",
        "AIMS_SIGNING_KEY": f"file:{office.scientist}",
        "AIMS_HOME": str(folder / "ana"),
        "AIMS_POLICY": str(office.policy),
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for name, value in env.items():
            patch.setenv(name, value)
        mlflow.set_tracking_uri(fresh_database(folder))
        mlflow.set_registry_uri(env["MLFLOW_REGISTRY_URI"])
        mlflow.set_experiment(experiment_id="0")
        registry = Embedded(office, folder)
        first = trainings.train("loans", frame=trainings.table(3000, seed=1))
        mlflow.register_model(first[1], "loans")
        registry.say("approve", "models:/loans/1", "--stage", "deployment", "--alias", "champion")
        run, uri = trainings.train("loans", frame=trainings.table(3000, seed=2))
        yield SimpleNamespace(registry=registry, env=env, folder=folder, first=first, run=run, uri=uri)
        mlflow.set_registry_uri(None)


@pytest.fixture
def world(registry_to_break, monkeypatch, caplog):
    """The registry, and the calls that are tried on it; afterwards nothing may have changed, and they would still be allowed."""
    import mlflow

    made = registry_to_break
    monkeypatch.chdir(made.folder)
    for name, value in made.env.items():
        monkeypatch.setenv(name, value)
    mlflow.set_tracking_uri(made.env["MLFLOW_TRACKING_URI"])
    mlflow.set_registry_uri(made.env["MLFLOW_REGISTRY_URI"])
    client = mlflow.MlflowClient()
    store = client._get_registry_client().store
    store.gate.evidence.forget()  # as in a worker that just started: each step is really taken
    causes_of_incidents.forget()  # and each incident has a line of its own
    model_id = made.uri.removeprefix("models:/")
    consent = RegisteredModelTag(f"aims.approval.{'0' * 32}", "anything")
    calls = {
        "Registration": lambda: client.create_model_version("loans", made.uri, made.run, model_id=model_id),
        "Deployment": lambda: client.set_registered_model_alias("loans", "champion", "1"),
        "a stage": lambda: client.transition_model_version_stage("loans", "1", "Production"),
        "a version deleted": lambda: client.delete_model_version("loans", "1"),
        "a model deleted": lambda: store.delete_registered_model("loans"),
        "a rename": lambda: client.rename_registered_model("loans", "credits"),
        "a consent": lambda: store.set_registered_model_tag("loans", consent),
        "a new model": lambda: client.create_registered_model("credits"),
        "a version's tag": lambda: client.set_model_version_tag("loans", "1", "some", "thing"),
        "an explanation": lambda: client.get_model_version_by_alias("loans", "aims.explain.registration.v1"),
    }
    yield SimpleNamespace(**vars(made), client=client, store=store, gate=store.gate, calls=calls, caplog=caplog)
    untouched(client)


def untouched(client):
    plain = client._get_registry_client().store.plain
    assert [v.version for v in plain.search_model_versions("name = 'loans'")] == [1]
    assert plain.get_registered_model("loans").aliases == {}
    assert [m.name for m in plain.search_registered_models()] == ["loans"]


def refused(world, what, incident=True):
    """Try one call; returns the text of its refusal, which has a reason, an id that the log knows, and no path."""
    world.caplog.clear()
    with pytest.raises(MlflowException) as caught:
        world.calls[what]()
    text = str(caught.value)
    assert (caught.value.error_code, caught.value.get_http_status_code()) == ("PERMISSION_DENIED", 403), text
    assert text.removeprefix("PERMISSION_DENIED: ").startswith((SAYS.get(what, what), "The change")), text
    for path in (SECRET, str(world.folder), "/artifacts"):
        assert path not in text, text
    if incident:
        found = INCIDENT.search(text)
        assert found, text
        assert found[1] in world.caplog.text
    return text


SAYS = {
    "a stage": "Deployment",
    "a version deleted": "Deletion",
    "a model deleted": "Deletion",
    "a rename": "Renaming",
    "a consent": "The approval",
    "a new model": "The change",
    "a version's tag": "The tag",
    "an explanation": "The explanation",
}


BOTH = pytest.mark.parametrize("what", ["Registration", "Deployment"])


BUGS = {
    "runtime": RuntimeError(f"bug at {SECRET}"),
    "key": KeyError(SECRET),
    "recursion": RecursionError(SECRET),
    "memory": MemoryError(SECRET),
    "os": PermissionError(13, "Permission denied", SECRET),
    "mlflow": MlflowException(f"cannot read {SECRET}"),
    "store": Unreachable("the store is away", where=SECRET),
}


def failing(error):
    def fail(*_, **__):
        raise error

    return fail

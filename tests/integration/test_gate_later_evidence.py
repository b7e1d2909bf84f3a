"""A real gated server: evidence that is made after a version is registered, through MLflow's artifact proxy."""

import contextlib
import json
import sqlite3

import mlflow
import pytest
import requests

import aims_mlflow as aims
from support import commands, gated_registry, trainings
from support.gated_registry import refused
from support.trainings import train

UNFAIR = "selection-rate ratio for sex=f is 0.0"

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def gate(tmp_path_factory):
    with gated_registry.gated_server(tmp_path_factory.mktemp("gate")) as running:
        yield running


@pytest.fixture(autouse=True)
def trainer(gate, clean_state):
    with gate.as_trainer():
        yield


def register(uri, name):
    client = mlflow.MlflowClient()
    client.create_registered_model(name)
    return client.create_model_version(name, uri, model_id=uri.removeprefix("models:/")).version


def put_into_use(gate, name, version="1", alias="champion"):
    with gate.as_approver():
        commands.aims("approve", f"models:/{name}/{version}", "--stage", "deployment", "--alias", alias)
    mlflow.MlflowClient().set_registered_model_alias(name, alias, version)


def sessions(gate, run):
    folder = gate.server.folder / f"artifacts/0/{run}/artifacts/aims/sessions"
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def proxied(gate, run, name):
    return f"{gate.url}/api/2.0/mlflow-artifacts/artifacts/0/{run}/artifacts/aims/sessions/{name}"


@pytest.mark.parametrize("fair", [True, False])
def test_an_evaluation_of_a_registered_version_is_written_and_counts(gate, fair):
    name = f"later-{fair}"
    run, uri = train(name, seed=3)
    register(uri, name)
    before = sessions(gate, run)
    test = trainings.table(3000, seed=4, fair=fair)
    aims.evaluate(f"models:/{name}/1", test=test, config=trainings.config(name))
    after = sessions(gate, run)
    (added,) = set(after) - set(before)
    assert {n: after[n] for n in before} == before
    assert after[added].endswith(b"\n")
    if fair:
        put_into_use(gate, name)
    else:
        text = refused(mlflow.MlflowClient().set_registered_model_alias, name, "champion", "1")
        assert "selection-rate ratio for sex=f is 0.06" in text


def test_an_evaluation_that_breaks_off_leaves_nothing_that_closes_the_version(gate, monkeypatch):
    from aims_mlflow.capture import evaluation

    run, uri = train("broken-off", seed=5)
    register(uri, "broken-off")
    before = sessions(gate, run)

    def dies(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(evaluation, "evaluate", dies)
    monkeypatch.setattr("aims_mlflow.capture.ending.TrainingEnd._rescue", lambda *_: [])
    with pytest.raises(KeyboardInterrupt):
        aims.evaluate("models:/broken-off/1", test=trainings.table(3000, seed=4), config=trainings.config("broken-off"))
    assert sessions(gate, run) == before
    put_into_use(gate, "broken-off")


def test_two_trainings_in_one_run_register_both_models(gate):
    def training(name):
        @aims.trains(name, config=trainings.config(name), register=True)
        def fit(train, test):
            return trainings.pipeline().fit(train[["income", "debt"]], train["granted"])

        return fit

    frame = trainings.table(3000, seed=6)
    with mlflow.start_run() as run:
        for name in ("first", "second"):
            training(name)(frame[:1800], frame[1800:])
    assert len(sessions(gate, run.info.run_id)) == 2
    for name in ("first", "second"):
        put_into_use(gate, name)


def test_junk_beside_a_versions_evidence_is_not_taken(gate):
    run, uri = train("junk", seed=7)
    register(uri, "junk")
    answer = requests.put(proxied(gate, run, "note.jsonl"), data=b"hello\n", timeout=30)
    assert (answer.status_code, "only whole sessions" in answer.text) == (403, True), answer.text
    put_into_use(gate, "junk")


def failing_evaluation_is_sealed(gate, name):
    """Let another trainer's evaluation fail, before the version is registered; returns (run, source, its file)."""
    run, uri = trainings._train(name, trainings.table(3000, seed=8), ("sex",))
    before = set(sessions(gate, run))
    aims.evaluate(uri, test=trainings.table(3000, seed=4, fair=False), config=trainings.config(name))
    (file,) = set(sessions(gate, run)) - before
    assert UNFAIR in refused(register, uri, name)
    return run, uri, file


def test_a_sealed_failure_counts_after_its_file_was_deleted_through_the_proxy(gate):
    run, uri, file = failing_evaluation_is_sealed(gate, "deleted-failure")
    assert requests.delete(proxied(gate, run, file), timeout=30).status_code == 200, "no version is registered yet"
    assert UNFAIR in refused(mlflow.register_model, uri, "deleted-failure")


def in_registry(gate, statement, *values):
    with contextlib.closing(sqlite3.connect(gate.server.folder / "mlflow.db", timeout=30)) as database, database:
        return database.execute(statement, values).fetchall()


def test_a_row_that_names_other_files_is_found_though_the_server_answers_the_sealed_place(gate):
    """Who reads the database, and a server without the gate, would load what the row names."""
    client = mlflow.MlflowClient()
    _, uri = train("exchanged", seed=9)
    version = register(uri, "exchanged")
    put_into_use(gate, "exchanged")
    said = client.get_model_version_download_uri("exchanged", version)
    other = client.get_logged_model(trainings.plain_model().removeprefix("models:/")).artifact_location
    changed = "UPDATE model_versions SET source = ?, storage_location = ? WHERE name = 'exchanged'"
    in_registry(gate, changed, other, other)
    ledger = f"sqlite:///{gate.server.folder}/mlflow.db.aims.db"
    where = ("--ledger", ledger, "--registry", gate.url, "--tracking", gate.url)
    found = json.loads(commands.run("gate", "reconcile", "--json", *where, status=1))["findings"]
    assert [f["about"] for f in found if f["model_name"] == "exchanged"] == ["changed-bytes"]
    client.delete_logged_model(uri.removeprefix("models:/"))
    assert client.get_model_version_download_uri("exchanged", version) == said, "its logged model is deleted"

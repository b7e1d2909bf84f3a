"""Under the decorator a script does with MLflow what it does without it, and the evidence is where the script's run is."""

import os
import threading

import mlflow
import pytest
from mlflow.tracking import fluent
from sklearn.linear_model import LogisticRegression

import aims_mlflow as aims
from aims_mlflow.evidence import tracking as evidence_in
from support import trainings
from support.captured_runs import config, fit, records
from support.fresh_database import fresh_database
from support.long_runs import full_but

REQUIREMENTS = ["scikit-learn"]


def log(model, name="model"):
    return mlflow.sklearn.log_model(model, name=name, pip_requirements=REQUIREMENTS)


def in_a_helper(model):
    with mlflow.start_run(run_name="mine"):
        mlflow.log_param("depth", 3)
        log(model)


# Each takes the fitted model and does with MLflow what scripts do.


def starts_a_run_in_a_helper(model):
    in_a_helper(model)


def sets_the_experiment(model):
    mlflow.set_experiment("loans")
    in_a_helper(model)


def names_the_experiment_of_its_run(model):
    with mlflow.start_run(run_name="mine", experiment_id=mlflow.create_experiment("other")):
        log(model)


def turns_to_another_server(model):
    mlflow.set_tracking_uri(os.environ["OTHER_SERVER"])
    mlflow.log_param("a", 1)


def logs_without_a_run(model):
    mlflow.log_param("a", 1)
    mlflow.log_metric("accuracy", 0.5)
    log(model)


def logs_a_model_without_a_run(model):
    log(model)


def ends_runs_that_are_not_there(model):
    mlflow.end_run()
    in_a_helper(model)
    mlflow.end_run()


def leaves_its_run_open(model):
    mlflow.start_run(run_name="open")
    log(model)


def fails_in_its_run(model):
    with mlflow.start_run(run_name="mine"):
        raise ZeroDivisionError


def starts_two_runs(model):
    for name in ("one", "two"):
        with mlflow.start_run(run_name=name):
            log(model, name)


def nests_runs(model):
    with mlflow.start_run(run_name="outer"):
        with mlflow.start_run(run_name="inner", nested=True):
            mlflow.log_param("fold", 1)
        log(model)


def starts_a_nested_run_without_an_outer_one(model):
    with mlflow.start_run(run_name="alone", nested=True):
        mlflow.log_param("fold", 1)


def sets_the_active_model(model):
    mlflow.set_active_model(name="agent")
    mlflow.log_param("model", mlflow.get_active_model_id() is not None)


def starts_a_run_in_a_thread(model):
    thread = threading.Thread(target=in_a_helper, args=(model,))
    thread.start()
    thread.join()


def fits_under_autolog(model):
    mlflow.sklearn.autolog(log_models=False, silent=True)
    model.fit([[0.0, 1.0], [1.0, 0.0]], ["no", "yes"])


SCRIPTS = [value for value in list(globals().values()) if callable(value) and getattr(value, "__name__", "")[:5] in (
    "start", "sets_", "names", "turns", "logs_", "ends_", "leave", "fails", "nests", "fits_",
)]  # fmt: skip


def world(servers):
    """Everything that MLflow knows afterwards, without what differs from one run to the next."""
    active = mlflow.active_run()
    last = fluent._last_active_run_id.get()
    out = {
        "server": servers.index(mlflow.get_tracking_uri()),
        "experiment": mlflow.get_experiment(fluent._get_experiment_id()).name,
        "active": active.data.tags.get("mlflow.runName") is not None if active else None,
        "last": mlflow.get_run(last).data.params if last else None,
        "model": mlflow.get_active_model_id() is not None,
        "variables": sorted(name for name in os.environ if name.startswith("MLFLOW_")),
        "runs": [],
    }
    for server in servers:
        client = mlflow.MlflowClient(server)
        for experiment in client.search_experiments():
            for run in client.search_runs([experiment.experiment_id]):
                outputs = len(run.outputs.model_outputs) if run.outputs else 0
                named = (
                    run.info.run_name if run.info.run_name in ("mine", "open", "one", "two", "outer", "inner") else ""
                )
                ours = {k for k in run.data.tags if k.startswith("mlflow.parent")}
                theirs = {
                    k: v for k, v in run.data.metrics.items() if not k.startswith("aims/")
                }  # ours are the evidence's
                facts = (named, run.info.status, run.data.params, theirs, outputs, sorted(ours))
                out["runs"].append((servers.index(server), experiment.name, *facts))
    out["runs"].sort(key=str)
    return out


def run_script(script, place, monkeypatch, decorate):
    servers = [fresh_database(place / "here"), fresh_database(place / "there")]
    monkeypatch.setenv("OTHER_SERVER", servers[1])
    mlflow.set_tracking_uri(servers[0])
    mlflow.set_experiment(experiment_id="0")
    fluent._last_active_run_id.set(None)
    frame = trainings.table(300)

    def train(train, test):
        model = LogisticRegression().fit(train[["income", "debt"]], train["granted"])
        script(model)

    error = None
    try:
        decorate(train)(frame[:200], frame[200:])
    except Exception as exc:
        error = type(exc), str(exc)
    found = world(servers)
    while mlflow.active_run():
        mlflow.end_run()
    mlflow.clear_active_model()
    mlflow.sklearn.autolog(disable=True)
    return error, found


BY_DEFAULT = (
    starts_a_run_in_a_helper,
    turns_to_another_server,
    logs_without_a_run,
    fails_in_its_run,
    fits_under_autolog,
)


@pytest.mark.parametrize("script", full_but(BY_DEFAULT, SCRIPTS), ids=lambda script: script.__name__)
def test_a_script_does_what_it_does_without_the_decorator(script, tracking, tmp_path, monkeypatch):
    for name in ("here", "there"):
        for side in ("plain", "ours"):
            (tmp_path / side / name).mkdir(parents=True)
    plain = run_script(script, tmp_path / "plain", monkeypatch, lambda function: function)
    mode = "observe" if len(script.__name__) % 2 else "enforce"
    ours = run_script(script, tmp_path / "ours", monkeypatch, aims.trains("loans", config=config(), mode=mode))
    assert ours[0] == plain[0]
    if script is logs_a_model_without_a_run:  # the evidence needs a run, and the script had none
        extra = [run for run in ours[1]["runs"] if run not in plain[1]["runs"]]
        assert len(extra) <= 1
        ours[1]["runs"] = [run for run in ours[1]["runs"] if run not in extra]
    assert ours[1] == plain[1]


def test_the_evidence_is_in_the_run_that_the_function_used(tracking):
    frame = trainings.table(300)

    @aims.trains("loans", config=config())
    def train(train, test):
        mlflow.set_experiment("loans")
        in_a_helper(model := fit(train))
        return model

    train(frame[:200], frame[200:])
    (run,) = mlflow.search_runs(search_all_experiments=True, output_format="list")
    assert run.info.run_name == "mine"
    assert run.info.status == "FINISHED"
    assert mlflow.get_experiment(run.info.experiment_id).name == "loans"
    assert len(run.outputs.model_outputs) == 1, "the model that the function logged is not logged again"
    found = {r.evidence.kind: r.evidence for r in records(run.info.run_id)}
    assert found["performance"].result == "passed"
    assert found["performance"].mlflow.run_id == run.info.run_id


def test_a_model_that_was_logged_outside_any_run_leads_to_its_evidence(tracking):
    frame = trainings.table(300)
    uris = []

    @aims.trains("loans", config=config())
    def train(train, test):
        uris.append(log(fit(train)).model_uri)

    train(frame[:200], frame[200:])
    target = evidence_in.resolve(uris[0])
    (run,) = mlflow.search_runs(output_format="list")
    assert target.run_id == run.info.run_id
    assert [o.model_id for o in run.outputs.model_outputs] == [target.model_id]
    assert "performance" in {r.evidence.kind for r in records(run.info.run_id)}


def test_evidence_goes_into_every_run_that_logged_one_of_the_models(tracking):
    frame = trainings.table(300)

    @aims.trains("loans", config=config())
    def train(train, test):
        starts_two_runs(fit(train))

    train(frame[:200], frame[200:])
    runs = mlflow.search_runs(output_format="list")
    assert sorted(run.info.run_name for run in runs) == ["one", "two"]
    for run in runs:
        cards = [r for r in records(run.info.run_id) if r.evidence.kind == "model-card"]
        assert len(cards) == 2


def test_the_names_that_mlflow_keeps_a_threads_state_under_are_there():
    assert isinstance(fluent._active_run_stack.get(), list)
    assert hasattr(fluent._last_active_run_id, "get")
    assert callable(fluent._get_experiment_id)
    assert fluent._ACTIVE_MODEL_CONTEXT.get() is fluent._get_active_model_context()

"""Training functions as strangers write them: nothing that they do to their data, runs or models loses a model."""

import contextlib
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import mlflow
import numpy as np
import pytest
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from securesystemslib.dsse import Envelope
from securesystemslib.signer import SSlibKey
from sklearn.linear_model import LogisticRegression

import aims_mlflow as aims
import support
from aims_mlflow.errors import ConfigError, DataError
from aims_mlflow.signing.key_sources import signing_key
from support import long_runs, trainings
from support.captured_runs import FEATURES, config, fit, kinds, last_run, one, records

pytestmark = pytest.mark.usefixtures("tracking")


@pytest.fixture
def halves():
    frame = trainings.table(600)
    return frame[:360].copy(), frame[360:].copy()


def accuracy(run_id=None):
    claims = one("performance", run_id).evidence.claims
    return float(next(c.value for c in claims if c.metric == "accuracy" and not c.slice))


def verifies(run_id):
    done = subprocess.run(
        [sys.executable, "-c", "from aims_mlflow.cli.main import main; main()", "verify", run_id],
        capture_output=True, text=True, check=False, env={**os.environ, "MLFLOW_TRACKING_URI": mlflow.get_tracking_uri()},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


# -- data that change under the function's hands -------------------------------------------------


def test_a_target_popped_from_the_data_is_still_there_for_the_checks(halves):
    @aims.trains("loans", config=config())
    def train(train, test):
        labels = train.pop("granted")
        test.drop(columns=["granted", "sex"], inplace=True)
        return trainings.pipeline().fit(train[FEATURES], labels)

    train(*halves)
    assert accuracy() > 0.7
    assert one("fairness").evidence.result == "passed"
    assert one("training-provenance").evidence.details["models"]


def test_columns_made_inside_the_function_are_named_when_the_model_cannot_predict_without_them(halves, capsys):
    @aims.trains("loans", config=config())
    def train(train, test):
        for part in (train, test):
            part["ratio"] = part["debt"] / part["income"]
        return trainings.pipeline().fit(train[[*FEATURES, "ratio"]], train["granted"])

    assert hasattr(train(*halves), "predict")
    assert mlflow.get_run(last_run()).outputs.model_outputs, "the model is logged all the same"
    for kind in ("performance", "fairness"):
        assert one(kind).evidence.result == "not_evaluated"
        assert "test data lack columns it was fitted on: 'ratio'" in one(kind).evidence.reason
    said = capsys.readouterr().err
    assert said.count("unmet: performance") == 1


@pytest.mark.parametrize("form", ["frame", "array"])
def test_values_written_over_in_place_are_never_claimed_to_be_the_data_that_were_digested(halves, form):
    if form == "frame":

        @aims.trains("loans", config=config())
        def train(train, test):
            test.loc[:, "income"] = test["income"] * 0 + 1.0
            return fit(train)

        train(*halves)
    else:

        @aims.trains("loans", config=config(sensitive=[]))
        def train_arrays(X_train, y_train, X_test, y_test):
            X_test[:, 0] = 1.0
            return LogisticRegression(max_iter=2000).fit(X_train, y_train)

        train_arrays(
            *(v for part in halves for v in (part[FEATURES].to_numpy() / [1000, 1], part["granted"].to_numpy()))
        )
    body = one("performance").evidence
    if body.result == "not_evaluated":  # the values were shared with ours, as in pandas 2
        assert "wrote over values of the test data" in body.reason
    else:  # ours were a copy: the model was measured on what the digest stands for
        assert accuracy() > 0.7


def test_values_that_are_shared_with_the_caller_and_written_over_are_not_evaluated(halves):
    for part in halves:
        part["orders"] = [[1, 2] for _ in range(len(part))]

    @aims.trains("loans", config=config())
    def train(train, test):
        for orders in test["orders"]:
            orders.append(3)
        return fit(train)

    assert hasattr(train(*halves), "predict")
    for kind in ("performance", "fairness", "drift"):
        assert one(kind).evidence.result == "not_evaluated"
        assert "wrote over values of the test data" in one(kind).evidence.reason
    assert one("drift-baseline").evidence.result == "passed"


# -- runs -----------------------------------------------------------------------------------------


def test_a_function_that_starts_its_own_run_has_the_evidence_in_it(halves, monkeypatch):
    monkeypatch.delenv("MLFLOW_RUN_ID", raising=False)
    seen = []

    @aims.trains("loans", config=config())
    def train(train, test):
        with mlflow.start_run(run_name="mine") as run:
            seen.append(run.info.run_id)
            mlflow.log_param("depth", 3)
            return fit(train)

    train(*halves)
    assert mlflow.active_run() is None
    runs = mlflow.search_runs(output_format="list")
    assert [r.info.run_id for r in runs] == seen
    assert runs[0].info.status == "FINISHED"
    assert runs[0].info.run_name == "mine"
    assert runs[0].data.params["depth"] == "3"
    assert len(runs[0].outputs.model_outputs) == 1
    assert "MLFLOW_RUN_ID" not in os.environ
    verifies(seen[0])


def test_a_function_that_ends_the_run_does_not_part_the_model_from_it(halves):
    @aims.trains("loans", config=config())
    def train(train, test):
        model = fit(train)
        mlflow.end_run()
        return model

    with mlflow.start_run() as run:
        train(*halves)
    assert mlflow.get_run(run.info.run_id).outputs.model_outputs
    assert mlflow.get_run(run.info.run_id).info.status == "FINISHED"
    train(*halves)
    assert mlflow.active_run() is None
    assert mlflow.get_run(last_run()).outputs.model_outputs


def test_a_failing_function_leaves_a_failed_run_whoever_ended_it(halves):
    @aims.trains("loans", config=config())
    def train(train, test):
        with mlflow.start_run():
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        train(*halves)
    assert mlflow.get_run(last_run()).info.status == "FAILED"
    assert one("training-provenance").evidence.details["failure"]["type"] == "ZeroDivisionError"


def test_an_experiment_that_the_function_sets_has_the_run_and_its_evidence(halves):
    @aims.trains("loans", config=config())
    def train(train, test):
        mlflow.set_experiment("late")
        with mlflow.start_run() as run:
            mlflow.log_param("a", 1)
        return fit(train), run

    run = train(*halves)[1]
    (found,) = mlflow.search_runs(search_all_experiments=True, output_format="list")
    assert found.info.run_id == run.info.run_id
    assert mlflow.get_experiment(found.info.experiment_id).name == "late"
    verifies(run.info.run_id)


# -- models ---------------------------------------------------------------------------------------


class Unpicklable:
    def __init__(self):
        self.open = (n for n in range(3))

    def predict(self, features):
        return np.where(features["income"] > 3000, "yes", "no")


def test_one_model_that_cannot_be_saved_does_not_take_the_other_with_it(halves, capsys):
    @aims.trains("loans", config=config())
    def train(train, test):
        return {"bad": Unpicklable(), "good": fit(train)}

    assert set(train(*halves)) == {"bad", "good"}
    assert [m["name"] for m in one("training-provenance").evidence.details["models"]] == ["good"]
    assert accuracy() > 0.7
    assert "the model 'bad' cannot be saved: it cannot be pickled" in capsys.readouterr().err


def test_two_models_of_one_name_keep_their_own_documents(halves):
    @aims.trains("loans", config=config())
    def train(train, test):
        for rows in (100, 360):
            mlflow.sklearn.log_model(fit(train[:rows]), name="model")

    train(*halves)
    cards = [r.evidence.artifacts[0] for r in records() if r.evidence.kind == "model-card"]
    assert len({c.path for c in cards}) == 2
    verifies(last_run())


def test_a_method_and_any_argument_name_can_be_decorated(halves):
    class Trainer:
        @aims.trains("loans", config=config())
        def train(self, train, test, parameters, config):
            return fit(train)

    Trainer().train(halves[0], halves[1], {"depth": 1}, "c")
    assert "performance" in kinds()
    assert one("training-provenance").evidence.details["parameters"]["parameters.depth"] == "1"


def test_several_models_are_registered_under_the_names_that_are_given_for_them(halves):
    """In this registry, which has no gate, the client itself asks that the evidence is complete."""
    plain, names = trainings.pipeline(), {"loans-small": "small", "loans-large": "large"}

    @aims.trains("loans", config=config(), register=names)
    def train(train, test):
        return {"small": fit(train[:200]), "large": plain.fit(train[FEATURES], train["granted"])}

    train(*halves)
    models = {m["name"]: m["model_id"] for m in one("training-provenance").evidence.details["models"]}
    for registered, name in names.items():
        assert models[name] in mlflow.MlflowClient().get_model_version(registered, "1").source


@pytest.mark.parametrize("spelling", long_runs.full_but(["val"], ["validation", "val", "valid"]))
def test_validation_data_are_found_by_their_usual_names(halves, spelling):
    with aims.training("loans", config=config()) as session:
        session.data(train=halves[0][:300], test=halves[1], **{spelling: halves[0][300:]})
        session.model(fit(halves[0][:300]))
    assert one("training-provenance").evidence.details["data"]["validation"]["rows"] == 60
    roles = {r.evidence.details.get("role") for r in records() if r.evidence.kind == "data-quality"}
    assert roles == {"train", "validation", "test"}


NO_NETWORK = """
import socket
def never(*args, **more):
    raise AssertionError(f"the network was asked for {args[:2]}")
socket.getaddrinfo = socket.create_connection = never
socket.socket.connect = socket.socket.connect_ex = never
"""


def test_a_training_asks_nothing_of_the_network(tmp_path):
    script = tmp_path / "offline.py"
    script.write_text(
        f"{NO_NETWORK}\nimport sys; sys.path.insert(0, {str(Path(support.__file__).parents[1])!r})\n"
        "from support import trainings\nimport mlflow\nmlflow.set_tracking_uri('sqlite:///mlflow.db')\n"
        "run, uri = trainings.train()\nprint(uri)\n"
    )
    done = subprocess.run([sys.executable, str(script)], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().startswith("models:/m-")
    assert "the network was asked" not in done.stderr
    assert "unmet" not in done.stderr


def test_every_file_of_the_evidence_is_watched(halves, tmp_path):
    """securesystemslib reads every envelope; one flipped byte in any file of the run is found, and the file is named."""
    from aims_mlflow.cli.main import main

    @aims.trains("loans", config=config())
    def train(train, test):
        return fit(train)

    train(*halves)
    folder = Path(mlflow.artifacts.download_artifacts(f"runs:/{last_run()}/aims", dst_path=str(tmp_path / "down")))
    files = [p for p in folder.rglob("*") if p.is_file()]
    assert len(files) > 10
    key = SSlibKey.from_crypto(load_pem_public_key(signing_key().public.pem.encode()))
    for line in (line for p in files if p.suffix == ".jsonl" for line in p.read_bytes().splitlines()):
        foreign = json.loads(line)
        foreign["signatures"][0]["keyid"] = key.keyid  # securesystemslib names keys in its own way
        assert Envelope.from_dict(foreign).verify([key], 1)
    with pytest.raises(SystemExit) as ended:
        main(["verify", str(folder)])
    assert ended.value.code == 0
    for path in files:
        before = path.read_bytes()
        for place in (0, len(before) // 2, len(before) - 1):
            changed = bytearray(before)
            changed[place] ^= 1
            path.write_bytes(changed)
            printed = io.StringIO()
            with pytest.raises(SystemExit) as ended, contextlib.redirect_stdout(printed):
                main(["verify", str(folder)])
            assert ended.value.code == 1, path
            assert path.name in printed.getvalue()
        path.write_bytes(before)


# -- mistakes, each with one sentence -------------------------------------------------------------


def test_what_cannot_be_decorated_is_refused_where_it_stands():
    def plain(train, test): ...

    def many(train, test):
        yield

    for decorator in (aims.trains, aims.acquires, aims.prepares):
        with pytest.raises(ConfigError, match="above the function"):
            decorator(plain)
        for function, what in ((type("C", (), {}), "a class"), (3, "none")):
            with pytest.raises(ConfigError, match=f"takes a function or another callable, and .* is {what}"):
                decorator("x")(function)
    for decorator in (aims.acquires, aims.prepares):
        with pytest.raises(ConfigError, match=r"records a whole table, and .*many yields parts of one"):
            decorator("x")(many)


def test_wrong_data_arguments_say_how_to_name_them(halves):
    with aims.training("loans", config=config()) as session:
        session.data(train=halves[0], test=halves[1])
        with pytest.raises(ConfigError, match="bound already"):
            session.data(test=halves[1])
        session.model(fit(halves[0]))

    @aims.trains("loans", config=config())
    def unnamed(df): ...

    with pytest.raises(DataError, match=r"'df' names no data set\. Next: name the arguments train and test"):
        unnamed(halves[0])

    @aims.trains("loans", config=config())
    def beside(X_train, y_train): ...

    with pytest.raises(DataError, match=r"'sex' in X_train\. Next: pass it beside: sensitive_train="):
        beside(halves[0][FEATURES], halves[0]["granted"])


def test_a_training_that_did_not_start_says_so_in_one_line(halves, capsys):
    @aims.trains("loans", config=config(target="grantd"))
    def train(train, test): ...

    with pytest.raises(DataError):
        train(*halves)
    said = [
        line for line in capsys.readouterr().err.splitlines() if line.startswith("aims:") and "signing key" not in line
    ]
    assert len(said) == 1
    assert said[0] == f"aims: training did not start; the evidence holds the reason: run {last_run()}"


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("favourable: yes", "must be text; put it in quotes"),
        ("sensitive: sex", "must be a list"),
        ("favourable: y\n  sources: x", "must be a mapping"),
    ],
)
def test_the_wrong_form_in_aims_yaml_is_said_in_words(tmp_path, halves, data, text):
    (tmp_path / "aims.yaml").write_text(f"system: {{id: loans, owner: o}}\ndata:\n  target: granted\n  {data}\n")

    @aims.trains("loans", config=tmp_path)
    def train(train, test): ...

    with pytest.raises(ConfigError, match=text):
        train(*halves)


@pytest.mark.parametrize("value", long_runs.full_but([[1, "a", None]], [2**70, [1, "a", None], {"a": 1}, b"x", object]))
def test_columns_of_any_kind_do_not_stop_a_training(halves, value):
    for part in halves:
        part["odd"] = [value] * len(part) if not isinstance(value, list) else (value * len(part))[: len(part)]

    @aims.trains("loans", config=config())
    def train(train, test):
        return fit(train)

    train(*halves)
    assert accuracy() > 0.7

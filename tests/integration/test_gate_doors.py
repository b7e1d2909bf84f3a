"""A real MLflow server behind the gate: what is refused, what passes, and what is sealed."""

import contextlib
from pathlib import Path

import pytest
import requests
from mlflow.exceptions import MlflowException

from aims_mlflow.errors import AimsError
from support import commands, gated_registry, trainings
from support.gated_registry import refused
from support.trainings import train

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def gate(tmp_path_factory):
    with gated_registry.gated_server(tmp_path_factory.mktemp("gate")) as running:
        yield running


@pytest.fixture(autouse=True)
def trainer(gate, clean_state):
    with gate.as_trainer():
        yield


@pytest.fixture(scope="module")
def compliant(gate):
    with gate.as_trainer():
        return train("loans")


@pytest.fixture
def client():
    import mlflow

    return mlflow.MlflowClient()


def files_of(gate, run_id):
    return next((gate.server.folder / "artifacts").glob(f"**/{run_id}/artifacts/aims/sessions"))


def model_files(gate, uri):
    return next((gate.server.folder / "artifacts").glob(f"**/{uri.removeprefix('models:/')}/artifacts"))


def plain_model(**more):
    import mlflow
    from sklearn.linear_model import LogisticRegression

    with mlflow.start_run() as run:
        info = mlflow.sklearn.log_model(LogisticRegression().fit([[0.0], [1.0]], [0, 1]), name="model", **more)
    return run.info.run_id, info.model_uri


def create(client, name, uri, **more):
    """Make a version of a logged model by the plain client call, which needs the registered model first."""
    with contextlib.suppress(MlflowException):
        client.create_registered_model(name)
    return client.create_model_version(name, uri, model_id=uri.removeprefix("models:/"), **more)


def test_a_model_without_evidence_is_refused_with_advice():
    import mlflow

    run, uri = plain_model()
    text = refused(mlflow.register_model, uri, "bare")
    assert "there is no evidence at all about these bytes" in text
    assert "train with @aims.trains (register=True" in text
    model = uri.removeprefix("models:/")
    assert text.endswith(f"Unchanged: no version was made; run {run} and model {model} are as they were.")


def test_mlflows_own_error_has_a_line_for_what_is_refused_for_each_reason_and_for_what_to_do_next():
    import mlflow

    _, uri = plain_model()
    first, *others = refused(mlflow.register_model, uri, "bare").splitlines()
    assert first == f"PERMISSION_DENIED: Registration refused: bare, model {uri.removeprefix('models:/')}."
    kinds = [line.partition(" ")[0] for line in others]
    assert kinds[-2:] == ["Next:", "Unchanged:"]
    assert kinds[:-2]
    assert all(kind.startswith(("A.", "And")) for kind in kinds[:-2])


def test_logging_with_a_registered_name_is_refused():
    text = refused(plain_model, registered_model_name="bare")
    assert "Registration refused: bare" in text


def test_reserved_tags_and_names_are_refused(client, compliant):
    import mlflow

    client.create_registered_model("tags")
    text = refused(create, client, "tags", compliant[1], tags={"aims.decision": "allowed"})
    assert "only the gate itself writes" in text
    assert "aims." in refused(client.create_registered_model, "aims.mine")
    assert "aims." in refused(client.create_registered_model, "mine", tags={"AIMS.x": "1"})
    assert "aims." in refused(client.set_registered_model_tag, "tags", "aims.x", "1")
    mlflow.register_model(compliant[1], "tags")
    assert "aims." in refused(client.set_model_version_tag, "tags", "1", "aims.decision", "allowed")
    assert "aims." in refused(client.delete_model_version_tag, "tags", "1", "aims.decision")


def test_a_run_whose_experiment_lies_in_a_registered_model_writes_nothing_there(gate, client, compliant):
    """The server writes for whoever made the experiment, with its own credentials."""
    create(client, "placed", compliant[1])
    folder = model_files(gate, compliant[1])
    for number, place in enumerate((f"file://{folder}", str(folder))):
        run = client.create_run(client.create_experiment(f"inside {number}", artifact_location=place))
        asked = {"run_uuid": run.info.run_id, "path": "added.py"}
        answer = requests.post(f"{gate.url}/ajax-api/2.0/mlflow/upload-artifact", params=asked, data=b"x", timeout=60)
        assert (answer.status_code, "relies on these files" in answer.text) == (403, True), answer.text
    assert not list(folder.rglob("added.py"))


def test_a_trace_whose_archive_is_said_to_be_a_file_of_a_model_deletes_none(gate, client, compliant):
    """MLflow keeps a new trace's tags as its client wrote them, and deletes with the trace what they name."""
    create(client, "archived", compliant[1])
    file = model_files(gate, compliant[1]) / "MLmodel"
    experiment = client.create_experiment("traces")
    place = f"file%3A{file}%3F"
    tags = {"mlflow.trace.spansLocation": "ARCHIVE_REPO", "mlflow.trace.archiveLocation": place}
    trace = {
        "trace_id": f"tr-{'a' * 32}", "request_time": "2026-01-01T00:00:00Z", "state": "OK", "tags": tags,
        "trace_location": {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": experiment}},
    }  # fmt: skip
    made = requests.post(f"{gate.url}/api/3.0/mlflow/traces", json={"trace": {"trace_info": trace}}, timeout=60)
    assert made.status_code == 200, made.text
    asked = {"experiment_id": experiment, "request_ids": [trace["trace_id"]], "trace_ids": [trace["trace_id"]]}
    requests.post(f"{gate.url}/api/3.0/mlflow/traces/delete-traces", json=asked, timeout=60)
    assert file.exists()


def test_a_session_with_one_record_taken_out_is_refused(gate, client):
    run_id, uri = train("loans", seed=5)
    path = next(p for p in files_of(gate, run_id).glob("*.jsonl") if b"" in p.read_bytes())
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:5] + lines[6:]))
    text = refused(create, client, "taken-out", uri)
    assert "unverifiable" in text
    assert "listed but missing" in text or "a record was taken out" in text or "its number is" in text


def test_evidence_of_another_model_does_not_count(gate, client, compliant):
    run_id, uri = plain_model()
    import mlflow

    for path in files_of(gate, compliant[0]).glob("*.jsonl"):
        mlflow.MlflowClient().log_artifact(run_id, str(path), "aims/sessions")
    text = refused(create, client, "others", uri)
    assert "no evidence" in text or "no training record" in text


def test_hidden_sensitive_columns_are_found_by_the_servers_policy(gate, client):
    _, uri = train("hidden", sensitive=())
    gate.change_policy(lambda p: p["systems"].update({"hidden": {"sensitive": ["sex"]}}))
    text = refused(create, client, "hidden", uri)
    assert "the registry's policy says sensitive: sex, the evidence used sensitive: none" in text


def test_another_target_than_the_servers_is_found(gate, client):
    _, uri = train("target-x")
    gate.change_policy(lambda p: p["systems"].update({"target-x": {"target": "repaid"}}))
    text = refused(create, client, "target-x", uri)
    assert "target: repaid, the evidence used target: granted" in text


def test_an_unfair_model_is_refused_by_group(client):
    _, uri = train("unfair", frame=trainings.table(fair=False))
    text = refused(create, client, "unfair", uri)
    assert "A.6.2.4: selection-rate ratio for sex=f is 0." in text
    assert "limit >= 0.8 (policy.yaml:" in text
    assert "aims waive models:/m-" in text


def test_an_unknown_key_is_refused_with_both_commands(gate, client, tmp_path):
    from aims_mlflow.settings import environment

    commands.aims("keys", "new", str(tmp_path / "stranger.pem"))
    with environment({"AIMS_SIGNING_KEY": f"file:{tmp_path / 'stranger.pem'}"}):
        _, uri = train("loans", seed=9)
    text = refused(create, client, "stranger", uri)
    assert "aims keys export" in text
    assert "aims keys add" in text


def test_registering_inside_the_function_is_refused_with_the_advice(client):
    import mlflow

    import aims_mlflow as aims

    @aims.trains("loans", config=trainings.config())
    def fit(train, test):
        model = trainings.pipeline().fit(train[["income", "debt"]], train["granted"])
        mlflow.sklearn.log_model(model, name="inside", registered_model_name="inside")
        return model

    frame = trainings.table()
    text = refused(fit, frame[:500], frame[500:])
    assert "register=True" in text
    models = mlflow.search_logged_models(filter_string="name = 'inside'", output_format="list")
    assert len(models) == 1, "the model is logged all the same"


def test_the_compliant_model_passes_is_used_and_still_verifies(gate, client, compliant):
    import mlflow

    version = mlflow.register_model(compliant[1], "loans")
    assert version.tags["aims.decision"] == "allowed"
    loaded = mlflow.pyfunc.load_model(f"models:/loans/{version.version}")
    assert len(loaded.predict(trainings.table()[["income", "debt"]].head(5))) == 5
    local = mlflow.artifacts.download_artifacts(f"models:/loans/{version.version}")
    assert local
    said = commands.aims("verify", f"models:/loans/{version.version}")
    assert "signed by" in said
    assert said.splitlines()[-1].startswith("verified by itself: no ledger was consulted")
    mark = model_files(gate, compliant[1]) / "registered_model_meta"
    mark.write_text("model_name: loans\n")
    again = mlflow.register_model(compliant[1], "loans")
    assert again.tags["aims.model_digest"] == version.tags["aims.model_digest"]
    mark.unlink()
    copied = client.copy_model_version(f"models:/loans/{version.version}", "loans-copy")
    assert copied.tags["aims.decision"] == "allowed"


def test_registering_with_register_true(client):

    import aims_mlflow as aims

    @aims.trains("by-flag", config=trainings.config("by-flag"), register=True)
    def fit(train, test):
        return trainings.pipeline().fit(train[["income", "debt"]], train["granted"])

    frame = trainings.table(seed=11)
    fit(frame[:500], frame[500:])
    assert len(client.search_model_versions("name = 'by-flag'")) == 1


def test_an_alias_needs_an_approval_by_somebody_else(gate, client, compliant):
    import mlflow

    version = mlflow.register_model(compliant[1], "approvals").version
    client.set_registered_model_alias("approvals", "candidate", version)
    text = refused(client.set_registered_model_alias, "approvals", "champion", version)
    assert "an approval by another person than the trainer is missing" in text
    assert f"aims approve models:/approvals/{version} --stage deployment --alias champion" in text
    with pytest.raises(AimsError, match="would count for nothing: its signer trained the model"):
        commands.aims("approve", f"models:/approvals/{version}", "--stage", "deployment", "--alias", "champion")
    with gate.as_approver():
        commands.aims("approve", f"models:/approvals/{version}", "--stage", "deployment", "--alias", "champion")
    refused(client.set_registered_model_alias, "approvals", "production", version)
    client.set_registered_model_alias("approvals", "champion", version)
    assert client.get_model_version_by_alias("approvals", "champion").version == version
    refused(client.transition_model_version_stage, "approvals", version, "Production")


def test_explain_says_the_same_without_trying(gate, client, compliant):
    import mlflow

    from aims_mlflow.registry import channel

    version = mlflow.register_model(compliant[1], "explained").version
    asked = channel.explain("explained", version, "deployment", "champion").decision
    text = refused(client.set_registered_model_alias, "explained", "champion", version)
    assert asked.would_refuse
    assert [u.kind for u in asked.unmet] == ["approval"]
    assert asked.unmet[0].text in text
    assert not channel.explain("explained", version, "registration").decision.would_refuse


def test_a_waiver_carries_one_control_and_is_loud(gate, client):
    import mlflow

    _, uri = train("waived", frame=trainings.table(fair=False, seed=3))
    refused(mlflow.register_model, uri, "waived")
    options = ["--name", "waived", "--stage", "registration", "--reason", "pilot", "--until", "2099-01-01"]
    with gate.as_approver(), pytest.raises(AimsError, match="would cover nothing, for the policy allows 90 days"):
        commands.aims("waive", uri, *options, "--control", "A.6.2.4")
    refused(mlflow.register_model, uri, "waived")
    from datetime import UTC, datetime, timedelta

    options[-1] = (datetime.now(UTC) + timedelta(days=20)).strftime("%Y-%m-%d")
    with gate.as_approver(), pytest.raises(AimsError, match=r"no failure of A\.7\.4 that a waiver could cover"):
        commands.aims("waive", uri, *options, "--control", "A.7.4")
    ratio = ["--metric", "selection_rate_ratio", "--slice", "sex=f"]
    with gate.as_approver():
        said = commands.aims("waive", uri, *options, "--control", "A.6.2.4", *ratio)
    assert "waived: A.6.2.4: selection-rate ratio for sex=f is" in said
    version = mlflow.register_model(uri, "waived")
    assert version.tags["aims.decision"] == "allowed, WAIVED"
    assert "WAIVED until" in version.tags["aims.waivers"]
    assert "reason: pilot" in version.tags["aims.waivers"]


def test_observe_mode_lets_pass_and_seals_what_it_would_do(gate):
    import mlflow

    from aims_mlflow.ledger.ledger import Ledger

    gate.change_policy(lambda p: p["enforcement"].append({"models": "observed-*", "stage": "*", "mode": "observe"}))
    _, uri = plain_model()
    version = mlflow.register_model(uri, "observed-1")
    assert version.tags["aims.decision"] == "observed"
    ledger = Ledger(f"sqlite:///{gate.server.folder}/mlflow.db.aims.db")
    leaf = [x.content for x in ledger.leaves(types=("decision",), model_name="observed-1")][-1]
    assert (leaf["allowed"], leaf["would_refuse"], leaf["mode"]) == (True, True, "observe")
    refused(mlflow.register_model, uri, "not-observed")


def test_prompts_pass():
    import mlflow

    assert mlflow.genai.register_prompt("greeting", "Hello {{name}}").version == 1
    mlflow.genai.set_prompt_alias("greeting", "champion", 1)
    assert mlflow.genai.load_prompt("prompts:/greeting@champion").version == 1


def test_status_tells_a_gated_registry(gate):
    from aims_mlflow.registry import channel

    found = channel.status()
    assert found["enforcement"] in ("enforce", "mixed")
    assert len(found["policy_digest"]) == 64
    size, last = found["checkpoint"].split(":")
    assert int(size) > 0
    assert len(last) == 64


def test_an_invalid_policy_leaves_the_last_good_one_in_force(gate, client, compliant):
    import mlflow

    from aims_mlflow.registry import channel

    path = gate.office.policy / "policy.yaml"
    good, digest = path.read_text(), channel.status()["policy_digest"]
    path.write_text(good.replace("stages:", "stagez:"))
    try:
        found = channel.status()
        assert found["policy_digest"] == digest
        assert "unknown key 'stagez', did you mean 'stages'?" in found["findings"]
        mlflow.register_model(compliant[1], "still-decides")
    finally:
        path.write_text(good)
    assert "findings" not in channel.status()


def test_every_allowed_change_has_one_decision_and_one_outcome(gate, compliant):
    import mlflow

    from aims_mlflow.ledger.leaves import leaf_hash
    from aims_mlflow.ledger.ledger import Ledger

    mlflow.register_model(compliant[1], "counted")
    leaves = list(Ledger(f"sqlite:///{gate.server.folder}/mlflow.db.aims.db").leaves())
    assert [x.sequence for x in leaves] == list(range(len(leaves)))
    assert all(x.leaf_hash == leaf_hash(x.data) for x in leaves)
    allowed = [x.content["request"] for x in leaves if x.content["type"] == "decision" and x.content["allowed"]]
    outcomes = [x.content["request"] for x in leaves if x.content["type"] == "outcome"]
    assert sorted(allowed) == sorted(outcomes)
    text = b"".join(x.data for x in leaves).decode()
    assert "127.0.0.1" not in text
    assert "olga" not in text


def test_the_servers_log_has_no_incident(gate):
    log = Path(gate.server.folder, "server.log").read_text()
    assert "incident" not in log, log[-3000:]


def test_nobody_on_the_servers_host_lets_mlflows_assistant_run_commands_as_the_server(gate):
    """Its settings name the language model, and with a model of one's own every command: the log's key was read so."""
    at = f"{gate.url}/ajax-api/3.0/mlflow/assistant"
    answers = [
        requests.put(f"{at}/config", json={"providers": {}}, timeout=60),
        requests.post(f"{at}/message", json={"message": "hello"}, timeout=60),
        requests.get(f"{at}/sessions/{'0' * 32}/stream", timeout=60),
    ]
    assert [answer.status_code for answer in answers] == [403, 403, 403]
    assert "assistant" not in commands.aims("gate", "status", gate.url)

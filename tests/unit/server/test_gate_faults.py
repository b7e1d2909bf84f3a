"""A bug at each step of a registration and of setting an alias: a refusal with a reason, never a pass."""

import sqlite3

import pytest
import sqlalchemy as sa
from mlflow.exceptions import MlflowException
from mlflow.store.model_registry.sqlalchemy_store import SqlAlchemyStore

from aims_mlflow.gates import replay
from aims_mlflow.lifecycle.model_history import ModelHistory
from aims_mlflow.registry import names
from aims_mlflow.server import (
    announced_change,
    decided_change,
    decision_evidence,
    deployments,
    gate,
    removals,
    reserved_names,
    stored_evidence,
)
from aims_mlflow.server.active_policy import ActivePolicy
from aims_mlflow.server.consent_intake import ConsentIntake
from aims_mlflow.server.gate import Gate
from aims_mlflow.server.model_bytes import ModelBytes
from aims_mlflow.server.stored_evidence import ServerEvidence
from aims_mlflow.server.stored_rows import RegistryRows
from support.faulty_gate import BOTH, BUGS, SECRET, failing, refused
from support.long_runs import full_but

STEPS = {
    "what is in force": (ActivePolicy, "current"),
    "who asks": (decided_change, "caller"),
    "the call's digest": (decided_change, "digest_of"),
    "settling": (announced_change, "finish_open_change"),
    "owner_of": (ServerEvidence, "owner_of"),
    "digest": (ModelBytes, "digest"),
    "session_files": (ServerEvidence, "session_files"),
    "check_session": (replay, "check_session"),
    "consents": (decision_evidence, "sealed_consents"),
    "decide": (gate, "decide_with_kept"),
    "the decision's entry": (decided_change, "decision_entry"),
    "sealing the decision": (decided_change, "seal_decision"),
    "who loses": (deployments, "nobody"),
    "earlier authority": (ModelHistory, "prior_authority"),
}


ONLY = {"who loses": "Registration", "earlier authority": "Deployment"}


@pytest.mark.parametrize("bug", full_but(list(BUGS)[::2], list(BUGS)))
@pytest.mark.parametrize(
    ("step", "what"), [(s, w) for s in STEPS for w in ("Registration", "Deployment") if ONLY.get(s, w) == w]
)
def test_a_bug_at_any_step_is_a_refusal(world, monkeypatch, step, bug, what):
    with monkeypatch.context() as broken:
        broken.setattr(*STEPS[step], failing(BUGS[bug]))
        refused(world, what)


# What the other doors read before they decide: (door, where it is read).
READ_FIRST = {
    "the row of an alias's version": ("Deployment", RegistryRows, "version_and_holder"),
    "whether an alias's version is a prompt": ("Deployment", deployments, "is_prompt"),
    "the version of a stage": ("a stage", SqlAlchemyStore, "get_model_version"),
    "the policy for a stage": ("a stage", ActivePolicy, "current"),
    "the version to delete": ("a version deleted", SqlAlchemyStore, "get_model_version"),
    "whether the version to delete is a prompt": ("a version deleted", removals, "is_prompt"),
    "the retirements for a version": ("a version deleted", ModelHistory, "retired"),
    "the model to delete": ("a model deleted", SqlAlchemyStore, "get_registered_model"),
    "the versions of the model to delete": ("a model deleted", RegistryRows, "versions"),
    "the retirements for a model": ("a model deleted", ModelHistory, "retired"),
    "the rules for a rename": ("a rename", Gate, "rules"),
    "the rename's entry": ("a rename", removals, "RenamingLeaf"),
    "the model of a consent": ("a consent", SqlAlchemyStore, "get_registered_model"),
    "who consents": ("a consent", reserved_names, "caller"),
    "the consent itself": ("a consent", ConsentIntake, "take"),
    "the version to explain": ("an explanation", SqlAlchemyStore, "get_model_version"),
    "the decision to explain": ("an explanation", Gate, "decide"),
}


@pytest.mark.parametrize("bug", BUGS)
@pytest.mark.parametrize("step", READ_FIRST)
def test_a_bug_in_what_a_door_reads_first_is_a_refusal(world, monkeypatch, step, bug):
    what, *where = READ_FIRST[step]
    with monkeypatch.context() as broken:
        broken.setattr(*where, failing(BUGS[bug]))
        refused(world, what)


@pytest.mark.parametrize("what", ["Registration", "Deployment", "a rename", "a new model", "a version's tag"])
def test_a_bug_in_telling_reserved_names_is_a_refusal(world, monkeypatch, what):
    with monkeypatch.context() as broken:
        broken.setattr(names, "RESERVED", None)
        refused(world, what)


@pytest.mark.parametrize("what", ["Deployment", "a stage", "a version deleted", "a consent", "an explanation"])
def test_what_is_not_there_is_mlflows_own_answer(world, what):
    """No incident: a client's mistake is a 404 or a 400, as on a plain server."""
    client = world.client
    calls = {
        "Deployment": lambda version: client.set_registered_model_alias("loans", "champion", version),
        "a stage": lambda version: client.transition_model_version_stage("loans", version, "Production"),
        "a version deleted": lambda version: client.delete_model_version("loans", version),
        "a consent": lambda version: client.set_registered_model_tag(f"no-{version}", f"aims.approval.{'0' * 32}", "x"),
        "an explanation": lambda version: client.get_model_version_by_alias(
            "loans", f"aims.explain.registration.v{version}"
        ),
    }
    with pytest.raises(MlflowException) as caught:
        calls[what]("99")
    assert (caught.value.error_code, caught.value.get_http_status_code()) == ("RESOURCE_DOES_NOT_EXIST", 404)


@BOTH
def test_a_bug_in_finding_the_workspace_is_a_refusal(world, monkeypatch, what):
    with monkeypatch.context() as broken:
        broken.setattr(SqlAlchemyStore, "supports_workspaces", property(failing(RuntimeError(SECRET))), raising=False)
        refused(world, what)


@BOTH
def test_a_bug_in_the_wording_of_a_refusal_is_a_refusal(world, monkeypatch, what):
    with monkeypatch.context() as broken:
        broken.setattr(ServerEvidence, "session_files", lambda *_: {})
        broken.setattr(decided_change, "refusal", failing(KeyError(SECRET)))
        refused(world, what)


@pytest.mark.parametrize("code", ["INTERNAL_ERROR", "TEMPORARILY_UNAVAILABLE", "INVALID_PARAMETER_VALUE"])
@BOTH
def test_no_repository_for_the_location_is_a_refusal(world, monkeypatch, what, code):
    """MLflow says where it looked: that is the storage path."""
    import mlflow.store.artifact.artifact_repository_registry as repositories
    from mlflow.protos.databricks_pb2 import ErrorCode

    error = MlflowException(f"no repository for {SECRET}", error_code=ErrorCode.Value(code))
    with monkeypatch.context() as broken:
        broken.setattr(repositories, "get_artifact_repository", failing(error))
        refused(world, what)


@pytest.mark.parametrize("error", [MlflowException(f"disk {SECRET}"), sa.exc.OperationalError(SECRET, {}, Exception())])
@BOTH
def test_a_tracking_store_that_does_not_answer_is_not_a_missing_model(world, monkeypatch, what, error):
    with monkeypatch.context() as broken:
        broken.setattr(stored_evidence, "logged_model_row", failing(error))
        assert "there is no logged model" not in refused(world, what)


@pytest.mark.parametrize("error", [RuntimeError(SECRET), MlflowException(SECRET), sqlite3.OperationalError(SECRET)])
@pytest.mark.parametrize(
    ("what", "method"), [("Registration", "create_model_version"), ("Deployment", "set_registered_model_alias")]
)
def test_a_commit_that_fails_is_sealed_as_not_done(world, monkeypatch, what, method, error):
    with monkeypatch.context() as broken:
        broken.setattr(SqlAlchemyStore, method, failing(error))
        refused(world, what)
    last = world.registry.leaves("outcome")[-1]
    assert (last["of"], last["done"]) == ("decision", False)


def test_an_argument_that_has_no_canonical_bytes_is_a_refusal(world):
    """Half a surrogate pair passes through JSON."""
    world.calls["Registration"] = lambda: world.client.create_model_version("loans", world.uri, description="\ud800")
    refused(world, "Registration", incident=False)

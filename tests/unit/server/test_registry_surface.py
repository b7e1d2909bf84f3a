"""Every method of MLflow's registry store has been looked at: a new release that adds one fails here first."""

import inspect

import pytest
from mlflow import MlflowClient
from mlflow.store.model_registry.abstract_store import AbstractStore
from mlflow.store.model_registry.sqlalchemy_store import SqlAlchemyStore
from mlflow.store.model_registry.sqlalchemy_workspace_store import WorkspaceAwareSqlAlchemyStore

from aims_mlflow.server.gated_store import GatedMethods, GatedStore, GatedWorkspaceStore

# What the gate stands in: bytes and authority, names and tags of its own, and its answers.
GATED = {
    "create_model_version",
    "set_registered_model_alias",
    "delete_registered_model_alias",
    "transition_model_version_stage",
    "delete_model_version",
    "delete_registered_model",
    "rename_registered_model",
    "create_registered_model",
    "set_registered_model_tag",
    "delete_registered_model_tag",
    "set_model_version_tag",
    "delete_model_version_tag",
    "get_registered_model",
    "get_model_version_by_alias",
    "get_model_version_download_uri",
}
# They read, or write what gives no authority (descriptions), or go through a gated method of the same store.
LOOKED_AT = {
    "update_registered_model": "a description",
    "update_model_version": "a description",
    "copy_model_version": "calls create_model_version",
    "search_registered_models": "reads",
    "get_latest_versions": "reads",
    "get_model_version": "reads",
    "search_model_versions": "reads",
    "supports_workspaces": "reads",
    **dict.fromkeys(
        ("create_prompt", "search_prompts", "delete_prompt", "set_prompt_tag", "delete_prompt_tag", "get_prompt",
         "create_prompt_version", "get_prompt_version", "delete_prompt_version", "get_prompt_version_by_alias",
         "set_prompt_alias", "delete_prompt_alias", "search_prompt_versions", "link_prompts_to_trace",
         "set_prompt_version_tag", "delete_prompt_version_tag", "link_prompt_version_to_model",
         "link_prompt_version_to_run"), "prompts: they call the gated methods"),
    **dict.fromkeys(
        ("create_webhook", "get_webhook", "list_webhooks", "list_webhooks_by_event", "update_webhook",
         "delete_webhook", "test_webhook"), "webhooks fire after a change and decide nothing"),
}  # fmt: skip


def public(store):
    return {name for name, _ in inspect.getmembers(store) if not name.startswith("_")} - {
        name for name, _ in inspect.getmembers(object)
    }


def methods(store):
    return {
        name
        for name in public(store)
        if callable(getattr(store, name)) or isinstance(inspect.getattr_static(store, name), property)
    }


@pytest.mark.parametrize("store", [AbstractStore, SqlAlchemyStore, WorkspaceAwareSqlAlchemyStore])
def test_no_method_of_the_registry_is_unknown(store):
    new = methods(store) - GATED - set(LOOKED_AT)
    assert not new, f"decide for each of {sorted(new)} whether it can put bytes or authority into production"


def test_what_is_said_to_be_gated_is_gated():
    assert {name for name in vars(GatedMethods) if not name.startswith("_")} == GATED
    for store in (GatedStore, GatedWorkspaceStore):
        for name in GATED:
            assert getattr(store, name) is getattr(GatedMethods, name), "MLflow's own method must not come first"


@pytest.mark.parametrize("name", sorted(GATED))
def test_the_gate_takes_what_mlflow_passes(name):
    """Parameters are handed on by place: a new one in between must not be missed."""
    theirs = list(inspect.signature(getattr(SqlAlchemyStore, name)).parameters)
    mine = inspect.signature(getattr(GatedMethods, name)).parameters
    kinds = {p.kind for p in mine.values()}
    named = [n for n, p in mine.items() if p.kind is p.POSITIONAL_OR_KEYWORD]
    assert named == theirs or (inspect.Parameter.VAR_KEYWORD in kinds and named == theirs[: len(named)])


def test_no_method_of_the_workspace_store_is_unknown():
    """Deleting a workspace deletes or moves its models; a new way to do that must be looked at."""
    from mlflow.store.workspace.abstract_store import AbstractStore as Workspaces
    from mlflow.store.workspace.sqlalchemy_store import SqlAlchemyStore as SqlWorkspaces

    looked_at = {
        "delete_workspace", "create_workspace", "get_default_workspace", "get_workspace", "list_workspaces",
        "resolve_artifact_root", "resolve_trace_archival_config", "update_workspace",
    }  # fmt: skip
    assert methods(Workspaces) | methods(SqlWorkspaces) == looked_at


# What may be updated without the gate: a new parameter may carry more than a description.
UPDATES = {
    "update_registered_model": ["self", "name", "description", "deployment_job_id"],
    "update_model_version": ["self", "name", "version", "description"],
}


@pytest.mark.parametrize("store", [AbstractStore, SqlAlchemyStore, WorkspaceAwareSqlAlchemyStore])
def test_updates_change_no_more_than_descriptions(store):
    """A deployment job's id is Databricks' own: the SQL store takes it and keeps nothing of it."""
    from mlflow.store.model_registry.dbmodels.models import SqlRegisteredModel

    assert {name for name in methods(store) if name.startswith("update_")} - {"update_webhook"} == set(UPDATES)
    for name, parameters in UPDATES.items():
        assert list(inspect.signature(getattr(store, name)).parameters) == parameters
    assert not hasattr(SqlRegisteredModel, "deployment_job_id")


def test_the_private_names_of_mlflow_are_there():
    from mlflow.prompt.constants import _PROMPT_SOURCE_PLACEHOLDERS
    from mlflow.server import handlers
    from mlflow.store.artifact.s3_artifact_repo import S3ArtifactRepository
    from mlflow.utils.workspace_context import get_request_workspace

    assert {"dummy-source", "prompt-template"} <= set(_PROMPT_SOURCE_PLACEHOLDERS)
    for name in (
        "_get_tracking_store",
        "_get_artifact_repository_for_uri",
        "_get_artifact_repo_mlflow_artifacts",
        "_get_proxied_run_artifact_destination_path",
    ):
        assert callable(getattr(handlers, name))
    from mlflow.store.artifact.local_artifact_repo import LocalArtifactRepository
    from mlflow.store.tracking.dbmodels.models import SqlLoggedModel
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore as Tracking

    for name in ("_get_sql_model_version", "_get_registered_model_alias"):
        assert callable(getattr(SqlAlchemyStore, name))
    for name in ("_get_query", "_get_eager_model_version_query_options"):
        assert callable(getattr(SqlAlchemyStore, name))
    for name in ("get_model_version", "get_registered_model"):
        assert callable(getattr(MlflowClient()._get_registry_client(), name))
    assert callable(Tracking._get_logged_model_record)
    assert callable(Tracking._get_query)
    assert {"source_run_id", "artifact_location", "lifecycle_stage"} <= set(SqlLoggedModel.__table__.columns.keys())
    assert callable(Tracking._raise_model_not_found)
    assert isinstance(LocalArtifactRepository.artifact_dir, property)
    assert callable(S3ArtifactRepository._get_s3_client)
    assert callable(S3ArtifactRepository.parse_s3_compliant_uri)
    assert get_request_workspace() is None


def test_mlflow_says_who_is_logged_in():
    auth = pytest.importorskip("mlflow.server.auth", reason="mlflow[auth] is not installed")
    assert auth.is_auth_enabled() is False
    assert "g.mlflow_authenticated_user = authorization.username" in inspect.getsource(auth._before_request)

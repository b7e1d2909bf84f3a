"""Checks of MLflow's workspaces: whether one may be deleted, and whether that is possible past the gate."""

from __future__ import annotations

from typing import Any

from aims_mlflow.registry.names import is_prompt
from aims_mlflow.registry.scheme import PREFIX
from aims_mlflow.server.stored_rows import VersionRow


def model_in(store: Any, workspace: str) -> str | None:
    """Return the name of a registered model of a workspace that has a version which is no prompt's."""
    from mlflow.entities.model_registry.model_version_stages import STAGE_DELETED_INTERNAL
    from mlflow.store.model_registry.dbmodels.models import SqlModelVersion

    with store.ManagedSessionMaker() as session:
        there = (SqlModelVersion.workspace == workspace, SqlModelVersion.current_stage != STAGE_DELETED_INTERNAL)
        for row in session.query(SqlModelVersion).filter(*there).order_by(SqlModelVersion.name):
            if not is_prompt(VersionRow.of(row.name, row.version, row.source, row.run_id, row.storage_location)):
                return str(row.name)
    return None


def ungated() -> str | None:
    """Return the finding that this server's workspaces can be deleted past the gate; None where they cannot."""
    from mlflow.environment_variables import MLFLOW_ENABLE_WORKSPACES, MLFLOW_WORKSPACE_STORE_URI

    uri = MLFLOW_WORKSPACE_STORE_URI.get() or ""
    if not MLFLOW_ENABLE_WORKSPACES.get() or uri.startswith(PREFIX):
        return None
    return (
        "an administrator can delete a workspace with its models past the gate. Next: start MLflow with "
        f"--workspace-store-uri {PREFIX}... and the database of --backend-store-uri"
    )

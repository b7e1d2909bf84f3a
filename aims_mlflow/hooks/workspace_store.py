"""MLflow's workspaces behind the gate: no deleted workspace takes registered models with it past the registry.

MLflow deletes a workspace together with its models, or moves them into the default one, where other rules hold: in one
step of the workspace store, which the registry store does not see. It is chosen by the URI's scheme too
(`--workspace-store-uri aims+...`). MLflow imports this module wherever the plug-in is found: nothing heavy.
"""

from __future__ import annotations

from typing import Any

from aims_mlflow.hooks.registry_store import PREFIX


def build(workspace_uri: str) -> Any:
    """Return the gated workspace store for an `aims+sqlite:///...` (or `aims+postgresql...`) URI."""
    from mlflow.store.workspace.sqlalchemy_store import SqlAlchemyStore

    from aims_mlflow.server.announced_change import closed, denied

    class GatedWorkspaces(SqlAlchemyStore):  # type: ignore[misc]
        """A workspace goes when its registered models are gone."""

        def delete_workspace(self, workspace_name: str, *args: Any, **kwargs: Any) -> None:
            """Delete a workspace that has no registered models any more, prompts excepted."""
            with closed("Deletion of the workspace"):
                name = model_in(self, workspace_name)
                if name is not None:
                    raise denied(
                        f"Deletion of the workspace refused: it has registered models (as {name}), which would be "
                        "deleted or put under other rules without a decision. Next: delete them in the registry first"
                    )
            super().delete_workspace(workspace_name, *args, **kwargs)

    return GatedWorkspaces(workspace_uri.removeprefix(PREFIX))


def model_in(store: Any, workspace: str) -> str | None:
    """Return the name of a registered model of a workspace that has a version which is no prompt's."""
    from mlflow.entities.model_registry.model_version_stages import STAGE_DELETED_INTERNAL
    from mlflow.store.model_registry.dbmodels.models import SqlModelVersion

    from aims_mlflow.server.announced_change import is_prompt
    from aims_mlflow.server.stored_rows import VersionRow

    with store.ManagedSessionMaker() as session:
        there = (SqlModelVersion.workspace == workspace, SqlModelVersion.current_stage != STAGE_DELETED_INTERNAL)
        for row in session.query(SqlModelVersion).filter(*there).order_by(SqlModelVersion.name):
            if not is_prompt(VersionRow(row.name, str(row.version), row.source, row.run_id)):
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

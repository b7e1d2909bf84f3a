"""MLflow's workspace store behind the gate: a workspace with registered models cannot be deleted.

MLflow deletes a workspace together with its models, or moves them into the default one, where other rules hold: in one
step of the workspace store, which the registry store does not see. It is chosen by the URI's scheme too
(`--workspace-store-uri aims+...`). MLflow imports this module wherever the plug-in is found: nothing heavy.
"""

from __future__ import annotations

from typing import Any

from aims_mlflow.registry.scheme import PREFIX


def build(workspace_uri: str) -> Any:
    """Return the gated workspace store for an `aims+sqlite:///...` (or `aims+postgresql...`) URI."""
    from mlflow.store.workspace.sqlalchemy_store import SqlAlchemyStore

    from aims_mlflow.server import workspaces
    from aims_mlflow.server.failing_closed import closed, denied

    class GatedWorkspaces(SqlAlchemyStore):  # type: ignore[misc] # MLflow has no types
        """A workspace store that deletes only workspaces without registered models."""

        def delete_workspace(self, workspace_name: str, *args: Any, **kwargs: Any) -> None:
            """Delete a workspace that has no registered models any more, prompts excepted."""
            with closed("Deletion of the workspace"):
                name = workspaces.model_in(self, workspace_name)
                if name is not None:
                    raise denied(
                        f"Deletion of the workspace refused: it has registered models (as {name}), which would be "
                        "deleted or put under other rules without a decision. Next: delete them in the registry first"
                    )
            super().delete_workspace(workspace_name, *args, **kwargs)

    return GatedWorkspaces(workspace_uri.removeprefix(PREFIX))

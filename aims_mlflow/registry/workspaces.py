"""The workspaces of an MLflow server, as its clients know them."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from aims_mlflow.errors import ConfigError
from aims_mlflow.evidence import tracking as store
from aims_mlflow.evidence.mlflow_address import CONNECT_SECONDS
from aims_mlflow.lifecycle.model_history import qualified

if TYPE_CHECKING:
    from collections.abc import Iterator

DEFAULT_WORKSPACE = "default"  # MLflow's own name; its clients before 3.10 know no workspaces
WORKSPACES_NEED = "install MLflow 3.10 or later"


def workspaces(client: Any) -> list[str]:
    """Return the server's workspaces; only the default one if it has no others.

    Raises:
        ConfigError: it has others, and this MLflow is older than workspaces.
    """
    if not _has_workspaces(client.tracking_uri):
        return [DEFAULT_WORKSPACE]
    if not hasattr(client, "list_workspaces"):
        raise ConfigError("the server has workspaces, which this MLflow does not know", next=WORKSPACES_NEED)
    with store.reaching("list the workspaces"):
        return [w.name for w in client.list_workspaces()] or [DEFAULT_WORKSPACE]


def _has_workspaces(uri: str) -> bool:
    """Return whether the server has workspaces; on one without, MLflow's client would retry a listing for minutes."""
    import requests
    from mlflow import environment_variables

    if not uri.startswith(("http://", "https://")):
        option = getattr(environment_variables, "MLFLOW_ENABLE_WORKSPACES", None)
        return bool(option and option.get())
    try:
        answer = requests.get(f"{uri.rstrip('/')}/api/3.0/mlflow/server-info", timeout=CONNECT_SECONDS)
        return answer.ok and bool(answer.json().get("workspaces_enabled"))
    except (requests.exceptions.RequestException, ValueError):
        return False


@contextlib.contextmanager
def in_workspace(name: str | None) -> Iterator[None]:
    """Use one workspace inside the block (None or `default`: the default one), then the caller's own again.

    Raises:
        ConfigError: it is another than the default one, and this MLflow is older than workspaces.
    """
    import mlflow

    wanted = name or DEFAULT_WORKSPACE
    try:
        from mlflow.utils.workspace_context import get_request_workspace
    except ModuleNotFoundError:
        if wanted != DEFAULT_WORKSPACE:
            raise ConfigError(f"this MLflow cannot ask for the workspace {wanted}", next=WORKSPACES_NEED) from None
        yield
        return
    before = get_request_workspace()
    # Who names no workspace asks about the default one; a server without workspaces takes no name.
    mlflow.set_workspace(wanted if before or wanted != DEFAULT_WORKSPACE else None)
    try:
        yield
    finally:
        mlflow.set_workspace(before)


def ledger_name(name: str) -> str:
    """Return the ledger's name of a model of the workspace that this process uses (`MLFLOW_WORKSPACE`)."""
    try:
        from mlflow.utils.workspace_context import get_request_workspace
    except ModuleNotFoundError:
        return name
    workspace = get_request_workspace()
    return qualified(name, workspace if workspace != DEFAULT_WORKSPACE else None)

"""What of MLflow runs a caller's commands or code as the server's account: with its log key and its databases.

The assistant answers whoever asks from the server's own host, and lets them name the language model that asks for the
commands. On a gated server it takes nobody for such a caller: it answers only where whoever runs the server has opened
it to all. Custom scorers run only where that was switched on.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from aims_mlflow.server.after_import import after_import, in_gated_server

if TYPE_CHECKING:
    from types import ModuleType

API = "mlflow.server.assistant.api"
ON_HOST = "_is_localhost"
REMOTE = "MLFLOW_ENABLE_REMOTE_ASSISTANT"
SANDBOX = "MLFLOW_ENABLE_ASSISTANT_SANDBOX"
SCORERS = "MLFLOW_SERVER_ENABLE_CUSTOM_SCORERS"
AS_SERVER = "as this server's account, which has its keys and databases"


def install() -> None:
    """Let the assistant of a gated server take nobody for a caller on the server's own host."""
    if in_gated_server():
        after_import(API, close)


def close(module: ModuleType) -> None:
    """Exchange the function of MLflow by which it finds out that a caller is on its own host."""
    if hasattr(module, ON_HOST):
        vars(module)[ON_HOST] = _is_on_host


def _is_on_host(_: Any) -> bool:
    return False


def findings() -> list[str]:
    """Return a finding for each feature that runs what callers bring on this server's host."""
    return [each for each in (_assistant(), _scorers()) if each]


def _assistant() -> str | None:
    module = sys.modules.get(API)
    if module is None or not in_gated_server():  # another process answers no caller
        return None
    if vars(module).get(ON_HOST) is not _is_on_host:
        return (
            "MLflow's assistant runs commands as this server's account for whoever asks from its host. "
            "Next: refuse /ajax-api/3.0/mlflow/assistant before it reaches the server"
        )
    from mlflow.assistant.providers.base import assistant_sandbox_enabled

    if not _is_on(REMOTE) or assistant_sandbox_enabled():
        return None
    return (
        f"MLflow's assistant runs commands of every caller {AS_SERVER}. "
        f"Next: unset {REMOTE}, or set {SANDBOX}=true where Docker is"
    )


def _scorers() -> str | None:
    if not _is_on(SCORERS):
        return None
    return f"MLflow's custom scorers run code of their authors {AS_SERVER}. Next: unset {SCORERS}"


def _is_on(name: str) -> bool:
    """Return whether a feature of MLflow is switched on that a release may lack."""
    from mlflow import environment_variables

    variable = getattr(environment_variables, name, None)
    return variable is not None and bool(variable.get())
